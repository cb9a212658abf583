package truth

import (
	"encoding/binary"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Work is one batch on its way: Add its predictions and actuals, then Commit. It
// belongs to one goroutine.
type Work struct {
	t       *Truth
	now     time.Time
	named   bool // every record so far has a time or an id of its own
	events  []event
	values  []record.Value // of all predictions
	labels  []join.Label   // of all events
	inputs  []join.Input   // of all actuals
	elems   []record.Element
	scopes  map[scopeKey]*scope
	last    *scope
	hashed  []byte
	planned int
	err     error // of the store; nothing can be decided

	ids   [][16]byte // distinct, ascending
	order []int32    // events by id
	slots []slot
	read  []byte // states as they were read
	state []byte
	due   []byte
	gone  []uint32
	entry []byte
	count tallying
}

// event is a prediction or an actual with an id.
type event struct {
	id     [16]byte // hash of model and id
	slot   int32
	record uint32 // its number in the batch
	plan   *plan  // nil for an actual
	none   bool   // it only does not go on
	name   string // the id
	model  string
	time   int64
	values span
	labels span
	inputs span
}

// span is a part of one of the lists.
type span struct{ from, to int32 }

// Taken says what Add did with a record.
type Taken uint8

// What Add can do.
const (
	Decided   Taken = iota // Commit decides about it
	WithoutID              // it has no id to be joined by
	Empty                  // an actual that has neither actuals nor raw inputs
)

// Begin returns work on a new batch, to be ended with Commit or Discard.
func (t *Truth) Begin(now time.Time) *Work {
	w := t.work.Get().(*Work)
	w.now, w.named, w.last, w.err = now, true, nil, nil
	clear(w.values) // they refer to the batch before
	clear(w.labels)
	clear(w.inputs)
	clear(w.events)
	w.events, w.values, w.labels, w.inputs, w.elems = w.events[:0], w.values[:0], w.labels[:0], w.inputs[:0], w.elems[:0]
	if len(w.scopes) > maxScopes || w.planned > maxPlanned {
		clear(w.scopes)
		w.planned = 0
	}
	for _, s := range w.scopes {
		s.current = false
	}
	return w
}

// What is remembered of the senders of many versions, and of very many fields.
const (
	maxScopes  = 256
	maxPlanned = 50_000 // fields in plans
)

// Discard ends the work without keeping anything.
func (w *Work) Discard() { w.t.work.Put(w) }

// Len returns how many records Commit will decide about, or drop.
func (w *Work) Len() int { return len(w.events) }

// Anonymous says that the batch has a record without a time and an id, so that a
// batch which is sent again cannot be told from another one.
func (w *Work) Anonymous() { w.named = false }

// Drop says that record number n does not go on, whatever is decided. Numbers must
// ascend, with those of Add.
func (w *Work) Drop(n int) { w.events = append(w.events, event{record: uint32(n), none: true}) }

// Add takes a prediction or an actual, record number n of the batch. It keeps the
// texts of rec, and nothing else.
func (w *Work) Add(rec *record.Record, n int) Taken {
	if rec.ID == "" {
		return WithoutID
	}
	e := event{record: uint32(n), name: rec.ID, model: rec.Model, time: rec.Time}
	e.values.from, e.labels.from, e.inputs.from = int32(len(w.values)), int32(len(w.labels)), int32(len(w.inputs))
	if rec.Event == record.Prediction {
		w.predict(rec, &e)
	} else if !w.actual(rec) {
		return Empty
	}
	e.values.to, e.labels.to, e.inputs.to = int32(len(w.values)), int32(len(w.labels)), int32(len(w.inputs))
	w.hashed = append(binary.AppendUvarint(w.hashed[:0], uint64(len(rec.Model))), rec.Model...)
	w.hashed = append(w.hashed, rec.ID...)
	e.id = xxh3.Hash128(w.hashed).Bytes()
	w.events = append(w.events, e)
	return Decided
}

// predict keeps the parts of a prediction.
func (w *Work) predict(rec *record.Record, e *event) {
	s := w.scope(rec)
	if e.plan = s.known(rec); e.plan == nil {
		e.plan = s.learn(rec, w.t.opts.KeepAll)
		w.planned += len(rec.Fields)
	}
	w.values = append(w.values, make([]record.Value, len(e.plan.shape.Keys))...)
	values := w.values[e.values.from:]
	for i := range e.plan.fields {
		switch to := e.plan.fields[i].to; to {
		case toNowhere:
		case toLabels:
			w.label(&rec.Fields[i], rec.Time)
		default:
			values[to] = w.own(rec.Fields[i].Value)
		}
	}
}

// actual keeps the parts of an actual; there may be none.
func (w *Work) actual(rec *record.Record) bool {
	before := len(w.labels) + len(w.inputs)
	for i := range rec.Fields {
		f := &rec.Fields[i]
		switch f.Group {
		case record.Actuals:
			w.label(f, rec.Time)
		case record.RawInputs:
			if f.Value.Kind() != record.Missing {
				w.inputs = append(w.inputs, join.Input{Name: f.Name, Value: w.own(f.Value)})
			}
		default: // nobody waits for it
		}
	}
	return len(w.labels)+len(w.inputs) > before
}

// label keeps an actual that has a value.
func (w *Work) label(f *record.Field, at int64) {
	if k := f.Value.Kind(); k != record.Missing && k != record.Unusable {
		w.labels = append(w.labels, join.Label{Name: f.Name, Value: w.own(f.Value), Time: at})
	}
}

// own returns v with elements that stay when its record is reused.
func (w *Work) own(v record.Value) record.Value {
	es := v.Elements()
	if es == nil {
		return v
	}
	if cap(w.elems)-len(w.elems) < len(es) { // earlier values keep the old array
		w.elems = make([]record.Element, 0, max(2*cap(w.elems), len(es), 64))
	}
	at := len(w.elems)
	w.elems = append(w.elems, es...)
	es = w.elems[at:len(w.elems):len(w.elems)]
	if v.Kind() == record.Dict {
		return record.DictOf(es)
	}
	return record.ListOf(es)
}

// scope returns what is kept of the predictions of a record's version.
func (w *Work) scope(rec *record.Record) *scope {
	if s := w.last; s != nil && s.key.model == rec.Model && s.key.version == rec.Version && s.key.environment == rec.Environment {
		return s
	}
	key := scopeKey{rec.Model, rec.Version, rec.Environment}
	s := w.scopes[key]
	if s == nil {
		s = &scope{key: key}
		w.scopes[key] = s
	}
	if !s.current {
		segments, err := w.t.catalog.SegmentFields(rec.Model, rec.Version, w.now)
		if err != nil {
			w.err = err
		}
		s.refresh(segments)
	}
	w.last = s
	return s
}
