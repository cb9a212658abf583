// Package evaluate keeps the profiles that arrive, and evaluates each window
// when it has changed, its end has passed and it has been quiet for a while.
package evaluate

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Parcel is a profile or a reference on its way from an intake.
type Parcel struct {
	Instance string // of the sender
	store.Parcel
}

// Options of an evaluator.
type Options struct {
	Settle   time.Duration // of quiet before a window is evaluated
	MaxDelay time.Duration // after the first change a window is evaluated anyway
}

// Evaluator is safe for concurrent use.
type Evaluator struct {
	store   *store.Store
	catalog *catalog.Catalog
	engine  *query.Engine
	opts    Options

	mu sync.Mutex // one merge at a time: it reads, adds and writes
}

// New returns an evaluator.
func New(s *store.Store, c *catalog.Catalog, e *query.Engine, o Options) *Evaluator {
	return &Evaluator{store: s, catalog: c, engine: e, opts: o}
}

// Merged says what became of parcels.
type Merged struct {
	Windows    int // profiles added
	Duplicates int // profiles that had been added before
	Refused    []error
	Regridded  []Regridded
}

// Regridded is a profile that was counted by another layout than those that came
// before it for the same window. What was counted stays exact; where values fell in
// between the edges of the window's grid is an estimate from then on.
type Regridded struct {
	Model, Version, Instance string
	Warnings                 []string
}

// Merge adds parcels to what is kept, in one commit. A parcel that came before
// is not added again; one that cannot be read is refused and does not stop the
// others. After an error nothing was added, and the sender may try again.
func (e *Evaluator) Merge(parcels []Parcel, now time.Time) (Merged, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.catalog.Writing()()
	m := merge{Evaluator: e, tx: e.store.Begin(), now: now, profiles: map[windowKey]*profile.Profile{}, seen: map[seenKey]*store.Seen{}, layouts: map[string]*profile.Layout{}}
	defer m.tx.Discard()
	generation, err := m.tx.Generation()
	if err != nil {
		return Merged{}, err
	}
	if err := e.catalog.Follow(generation); err != nil {
		return Merged{}, err
	}
	for i := range parcels {
		if err := m.add(&parcels[i]); err != nil {
			return Merged{}, err
		}
	}
	if err := m.write(); err != nil {
		return Merged{}, err
	}
	err = m.tx.Commit(store.Sync)
	for k := range m.profiles { // also after an error: if a write has failed, the commit may stand
		e.engine.Forget(k.model, k.version, k.start, k.start+e.engine.WindowLength())
	}
	if err != nil {
		return Merged{}, err
	}
	for _, ref := range m.references {
		if err := e.catalog.Activate(ref); err != nil {
			m.out.Refused = append(m.out.Refused, err)
		}
	}
	return m.out, nil
}

type windowKey struct {
	model, version string
	start          int64
}

type seenKey struct{ instance, model string }

// merge is a Merge under way.
type merge struct {
	*Evaluator
	tx         *store.Tx
	now        time.Time
	profiles   map[windowKey]*profile.Profile
	seen       map[seenKey]*store.Seen
	references []*reference.Reference
	layouts    map[string]*profile.Layout // that came in this merge
	out        Merged
}

func (m *merge) add(p *Parcel) error {
	switch p.Kind {
	case store.KindWindow:
		return m.window(p)
	case store.KindReference:
		return m.reference(p)
	case store.KindLayout:
		return m.introduced(p)
	}
	m.out.Refused = append(m.out.Refused, fmt.Errorf("a parcel of kind %q of model %q from %s: this build does not know it", p.Kind, p.Model, p.Instance))
	return nil
}

func (m *merge) window(p *Parcel) error {
	seen, err := m.sequences(seenKey{p.Instance, p.Model})
	if err != nil {
		return err
	}
	if seen.Contains(p.Seq) {
		m.out.Duplicates++
		return nil
	}
	v, err := m.catalog.Admit(p.Model, p.Version, m.now)
	if err != nil {
		return m.refuse(err)
	}
	l, err := m.layout(p, v)
	if err != nil {
		return m.refuse(err)
	}
	part, err := profile.DecodeWithin(p.Body, l, m.catalog.Options().Profile.SegmentValues)
	if err != nil {
		m.out.Refused = append(m.out.Refused, fmt.Errorf("profile %d of model %q from %s: %w", p.Seq, p.Model, p.Instance, err))
		return nil
	}
	key := windowKey{p.Model, p.Version, p.Start}
	whole, err := m.profile(key, l)
	if err != nil {
		return err
	}
	if whole.Layout() != l {
		var warnings []string
		if part, warnings = part.Convert(whole.Layout()); len(warnings) > 0 {
			m.out.Regridded = append(m.out.Regridded, Regridded{p.Model, p.Version, p.Instance, warnings})
		}
	}
	if err := whole.Merge(part); err != nil {
		return err
	}
	seen.Add(p.Seq)
	m.out.Windows++
	return nil
}

// refuse notes a refusal; another error is one of the store, and returned.
func (m *merge) refuse(err error) error {
	if _, ok := errors.AsType[record.Refusal](err); !ok {
		return err
	}
	m.out.Refused = append(m.out.Refused, err)
	return nil
}

// profile returns what is kept of a window, in the layout of its first part.
func (m *merge) profile(k windowKey, l *profile.Layout) (*profile.Profile, error) {
	if p := m.profiles[k]; p != nil {
		return p, nil
	}
	p, err := m.catalog.WindowProfile(k.model, k.version, k.start)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = profile.New(l)
	}
	m.profiles[k] = p
	return p, nil
}

func (m *merge) sequences(k seenKey) (*store.Seen, error) {
	if s := m.seen[k]; s != nil {
		return s, nil
	}
	s, err := m.store.Seen(k.instance, k.model)
	if err == nil {
		m.seen[k] = s
	}
	return s, err
}

func (m *merge) write() error {
	at := m.now.UnixNano()
	for k, p := range m.profiles {
		b, err := p.Encode()
		if err != nil {
			return err
		}
		m.tx.PutProfile(k.model, k.version, k.start, b)
		if err := m.catalog.KeepLayout(m.tx, p.Layout()); err != nil {
			return err
		}
		first := at
		if d, ok, err := m.store.Dirty(k.model, k.version, k.start); err != nil {
			return err
		} else if ok {
			first = d.FirstChange
		}
		m.tx.MarkDirty(k.model, k.version, k.start, first, at)
		v, ok, err := m.store.Version(k.model, k.version)
		if err != nil {
			return err
		}
		if !ok {
			v.FirstSeen = at
		}
		v.LastSeen = at
		m.tx.PutVersion(k.model, k.version, v)
	}
	for k, s := range m.seen {
		m.tx.PutSeen(k.instance, k.model, s)
	}
	return nil
}
