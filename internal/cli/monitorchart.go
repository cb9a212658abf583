package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/guptarohit/asciigraph"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

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
	drawn := false
	for i, j := range bins {
		values[i], lower[i], upper[i] = number(j.Verdict.Value), number(j.Verdict.Lower), number(j.Verdict.Upper)
		drawn = drawn || !math.IsNaN(values[i])
		marks[i] = mark(j)
	}
	if !drawn {
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
