package measure_test

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

const customDoc = "../../docs/custom-metrics.md"

// section returns the lines of a table of the documentation, without its head.
func section(t *testing.T, name string) (head []string, lines [][]string) {
	t.Helper()
	b, err := os.ReadFile(customDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "<!-- "+name+" -->\n")
	table, _, also := strings.Cut(rest, "<!-- end of "+name+" -->")
	if !ok || !also {
		t.Fatalf("no table of %s", name)
	}
	s := bufio.NewScanner(strings.NewReader(table))
	for n := 0; s.Scan(); n++ {
		cells := strings.Split(strings.Trim(strings.ReplaceAll(s.Text(), `\|`, "\x00"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		switch n {
		case 0:
			head = cells
		case 1:
		default:
			lines = append(lines, cells)
		}
	}
	return head, lines
}

// raw is a prediction as a map of what it has, and its record.
type raw map[string]any

func (r raw) record(event record.Event) *record.Record {
	rec := &record.Record{Event: event}
	names := make([]string, 0, len(r))
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		k, _ := model.ParseKey(name)
		switch v := r[name].(type) {
		case float64:
			rec.Append(k.Group, k.Name, record.Num(v))
		case bool:
			rec.Append(k.Group, k.Name, record.Bool(v))
		case string:
			rec.Append(k.Group, k.Name, record.Str(v))
		}
	}
	return rec
}

func documented(t *testing.T) []raw {
	head, lines := section(t, "rows")
	var rows []raw
	for _, cells := range lines {
		r := raw{}
		for i, c := range cells {
			switch x, err := strconv.ParseFloat(c, 64); {
			case c == "":
			case err == nil:
				r[head[i]] = x
			case c == "true" || c == "false":
				r[head[i]] = c == "true"
			default:
				r[head[i]] = c
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// insured is the definition of the documentation's model.
func insured(expressions ...string) *model.Definition {
	half := 0.5
	d := &model.Definition{
		Name: "insured", Outputs: []model.Output{{Prediction: "proba", Actual: "fraud", Threshold: &half}, {Prediction: "price"}, {Prediction: "fruit"}},
	}
	for i, e := range expressions {
		d.Metrics = append(d.Metrics, model.Metric{Name: fmt.Sprintf("m%d", i), Expression: e})
	}
	return d
}

func insuredLayout(t interface {
	Helper()
	Fatal(...any)
}, rows []raw, def *model.Definition) *reference.Reference {
	t.Helper()
	ref, err := reference.Build(def, func(yield func(*record.Record, error) bool) {
		for _, r := range rows {
			if !yield(r.record(record.Reference), nil) {
				return
			}
		}
	}, reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// expected evaluates an expression over rows; NaN where there is no number.
func expected(t interface{ Fatal(...any) }, l *profile.Layout, expression string, rows []raw) float64 {
	m, err := expr.ParseMetric(expression)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := l.Bind(m)
	if err != nil {
		t.Fatal(expression, err)
	}
	x, err := b.Eval(func(c *expr.Call) (float64, error) {
		x := naive(c, rows)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, expr.ErrNotComputable
		}
		return x, nil
	})
	if err != nil {
		return math.NaN()
	}
	return x
}

// examples are the expressions of the documentation by function.
func examples(t *testing.T) (functions, expressions, results []string) {
	_, lines := section(t, "examples")
	for _, cells := range lines {
		functions = append(functions, cells[0])
		expressions = append(expressions, strings.Trim(cells[1], "`"))
		results = append(results, cells[2])
	}
	return functions, expressions, results
}

// Every function has an example in the documentation, under all its names, and the
// example gives what stands beside it: by the profile, and by the rows themselves.
func TestDocumentedExamples(t *testing.T) {
	functions, expressions, results := examples(t)
	rows := documented(t)
	ref := insuredLayout(t, rows, insured(expressions...))
	side := measure.Of(ref.Profile, profile.Segment{})
	seen := map[string]bool{}
	for i, expression := range expressions {
		names := strings.Split(strings.ReplaceAll(functions[i], "`", ""), ", ")
		if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(expression, name+"(") }) {
			t.Errorf("%s is no example of %s", expression, functions[i])
		}
		for _, name := range names {
			seen[name] = true
		}
		want := expected(t, ref.Layout(), expression, rows)
		c, err := measure.NewCustom(ref.Layout(), expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		if v := c.Of(side); !v.OK() || !alike(v.Value, want) {
			t.Errorf("%s gives %v %s, the rows %v", expression, v.Value, v.Reason, want)
		}
		if printed := strconv.FormatFloat(want, 'g', 6, 64); printed != results[i] {
			t.Errorf("%s gives %s, the documentation says %s", expression, printed, results[i])
			update(t, expression, printed)
		}
	}
	for _, f := range expr.Functions() {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if f.Later == "" && !seen[name] {
				t.Errorf("%s has no example", name)
			}
		}
	}
}

// update writes a result into the documentation, with UPDATE=1.
func update(t *testing.T, expression, result string) {
	if os.Getenv("UPDATE") == "" {
		return
	}
	b, err := os.ReadFile(customDoc)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(regexp.QuoteMeta("| `"+strings.ReplaceAll(expression, "|", `\|`)+"` | ") + `[^|]*`)
	if err := os.WriteFile(customDoc, at.ReplaceAllLiteral(b, []byte("| `"+expression+"` | "+result+" ")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func alike(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

// On any predictions, cut into any parts that are counted apart, with labels that
// come later and are corrected, each example gives what the rows give that there
// are in the end; in each segment, too.
func TestCustomMetricsAgreeWithTheRows(t *testing.T) {
	_, expressions, _ := examples(t)
	base := documented(t)
	def := insured(expressions...)
	def.Segments = []model.Segment{{Name: "licence", Field: "features.licence"}}
	ref := insuredLayout(t, base, def)
	l := ref.Layout()
	plan, err := profile.NewPlan(l)
	if err != nil {
		t.Fatal(err)
	}
	customs := make([]*measure.Custom, len(expressions))
	for i, e := range expressions {
		if customs[i], err = measure.NewCustom(l, e); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var known []raw
		shards := make([]*profile.Profile, rapid.IntRange(1, 3).Draw(t, "shards"))
		buf := plan.NewRows()
		for i := range shards {
			shards[i] = profile.New(l)
		}
		count := func(rec *record.Record) {
			buf.Reset()
			buf.Add(rec)
			shards[rapid.IntRange(0, len(shards)-1).Draw(t, "shard")].Add(buf, 0)
		}
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			inputs, labels := raw{}, []raw{}
			for name := range base[0] {
				from := rapid.SampledFrom(base)
				switch v, ok := from.Draw(t, name)[name]; {
				case !ok && !strings.HasPrefix(name, "predictions"):
				case strings.HasPrefix(name, "actuals"):
				case !ok:
					inputs[name] = base[0][name]
				default:
					inputs[name] = v
				}
			}
			for range rapid.IntRange(0, 2).Draw(t, "labels") {
				label := raw{}
				for name, v := range rapid.SampledFrom(base[:8]).Draw(t, "label") {
					if strings.HasPrefix(name, "actuals") {
						label[name] = v
					}
				}
				labels = append(labels, label)
			}
			count(inputs.record(record.Prediction))
			final := raw{}
			for name, v := range inputs {
				final[name] = v
			}
			for i, label := range labels {
				for name, v := range label {
					final[name] = v
				}
				rec := final.record(record.Labelled)
				if i > 0 {
					rec.Previous = labels[i-1].record(record.Labelled).Fields
				}
				count(rec)
			}
			known = append(known, final)
		}
		p := profile.New(l)
		for _, shard := range shards {
			if err := p.Merge(shard); err != nil {
				t.Fatal(err)
			}
		}
		p = p.Net()
		for _, seg := range append(p.Segments(), profile.Segment{}) {
			var rows []raw
			for _, r := range known {
				if seg.Name == "" || fmt.Sprint(r["features.licence"]) == seg.Value {
					rows = append(rows, r)
				}
			}
			side := measure.Of(p, seg)
			for i, c := range customs {
				v, want := c.Of(side), expected(t, l, expressions[i], rows)
				labelled := slices.ContainsFunc(rows, func(r raw) bool { return r["actuals.price"] != nil })
				switch {
				case len(rows) == 0:
					if v.Reason != measure.NoData {
						t.Fatalf("%s of nothing gives %+v", expressions[i], v)
					}
				case !labelled && v.Reason == "no_labels", math.IsNaN(want) && v.Reason != "":
				case v.Reason == "no_predicted_positive" || v.Reason == "single_class" || v.Reason == "no_labels":
					// which of them are defined is for the laws of internal/score
				case !v.OK() || !alike(v.Value, want):
					t.Fatalf("%v: %s gives %v %s, the rows %v", seg, expressions[i], v.Value, v.Reason, want)
				}
			}
		}
	})
}
