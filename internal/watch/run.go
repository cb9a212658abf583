package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/store"
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
	sum     Summary
}

// model judges what is due of one model, and commits what comes of it.
func (e *Evaluator) model(name string, changed []Changed, now time.Time) (Summary, error) {
	r := run{
		Evaluator: e, watched: known(e.models, name), name: name, def: &model.Definition{Name: name}, now: now, window: e.engine.WindowLength(),
		changed: map[int64][]string{}, waited: e.waitedFor(now), after: map[string]*kept{}, silent: true,
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
	return r.sum, r.commit()
}

// since returns when a stretch of time that lasts until now began.
func (r *run) since(d time.Duration) int64 { return r.now.Add(-d).UnixNano() }

// versions returns the active versions of the model, in the order in which they were
// first seen: those with news, and the newest.
func (r *run) versions() ([]Version, error) {
	seen, err := r.catalog.Seen(r.name)
	if err != nil {
		return nil, err
	}
	var all []Version
	for i, s := range seen {
		if err := r.settled(s); err != nil {
			return nil, err
		}
		v := Version{Name: s.Name, First: s.First}
		if newest := r.newest[s.Name]; i < len(seen)-1 {
			if newest <= r.since(r.opts.LabelNews) {
				continue
			}
			v.Quiet = newest <= r.since(r.opts.News)
		}
		if known, ok := r.catalog.Version(r.name, s.Name); ok {
			if known.Unusable() != nil { // its windows wait, and its alerts stay as they are
				r.waiting = append(r.waiting, s.Name)
				continue
			}
			v.Layout = known.Layout()
		}
		if err := r.slices(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// settled finds the end of a version's newest window with data, where it is not
// known. One that is not at rest is told of when it is.
func (r *run) settled(s catalog.Seen) error {
	if r.newest[s.Name] > 0 {
		return nil
	}
	start, _, ok, err := r.store.LatestProfile(r.name, s.Name, r.now.UnixNano()-r.window+1)
	if err == nil && ok {
		r.newest[s.Name] = start + r.window
	}
	return err
}

// slices finds the slices of a version: those of the windows that have changed, and
// those that had data lately.
func (r *run) slices(v *Version) error {
	add := func(seg profile.Segment) {
		if seg.Name != "" && !slices.Contains(v.Segments, seg) {
			v.Segments = append(v.Segments, seg)
		}
	}
	for end, names := range r.changed {
		if !slices.Contains(names, v.Name) {
			continue
		}
		segs, l, err := r.engine.Slices(r.name, v.Name, end-r.window, end)
		if err != nil {
			return err
		}
		if l != nil && v.Layout == nil {
			v.Layout = l
		}
		for _, seg := range segs {
			add(seg)
		}
	}
	for _, k := range r.kept {
		if k.covers(v.Name) && k.Seen > r.since(r.opts.News) {
			add(k.slice())
		}
	}
	slices.SortFunc(v.Segments, func(a, b profile.Segment) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return nil
}

// limit leaves out the new watches that there is no room for.
func (r *run) limit() {
	room, n := r.opts.Watches-r.count(), 0
	r.capped = 0
	for i, id := range r.ids {
		if r.kept[id] == nil {
			if room <= 0 {
				r.capped++
				continue
			}
			room--
		}
		r.watches[n], r.ids[n] = r.watches[i], id
		n++
	}
	r.watches, r.ids = r.watches[:n], r.ids[:n]
}

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

// sweep ends what is watched no more: the monitor, the version or the slice is gone.
// An alert of it that fires is over.
func (r *run) sweep(versions []Version) {
	watched := make(map[string]bool, len(r.ids))
	for _, id := range r.ids {
		watched[id] = true
	}
	for id, k := range r.kept {
		if watched[id] || k.Monitor == "" || slices.ContainsFunc(r.waiting, k.covers) || slices.ContainsFunc(versions, func(v Version) bool { return k.covers(v.Name) && v.Layout == nil }) {
			continue
		}
		gone := *k
		gone.Monitor = ""
		var changes []alert.Change
		gone.State, changes = alert.Over(k.State, r.now)
		for _, c := range changes {
			a := alert.Alert{ID: id, Severity: c.Severity, Environment: r.def.Environment, Model: k.Model, Version: k.Version, Monitor: alert.Monitor{ID: k.Monitor}}
			if k.Firing != nil {
				a = *k.Firing
			}
			a.State, a.Started, a.Ended, a.At, a.Reason = c.State, c.Started, c.Ended, r.now, "it is watched no more"
			a.Text = "Watched no more, since the monitor, the version or the segment value is gone. Before: " + a.Text
			gone.tell(a)
			r.silent = false
		}
		if r.after[id] = &gone; gone.gone() {
			r.after[id] = nil
		}
	}
}

// commit makes what has changed the state: on stable storage if there is something
// to tell.
func (r *run) commit() error {
	tx := r.store.Begin()
	defer tx.Discard()
	if err := put(tx, r.after); err != nil {
		return err
	}
	durability := store.Sync
	if r.silent {
		durability = store.NoSync // it would be judged again, to the same end
	}
	if err := tx.Commit(durability); err != nil {
		return err
	}
	for id, k := range r.after {
		if k == nil {
			delete(r.kept, id)
		} else {
			r.kept[id] = k
		}
	}
	r.empty = max(r.empty, r.waited)
	r.owing = r.owing || !r.silent
	return nil
}
