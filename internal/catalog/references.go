package catalog

import (
	"errors"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// cachedReferences bounds the decoded references that are kept in memory.
const cachedReferences = 512

// Reference returns what a version is compared with: its own set, else that of
// the model. ok is false when there is none.
func (c *Catalog) Reference(name, version, dataset string) (ref *reference.Reference, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reference(name, version, dataset)
}

func (c *Catalog) reference(name, version, dataset string) (*reference.Reference, bool, error) {
	for _, v := range []string{version, ""} {
		key := referenceKey{name, v, dataset}
		if ref := c.references[key]; ref != nil {
			return ref, true, nil
		}
		b, ok, err := c.store.Reference(name, v, dataset)
		if err = lost(err, name, v); err != nil && v != "" && IsUnusable(err) && c.fixed(name) {
			continue // versions of such a model have none of their own
		}
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		ref, err := reference.Decode(b)
		if err != nil {
			return nil, false, unusable{fmt.Errorf("the reference of model %q%s cannot be read: %w", name, of(v), err)}
		}
		c.remember(key, ref)
		return ref, true, nil
	}
	return nil, false, nil
}

// fixed reports whether the reference of a model comes from the configuration.
func (c *Catalog) fixed(name string) bool {
	m := c.models[name]
	return m != nil && m.Definition.Reference.Path != ""
}

func (c *Catalog) remember(key referenceKey, ref *reference.Reference) {
	if len(c.references) >= cachedReferences {
		for k := range c.references { // any one: the store still has it
			delete(c.references, k)
			break
		}
	}
	c.references[key] = ref
}

// Keep writes a reference and its layout into tx. After tx is committed, call
// Activate.
func (c *Catalog) Keep(tx *store.Tx, ref *reference.Reference) error {
	b, err := reference.Encode(ref)
	if err != nil {
		return err
	}
	tx.PutReference(ref.Model, ref.Version, ref.Dataset, b)
	return c.keepLayout(tx, ref.Layout())
}

func (c *Catalog) keepLayout(tx *store.Tx, l *profile.Layout) error {
	b, err := l.Encode()
	if err != nil {
		return err
	}
	tx.PutLayout(l.ID(), b)
	c.noteKept(l.ID())
	return nil
}

// KeepLayout writes into tx a layout that profiles refer to. Call it while Writing.
func (c *Catalog) KeepLayout(tx *store.Tx, l *profile.Layout) error {
	c.noteKept(l.ID())
	_, ok, err := c.store.Layout(l.ID())
	if _, damaged := errors.AsType[*store.CorruptError](err); err != nil && !damaged || ok {
		return err
	}
	return c.keepLayout(tx, l) // also in the place of one that cannot be read
}

// Activate makes a kept reference the one that its versions are compared with. A
// version whose own one is unusable is in the error, and stops no other.
func (c *Catalog) Activate(ref *reference.Reference) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(referenceKey{ref.Model, ref.Version, ref.Dataset}, ref)
	if ref.Dataset != model.Training {
		return nil
	}
	m := c.models[ref.Model]
	if m == nil {
		m = &Model{Definition: &model.Definition{Name: ref.Model}, versions: map[string]*Version{}}
		c.models[ref.Model] = m
	}
	if _, err := c.live(m.Definition, ref); err != nil {
		return err
	}
	var errs []error
	for name, v := range m.versions {
		if ref.Version == name || ref.Version == "" {
			errs = append(errs, c.settle(v)) // one of its own comes first
		}
	}
	return errors.Join(errs...)
}

// Live returns the layout that predictions will be counted by when ref is
// active.
func (c *Catalog) Live(ref *reference.Reference) (*profile.Layout, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	def := &model.Definition{Name: ref.Model}
	if m := c.models[ref.Model]; m != nil {
		def = m.Definition
	}
	return c.live(def, ref)
}

// Layout returns a layout by its id.
func (c *Catalog) Layout(id string) (*profile.Layout, bool, error) {
	c.mu.RLock()
	l := c.layouts[id]
	c.mu.RUnlock()
	if l != nil {
		return l, true, nil
	}
	b, ok, err := c.store.Layout(id)
	if err != nil || !ok {
		return nil, false, err
	}
	if l, err = profile.DecodeLayout(b); err != nil {
		return nil, false, fmt.Errorf("layout %s: %w", id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layouts[id] = l
	return l, true, nil
}
