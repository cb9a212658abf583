package evaluate

import (
	"math"
	"time"

	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Window is a window of a version that wants to be evaluated, with the change
// that it was seen at.
type Window struct {
	Model, Version string
	Start, End     int64 // unix nanoseconds
	change         int64
}

// Due returns the windows that have changed, have ended and have been quiet for
// Settle, or changed MaxDelay ago, in the order of the store. Those of a version whose
// reference cannot be used wait until it can.
func (e *Evaluator) Due(now time.Time) ([]Window, error) {
	var due []Window
	size := int64(e.catalog.Options().Window)
	at := now.UnixNano()
	err := e.store.EachDirty(func(d store.Dirty) error {
		ended := d.Start+size <= at
		quiet := d.LastChange <= at-int64(e.opts.Settle) || d.FirstChange <= at-int64(e.opts.MaxDelay)
		if ended && quiet && !e.unusable(d.Model, d.Version) {
			due = append(due, Window{d.Model, d.Version, d.Start, d.Start + size, d.LastChange})
		}
		return nil
	})
	return due, err
}

// Evaluate answers the standard questions about a window.
func (e *Evaluator) Evaluate(w Window) ([]query.Measurement, error) {
	return e.engine.Window(w.Model, w.Version, w.Start)
}

// Done marks a window as evaluated, unless it has changed since.
func (e *Evaluator) Done(w Window) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	tx := e.store.Begin() // before the mark is read
	defer tx.Discard()
	d, ok, err := e.store.Dirty(w.Model, w.Version, w.Start)
	if err != nil || !ok || d.LastChange != w.change {
		return err
	}
	tx.ClearDirty(w.Model, w.Version, w.Start)
	return tx.Commit(store.NoSync) // a window that is evaluated twice gives the same answer
}

// Latest returns the last window of each version that has ended, if it ended
// after since.
func (e *Evaluator) Latest(now time.Time, since time.Duration) ([]Window, error) {
	var all []Window
	size := int64(e.catalog.Options().Window)
	complete := now.UnixNano() - size + 1 // windows that begin before have ended
	for _, v := range e.catalog.Versions() {
		start, _, ok, err := e.store.LatestProfile(v.Model, v.Name, complete)
		if err != nil {
			return nil, err
		}
		if ok && v.Unusable() == nil && start+size >= now.Add(-since).UnixNano() {
			all = append(all, Window{Model: v.Model, Version: v.Name, Start: start, End: start + size})
		}
	}
	return all, nil
}

func (e *Evaluator) unusable(name, version string) bool {
	v, ok := e.catalog.Version(name, version)
	return ok && v.Unusable() != nil
}

// Prune deletes the profiles that are older than the retention, and then the versions
// that nothing is left of.
func (e *Evaluator) Prune(now time.Time) error {
	before := now.Add(-e.catalog.Options().Retention).UnixNano()
	tx := e.store.Begin()
	for _, v := range e.catalog.Versions() {
		tx.DeleteProfilesBefore(v.Model, v.Name, before)
		e.engine.Forget(v.Model, v.Name, math.MinInt64, before)
	}
	if err := tx.Commit(store.NoSync); err != nil {
		return err
	}
	gone, err := e.catalog.Forget(now)
	for _, v := range gone {
		e.engine.Forget(v.Model, v.Name, math.MinInt64, math.MaxInt64)
	}
	return err
}
