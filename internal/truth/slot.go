package truth

import (
	"bytes"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/store"
)

// slot is an id of a batch with its state: as it was read, then as the events of
// the batch have left it.
type slot struct {
	bytes string // as it was read; "" for an id that was never seen

	changed bool
	kind    join.Kind // before the batch, when it was read
	arrival int64
	state   join.State
}

// load reads the states of ids. Those that cannot be read are as if they had
// never been seen. mu is held.
func (w *Work) load(ids [][16]byte) (damaged int, err error) {
	for len(w.slots) < len(ids) {
		w.slots = append(w.slots, slot{})
	}
	// All states are copied together, and kept as one text, so that what is read
	// from them costs no memory of its own.
	type place struct{ from, to int }
	w.read = w.read[:0]
	places := make([]place, len(ids))
	if err := w.t.store.Awaited(ids, func(i int, state []byte, bad error) error {
		if bad != nil {
			damaged++
		}
		places[i].from = len(w.read)
		w.read = append(w.read, state...)
		places[i].to = len(w.read)
		return nil
	}); err != nil {
		return damaged, err
	}
	all := string(w.read)
	for i, p := range places {
		s := &w.slots[i]
		s.bytes, s.changed = all[p.from:p.to], false
		if s.bytes == "" {
			s.state.Reset()
			s.kind, s.arrival = join.None, 0
			continue
		}
		if err := w.t.table.Read(s.bytes, &s.state); err != nil {
			damaged++
		}
		s.kind, s.arrival = s.state.Kind, s.state.Arrival
	}
	return damaged, nil
}

func (w *Work) slot(i int) *slot { return &w.slots[i] }

// write puts the changed states into a transaction, and when they are to be
// forgotten. mu is held.
func (w *Work) write(tx *store.Tx) {
	w.due = w.due[:0]
	for i := range w.ids {
		s := &w.slots[i]
		if !s.changed {
			continue
		}
		w.put(tx, &w.ids[i], s)
		if s.state.Held() && (s.kind != s.state.Kind || s.arrival != s.state.Arrival) {
			w.due = append(w.due, w.ids[i][:]...)
		}
	}
	for part := range chunks(w.due) {
		tx.PutDue(store.Due{Class: store.DueAwaited, Arrival: w.now.UnixNano(), Seq: w.t.next(), IDs: part})
	}
}

// put writes a state, if it is another one.
func (w *Work) put(tx *store.Tx, id *[16]byte, s *slot) {
	w.state = w.t.table.Append(w.state[:0], &s.state)
	switch {
	case len(w.state) == 0 && s.bytes != "":
		tx.DeleteAwaited(id)
	case len(w.state) > 0 && !bytes.Equal(w.state, []byte(s.bytes)):
		tx.PutAwaited(id, w.state)
	}
}

// chunks cuts ids into parts that can be forgotten in one step.
func chunks(ids []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(ids) > 0 {
			n := min(len(ids), 16*sweepStep)
			if !yield(ids[:n]) {
				return
			}
			ids = ids[n:]
		}
	}
}
