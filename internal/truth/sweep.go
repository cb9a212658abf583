package truth

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/store"
)

// sweepStep bounds the ids that are forgotten while the lock is held once.
const sweepStep = 2048

// Sweep forgets ids whose wait has ended, some of them. It has to be called again
// while there are more.
func (t *Truth) Sweep(now time.Time) (counts []Counts, more bool, err error) {
	w := t.Begin(now)
	defer w.Discard()
	t.mu.Lock()
	defer t.mu.Unlock()
	w.count.reset(t)
	tx, err := t.begin()
	if err != nil {
		return nil, false, err
	}
	defer tx.Discard()
	wait := t.machine.Wait
	found := false
	for _, c := range [...]struct {
		class  store.DueClass
		before int64
	}{{store.DueAwaited, now.UnixNano() - wait}, {store.DueGone, now.UnixNano() - wait - wait}} {
		last, n, err := w.oldest(c.class, c.before, sweepStep)
		if err != nil {
			return nil, false, err
		}
		if n == 0 {
			continue
		}
		found, more = true, more || n >= sweepStep
		if err := w.forget(tx, last); err != nil {
			return nil, false, err
		}
		tx.DeleteDueThrough(last)
	}
	if !found {
		return nil, false, nil
	}
	if err := t.commit(tx, &w.count); err != nil {
		return nil, false, err
	}
	return w.count.counts(), more, nil
}

// oldest finds the ids that arrived first, whole entries of about limit ids
// together. last is the last of the entries.
func (w *Work) oldest(class store.DueClass, before int64, limit int) (last store.Due, n int, err error) {
	w.due = w.due[:0]
	err = w.t.store.EachDue(class, before, func(d store.Due) error {
		if n > 0 && n+d.Len() > limit {
			n = limit // there are more
			return errEnough
		}
		last = d
		last.IDs = nil
		w.due = append(w.due, d.IDs...)
		n += d.Len()
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return last, 0, err
	}
	w.ids = w.ids[:0]
	for at := 0; at < len(w.due); at += 16 {
		w.ids = append(w.ids, [16]byte(w.due[at:]))
	}
	slices.SortFunc(w.ids, compareIDs)
	w.ids = slices.Compact(w.ids)
	return last, n, nil
}

func compareIDs(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }

var errEnough = errors.New("enough")

// forget lets the time that has passed do to the ids found what it does. Traces
// are due with the last of the entries.
func (w *Work) forget(tx *store.Tx, last store.Due) error {
	if _, err := w.load(w.ids); err != nil {
		return err
	}
	w.due = w.due[:0]
	for i := range w.ids {
		s := &w.slots[i]
		model, awaits, held := s.state.Of(), s.state.Awaits(), s.state.Held()
		told := w.t.machine.Forget(&s.state, w.now.UnixNano())
		if !told.Has(join.Changed) {
			continue // it came again since, and is due later
		}
		w.moved(model, awaits, held, &s.state)
		w.tell(model, told, &s.state)
		w.put(tx, &w.ids[i], s)
		if s.state.Kind == join.Gone {
			w.due = append(w.due, w.ids[i][:]...)
		}
	}
	for part := range chunks(w.due) {
		tx.PutDue(store.Due{Class: store.DueGone, Arrival: last.Arrival, Seq: w.t.next(), IDs: part})
	}
	return nil
}

// makeRoom forgets the ids that arrived first, until the new ones of the batch,
// whose states have been loaded, have room. mu is held.
func (w *Work) makeRoom() error {
	t := w.t
	need := uint64(0)
	for i := range w.ids {
		need += uint64(one(!w.slots[i].state.Held()))
	}
	if t.held+need <= uint64(t.opts.Limit) {
		return nil
	}
	v := t.Begin(w.now) // w is under way
	defer v.Discard()
	for t.held > 0 && t.held+need > uint64(t.opts.Limit) {
		v.count.reset(t)
		tx, err := t.begin()
		if err != nil {
			return err
		}
		last, n, err := v.oldest(store.DueAwaited, 1<<63-1, int(min(need, sweepStep)))
		if err == nil && n > 0 {
			err = v.drop(tx, last)
		}
		if err != nil || n == 0 {
			tx.Discard()
			return err
		}
		tx.DeleteDueThrough(last)
		if err := t.commit(tx, &v.count); err != nil {
			return err
		}
		for i := range v.count.models {
			c := &v.count.models[i]
			w.count.of(c.key).Dropped += c.Dropped
		}
		for i := range v.ids {
			if at, ours := slices.BinarySearchFunc(w.ids, v.ids[i], compareIDs); ours && v.slots[i].changed {
				w.slots[at] = slot{state: w.slots[at].state}
				w.slots[at].state.Reset()
				need++
			}
		}
	}
	return nil
}

// drop forgets the ids found, without a trace. An id that came again since has a
// later entry too, and stays until that is the oldest.
func (w *Work) drop(tx *store.Tx, last store.Due) error {
	if _, err := w.load(w.ids); err != nil {
		return err
	}
	for i := range w.ids {
		s := &w.slots[i]
		model, awaits := s.state.Of(), s.state.Awaits()
		if !s.state.Held() || s.state.Arrival > last.Arrival/int64(time.Second) {
			continue
		}
		if awaits || s.state.Kind == join.Early {
			w.count.of(model).Dropped++
		}
		s.state.Reset()
		s.changed = true
		w.moved(model, awaits, true, &s.state)
		w.put(tx, &w.ids[i], s)
	}
	return nil
}
