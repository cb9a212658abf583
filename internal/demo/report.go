package demo

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// How much of the past is shown.
const (
	sparkWindows = 60 // in a sparkline
	tableWindows = 8  // as rows of the table
)

// full returns the windows that have at least half as many predictions as the
// largest: the first hour of a replay may hold a few rows, whose values scatter.
func full(all []Window) []Window {
	var most float64
	for _, w := range all {
		most = max(most, w.Predictions)
	}
	return slices.DeleteFunc(slices.Clone(all), func(w Window) bool { return 2*w.Predictions < most })
}

// when writes the beginning of a window.
func (s *Screen) when(w Window) string {
	return s.hour(time.Unix(0, w.Start))
}

// A fieldDrift is the row of a field.
type fieldDrift struct {
	key    string
	latest Distance
	worst  Distance
	at     Window // of the worst
	in     int    // windows in which drift is detected
}

// byField collects a row for each field of the latest window, the most drifted
// first.
func byField(ws []Window) []fieldDrift {
	last := ws[len(ws)-1]
	var rows []fieldDrift
	for _, key := range slices.Sorted(maps.Keys(last.Drift)) {
		r := fieldDrift{key: key, latest: last.Drift[key]}
		for _, w := range ws {
			d, ok := w.Drift[key]
			if !ok {
				continue
			}
			if d["detected"] == 1 {
				r.in++
			}
			if r.worst == nil || d["psi"] > r.worst["psi"] {
				r.worst, r.at = d, w
			}
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b fieldDrift) int { return cmp.Compare(b.latest["psi"], a.latest["psi"]) })
	return rows
}

// drifts shows how far each field is from the reference. The latest window is the
// last.
func drifts(out *Screen, ws []Window) {
	last := ws[len(ws)-1]
	fmt.Fprintf(out.W, "\n%s  against the people of 2015; drift is a psi of 0.2 and more\n\n", out.paint(bold, "Drift by field"))
	left := fmt.Sprintf("latest hour, %s", out.when(last))
	right := fmt.Sprintf("worst of %d hours", len(ws))
	fmt.Fprintf(out.W, "  %-29s%-40s%s\n", "", left, right)
	fmt.Fprintln(out.W, out.paint(faint, fmt.Sprintf("  %-27s%8s%8s%9s  %-8s  %8s  %-12s%9s", "field", "psi", "js", "p-value", "verdict", "psi", "when", "drifted")))
	for _, r := range byField(ws) {
		fmt.Fprintf(out.W, "  %-27s%8s%8s%9s  %s  %8s  %-12s%9s\n", name(r.key), number(r.latest, "psi"), number(r.latest, "js"),
			pValue(r.latest), out.verdict(r.latest), number(r.worst, "psi"), out.when(r.at), times(r.in))
	}
}

// times writes in how many windows there was drift.
func times(n int) string {
	if n == 0 {
		return "never"
	}
	return fmt.Sprintf("%d×", n)
}

// name writes the key of a field for people.
func name(key string) string {
	group, field, _ := strings.Cut(key, ".")
	switch group {
	case "features":
		if l := labels[field]; l != "" {
			return field + ", " + l
		}
	case "predictions":
		return field + ", answer"
	case "actuals":
		return field + ", truth"
	}
	return field
}

func number(d map[string]float64, metric string) string {
	v, ok := d[metric]
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.4f", v)
}

