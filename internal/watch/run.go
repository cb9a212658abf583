package watch

import (
	"maps"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
)

// run evaluates one model once. What it changes is a copy until it is committed.
type run struct {
	*Evaluator
	*watched
	name    string
	def     *model.Definition
	now     time.Time
	window  int64
	changed map[int64][]string // versions whose window with this end is new
	waited  int64              // windows that ended by then are empty, or have data
	waiting []string           // versions whose reference cannot be used
	watches []Watch
	ids     []string         // of the watches
	after   map[string]*kept // what has changed; nil: deleted
	silent  bool             // nothing of it has to be told
	today   int              // alerts that were told today; -1 while they are not counted
	sum     Summary
}

// model judges what is due of one model, and commits what comes of it.
func (e *Evaluator) model(name string, changed []Changed, now time.Time) (Summary, error) {
	r := run{
		Evaluator: e, watched: known(e.models, name), name: name, def: &model.Definition{Name: name}, now: now, window: e.engine.WindowLength(),
		changed: map[int64][]string{}, waited: e.waitedFor(now), after: map[string]*kept{}, silent: true, today: -1,
	}
	for _, c := range changed {
		if c.End > r.since(e.opts.LabelNews) && c.End <= now.UnixNano() {
			r.changed[c.End] = append(r.changed[c.End], c.Version)
			r.newest[c.Version] = max(r.newest[c.Version], c.End)
		}
	}
	versions, err := r.versions()
	if err != nil {
		return r.sum, err
	}
	if d, ok := e.catalog.Definition(name); ok {
		r.def = d
	}
	r.watches = Plan(r.def, Monitors(r.def, time.Duration(r.window)), versions)
	r.ids = make([]string, len(r.watches))
	for i := range r.watches {
		r.ids[i] = r.watches[i].ID()
	}
	r.limit()
	for _, end := range r.ends() {
		if err := r.judge(end); err != nil {
			return r.sum, err
		}
	}
	if err := r.scheduled(); err != nil {
		return r.sum, err
	}
	r.sweep(versions)
	r.summarize()
	return r.sum, r.commit()
}

// since returns when a stretch of time that lasts until now began.
func (r *run) since(d time.Duration) int64 { return r.now.Add(-d).UnixNano() }

// ends returns the ends of the windows that there is something to judge of, in the
// order of time: those that have changed, and those that have been waited for.
func (r *run) ends() []int64 {
	ends := slices.Collect(maps.Keys(r.changed))
	from := max(r.empty+r.window, r.waited-int64(r.opts.CatchUp-1)*r.window)
	for end := from; end <= r.waited; end += r.window {
		if r.changed[end] == nil {
			ends = append(ends, end)
		}
	}
	slices.Sort(ends)
	return ends
}

// judge judges what is about the window that ends at end.
func (r *run) judge(end int64) error {
	at := map[int64][]int{} // watches by the end of their focal period
	for i := range r.watches {
		w := &r.watches[i]
		if focal, ok := r.focal(w, r.ids[i], end); ok && w.Monitor.Schedule == "" {
			at[focal] = append(at[focal], i)
		}
	}
	for _, focal := range slices.Sorted(maps.Keys(at)) {
		if err := r.evaluate(at[focal], focal); err != nil {
			return err
		}
	}
	return nil
}

// focal says whether a watch has something to judge now that the window which ends
// at end is known, and where its focal period ends. A period is judged when it is
// over, and again when data comes late while it is the newest that could be judged;
// older ones are not judged again: that would tell of the past. What waits for labels
// is judged when they come, period after period.
func (r *run) focal(w *Watch, id string, end int64) (int64, bool) {
	if end <= r.since(r.opts.News) && !byLabels(w.Monitor) {
		return 0, false
	}
	fresh := slices.ContainsFunc(r.changed[end], func(v string) bool { return w.Version == v || w.Version == query.AllVersions })
	k := r.state(id)
	switch {
	case k == nil:
		return end, fresh && end%int64(w.Monitor.Focal) == 0
	case end <= k.State.End:
		return k.State.End, fresh && end > k.State.End-int64(w.Monitor.Focal)
	}
	return end, (fresh || end <= r.waited) && end%int64(w.Monitor.Focal) == 0
}

// state returns what is known of a watch, with what this run has changed.
func (r *run) state(id string) *kept {
	if k, ok := r.after[id]; ok {
		return k
	}
	return r.kept[id]
}

// evaluate judges focal periods with the same end.
func (r *run) evaluate(which []int, end int64) error {
	ws := make([]Watch, len(which))
	for j, i := range which {
		ws[j] = r.watches[i]
	}
	seen, err := Observe(r.engine, ws, end)
	if err != nil {
		return err
	}
	for j, i := range which {
		r.step(&r.watches[i], r.ids[i], seen[j], end)
	}
	return nil
}
