package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

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
		measure.NoData:     "no prediction came",
		measure.NoRefSide:  "there is no reference",
		measure.TooFew:     "too few values",
		measure.NoOutput:   "the model has no such output",
		measure.NoMetric:   "the output has no such metric",
		history.NotWatched: "the version or slice has had no data for a week",
	}[reason]
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
