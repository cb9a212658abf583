package intake

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Work is one batch on its way: Add its records, then Commit. It belongs to one
// goroutine.
type Work struct {
	in      *Intake
	now     time.Time // of arrival
	clock   time.Time // now, also when the log is replayed
	encoder record.Encoder
	named   bool // every record so far has a time or an id of its own
	parts   map[partKey]*part
	last    *part // of the previous record
	entry   []byte

	replayed bool  // it comes from the log
	err      error // of the store, while records were added
}

// partKey names the records of a batch that are counted together.
type partKey struct{ model, version string }

// part is what a batch holds of one version.
type part struct {
	version *catalog.Version
	refused *record.Refusal // of the whole version
	layout  *profile.Layout
	rows    *profile.Rows
	waiting map[string]*record.Encoder // records that wait, by dataset
	used    bool
}

// Accepted returns how many records the batch holds.
func (w *Work) Accepted() int { return w.encoder.Len() }

func (w *Work) reset(now time.Time) {
	w.now, w.clock, w.named, w.last, w.replayed, w.err = now, now, true, nil, false, nil
	w.encoder.Reset()
	if len(w.parts) > 64 {
		clear(w.parts) // a sender of very many models must not fill the memory
	}
	for _, p := range w.parts {
		p.reset()
	}
}

func (p *part) reset() {
	if !p.used {
		return
	}
	p.used = false
	if p.rows != nil {
		p.rows.Reset()
	}
	for _, e := range p.waiting {
		e.Reset()
	}
}

// part returns the part of a record's version, ready to take records.
func (w *Work) part(rec *record.Record) *part {
	if p := w.last; p != nil && p.version != nil && p.version.Model == rec.Model && p.version.Name == rec.Version {
		return p
	}
	key := partKey{rec.Model, rec.Version}
	p := w.parts[key]
	if p == nil {
		p = &part{waiting: map[string]*record.Encoder{}}
		w.parts[key] = p
	}
	if !p.used || p.version == nil {
		var err error
		if p.version, err = w.in.catalog.Admit(rec.Model, rec.Version, w.clock); err != nil {
			p.refused = w.refusal(err)
			return p
		}
		p.use()
	}
	w.last = p
	return p
}

// refusal returns what Admit refuses with. Another error fails the whole batch:
// the store could not be read.
func (w *Work) refusal(err error) *record.Refusal {
	if r, ok := errors.AsType[record.Refusal](err); ok {
		return &r
	}
	w.err = cmp.Or(w.err, err)
	return nil
}

// use prepares the rows for the layout that is active now.
func (p *part) use() {
	p.used = true
	l := p.version.Layout()
	if l == p.layout && (l == nil || p.rows != nil) {
		return
	}
	p.layout, p.rows = l, nil
	if l == nil {
		return
	}
	plan, err := profile.NewPlan(l)
	if err != nil { // the catalog has compiled every layout once
		panic(fmt.Sprintf("layout %s: %v", l.ID(), err))
	}
	p.rows = plan.NewRows()
}

// Add takes a record. refuse is told why it, or a part of it, cannot be used;
// Add reports whether the record was accepted.
func (w *Work) Add(rec *record.Record, refuse func(record.Refusal)) bool {
	p := w.part(rec)
	if p.version == nil {
		if p.refused != nil {
			refuse(*p.refused)
		}
		return false
	}
	if r := w.check(rec, p.version); r != nil {
		refuse(*r)
		return false
	}
	w.encoder.Append(rec)
	w.named = w.named && (rec.Stamped || rec.ID != "")
	if rec.Event == record.Reference || p.rows == nil {
		p.wait(rec)
		return true
	}
	if n, first := p.rows.Add(rec); n > 0 {
		refuse(record.Refusal{Reason: record.UnknownField, Key: first.String(), Detail: fmt.Sprintf(
			"and %d more: the reference of model %q version %q does not have it; send a new version or a new reference", n-1, rec.Model, rec.Version)})
	}
	return true
}

// wait keeps a record for the time when its version has a reference.
func (p *part) wait(rec *record.Record) {
	d := datasetOf(rec)
	e := p.waiting[d]
	if e == nil {
		e = &record.Encoder{}
		e.Reset()
		p.waiting[d] = e
	}
	e.Append(rec)
}