func pValue(d Distance) string {
	v, ok := d["p_value"]
	switch {
	case !ok:
		return "–"
	case v < 0.0001:
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", v)
}

// verdict says what the collector judges.
func (s *Screen) verdict(d Distance) string {
	v, ok := d["detected"]
	switch {
	case !ok:
		return fmt.Sprintf("%-8s", "too few")
	case v == 1:
		return s.paint(red, fmt.Sprintf("%-8s", "drift"))
	}
	return s.paint(green, fmt.Sprintf("%-8s", "ok"))
}

// A view is what is shown of the performance of windows.
type view struct {
	title, note string
	columns     []column
}

// expectations are what can be known before a label has come.
var expectations = view{
	"Performance, estimated", "by hour, before a label has come; drifted is the share of the fields",
	[]column{predictions, score("accuracy", estimated+"accuracy"), score("f1", estimated+"f1"), score("roc_auc", estimated+"roc_auc"), drifted},
}

// results are what the labels say, beside what had been estimated without them.
var results = view{
	"Performance", "by hour, from the labels; beside it what was estimated without them",
	[]column{
		predictions,
		score("accuracy", "accuracy"), score("estimated", estimated+"accuracy"), apart("accuracy"),
		score("roc_auc", "roc_auc"), score("estimated", estimated+"roc_auc"), apart("roc_auc"),
	},
}

// Prefixes of the metrics of performance, below ml.performance.
const (
	estimated       = "estimated."
	estimationError = "estimation_error."
)

// A column of the performance of windows.
type column struct {
	title string
	write func(float64) string
	of    func(Window) (float64, bool)
}

var predictions = column{
	"predictions", func(v float64) string { return grouped(int(v)) },
	func(w Window) (float64, bool) { return w.Predictions, true },
}

var drifted = column{
	"drifted", func(v float64) string { return fmt.Sprintf("%.0f %%", v) },
	func(w Window) (float64, bool) {
		if w.Drifted == nil {
			return 0, false
		}
		return 100 * *w.Drifted, true
	},
}

func score(title, metric string) column {
	return column{title, func(v float64) string { return fmt.Sprintf("%.4f", v) }, func(w Window) (float64, bool) {
		v, ok := w.Performance[metric]
		return v, ok
	}}
}

func apart(metric string) column {
	c := score("apart", estimationError+metric)
	c.write = func(v float64) string { return fmt.Sprintf("%+.4f", v) }
	return c
}

// axis writes the years below the windows in which they begin.
func axis(ws []Window, years map[int64]string) string {
	line := []rune(strings.Repeat(" ", len(ws)+4))
	for i, w := range ws {
		if y := years[w.Start]; y != "" {
			copy(line[i:], []rune("↓"+y))
		}
	}
	return strings.TrimRight(string(line), " ")
}

// performance shows how well the model did. years names the windows, by their
// start, in which the predictions of a year begin.
func performance(out *Screen, ws []Window, years map[int64]string, v view) {
	drawn := ws[max(0, len(ws)-sparkWindows):]
	fmt.Fprintf(out.W, "\n%s  %s\n\n", out.paint(bold, v.title), v.note)
	fmt.Fprintf(out.W, "  %30s  %s – %s\n", "", out.when(drawn[0]), out.when(drawn[len(drawn)-1]))
	fmt.Fprintln(out.W, out.paint(faint, fmt.Sprintf("  %-12s%9s%9s  %s", "", "lowest", "highest", axis(drawn, years))))
	for _, c := range v.columns {
		var values []float64
		for _, w := range drawn {
			x, ok := c.of(w)
			if !ok {
				x = math.NaN()
			}
			values = append(values, x)
		}
		lo, hi := bounds(values)
		if math.IsNaN(lo) {
			continue
		}
		fmt.Fprintf(out.W, "  %-12s%9s%9s  %s\n", c.title, c.write(lo), c.write(hi), sparkline(values))
	}
	fmt.Fprintln(out.W)
	fmt.Fprint(out.W, "  ")
	header := fmt.Sprintf("%-14s", "hour")
	for _, c := range v.columns {
		header += fmt.Sprintf("%12s", c.title)
	}
	fmt.Fprintln(out.W, out.paint(faint, header))
	for _, w := range ws[max(0, len(ws)-tableWindows):] {
		fmt.Fprintf(out.W, "  %-14s", out.when(w))
		for _, c := range v.columns {
			cell := "–"
			if x, ok := c.of(w); ok {
				cell = c.write(x)
			}
			fmt.Fprintf(out.W, "%12s", cell)
		}
		fmt.Fprintln(out.W)
	}
}
