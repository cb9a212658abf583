package history

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// Run judges the monitors of a model over windows that follow each other.
type Run struct {
	engine   *query.Engine
	def      *model.Definition
	monitors []*model.Monitor
	window   int64
	states   map[string]*alert.State
}

// Judged is what became of one watch in one focal period.
type Judged struct {
	Watch   watch.Watch
	ID      string // of the watch and its alerts
	End     int64  // of the focal period, unix nanoseconds
	Verdict monitor.Verdict
	Phase   alert.Phase // after it
	Changes []alert.Change
}

// NewRun returns a run that has judged nothing yet, of the given monitors: those of
// watch.Monitors, or some of them.
func NewRun(e *query.Engine, def *model.Definition, monitors []*model.Monitor) *Run {
	return &Run{engine: e, def: def, monitors: monitors, window: e.WindowLength(), states: map[string]*alert.State{}}
}

// At judges all that is due when the window that ends at end is known, in the order
// of the monitors. versions are those that are active then. Ends must be given one
// after the other, those of empty windows too: that nothing came is an answer to
// some monitors.
//
// A watch begins with the first focal period that has data, as in production. A
// monitor with a schedule is judged at the first end that is not before its time.
func (r *Run) At(end int64, versions []watch.Version) ([]Judged, error) {
	var due []watch.Watch
	for _, w := range watch.Plan(r.def, r.monitors, versions) {
		ok, err := r.due(w.Monitor, end)
		if err != nil {
			return nil, err
		}
		if ok {
			due = append(due, w)
		}
	}
	seen, err := watch.Observe(r.engine, due, end)
	if err != nil {
		return nil, err
	}
	var all []Judged
	for i := range due {
		if j, ok := r.step(due[i], seen[i], end); ok {
			all = append(all, j)
		}
	}
	return all, nil
}

// due reports whether a monitor is judged at an end.
func (r *Run) due(m *model.Monitor, end int64) (bool, error) {
	if m.Schedule == "" {
		return end%int64(m.Focal) == 0, nil
	}
	when, err := cron.ParseStandard(m.Schedule)
	if err != nil {
		return false, fmt.Errorf("monitor %q: schedule %q: %w", m.Name, m.Schedule, err)
	}
	return !when.Next(time.Unix(0, end-r.window).UTC()).After(time.Unix(0, end).UTC()), nil
}

// step takes one watch on; ok is false while it has not begun.
func (r *Run) step(w watch.Watch, o monitor.Observation, end int64) (Judged, bool) {
	id := w.ID()
	state := r.states[id]
	if state == nil {
		if o.Focal.N == 0 && w.Monitor.Type != model.ModelStaleness {
			return Judged{}, false
		}
		state = &alert.State{}
		r.states[id] = state
	}
	j := Judged{Watch: w, ID: id, End: end, Verdict: monitor.Judge(w.Monitor, o)}
	if o.Focal.Reason == measure.NoData { // in production it may still come
		state.Reason = o.Focal.Reason
	} else {
		*state, j.Changes = alert.Step(*state, alert.Evaluation{Verdict: j.Verdict, End: end, Now: time.Unix(0, end).UTC()},
			alert.Rule{Hold: w.Monitor.Hold, Severity: w.Monitor.Severity})
	}
	j.Phase = state.Phase
	return j, true
}

// Reach returns how far back monitors look from the end of their focal periods.
func Reach(monitors []*model.Monitor) int64 {
	var most int64
	for _, m := range monitors {
		most = max(most, int64(m.Focal), int64(m.Baseline.Skip)+int64(m.Baseline.Period))
	}
	return most
}
