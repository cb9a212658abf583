package catalog

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/store"
)

// leastIdle is for how long a version is kept at least. Whoever was given it by
// Admit may still be counting by it, and no batch takes an hour.
const leastIdle = time.Hour

// Seen notes that something of the version has come, or is still held.
func (v *Version) Seen(now time.Time) {
	at := now.UnixNano()
	for was := v.last.Load(); was < at && !v.last.CompareAndSwap(was, at); was = v.last.Load() {
	}
}

// Await says for how long predictions wait for their labels: a version that may
// still get one is not forgotten.
func (c *Catalog) Await(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.await = max(c.await, wait)
}

// Writing is called before a transaction looks for what profiles and parcels refer
// to, and done after its commit, so that it is not forgotten in between.
func (c *Catalog) Writing() (done func()) {
	c.writing.RLock()
	return c.writing.RUnlock
}

// Forget ends the versions of which nothing has come for the retention and nothing
// is kept: with a place for each there would soon be none for the next. They are
// returned, also with an error. What comes of one later makes it a new version.
//
// A model that nobody defined goes with its last version.
func (c *Catalog) Forget(now time.Time) ([]*Version, error) {
	c.forgetting.Lock()
	defer c.forgetting.Unlock()
	c.mu.RLock()
	none := len(c.idle(now)) == 0
	c.mu.RUnlock()
	if none {
		return nil, nil
	}
	gone, err := c.forget(now)
	if len(gone) > 0 {
		err = errors.Join(err, c.sweep())
	}
	return gone, err
}

// idle returns the versions that nobody has seen for long. The caller holds the
// lock.
func (c *Catalog) idle(now time.Time) (all []*Version) {
	before := c.idleSince(now)
	for _, m := range c.models {
		full := len(m.versions) >= c.opts.Versions
		for _, v := range m.versions {
			// The reference of the configuration costs no room of a version, so one that
			// has it keeps its place, until there is none for a new one.
			if v.last.Load() < before && (full || !v.FixedReference) && !watched(m.Definition, v.Name) {
				all = append(all, v)
			}
		}
	}
	return all
}

func (c *Catalog) idleSince(now time.Time) int64 {
	return now.Add(-max(c.opts.Retention, c.await, leastIdle)).UnixNano()
}

// watched reports whether a definition names the version.
func watched(d *model.Definition, version string) bool {
	return slices.ContainsFunc(d.Monitors, func(m model.Monitor) bool { return m.Version == version || m.Baseline.Version == version })
}

// versionKey names a version.
type versionKey struct{ model, version string }

// forget deletes what is kept of idle versions in one commit, then in memory.
func (c *Catalog) forget(now time.Time) ([]*Version, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	tx := c.store.Begin() // before anything is read
	defer tx.Discard()
	busy, err := c.onTheWay()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var gone []*Version
	var errs []error
	left := map[string]int{} // versions of a model
	for _, v := range c.idle(now) {
		kept, err := c.hasAnything(v, c.idleSince(now))
		errs = append(errs, err)
		if kept || busy[versionKey{v.Model, v.Name}] || err != nil {
			continue
		}
		if _, ok := left[v.Model]; !ok {
			left[v.Model] = len(c.models[v.Model].versions)
		}
		left[v.Model]--
		tx.DeleteVersion(v.Model, v.Name)
		tx.ClearDirtyOf(v.Model, v.Name)
		if v.Name != "" { // the others are compared with that of no name
			tx.DeleteReference(v.Model, v.Name, model.Training)
			tx.DeleteReference(v.Model, v.Name, model.Test)
		}
		gone = append(gone, v)
	}
	for name, n := range left {
		if n == 0 && !c.models[name].configuredReference() {
			tx.DeleteReferences(name)
		}
	}
	if err := tx.Commit(store.NoSync); err != nil { // what is lost of it is forgotten again
		return nil, errors.Join(append(errs, err)...)
	}
	for _, v := range gone {
		c.drop(v)
	}
	return gone, errors.Join(errs...)
}

func (m *Model) configuredReference() bool {
	return m.Definition.Reference.Path != "" || m.Definition.Reference.Test != ""
}

// drop removes a version from memory.
func (c *Catalog) drop(v *Version) {
	m := c.models[v.Model]
	delete(m.versions, v.Name)
	last := len(m.versions) == 0
	for k := range c.references {
		if k.model == v.Model && (k.version == v.Name && v.Name != "" || last && !m.configuredReference()) {
			delete(c.references, k)
		}
	}
	if last && !m.Configured {
		delete(c.models, v.Model)
	}
}

// onTheWay returns the versions of which there are rows that wait for a reference,
// or parcels that nobody has taken.
func (c *Catalog) onTheWay() (map[versionKey]bool, error) {
	busy := map[versionKey]bool{}
	sets, err := c.store.PendingSets()
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		busy[versionKey{s.Model, s.Version}] = true
	}
	return busy, c.store.EachParcel(func(p store.Parcel) error {
		busy[versionKey{p.Model, p.Version}] = true
		return nil
	})
}

// hasAnything reports whether a version was seen since, as the store has it, or has
// a profile.
func (c *Catalog) hasAnything(v *Version, since int64) (bool, error) {
	known, ok, err := c.store.Version(v.Model, v.Name)
	if err != nil || ok && known.LastSeen >= since {
		return true, err
	}
	_, _, ok, err = c.store.LatestProfile(v.Model, v.Name, math.MaxInt64)
	return ok, err
}
