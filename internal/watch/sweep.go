package watch

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/store"
)

// sweep ends what is watched no more: the monitor, the version or the slice is gone.
// An alert of it that fires is over.
func (r *run) sweep(versions []Version) {
	watched := make(map[string]bool, len(r.ids))
	for _, id := range r.ids {
		watched[id] = true
	}
	for id, k := range r.kept {
		if watched[id] || k.Monitor == "" || k.Monitor == heldBack || slices.ContainsFunc(r.waiting, k.covers) || slices.ContainsFunc(versions, func(v Version) bool { return k.covers(v.Name) && v.Layout == nil }) {
			continue
		}
		gone := *k
		gone.Monitor = ""
		var changes []alert.Change
		gone.State, changes = alert.Over(k.State, r.now)
		for _, c := range changes {
			if r.damped(&gone, c) {
				continue
			}
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
