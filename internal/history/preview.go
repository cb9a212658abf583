package history

import (
	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Series is what became of one watch, judged again and again.
type Series struct {
	Judged []Judged // in the order of time
}

// Preview judges monitors after each window that ends in (from, to], and returns
// what became of each watch, in the order in which they came up. progress, which may
// be nil, is told of windows.
func (r *Run) Preview(s *Stored, from, to int64, progress func(done, total int64)) ([]Series, error) {
	var all []Series
	at := map[string]int{}
	first := record.Window(from, r.window) + r.window
	for end := first; end <= to; end += r.window {
		judged, err := r.At(end, s.Active(end))
		if err != nil {
			return nil, err
		}
		for _, j := range judged {
			i, ok := at[j.ID]
			if !ok {
				i = len(all)
				at[j.ID] = i
				all = append(all, Series{})
			}
			all[i].Judged = append(all[i].Judged, j)
		}
		if progress != nil {
			progress((end-first)/r.window+1, (to-first)/r.window+1)
		}
	}
	return all, nil
}

// Fired counts the runs in which an alert would have fired.
func (s *Series) Fired() (n int) {
	for _, j := range s.Judged {
		if j.Began(alert.Firing) {
			n++
		}
	}
	return n
}

// Count counts the judgements with an outcome.
func (s *Series) Count(o monitor.Outcome) (n int) {
	for _, j := range s.Judged {
		if j.Verdict.Outcome == o {
			n++
		}
	}
	return n
}

// Began reports whether a run began to fire with this judgement, or, by
// alert.Resolved, was over.
func (j *Judged) Began(state string) bool {
	for _, c := range j.Changes {
		if c.State == state && (state == alert.Resolved || c.Started.UnixNano() == j.End) {
			return true
		}
	}
	return false
}
