package watch

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// step takes one watch on by what was observed.
func (r *run) step(w *Watch, id string, o monitor.Observation, end int64) {
	was := r.state(id)
	k := begin(w)
	if was != nil {
		*k = *was
		k.Monitor = w.Monitor.ID // it may have been on its way out
	} else if o.Focal.N == 0 && w.Monitor.Type != model.ModelStaleness {
		return // it begins with the first period that has data
	}
	v := monitor.Judge(w.Monitor, o)
	if v.Outcome == monitor.NotEvaluated {
		r.sum.not(v.Reason, 1)
	} else {
		r.sum.Evaluated++
	}
	r.after[id] = k
	k.Asked = r.now.UnixNano()
	if o.Focal.N > 0 {
		k.Seen = max(k.Seen, end)
	}
	if o.Focal.Reason == measure.NoData { // it may still come
		k.State.Reason = o.Focal.Reason
		return
	}
	var changes []alert.Change
	k.State, changes = alert.Step(k.State, alert.Evaluation{Verdict: v, End: end, Now: r.now}, alert.Rule{Hold: w.Monitor.Hold, Severity: w.Monitor.Severity})
	for _, c := range changes {
		if r.damped(k, c) {
			continue
		}
		k.tell(w.alert(id, c, o, v, end, r.now))
		r.silent = false
	}
}

// begin returns the record of a watch that has none.
func begin(w *Watch) *kept {
	return &kept{Monitor: w.Monitor.ID, Model: w.Model, Version: w.Version, Segment: w.Segment.Name, Value: w.Segment.Value, Field: w.field()}
}

// tell notes what is to be told.
func (k *kept) tell(a alert.Alert) {
	k.Untold = append(slices.Clone(k.Untold), a)
	k.Firing = nil
	if a.Firing() {
		k.Firing = &a
	}
}
