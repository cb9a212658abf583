package demo

import "time"

// How the rows are spread over time.
const (
	window  = time.Hour
	perHour = 5000
	step    = window / perHour
)

// A Replay is one sending of the predictions, moved in time so that the last of
// them was made when the replay began.
type Replay struct {
	End    time.Time `json:"end"`    // of the last row
	Sent   int       `json:"sent"`   // predictions that the collector has acknowledged
	Labels int       `json:"labels"` // labels of them, likewise
}

// Time returns when row i of the replay was predicted.
func (r Replay) Time(i int) time.Time {
	return r.End.Add(-time.Duration(PredictionRows-1-i) * step)
}

// Done reports whether every prediction and every label was acknowledged.
func (r Replay) Done() bool { return r.Sent == PredictionRows && r.Labels == PredictionRows }

// count adds the first n rows to their windows, by their start.
func (r Replay) count(n int, into map[int64]int) {
	for i := 0; i < n; {
		start := r.Time(i).Truncate(window)
		// The first row of the next window is the first at or after its start.
		next := i + int((start.Add(window).Sub(r.Time(i))+step-1)/step)
		next = min(next, n)
		into[start.UnixNano()] += next - i
		i = next
	}
}

// years names the windows, by their start, in which the rows of a year begin.
func (r Replay) years() map[int64]string {
	all := map[int64]string{}
	i := 0
	for k, year := range predictionYears {
		all[r.Time(i).Truncate(window).UnixNano()] = year
		i += yearRows[k]
	}
	return all
}
