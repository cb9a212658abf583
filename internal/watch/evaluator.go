package watch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Options of an evaluator.
type Options struct {
	// Grace is how long after its end a window is waited for: one of which nothing
	// has come by then is taken to be empty. No emptiness is judged in the first
	// Grace after a start, when what was waiting elsewhere is still on its way.
	Grace time.Duration
	// News is for how long a window is worth telling: older ones are history that
	// somebody loads, and no monitor judges them. A version that has had no data for
	// so long is not watched any more, but for the newest of its model.
	News time.Duration
	// LabelNews is the same for what is known only when labels come. It is at least
	// News, and should be as long as labels are waited for.
	LabelNews time.Duration
	// Watches bounds how many are watched. What goes beyond is counted.
	Watches int
	// CatchUp bounds the windows without data that are judged one by one after a pause;
	// of more only the newest are.
	CatchUp int
}

// Changed is a window of a version whose data is new, and has come to rest.
type Changed struct {
	Model, Version string
	Start, End     int64 // unix nanoseconds
}

// Evaluator keeps watch over all models of a store. It is safe for concurrent use.
//
// What it knows is in the store: a state for each watch. A change of a state is
// committed and synced, together with what there is to tell, before anybody is told,
// and is told until somebody has taken it; so after a crash a change may be told
// again, in the same words, and none is lost.
type Evaluator struct {
	store   *store.Store
	catalog *catalog.Catalog
	engine  *query.Engine
	opts    Options

	mu     sync.Mutex
	models map[string]*watched
	opened time.Time
	stale  bool   // the store may know more than models does
	swept  bool   // states of monitors that are gone have been looked for
	left   string // the model to go on with
	owing  bool   // there may be something that nobody has been told of

	unreadable []Unreadable
}

// watched is what is known of one model.
type watched struct {
	kept   map[string]*kept // by the id of the watch
	newest map[string]int64 // by version: end of the newest window with data
	empty  int64            // windows that ended by then were waited for
	next   time.Time        // when a schedule is due
	capped int              // watches that there was no room for
}

// known returns what is known of a model.
func known(models map[string]*watched, name string) *watched {
	if models[name] == nil {
		models[name] = &watched{kept: map[string]*kept{}, newest: map[string]int64{}}
	}
	return models[name]
}

// Open returns an evaluator that goes on where the states of the store end.
func Open(s *store.Store, c *catalog.Catalog, e *query.Engine, o Options, now time.Time) (*Evaluator, error) {
	o.LabelNews = max(o.LabelNews, o.News)
	ev := &Evaluator{store: s, catalog: c, engine: e, opts: o, opened: now}
	return ev, ev.load()
}

// Summary is what evaluations came to.
type Summary struct {
	Evaluated    int            // judgements
	NotEvaluated map[string]int // those that could not be made, by reason
	Left         []string       // models that there was no time for, or that failed
}

func (s *Summary) add(o Summary) {
	s.Evaluated += o.Evaluated
	for reason, n := range o.NotEvaluated {
		s.not(reason, n)
	}
}

func (s *Summary) not(reason string, n int) {
	if s.NotEvaluated == nil {
		s.NotEvaluated = map[string]int{}
	}
	s.NotEvaluated[reason] += n
}

// Run judges what the windows that have changed are about, and what has become due
// because time has passed, model by model for as long as more says so. The data of
// changed windows must be at rest. Call it again with the windows of models that are
// left. An error concerns the models that failed, and stops no others.
func (e *Evaluator) Run(changed []Changed, now time.Time, more func() bool) (Summary, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stale {
		if err := e.load(); err != nil {
			return Summary{}, err
		}
	}
	by := map[string][]Changed{}
	for _, c := range changed {
		by[c.Model] = append(by[c.Model], c)
	}
	due := e.due(now)
	for name := range by {
		if !slices.Contains(due, name) {
			due = append(due, name)
		}
	}
	slices.Sort(due)
	if i, _ := slices.BinarySearch(due, e.left); i > 0 { // whom there was no time for comes first
		due = slices.Concat(due[i:], due[:i])
	}
	var all Summary
	var errs []error
	for i, name := range due {
		if !more() {
			e.left, all.Left = name, append(all.Left, due[i:]...)
			return all, errors.Join(errs...)
		}
		s, err := e.model(name, by[name], now)
		all.add(s)
		if err != nil {
			errs, e.stale = append(errs, fmt.Errorf("model %q: %w", name, err)), true
			all.Left = append(all.Left, name)
		}
	}
	e.left, e.swept = "", len(all.Left) == 0
	return all, errors.Join(errs...)
}

