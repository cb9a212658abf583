// Package catalog knows the models: their definitions, the versions that have
// sent records, and the reference that each version is compared with.
package catalog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Options of a catalog, as the modelstore's configuration gives them.
type Options struct {
	Window       time.Duration // event-time window
	Retention    time.Duration // how long profiles are kept
	AutoRegister bool          // accept models that nobody defined
	Warmup       int           // records that make a reference where there is none
	WarmupWait   time.Duration // after which fewer records do
	Settle       time.Duration // of quiet after which reference rows are complete
	Models       int           // limit
	Versions     int           // limit, per model
	Rows         int           // limit, of reference rows per version
	Profile      profile.Limits
}

// Catalog is safe for concurrent use.
type Catalog struct {
	store *store.Store
	opts  Options

	mu         sync.RWMutex
	generation uint64 // of the store that references and layouts of versions are from
	models     map[string]*Model
	layouts    map[string]*profile.Layout
	references map[referenceKey]*reference.Reference
	await      time.Duration   // for labels
	kept       map[string]bool // layouts that were kept since a sweep began; nil while there is none

	forgetting sync.Mutex   // one Forget at a time
	writing    sync.RWMutex // comes before mu; see Writing
}

// Model is one model with its versions.
type Model struct {
	Definition *model.Definition
	Configured bool // defined by configuration, not registered by its first record
	versions   map[string]*Version
}

// Version is one version of a model.
type Version struct {
	Model      string
	Name       string
	Definition *model.Definition
	// FixedReference says that the reference comes from the configuration, so
	// that rows from the pipeline do not replace it.
	FixedReference bool

	layout   atomic.Pointer[profile.Layout]
	unusable atomic.Pointer[unusable]
	last     atomic.Int64 // when it was seen last, in unix nanoseconds
}

// Layout is what the version's predictions are counted by; nil until it has a
// reference.
func (v *Version) Layout() *profile.Layout { return v.layout.Load() }

// referenceKey names a reference; an empty version stands for every version.
type referenceKey struct{ model, version, dataset string }

// Open returns the catalog of a store: the configured definitions, and what the
// store has learned.
func Open(s *store.Store, defs []*model.Definition, o Options) (*Catalog, error) {
	c := &Catalog{
		store: s, opts: o, generation: s.Generation(), models: map[string]*Model{},
		layouts: map[string]*profile.Layout{}, references: map[referenceKey]*reference.Reference{},
	}
	for _, d := range defs {
		c.models[d.Name] = &Model{Definition: d, Configured: true, versions: map[string]*Version{}}
	}
	err := s.EachVersion(func(name, version string, known store.Version) error {
		if m := c.models[name]; m == nil {
			c.models[name] = &Model{Definition: &model.Definition{Name: name}, versions: map[string]*Version{}}
		}
		_, err := c.register(name, version, known.LastSeen)
		return err
	})
	return c, err
}

// Options returns the options that the catalog was opened with.
func (c *Catalog) Options() Options { return c.opts }

// Admit returns the version that a record belongs to, and registers it if it is
// new: it is seen now. It refuses with UnknownModel, TooManyModels or TooManyVersions:
// these errors are a record.Refusal, others are of the store. A version whose reference
// cannot be used is returned as well, since another one may be on its way: see Unusable.
func (c *Catalog) Admit(name, version string, now time.Time) (*Version, error) {
	c.mu.RLock()
	m := c.models[name]
	if m != nil {
		if v := m.versions[version]; v != nil {
			v.Seen(now) // with the lock held: Forget looks at it with the same
			c.mu.RUnlock()
			return v, nil
		}
	}
	c.mu.RUnlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	if m = c.models[name]; m == nil {
		switch {
		case !c.opts.AutoRegister:
			return nil, record.Refusal{Reason: record.UnknownModel, Key: name,
				Detail: "is not among modelstore.models and auto_register is false"}
		case len(c.models) >= c.opts.Models:
			return nil, record.Refusal{Reason: record.TooManyModels, Key: name,
				Detail: fmt.Sprintf("there are limits.models=%d models already", c.opts.Models)}
		}
		m = &Model{Definition: &model.Definition{Name: name}, versions: map[string]*Version{}}
		c.models[name] = m
	}
	if len(m.versions) >= c.opts.Versions && m.versions[version] == nil {
		return nil, record.Refusal{Reason: record.TooManyVersions, Key: name,
			Detail: fmt.Sprintf("has limits.versions=%d versions already; %q is one more", c.opts.Versions, version)}
	}
	v, err := c.register(name, version, now.UnixNano())
	if err != nil && len(m.versions) == 0 && !m.Configured {
		delete(c.models, name) // it would have a place for good, with nothing that ends
	}
	return v, err
}

