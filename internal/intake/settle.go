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

// settle makes a reference of every set that is complete, and counts the
// predictions that waited for one. The caller holds checkpoint.
func (in *Intake) settle(waiting sets, now time.Time) (built []*reference.Reference, err error) {
	var errs []error
	for _, k := range in.due(waiting, now) {
		v, err := in.catalog.Admit(k.model, k.version, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if k.dataset != model.Training && v.Unusable() != nil {
			continue // what is served must not take the place of a reference that is lost
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
	v, ok := in.catalog.Version(k.model, k.version)
	if ok && v.Layout() != nil {
		return true
	}
	if t, ok := waiting[pendingKey{k.model, k.version, model.Training}]; ok {
		return t.complete || now.Sub(t.last) >= o.Settle // it comes first in the order
	}
	if ok && v.Unusable() != nil {
		return false
	}
	return w.rows >= o.Warmup || now.Sub(w.first) >= o.WarmupWait
}

// build makes a reference of a set and activates it.
func (in *Intake) build(k pendingKey, v *catalog.Version, of warmup) (*reference.Reference, error) {
	o := reference.Options{Limits: in.catalog.Options().Profile, SampleRows: in.catalog.Options().Rows}
	limit, source := 0, "ml.reference rows"
	if k.dataset == "" {
		limit, source = in.catalog.Options().Warmup, reference.Warmup
	}
	if k.dataset == model.Test {
		o.Layout = v.Layout()
	}
	defer in.catalog.Writing()()
	tx, err := in.begin()
	if err != nil {
		return nil, err
	}
	defer tx.Discard()
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
	if err := in.catalog.Keep(tx, ref); err != nil {
		return nil, err
	}
	body, err := reference.Encode(ref)
	if err != nil {
		return nil, err
	}
	seq := in.parcelSeq.Load() + 1
	tx.PutParcel(store.Parcel{Seq: seq, Kind: store.KindReference, Model: k.model, Version: k.version, Layout: ref.Layout().ID(), Body: body})
	if k.dataset != "" {
		tx.DeletePending(k.model, k.version, k.dataset)
	}
	if err := tx.Commit(store.Sync); err != nil {
		return nil, err
	}
	in.parcelSeq.Store(seq)
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
	defer in.catalog.Writing()()
	tx, err := in.begin()
	if err != nil {
		return err
	}
	defer tx.Discard()
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
		key := windowKey{v, layout, record.Window(rec.Time, size)}
		w := windows[key]
		if w == nil {
			w = &window{profile: profile.New(layout)}
			windows[key] = w
		}
		rows.Reset()
		rows.Add(rec)
		w.profile.Add(rows, 0)
	}
	seq := in.parcelSeq.Load()
	for _, key := range sortedWindows(windows) {
		seq++
		if err := in.post(tx, seq, key, windows[key].profile); err != nil {
			return err
		}
	}
	tx.DeletePending(k.model, k.version, k.dataset)
	if err := tx.Commit(store.Sync); err != nil {
		return err
	}
	in.parcelSeq.Store(seq)
	in.forget(k, of)
	return nil
}

// drop deletes a set that nothing can be made of.
func (in *Intake) drop(k pendingKey, of warmup) error {
	tx, err := in.begin()
	if err != nil {
		return err
	}
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
