package history

import (
	"fmt"
	"maps"
	"slices"
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
	watched  map[string]*watched
}

// watched is a watch that has begun, and how it stands.
type watched struct {
	watch watch.Watch
	state alert.State
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
	return &Run{engine: e, def: def, monitors: monitors, window: e.WindowLength(), watched: map[string]*watched{}}
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
	planned := map[string]bool{}
	for _, w := range watch.Plan(r.def, r.monitors, versions) {
		planned[w.ID()] = true
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
	return append(all, r.sweep(planned, end)...), nil
}

// sweep forgets what is watched no more: the version or the slice has had no data
// for long. An alert of it that fires is over.
func (r *Run) sweep(planned map[string]bool, end int64) []Judged {
	var all []Judged
	for _, id := range slices.Sorted(maps.Keys(r.watched)) {
		if planned[id] {
			continue
		}
		k := r.watched[id]
		delete(r.watched, id)
		if _, changes := alert.Over(k.state, time.Unix(0, end).UTC()); len(changes) > 0 {
			all = append(all, Judged{
				Watch: k.watch, ID: id, End: end, Changes: changes,
				Verdict: monitor.Verdict{Outcome: monitor.NotEvaluated, Reason: NotWatched, Says: "it is watched no more"},
			})
		}
	}
	return all
}

// NotWatched is the reason of the judgement with which a watch ends.
const NotWatched = "not_watched"

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
	k := r.watched[id]
	if k == nil {
		if o.Focal.N == 0 && w.Monitor.Type != model.ModelStaleness {
			return Judged{}, false
		}
		k = &watched{}
		r.watched[id] = k
	}
	k.watch = w
	j := Judged{Watch: w, ID: id, End: end, Verdict: monitor.Judge(w.Monitor, o)}
	if o.Focal.Reason == measure.NoData { // in production it may still come
		k.state.Reason = o.Focal.Reason
	} else {
		k.state, j.Changes = alert.Step(k.state, alert.Evaluation{Verdict: j.Verdict, End: end, Now: time.Unix(0, end).UTC()},
			alert.Rule{Hold: w.Monitor.Hold, Severity: w.Monitor.Severity})
	}
	j.Phase = k.state.Phase
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
