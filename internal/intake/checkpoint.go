package intake

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Checkpoint moves what has been counted into the outbox, makes references of
// the sets that are complete, and cuts the log, in one commit for each. It is
// called at intervals and at the end. Built are the references that were made.
func (in *Intake) Checkpoint(now time.Time) (built []*reference.Reference, err error) {
	in.checkpoint.Lock()
	defer in.checkpoint.Unlock()

	t, err := in.take(now)
	if err != nil {
		return nil, err
	}
	if err := in.save(t, now); err != nil {
		in.giveBack(t.holding)
		return nil, err
	}
	return in.settle(t.waiting, now)
}

// taken is what a checkpoint moves into the store.
type taken struct {
	holding
	tx      *store.Tx // of the generation that it was counted in
	waiting sets
	through uint64 // the last entry of the log that was counted
}

// sets is how far the sets that wait had come when a checkpoint took what was
// held. Once that is saved, the store has exactly these rows; the ones that
// arrive meanwhile it does not have, and nothing may be decided by them.
type sets map[pendingKey]warmup

// take empties the memory. Nothing is between its commit and its counting then.
func (in *Intake) take(now time.Time) (t taken, err error) {
	in.gate.Lock()
	defer in.gate.Unlock()
	if t.tx, err = in.catchUp(now); err != nil {
		return taken{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	t.holding, in.held = in.held, newHolding()
	in.bytes.Store(0)
	in.logged.Store(0)
	t.waiting, t.through = sets{}, in.seq.Load()
	for v := range t.seen {
		v.Seen(now) // it is still held, however long it could not be saved
	}
	for k, w := range in.warm {
		t.waiting[k] = *w
	}
	return t, nil
}

// save writes what was taken. On error nothing of it is in the store, unless a
// write has failed: then all of it may be, and memory is read again.
func (in *Intake) save(t taken, now time.Time) error {
	tx := t.tx
	defer tx.Discard()
	defer in.catalog.Writing()()
	parcels, pending := in.parcelSeq.Load(), in.pendingSeq
	for _, k := range sortedWindows(t.windows) {
		parcels++
		if err := in.post(tx, parcels, k, t.windows[k].profile); err != nil {
			return err
		}
	}
	for k, entries := range t.pending {
		for _, b := range entries {
			pending++
			tx.PutPending(k.model, k.version, k.dataset, pending, b)
		}
	}
	for v := range t.seen {
		if err := in.saw(tx, v, now); err != nil {
			return err
		}
	}
	tx.DeleteLogThrough(t.through)
	if _, err := tx.PruneBatches(now.Add(-in.opts.Dedupe).UnixNano(), 100_000); err != nil {
		return err
	}
	if err := tx.Commit(store.Sync); err != nil {
		return err
	}
	in.parcelSeq.Store(parcels)
	in.pendingSeq = pending
	return nil
}

func (in *Intake) saw(tx *store.Tx, v *catalog.Version, now time.Time) error {
	kept, ok, err := in.store.Version(v.Model, v.Name)
	if err != nil {
		return err
	}
	if !ok {
		kept.FirstSeen = now.UnixNano()
	}
	kept.LastSeen = now.UnixNano()
	tx.PutVersion(v.Model, v.Name, kept)
	return nil
}

// post puts the profile of a window into the outbox.
func (in *Intake) post(tx *store.Tx, seq uint64, k windowKey, p *profile.Profile) error {
	b, err := p.Encode()
	if err != nil {
		return fmt.Errorf("profile of model %q version %q: %w", k.version.Model, k.version.Name, err)
	}
	if err := in.catalog.KeepLayout(tx, k.layout); err != nil {
		return err
	}
	tx.PutParcel(store.Parcel{
		Seq: seq, Kind: store.KindWindow, Model: k.version.Model, Version: k.version.Name,
		Start: k.start, End: k.start + int64(in.catalog.Options().Window), Layout: k.layout.ID(), Body: b,
	})
	return nil
}

// giveBack returns what could not be saved, so that the next checkpoint tries
// again. After a failed write that may have saved it all the same, it goes back
// to a memory that is stale, and is dropped with it before anything is made of
// it.
func (in *Intake) giveBack(taken holding) {
	in.gate.Lock()
	defer in.gate.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	for k, w := range taken.windows {
		if now := in.held.windows[k]; now != nil {
			if err := w.profile.Merge(now.profile); err != nil { // one layout: it cannot fail
				panic(err)
			}
			in.bytes.Add(-now.bytes)
			w.bytes = w.profile.Bytes()
		}
		in.held.windows[k] = w
		in.bytes.Add(w.bytes)
	}
	for k, entries := range taken.pending {
		for _, b := range entries {
			in.bytes.Add(int64(len(b)))
		}
		in.held.pending[k] = append(entries, in.held.pending[k]...)
	}
	for v := range taken.seen {
		in.held.seen[v] = true
	}
}

func sortedWindows(m map[windowKey]*window) []windowKey {
	keys := make([]windowKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b windowKey) int {
		return cmp.Or(cmp.Compare(a.version.Model, b.version.Model), cmp.Compare(a.version.Name, b.version.Name),
			cmp.Compare(a.start, b.start), cmp.Compare(a.layout.ID(), b.layout.ID()))
	})
	return keys
}
