package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/guptarohit/asciigraph"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// view prints what monitors would have done, for a terminal of 80 columns.
type view struct {
	out      io.Writer
	from, to int64
	window   time.Duration
	charts   int
}

// The table shows at most so many watches of a monitor, and so many of those that
// were never violated.
const (
	rows      = 20
	rowsQuiet = 5
)

func (v *view) print(name string, monitors []*model.Monitor, all []history.Series) error {
	windows := int((v.to - v.from) / int64(v.window))
	fmt.Fprintf(v.out, "model %s, %s to %s UTC: %s of %s\n", name, at(v.from), at(v.to), count(windows, "window"), model.Duration(v.window))
	for _, m := range monitors {
		var own []history.Series
		for _, s := range all {
			if s.Judged[0].Watch.Monitor == m {
				own = append(own, s)
			}
		}
		if err := v.monitor(m, own); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) monitor(m *model.Monitor, all []history.Series) error {
	fmt.Fprintf(v.out, "\n%s (%s, %s)\n", m.Name, m.Type, m.Method)
	if len(all) == 0 {
		_, err := fmt.Fprintln(v.out, "  there was nothing that it is about")
		return err
	}
	// What fired most, then what was violated most, comes first.
	slices.SortStableFunc(all, func(a, b history.Series) int {
		return cmp.Or(cmp.Compare(b.Fired(), a.Fired()), cmp.Compare(b.Count(monitor.Violated), a.Count(monitor.Violated)))
	})
	fired := 0
	for i := range all {
		fired += all[i].Fired()
	}
	fmt.Fprintf(v.out, "  %s\n", v.rate(fired))
	t := tabwriter.NewWriter(v.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  WATCHED\tJUDGED\tVIOLATED\tFIRED\tLAST\tNOW")
	shown := 0
	for i := range all[:min(len(all), rows)] {
		s := &all[i]
		if s.Count(monitor.Violated) == 0 && i >= rowsQuiet {
			break
		}
		shown++
		judged := len(s.Judged) - s.Count(monitor.NotEvaluated)
		fmt.Fprintf(t, "  %s\t%d\t%d\t%d\t%s\t%s\n", watched(s), judged, s.Count(monitor.Violated), s.Fired(), last(s), now(s))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	switch more := len(all) - shown; {
	case more > 0 && all[shown].Count(monitor.Violated) == 0:
		fmt.Fprintf(v.out, "  and %d more that were never violated\n", more)
	case more > 0:
		fmt.Fprintf(v.out, "  and %d more that fired no more often\n", more)
	}
	for i := range all[:min(len(all), v.charts)] {
		if i == 0 || all[i].Fired() > 0 {
			v.chart(&all[i])
		}
	}
	v.notJudged(all)
	return nil
}

// rate says how often alerts would have come.
func (v *view) rate(fired int) string {
	if fired == 0 {
		return "would not have fired"
	}
	weeks := float64(v.to-v.from) / float64(7*24*time.Hour)
	if weeks < 1 {
		return "would have fired " + times(fired)
	}
	return fmt.Sprintf("would have fired %s, %.2g a week", times(fired), float64(fired)/weeks)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// watched names what a series is about.
func watched(s *history.Series) string {
	w := &s.Judged[0].Watch
	var parts []string
	if w.Field.Name != "" {
		parts = append(parts, w.Field.String())
	}
	if w.Output != "" {
		parts = append(parts, w.Output)
	}
	if w.Segment.Name != "" {
		parts = append(parts, w.Segment.Name+"="+w.Segment.Value)
	}
	if w.Version == "" {
		parts = append(parts, "all versions")
	} else {
		parts = append(parts, "version "+w.Version)
	}
	return strings.Join(parts, " ")
}

// last says when a series fired last.
func last(s *history.Series) string {
	for i := len(s.Judged) - 1; i >= 0; i-- {
		if s.Judged[i].Began(alert.Firing) {
			return at(s.Judged[i].End)
		}
	}
	return "-"
}

func now(s *history.Series) string {
	switch s.Judged[len(s.Judged)-1].Phase {
	case alert.PhaseFiring:
		return "fires"
	case alert.PhasePending:
		return "pending"
	default:
		return "silent"
	}
}

// notJudged says what could not be judged, and why.
func (v *view) notJudged(all []history.Series) {
	reasons, where := map[string]int{}, map[string]map[string]bool{}
	for i := range all {
		for _, j := range all[i].Judged {
			if r := j.Verdict.Reason; j.Verdict.Outcome == monitor.NotEvaluated {
				reasons[r]++
				if where[r] == nil {
					where[r] = map[string]bool{}
				}
				where[r][watched(&all[i])] = true
			}
		}
	}
	for _, r := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), strings.Compare(a, b))
	}) {
		fmt.Fprintf(v.out, "  not judged %s: %s%s, in %s\n", times(reasons[r]), r, meaning(r), some(slices.Sorted(maps.Keys(where[r])), 2))
	}
}

