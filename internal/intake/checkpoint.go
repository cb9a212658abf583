package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Kinds of parcels.
const (
	KindWindow    = "window"    // the profile of one window, a part of it
	KindReference = "reference" // a reference that evaluators need
)

// Checkpoint moves what has been counted into the outbox, makes references of
// the sets that are complete, and cuts the log, in one commit for each. It is
// called at intervals and at the end. Built are the references that were made.
func (in *Intake) Checkpoint(now time.Time) (built []*reference.Reference, err error) {
	in.checkpoint.Lock()
	defer in.checkpoint.Unlock()

	taken, sets, through := in.take()
	if err := in.save(taken, through, now); err != nil {
		in.giveBack(taken)
		return nil, err
	}
	return in.settle(sets, now)
}

// sets is how far the sets that wait had come when a checkpoint took what was
// held. Once that is saved, the store has exactly these rows; the ones that
// arrive meanwhile it does not have, and nothing may be decided by them.
type sets map[pendingKey]warmup

// take empties the memory. Nothing is between its commit and its counting then.
func (in *Intake) take() (taken holding, waiting sets, through uint64) {
	in.gate.Lock()
	defer in.gate.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	taken, in.held = in.held, newHolding()
	in.bytes.Store(0)
	in.logged.Store(0)
	waiting = sets{}
	for k, w := range in.warm {
		waiting[k] = *w
	}
	return taken, waiting, in.seq.Load()
}

// save writes what was taken. On error nothing of it is in the store.
func (in *Intake) save(taken holding, through uint64, now time.Time) error {
	tx := in.store.Begin()
	parcels, pending := in.parcelSeq, in.pendingSeq
	for _, k := range sortedWindows(taken.windows) {
		parcels++
		if err := in.post(tx, parcels, k, taken.windows[k].profile); err != nil {
			tx.Discard()
			return err
		}
	}
	for k, entries := range taken.pending {
		for _, b := range entries {
			pending++
			tx.PutPending(k.model, k.version, k.dataset, pending, b)
		}
	}
	for v := range taken.seen {
		if err := in.saw(tx, v, now); err != nil {
			tx.Discard()
			return err
		}
	}
	tx.DeleteLogThrough(through)
	if _, err := tx.PruneBatches(now.Add(-in.opts.Dedupe).UnixNano(), 100_000); err != nil {
		tx.Discard()
		return err
	}
	if err := tx.Commit(store.Sync); err != nil {
		return err
	}
	in.parcelSeq, in.pendingSeq = parcels, pending
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
		Seq: seq, Kind: KindWindow, Model: k.version.Model, Version: k.version.Name,
		Start: k.start, End: k.start + int64(in.catalog.Options().Window), Layout: k.layout.ID(), Body: b,
	})
	return nil
}