// check refuses what no window can take.
func (w *Work) check(rec *record.Record, v *catalog.Version) *record.Refusal {
	in := w.in
	o := in.catalog.Options()
	switch rec.Event {
	case record.Actual:
		return &record.Refusal{Reason: record.LabelWithoutJoin, Key: rec.Model,
			Detail: "ml.actual is joined to its prediction by groundtruth: put it before profile, processors: [groundtruth, profile]"}
	case record.Reference:
		if v.FixedReference {
			return &record.Refusal{Reason: record.ReferenceExists, Key: rec.Model,
				Detail: "has reference.path in its definition, which rows do not replace"}
		}
		if w.replayed {
			return nil // there was room when it was accepted
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		if s := in.warm[pendingKey{rec.Model, rec.Version, datasetOf(rec)}]; s != nil && s.rows >= o.Rows {
			return &record.Refusal{Reason: record.ReferenceFull, Key: rec.Model,
				Detail: fmt.Sprintf("has limits.reference_rows=%d rows of reference already", o.Rows)}
		}
		return nil
	default:
	}
	if r := v.Refusal(); r != nil && !w.replayed { // what was accepted waits for another reference
		return r
	}
	// Unix nanoseconds are compared as they are: a time of years away must not
	// overflow a duration.
	t, at := rec.Time, w.now.UnixNano()
	switch {
	case t < at-int64(o.Retention):
		return &record.Refusal{Reason: record.TooLate, Key: rec.Model, Detail: fmt.Sprintf(
			"dropped a record of %s: profiles are kept for retention=%s", time.Unix(0, t).UTC().Format(time.RFC3339), o.Retention)}
	case t > at+int64(in.opts.Skew):
		return &record.Refusal{Reason: record.TooEarly, Key: rec.Model, Detail: fmt.Sprintf(
			"dropped a record of %s, which is more than max_clock_skew=%s ahead of this machine's clock; timestamps are in nanoseconds", time.Unix(0, t).UTC().Format(time.RFC3339), in.opts.Skew)}
	}
	return nil
}

// Outcome says what became of a batch.
type Outcome struct {
	Duplicate bool // it had been counted before
	Anonymous bool // it has records without time and id, so a repetition cannot be told
}

// Commit makes the batch durable and counts it. After nil the batch may be
// acknowledged. After an error the sender may try again: nothing of the batch was
// kept, or, if a write failed, all of it, and then it is recognised.
func (w *Work) Commit() (Outcome, error) {
	defer w.Discard()
	if w.err != nil || w.encoder.Len() == 0 {
		return Outcome{}, w.err
	}
	in := w.in
	out := Outcome{Anonymous: !w.named}
	tx, err := in.enter(w.now)
	if err != nil {
		return out, err
	}
	defer in.gate.RUnlock()
	defer tx.Discard()
	var id [16]byte
	if w.named {
		id = w.encoder.Identity()
		fresh, err := in.claim(id, xxh3.Hash128(w.encoder.Bytes()).Bytes())
		if err != nil || !fresh {
			out.Duplicate = err == nil
			return out, err
		}
		defer in.release(id)
	}
	w.entry = appendEntry(w.entry[:0], w.now.UnixNano(), w.encoder.Bytes())
	tx.PutLog(in.seq.Add(1), w.entry)
	if w.named {
		tx.PutBatch(id, w.now.UnixNano())
	}
	if err := tx.Commit(in.opts.Durability); err != nil {
		return out, err
	}
	w.count()
	in.relieve(in.logged.Add(int64(len(w.entry))))
	return out, nil
}

// relieve asks for a checkpoint when the log, n bytes long, is about to be written
// to tables, if that is cheaper: it costs writing the profiles held, here and in
// the evaluator. Past twice the room the log is being written anyway.
func (in *Intake) relieve(n int64) {
	if room := in.store.LogRoom(); n > room && n < 2*room && n > 4*in.HeldBytes() {
		in.hurry()
	}
}

// Discard ends the work without keeping anything.
func (w *Work) Discard() { w.in.work.Put(w) }

// An entry of the log, and of the records that wait, is the time of arrival, 8
// bytes big-endian in unix nanoseconds, and a batch of records.
func appendEntry(b []byte, arrived int64, records []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(arrived))
	return append(b, records...)
}

func openEntry(b []byte) (arrived int64, records []byte, err error) {
	if len(b) < 8 {
		return 0, nil, fmt.Errorf("%w: entry of %d bytes", record.ErrCorrupt, len(b))
	}
	return int64(binary.BigEndian.Uint64(b)), b[8:], nil
}