// register adds a version and finds its layout. The caller holds the lock, or
// is the only one who knows c.
func (c *Catalog) register(name, version string, seen int64) (*Version, error) {
	m := c.models[name]
	if v := m.versions[version]; v != nil {
		v.Seen(time.Unix(0, seen))
		return v, nil
	}
	v := &Version{Model: name, Name: version, Definition: m.Definition, FixedReference: m.Definition.Reference.Path != ""}
	v.last.Store(seen)
	if err := c.settle(v); err != nil && !IsUnusable(err) { // it stops this version, and no other
		return nil, err
	}
	m.versions[version] = v
	return v, nil
}

// settle finds the layout of a version. One that has a layout keeps it where another
// one cannot be found.
func (c *Catalog) settle(v *Version) error {
	ref, ok, err := c.reference(v.Model, v.Name, model.Training)
	var l *profile.Layout
	if err == nil && ok {
		l, err = c.live(v.Definition, ref)
	}
	if u, ok := errors.AsType[unusable](err); ok && v.Layout() == nil {
		v.unusable.Store(&u)
	}
	if err != nil {
		return err
	}
	v.layout.Store(l)
	v.unusable.Store(nil)
	return nil
}

// Follow makes the references that are remembered agree with a generation of the
// store that began with the recovery from a failed write: one that was committed
// with an error may stand all the same. A version whose reference is unusable goes
// on as before, and stops no other.
func (c *Catalog) Follow(generation uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		return nil
	}
	clear(c.references)
	for _, m := range c.models {
		for _, v := range m.versions {
			if err := c.settle(v); err != nil && !IsUnusable(err) {
				return err
			}
		}
	}
	c.generation = generation
	return nil
}

// live returns the layout that predictions are counted by: that of the
// reference with the segments, limits and custom metrics that are configured now.
func (c *Catalog) live(def *model.Definition, ref *reference.Reference) (*profile.Layout, error) {
	segments, err := reference.Segments(def)
	if err != nil {
		return nil, unusable{err}
	}
	if len(segments) == 0 && len(ref.Layout().Segments) > 0 && len(def.Fields) == 0 && len(def.Outputs) == 0 {
		segments = ref.Layout().Segments // an artifact brings its own, where nothing else is said
	}
	l, err := ref.Layout().With(segments, c.opts.Profile, ref.Layout().TalliesOf(def.Metrics)...)
	if err != nil {
		return nil, unusable{err}
	}
	if known := c.layouts[l.ID()]; known != nil {
		return known, nil
	}
	if _, err := profile.NewPlan(l); err != nil {
		return nil, unusable{fmt.Errorf("model %q: %w", def.Name, err)}
	}
	c.layouts[l.ID()] = l
	return l, nil
}

// Version returns a version that has sent records.
func (c *Catalog) Version(name, version string) (*Version, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if m := c.models[name]; m != nil {
		v, ok := m.versions[version]
		return v, ok
	}
	return nil, false
}

// Versions returns all versions of all models, in no order.
func (c *Catalog) Versions() []*Version {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var all []*Version
	for _, m := range c.models {
		for _, v := range m.versions {
			all = append(all, v)
		}
	}
	return all
}

// Definition returns what is said about a model.
func (c *Catalog) Definition(name string) (*model.Definition, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if m := c.models[name]; m != nil {
		return m.Definition, true
	}
	return nil, false
}
