package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
)

// shownRows are rows as people read them: a line for each field, with a column
// for each row, since predictions have many fields and one looks at few rows.
type shownRows struct {
	rows    int // that were read
	heads   []string
	lines   []string // names, in the order in which they came
	cells   map[string]map[int]string
	refused []string
	noted   []string
}

// Columns that fit a terminal.
const (
	mostShown = 10 // predictions
	cellWidth = 28 // characters
)

// Refused implements trial.Told.
func (s *shownRows) Refused(err *mapping.RowError) {
	at := *err
	at.Row = int64(s.rows)
	s.refused = append(s.refused, at.Error())
}

// Noted implements trial.Told.
func (s *shownRows) Noted(sentence string) {
	s.noted = append(s.noted, sentence)
}

// Waiting implements trial.Told.
func (s *shownRows) Waiting(events int) {
	if events > 0 {
		s.Noted(count(events, "event") + " without the other half; write requests and responses into one file")
	}
}

// Kept implements trial.Told.
func (s *shownRows) Kept(r *record.Record) {
	at := len(s.heads)
	s.heads = append(s.heads, "row "+strconv.Itoa(s.rows))
	event := r.Event.String()
	if r.Test {
		event += " (test)"
	}
	s.put(at, "event", event)
	s.put(at, "id", r.ID)
	s.put(at, "time", "that of its arrival")
	if r.Stamped {
		s.put(at, "time", time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano))
	}
	s.put(at, "model", r.Model)
	s.put(at, "version", r.Version)
	s.put(at, "environment", r.Environment)
	for i := range r.Fields {
		f := &r.Fields[i]
		s.put(at, record.Key{Group: f.Group, Name: f.Name}.String(), valueText(f.Value))
	}
}

func (s *shownRows) put(at int, name, text string) {
	if text == "" {
		return
	}
	if s.cells == nil {
		s.cells = map[string]map[int]string{}
	}
	if s.cells[name] == nil {
		s.cells[name] = map[int]string{}
		s.lines = append(s.lines, name)
	}
	s.cells[name][at] = shorten(text, cellWidth)
}

// valueText writes a value so that its kind can be seen: text has quotes.
func valueText(v record.Value) string {
	switch v.Kind() {
	case record.Missing:
		return "(missing)"
	case record.Text:
		s, _ := v.Text()
		return strconv.Quote(s)
	case record.List, record.Dict:
		es := v.Elements()
		var parts []string
		for _, e := range es[:min(len(es), 4)] {
			text := valueText(e.Value)
			if e.Name != "" {
				text = e.Name + ": " + text
			}
			parts = append(parts, text)
		}
		if len(es) > 4 {
			return fmt.Sprintf("%d × [%s, …]", len(es), strings.Join(parts, ", "))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case record.Unusable:
		return "(unusable)"
	default:
	}
	s, _ := v.Category()
	return s
}

// shorten leaves what fits.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func (s *shownRows) print(w io.Writer) error {
	shown := min(len(s.heads), mostShown)
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	if shown > 0 {
		fmt.Fprintln(tw, "\t"+strings.Join(s.heads[:shown], "\t")+"\t")
	}
	for _, name := range s.lines {
		row := []string{name}
		for at := range shown {
			row = append(row, s.cells[name][at])
		}
		fmt.Fprintln(tw, strings.Join(row, "\t")+"\t")
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	if len(s.heads) > shown {
		fmt.Fprintf(w, "and %s more\n", count(len(s.heads)-shown, "prediction"))
	}
	for _, text := range s.noted {
		fmt.Fprintln(w, text)
	}
	for _, text := range s.refused {
		fmt.Fprintln(w, "refused: "+text)
	}
	fmt.Fprintf(w, "%s: %s, %d refused\n", count(s.rows, "row"), count(len(s.heads), "prediction"), len(s.refused))
	return nil
}