// due returns the models of which something is due because time has passed: a window
// that has been waited for, a schedule; at the first time all of them.
func (e *Evaluator) due(now time.Time) []string {
	var all []string
	for _, name := range e.names() {
		w := e.models[name]
		switch {
		case !e.swept, w == nil, e.waitedFor(now) > w.empty, !w.next.IsZero() && !now.Before(w.next):
			all = append(all, name)
		}
	}
	return all
}

// names returns the models that there are, and those that there are states of.
func (e *Evaluator) names() []string {
	seen := map[string]bool{}
	for _, v := range e.catalog.Versions() {
		seen[v.Model] = true
	}
	for name := range e.models {
		seen[name] = true
	}
	var all []string
	for name := range seen {
		all = append(all, name)
	}
	return all
}

// waitedFor returns the end of the newest window that has been waited for, 0 if that
// is not known yet.
func (e *Evaluator) waitedFor(now time.Time) int64 {
	if now.Sub(e.opened) < e.opts.Grace {
		return 0
	}
	return record.Window(now.Add(-e.opts.Grace).UnixNano(), e.engine.WindowLength())
}

// count is how many watches there are.
func (e *Evaluator) count() (n int) {
	for _, w := range e.models {
		n += len(w.kept)
	}
	return n
}

// Status is how things stand.
type Status struct {
	Watches int
	Capped  int            // that there was no room for
	Firing  map[string]int // alerts, by severity
}

// Status counts what is watched and what fires.
func (e *Evaluator) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Status{Firing: map[string]int{alert.Low: 0, alert.Medium: 0, alert.High: 0}}
	for _, w := range e.models {
		s.Watches += len(w.kept)
		s.Capped += w.capped
		for _, k := range w.kept {
			if k.State.Phase == alert.PhaseFiring {
				s.Firing[k.State.Severity]++
			}
		}
	}
	return s
}

// Tell hands on what nobody has been told of, the oldest first, until fn has taken
// it. What fn refuses is told again.
func (e *Evaluator) Tell(fn func([]alert.Alert) error) error {
	all, told := e.untold()
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b alert.Alert) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	if err := fn(all); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.forgetTold(told)
}

// untold returns what there is to tell, and how much of each watch it is.
func (e *Evaluator) untold() (all []alert.Alert, told map[string]int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.owing {
		return nil, nil
	}
	told = map[string]int{}
	for _, w := range e.models {
		for id, k := range w.kept {
			if len(k.Untold) > 0 {
				all, told[id] = append(all, k.Untold...), len(k.Untold)
			}
		}
	}
	e.owing = len(all) > 0
	return all, told
}

// forgetTold drops what was told. If that is lost it is told again.
func (e *Evaluator) forgetTold(told map[string]int) error {
	tx := e.store.Begin()
	defer tx.Discard()
	changed := map[string]*kept{}
	for _, w := range e.models {
		for id, k := range w.kept {
			if n := min(told[id], len(k.Untold)); n > 0 {
				k.Untold = slices.Clone(k.Untold[n:])
				if changed[id] = k; k.gone() {
					delete(w.kept, id)
					changed[id] = nil
				}
			}
		}
	}
	if err := put(tx, changed); err != nil {
		return err
	}
	err := tx.Commit(store.NoSync)
	e.stale = e.stale || err != nil
	return err
}

// gone reports whether a watch was kept only until its end was told.
func (k *kept) gone() bool { return k.Monitor == "" && len(k.Untold) == 0 }
