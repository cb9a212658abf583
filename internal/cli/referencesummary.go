package cli

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// printReference tells what is in a reference, and how to use the artifact at
// path.
func printReference(w io.Writer, ref *reference.Reference, path string, bytes int64, eachField bool) error {
	var b strings.Builder
	printTable(&b, [][]string{
		{"model", orAny(ref.Model)}, {"version", orAny(ref.Version)}, {"dataset", ref.Dataset},
		{"rows", strconv.FormatUint(ref.Rows, 10)}, {"source", ref.Source}, {"artifact", fmt.Sprintf("%s (%s)", path, size(bytes))},
	})
	b.WriteString("\n")
	if eachField {
		printTable(&b, fieldTable(ref))
	} else {
		printTable(&b, typeTable(ref.Layout()))
	}
	if outputs := ref.Layout().Outputs; len(outputs) > 0 {
		t := [][]string{{"OUTPUT", "ACTUAL", "KIND", "SCORED WITH", "ESTIMATED BY"}}
		for i := range outputs {
			o := &outputs[i]
			t = append(t, []string{o.Prediction, o.Actual, string(o.Kind), scoring(o), estimating(o)})
		}
		b.WriteString("\n")
		printTable(&b, t)
	}
	if segments := ref.Layout().Segments; len(segments) > 0 {
		t := [][]string{{"SEGMENT", "OF"}}
		for _, s := range segments {
			of := s.Where
			if of == "" {
				of = s.Field.String()
			}
			t = append(t, []string{s.Name, of})
		}
		b.WriteString("\n")
		printTable(&b, t)
	}
	if len(ref.Warnings) > 0 {
		b.WriteString("\nWarnings:\n")
		for _, s := range ref.Warnings {
			fmt.Fprintf(&b, "- %s\n", s)
		}
	}
	b.WriteString("\nTo compare with it, write into the configuration:\n\n")
	b.WriteString(usage(ref, path))
	_, err := io.WriteString(w, b.String())
	return err
}

// printTable aligns columns.
func printTable(b *strings.Builder, rows [][]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	_ = t.Flush() // a builder takes everything
}

// fieldTable has a line for each field.
func fieldTable(ref *reference.Reference) [][]string {
	t := [][]string{{"FIELD", "TYPE", "GRID", "MISSING", "INVALID"}}
	fields := ref.Layout().Fields
	for i := range fields {
		f, stats := &fields[i], &ref.Profile.Whole.Fields[i]
		t = append(t, []string{f.Key.String(), string(f.Type), gridOf(f), share(stats.Missing, ref.Rows), share(stats.Invalid+stats.NonFinite, ref.Rows)})
	}
	return t
}

// typeTable has a line for each type of fields.
func typeTable(l *profile.Layout) [][]string {
	t := [][]string{{"TYPE", "FIELDS", "GRIDS"}}
	for _, typ := range model.FieldTypes {
		if n, grids := fieldsOf(l, typ); n > 0 {
			t = append(t, []string{string(typ), strconv.Itoa(n), grids})
		}
	}
	return t
}

// fieldsOf counts the fields of a type, and tells the sizes of their grids.
func fieldsOf(l *profile.Layout, typ model.FieldType) (n int, grids string) {
	low, high, what := 0, -1, ""
	for i := range l.Fields {
		f := &l.Fields[i]
		if f.Type != typ {
			continue
		}
		n++
		var size int
		switch {
		case f.Grid != nil:
			size, what = f.Grid.Bins(), "bins"
		case f.Categories != nil:
			size, what = f.Categories.Len(), "categories"
		default:
			continue
		}
		if high < 0 || size < low {
			low = size
		}
		high = max(high, size)
	}
	switch {
	case high < 0:
		return n, "-"
	case low == high:
		return n, fmt.Sprintf("%d %s", low, what)
	}
	return n, fmt.Sprintf("%d to %d %s", low, high, what)
}

func gridOf(f *profile.FieldLayout) string {
	switch {
	case f.Grid != nil:
		return count(f.Grid.Bins(), "bin")
	case f.Categories != nil && f.Categories.Len() == 1:
		return "1 category"
	case f.Categories != nil:
		return fmt.Sprintf("%d categories", f.Categories.Len())
	}
	return "-"
}

func scoring(o *profile.OutputLayout) string {
	switch {
	case o.Grid != nil:
		return fmt.Sprintf("threshold %v, %s", o.Threshold, count(o.Grid.Bins(), "bin"))
	case o.Classes != nil:
		return fmt.Sprintf("classes %s", some(o.Classes.Names(), 10))
	}
	return "-"
}

// estimating tells by what performance is estimated while labels are missing.
func estimating(o *profile.OutputLayout) string {
	switch c := o.Calibration; {
	case c == nil:
		return "-"
	case c.Source != "":
		return c.Source
	default:
		n := 0
		for _, k := range c.Classes {
			knots, _ := k.Knots()
			n += len(knots)
		}
		if n == 0 {
			return "scores as they are"
		}
		return "calibration, " + count(n, "knot")
	}
}

// share writes a part of all rows.
func share(n, rows uint64) string {
	if n == 0 || rows == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g %%", 100*float64(n)/float64(rows))
}

// usage is the piece of configuration that names the artifact.
func usage(ref *reference.Reference, path string) string {
	name := ref.Model
	if name == "" {
		name = "NAME"
	}
	set := fmt.Sprintf("path: %s", yamlText(path))
	if ref.Dataset == model.Test {
		set = fmt.Sprintf("path: TRAINING, test: %s", yamlText(path))
	}
	return fmt.Sprintf("extensions:\n  modelstore:\n    models:\n      - name: %s\n        reference: {%s}\n", yamlText(name), set)
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

var (
	plainYAML = regexp.MustCompile(`^[A-Za-z./_][A-Za-z0-9./_-]*$`)
	wordYAML  = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null|\.inf|\.nan)$`)
)

// yamlText writes a text so that YAML reads it as this text.
func yamlText(s string) string {
	if plainYAML.MatchString(s) && !wordYAML.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