// meaning explains a reason, if there is more to say than the word does.
func meaning(reason string) string {
	for _, r := range monitor.Reasons {
		if r.Word == reason {
			return " (" + strings.ReplaceAll(r.What, "`", "") + ")"
		}
	}
	text := map[string]string{
		measure.NoData:    "no prediction came",
		measure.NoRefSide: "there is no reference",
		measure.TooFew:    "too few values",
		measure.NoOutput:  "the model has no such output",
		measure.NoMetric:  "the output has no such metric",
	}[reason]
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// A chart has so many columns and lines.
const (
	columns = 60
	height  = 8
)

// chart draws the values between their bounds, and under them what the judgements
// came to. Where there are more judgements than columns, a column shows the worst of
// several.
func (v *view) chart(s *history.Series) {
	bins := binned(s.Judged)
	values, lower, upper := make([]float64, len(bins)), make([]float64, len(bins)), make([]float64, len(bins))
	marks := make([]byte, len(bins))
	var some bool
	for i, j := range bins {
		values[i], lower[i], upper[i] = number(j.Verdict.Value), number(j.Verdict.Lower), number(j.Verdict.Upper)
		some = some || !math.IsNaN(values[i])
		marks[i] = mark(j)
	}
	if !some {
		return
	}
	fmt.Fprintf(v.out, "\n  %s: %s, and its bounds (·)\n", watched(s), s.Judged[0].Verdict.Metric)
	plot := asciigraph.PlotMany([][]float64{clipped(upper, values), clipped(lower, values), values},
		asciigraph.Height(height), asciigraph.Offset(3), asciigraph.SeriesChars(dots, dots, asciigraph.DefaultCharSet),
		asciigraph.YAxisValueFormatter(func(x float64) string { return fmt.Sprintf("%8.4g", x) }))
	lines := strings.Split(plot, "\n")
	margin := 0
	for _, l := range lines {
		if i := strings.IndexAny(l, "┤┼"); i >= 0 {
			margin = max(margin, len([]rune(l[:i]))+1)
		}
		fmt.Fprintln(v.out, strings.TrimRight(l, " "))
	}
	pad := strings.Repeat(" ", margin)
	if m := strings.TrimRight(string(marks), " "); m != "" {
		fmt.Fprintf(v.out, "%s%s\n", pad, m)
	}
	first, end := at(bins[0].End), at(bins[len(bins)-1].End)
	gap := max(1, len(bins)-len(first)-len(end))
	fmt.Fprintf(v.out, "%s%s%s%s\n", pad, first, strings.Repeat(" ", gap), end)
	if strings.ContainsAny(string(marks), "F!?") {
		fmt.Fprintf(v.out, "%sF fires  ! violated  ? not judged\n", pad)
	}
}

var dots = asciigraph.CreateCharSet("·")

// binned joins judgements into at most so many columns as there are.
func binned(all []history.Judged) []history.Judged {
	n := min(len(all), columns)
	out := make([]history.Judged, n)
	for i := range out {
		part := all[i*len(all)/n : (i+1)*len(all)/n]
		out[i] = slices.MaxFunc(part, func(a, b history.Judged) int {
			return cmp.Or(cmp.Compare(gravity(a), gravity(b)), cmp.Compare(excess(a), excess(b)))
		})
	}
	return out
}

// gravity orders judgements by how much they matter to whoever looks.
func gravity(j history.Judged) int {
	switch {
	case j.Phase == alert.PhaseFiring:
		return 3
	case j.Verdict.Outcome == monitor.Violated:
		return 2
	case j.Verdict.Outcome == monitor.OK:
		return 1
	}
	return 0
}

// excess is how near a value is to its bounds, or how far beyond.
func excess(j history.Judged) float64 {
	x, lo, hi := number(j.Verdict.Value), number(j.Verdict.Lower), number(j.Verdict.Upper)
	e := math.Inf(-1)
	if d := x - hi; !math.IsNaN(d) {
		e = d
	}
	if d := lo - x; !math.IsNaN(d) {
		e = max(e, d)
	}
	return e
}

func mark(j history.Judged) byte {
	switch {
	case j.Phase == alert.PhaseFiring:
		return 'F'
	case j.Verdict.Outcome == monitor.Violated:
		return '!'
	case j.Verdict.Outcome == monitor.NotEvaluated:
		return '?'
	}
	return ' '
}

func number(x *float64) float64 {
	if x == nil || math.IsInf(*x, 0) {
		return math.NaN()
	}
	return *x
}

// clipped keeps bounds from flattening the values: what lies far beyond them is not
// drawn.
func clipped(bounds, values []float64) []float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range values {
		if !math.IsNaN(x) {
			low, high = min(low, x), max(high, x)
		}
	}
	room := 2*(high-low) + math.Abs(high)
	out := slices.Clone(bounds)
	for i, b := range out {
		if b > high+room || b < low-room {
			out[i] = math.NaN()
		}
	}
	return out
}
