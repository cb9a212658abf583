package catalog

import (
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/store"
)

// noteKept notes that a transaction under way refers to a layout.
func (c *Catalog) noteKept(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil {
		c.kept[id] = true
	}
}

// sweep deletes the layouts that no profile, no parcel and no version refers to.
// Versions and models may share one, so all profiles are looked at, which can take
// a while: nobody waits for that. What is written meanwhile notes its layouts.
func (c *Catalog) sweep() error {
	c.writing.Lock() // what was begun before is committed, so it will be seen
	c.mu.Lock()
	c.kept = map[string]bool{}
	c.mu.Unlock()
	c.writing.Unlock()
	defer func() {
		c.mu.Lock()
		c.kept = nil
		c.mu.Unlock()
	}()
	tx := c.store.Begin() // before anything is read
	defer tx.Discard()
	unused, err := c.unused()
	if err != nil || len(unused) == 0 {
		return err
	}

	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.kept {
		delete(unused, id)
	}
	live := map[string]bool{}
	for _, m := range c.models {
		for _, v := range m.versions {
			if l := v.Layout(); l != nil {
				live[l.ID()] = true
			}
		}
	}
	for id := range unused {
		if !live[id] {
			tx.DeleteLayout(id)
		}
	}
	if err := tx.Commit(store.NoSync); err != nil {
		return err
	}
	for id := range unused {
		if !live[id] {
			delete(c.layouts, id)
		}
	}
	return nil
}

// unused returns the layouts that nothing in the store refers to.
func (c *Catalog) unused() (map[string]bool, error) {
	ids := map[string]bool{}
	if err := c.store.EachLayout(func(id string, _ []byte) error {
		ids[id] = true
		return nil
	}); err != nil {
		return nil, err
	}
	if err := c.store.EachWindow(func(_, _ string, _ int64, b []byte) error {
		if id, err := profile.LayoutID(b); err == nil { // one that cannot be read needs none
			delete(ids, id)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return ids, c.store.EachParcel(func(p store.Parcel) error {
		delete(ids, p.Layout)
		return nil
	})
}