// giveBack returns what could not be saved, so that the next checkpoint tries
// again.
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
		}
		in.held.windows[k] = w
		in.bytes.Add(w.bytes)
	}
	for k, entries := range taken.pending {
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

// settle makes a reference of every set that is complete, and counts the
// predictions that waited for one. The caller holds checkpoint.
func (in *Intake) settle(waiting sets, now time.Time) (built []*reference.Reference, err error) {
	var errs []error
	for _, k := range in.due(waiting, now) {
		v, refusal := in.catalog.Admit(k.model, k.version)
		if v == nil {
			errs = append(errs, *refusal)
			continue
		}
		if k.dataset != "" || v.Layout() == nil {
			ref, err := in.build(k, v, waiting[k])
			if err != nil {
				errs = append(errs, fmt.Errorf("reference of model %q version %q: %w", k.model, k.version, err))
				continue
			}
			built = append(built, ref)
		}
		if k.dataset == "" {
			if err := in.countPending(k, v, waiting[k]); err != nil {
				errs = append(errs, fmt.Errorf("predictions of model %q version %q that waited: %w", k.model, k.version, err))
			}
		}
	}
	return built, errors.Join(errs...)
}

// due returns the sets that can go on, training sets before test sets before
// predictions, so that each finds what it needs.
func (in *Intake) due(waiting sets, now time.Time) []pendingKey {
	o := in.catalog.Options()
	var keys []pendingKey
	for k, w := range waiting {
		quiet := now.Sub(w.last) >= o.Settle
		switch k.dataset {
		case model.Training:
			if w.complete || quiet || w.rows >= o.Rows {
				keys = append(keys, k)
			}
		case model.Test:
			if _, training := waiting[pendingKey{k.model, k.version, model.Training}]; !training && (w.complete || quiet) {
				keys = append(keys, k)
			}
		default:
			if in.ready(waiting, k, now) {
				keys = append(keys, k)
			}
		}
	}
	rank := map[string]int{model.Training: 0, model.Test: 1, "": 2}
	slices.SortFunc(keys, func(a, b pendingKey) int {
		return cmp.Or(cmp.Compare(rank[a.dataset], rank[b.dataset]), cmp.Compare(a.model, b.model), cmp.Compare(a.version, b.version))
	})
	return keys
}

// ready reports whether waiting predictions can be counted: their version has a
// reference, or they make one themselves. While rows of a reference come in,
// they wait.
func (in *Intake) ready(waiting sets, k pendingKey, now time.Time) bool {
	o, w := in.catalog.Options(), waiting[k]
	if v, ok := in.catalog.Version(k.model, k.version); ok && v.Layout() != nil {
		return true
	}
	if t, ok := waiting[pendingKey{k.model, k.version, model.Training}]; ok {
		return t.complete || now.Sub(t.last) >= o.Settle // it comes first in the order
	}
	return w.rows >= o.Warmup || now.Sub(w.first) >= o.WarmupWait
}

// build makes a reference of a set and activates it.
func (in *Intake) build(k pendingKey, v *catalog.Version, of warmup) (*reference.Reference, error) {
	o := reference.Options{Limits: in.catalog.Options().Profile, SampleRows: in.catalog.Options().Rows}
	limit, source := 0, "ml.reference rows"
	if k.dataset == "" {
		limit, source = in.catalog.Options().Warmup, "warm-up: the first records"
	}
	if k.dataset == model.Test {
		o.Layout = v.Layout()
	}
	ref, err := reference.Build(v.Definition, in.pendingRows(k, limit), o)
	if err != nil {
		if errors.Is(err, reference.ErrNoRows) { // only an end without rows
			return nil, errors.Join(err, in.drop(k, of))
		}
		return nil, err
	}
	ref.Model, ref.Version, ref.Source = k.model, k.version, source
	if k.dataset != "" {
		ref.Dataset = k.dataset
	}
	tx := in.store.Begin()
	if err := in.catalog.Keep(tx, ref); err != nil {
		tx.Discard()
		return nil, err
	}
	body, err := reference.Encode(ref)
	if err != nil {
		tx.Discard()
		return nil, err
	}
	tx.PutParcel(store.Parcel{Seq: in.parcelSeq + 1, Kind: KindReference, Model: k.model, Version: k.version, Layout: ref.Layout().ID(), Body: body})
	if k.dataset != "" {
		tx.DeletePending(k.model, k.version, k.dataset)
	}
	if err := tx.Commit(store.Sync); err != nil {
		return nil, err
	}
	in.parcelSeq++
	if k.dataset != "" {
		in.forget(k, of)
	}
	return ref, in.catalog.Activate(ref)
}

// pendingRows walks the records of a set, the first limit of them if that is
// not 0.
func (in *Intake) pendingRows(k pendingKey, limit int) reference.Rows {
	return func(yield func(*record.Record, error) bool) {
		n := 0
		done := errors.New("enough")
		var rec record.Record
		err := in.store.EachPending(k.model, k.version, k.dataset, func(_ uint64, rows []byte) error {
			arrived, b, err := openEntry(rows)
			if err != nil {
				return err
			}
			d := record.NewDecoder(b, arrived)
			for d.Next(&rec) {
				if len(rec.Fields) == 0 {
					continue // only an end
				}
				if n++; limit > 0 && n > limit || !yield(&rec, nil) {
					return done
				}
			}
			return d.Err()
		})
		if err != nil && !errors.Is(err, done) {
			yield(nil, err)
		}
	}
}

// countPending counts the predictions that waited, now that there is a layout, and
// posts their profiles in the commit that deletes them.
func (in *Intake) countPending(k pendingKey, v *catalog.Version, of warmup) error {
	layout := v.Layout()
	plan, err := profile.NewPlan(layout)
	if err != nil {
		return err
	}
	rows, size := plan.NewRows(), int64(in.catalog.Options().Window)
	windows := map[windowKey]*window{}
	for rec, err := range in.pendingRows(k, 0) {
		if err != nil {
			return err
		}
		key := windowKey{v, layout, Floor(rec.Time, size)}
		w := windows[key]
		if w == nil {
			w = &window{profile: profile.New(layout)}
			windows[key] = w
		}
		rows.Reset()
		rows.Add(rec)
		w.profile.Add(rows, 0)
	}
	tx := in.store.Begin()
	seq := in.parcelSeq
	for _, key := range sortedWindows(windows) {
		seq++
		if err := in.post(tx, seq, key, windows[key].profile); err != nil {
			tx.Discard()
			return err
		}
	}
	tx.DeletePending(k.model, k.version, k.dataset)
	if err := tx.Commit(store.Sync); err != nil {
		return err
	}
	in.parcelSeq = seq
	in.forget(k, of)
	return nil
}

// drop deletes a set that nothing can be made of.
func (in *Intake) drop(k pendingKey, of warmup) error {
	tx := in.store.Begin()
	tx.DeletePending(k.model, k.version, k.dataset)
	if err := tx.Commit(store.Sync); err != nil {
		return err
	}
	in.forget(k, of)
	return nil
}

// forget ends the waiting of the records of k that were in the store. Those
// that came in meanwhile are a set of their own, which has only begun.
func (in *Intake) forget(k pendingKey, saved warmup) {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := in.warm[k]
	if w == nil || w.rows <= saved.rows {
		delete(in.warm, k)
		return
	}
	in.warm[k] = &warmup{rows: w.rows - saved.rows, first: w.last, last: w.last, complete: w.complete && !saved.complete}
}
