package truth

import (
	"bytes"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Speaker writes what is said about a batch in the form in which it goes on.
type Speaker interface {
	// Say takes a record, which is valid until it returns.
	Say(*record.Record)
	// Bytes returns all that was said, in bytes that mean the same for ever.
	Bytes() ([]byte, error)
}

// Outcome is what was decided about a batch.
type Outcome struct {
	// Seq is the entry, of which the caller has to say Taken or Refused; 0 when
	// nothing goes on.
	Seq uint64
	// Dropped are the records of the batch that do not go on, ascending.
	Dropped []uint32
	// Known says that the batch had been decided before, and goes on or went on
	// from then. There is no entry.
	Known   bool
	Counts  []Counts
	Damaged int // ids whose states could not be read and are forgotten
}

// Batch is what Work has been told about, in the form in which it goes on.
type Batch struct {
	Bytes    []byte   // of all its records
	Records  int      // how many they are
	Identity [16]byte // the same for the same records, in whatever order they are
}

// salt keeps identities apart from those that profile gives to the same records.
const salt = 0x67726f756e64

// Commit decides about the batch and makes the decision durable. After nil the
// sender may be answered, and the entry has to be delivered. After an error
// nothing was kept, or it is delivered without the caller; the sender may try
// again in any case.
func (w *Work) Commit(batch Batch, say Speaker) (Outcome, error) {
	defer w.Discard()
	if w.err != nil {
		return Outcome{}, w.err
	}
	w.sort()
	out, generation, err := w.decide(batch, say)
	if err != nil {
		return Outcome{}, err
	}
	if w.t.opts.Durability == store.Sync {
		if err := w.t.store.SyncGeneration(generation); err != nil {
			// If the entry has survived, it waits.
			w.t.outbox.land(out.Seq)
			return Outcome{}, err
		}
	}
	return out, nil
}

// sort finds the distinct ids.
func (w *Work) sort() {
	w.order = w.order[:0]
	for i := range w.events {
		w.order = append(w.order, int32(i))
	}
	slices.SortFunc(w.order, func(a, b int32) int { return bytes.Compare(w.events[a].id[:], w.events[b].id[:]) })
	w.ids = w.ids[:0]
	for _, i := range w.order {
		e := &w.events[i]
		if e.none {
			continue
		}
		if n := len(w.ids); n == 0 || w.ids[n-1] != e.id {
			w.ids = append(w.ids, e.id)
		}
		e.slot = int32(len(w.ids) - 1)
	}
}

// decide is everything that happens under the lock: from reading the states to a
// commit that the next batch is decided by.
func (w *Work) decide(batch Batch, say Speaker) (out Outcome, generation uint64, err error) {
	t := w.t
	t.mu.Lock()
	defer t.mu.Unlock()
	w.count.reset(t)
	tx, err := t.begin()
	if err != nil {
		return out, 0, err
	}
	defer tx.Discard()
	generation = t.generation
	var identity [16]byte
	if w.named {
		identity = xxh3.Hash128Seed(batch.Identity[:], salt).Bytes()
		if out.Known, err = t.store.KnowsBatch(identity); err != nil || out.Known {
			return out, generation, err
		}
	}
	if out.Damaged, err = w.load(w.ids); err != nil {
		return out, 0, err
	}
	if t.opts.DropOldest {
		if err := w.makeRoom(); err != nil {
			return out, 0, err
		}
	}
	said := 0
	t.machine.Emit = func(r *record.Record) {
		said++
		say.Say(r)
	}
	w.gone = w.gone[:0]
	for i := range w.events {
		e := &w.events[i]
		if e.none || !w.offer(e) {
			w.gone = append(w.gone, e.record)
		}
	}
	w.write(tx)
	entry := Entry{Arrived: w.now.UnixNano(), Dropped: w.gone, Batch: batch.Bytes}
	if len(w.gone) == batch.Records {
		entry.Dropped, entry.Batch = nil, nil
	}
	if said > 0 {
		if entry.Said, err = say.Bytes(); err != nil {
			return out, 0, err
		}
	}
	if len(entry.Batch)+len(entry.Said) > 0 {
		out.Seq = t.next()
		w.entry = entry.appendTo(w.entry[:0])
		tx.PutJoined(out.Seq, w.entry)
	}
	if w.named {
		tx.PutBatch(identity, w.now.UnixNano())
	}
	if err := t.commit(tx, &w.count); err != nil {
		return out, 0, err
	}
	if out.Seq != 0 {
		t.outbox.fly(out.Seq, len(w.entry))
	}
	out.Dropped = slices.Clone(w.gone)
	out.Counts = w.count.counts()
	return out, generation, nil
}

// offer hands an event to the machine and reports whether its record goes on.
func (w *Work) offer(e *event) bool {
	t, s := w.t, w.slot(int(e.slot))
	now := w.now.UnixNano()
	full := !s.state.Held() && int64(t.held)+w.count.grown >= int64(t.opts.Limit)
	var told join.Told
	switch {
	case full && e.plan != nil:
		w.count.of(e.model).NotAwaited++
		return true
	case full && s.state.Kind == join.None:
		w.count.of(e.model).Unmatched++
		return false
	}
	before := s.state.Of()
	awaits, held := s.state.Awaits(), s.state.Held()
	if e.plan != nil {
		told = t.machine.Predict(&s.state, &join.Prediction{
			ID: e.name, Shape: t.shape(e.plan), Time: e.time,
			Values: w.values[e.values.from:e.values.to], Labels: w.labels[e.labels.from:e.labels.to],
		}, now)
	} else {
		told = t.machine.Label(&s.state, &join.Actual{
			ID: e.name, Model: e.model,
			Labels: w.labels[e.labels.from:e.labels.to], Inputs: w.inputs[e.inputs.from:e.inputs.to],
		}, now)
	}
	w.moved(before, awaits, held, &s.state)
	w.tell(e.model, told, &s.state)
	s.changed = s.changed || told.Has(join.Changed)
	return told.Has(join.Passes)
}

// moved changes the tallies by what became of a state.
func (w *Work) moved(model string, awaits, held bool, s *join.State) {
	if held {
		c := w.count.of(model)
		c.held--
		c.awaited -= one(awaits)
		w.count.grown--
	}
	if s.Held() {
		c := w.count.of(s.Of())
		c.held++
		c.awaited += one(s.Awaits())
		w.count.grown++
	}
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// tell counts what happened to a record, or to an id.
func (w *Work) tell(model string, told join.Told, s *join.State) {
	c := w.count.of(model)
	count := func(what join.Told, n *int) {
		if told.Has(what) {
			*n++
		}
	}
	count(join.Joined, &c.Joined)
	count(join.Again, &c.Duplicates)
	count(join.Repeated, &c.Repeated)
	count(join.Expired, &c.Expired)
	count(join.Unmatched, &c.Unmatched)
	count(join.Unlabelled, &c.Unlabelled)
	if size := int64(w.t.catalog.Options().Window); told.Has(join.Joined) && w.now.UnixNano() >= record.Window(s.Time, size)+size {
		c.Late++
	}
	if told.Has(join.Labelled) {
		at := s.Labels[0].Time
		for _, l := range s.Labels {
			at = min(at, l.Time)
		}
		c.LabelSeconds = append(c.LabelSeconds, max(0, float64(at-s.Time)/1e9))
	}
}

// shape returns the shape of a plan in the table that is in use. mu is held.
func (t *Truth) shape(p *plan) *join.Shape {
	if p.table != t.table {
		p.shape, p.table = t.table.Shape(p.shape), t.table
	}
	return p.shape
}
