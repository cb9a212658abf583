// Package intake turns accepted records into profiles without losing or
// doubling any.
//
// A batch is acknowledged when it stands in the store's log. Until the next
// checkpoint its records are counted in memory; a checkpoint moves the counts
// into the outbox and the batch out of the log, in one commit. So what a crash
// leaves is, for every batch, either the batch or its counts, never both or
// neither, and a restart replays the log to where it was.
package intake

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Options of an intake.
type Options struct {
	// Durability of the log: store.Sync, or store.NoSync with calls of Sync at
	// intervals.
	Durability store.Durability
	// MemoryBytes bounds the profiles held between checkpoints; beyond, Full
	// asks for a checkpoint at once.
	MemoryBytes int64
	// Dedupe is how long the identities of batches are remembered.
	Dedupe time.Duration
	// Skew is how far ahead of the clock a record may be.
	Skew time.Duration
}

// Intake is safe for concurrent use.
type Intake struct {
	store   *store.Store
	catalog *catalog.Catalog
	opts    Options

	// gate is held for reading from the commit of a batch to its counting, and
	// for writing while a checkpoint takes the counts: so every batch in the log
	// up to a checkpoint has been counted by it.
	gate sync.RWMutex
	seq  atomic.Uint64 // of the log

	mu       sync.Mutex // guards the rest
	held     holding
	inflight map[[16]byte]bool
	warm     map[pendingKey]*warmup
	bytes    atomic.Int64 // of the held profiles, an estimate
	logged   atomic.Int64 // bytes of the log since the last checkpoint
	full     chan struct{}

	checkpoint sync.Mutex // one checkpoint at a time; guards the next two
	parcelSeq  uint64
	pendingSeq uint64

	work sync.Pool
}

// holding is what has been counted since the last checkpoint.
type holding struct {
	windows map[windowKey]*window
	pending map[pendingKey][][]byte // encoded records that wait for a reference
	seen    map[*catalog.Version]bool
}

func newHolding() holding {
	return holding{
		windows: map[windowKey]*window{},
		pending: map[pendingKey][][]byte{},
		seen:    map[*catalog.Version]bool{},
	}
}

// windowKey names a profile under way. Records counted by different layouts are
// kept apart.
type windowKey struct {
	version *catalog.Version
	layout  *profile.Layout
	start   int64
}

type window struct {
	mu      sync.Mutex
	profile *profile.Profile
	bytes   int64
}

// pendingKey names a set of records that wait: rows of a reference, or, with no
// dataset, predictions of a version without one.
type pendingKey struct{ model, version, dataset string }

// warmup is how far a set has come.
type warmup struct {
	rows     int
	first    time.Time // arrival of the first and the last record
	last     time.Time
	complete bool // the sender said so
}

// Open returns the intake of a store and replays its log.
func Open(s *store.Store, c *catalog.Catalog, o Options, now time.Time) (*Intake, error) {
	in := &Intake{
		store: s, catalog: c, opts: o, held: newHolding(),
		inflight: map[[16]byte]bool{}, warm: map[pendingKey]*warmup{}, full: make(chan struct{}, 1),
	}
	in.work.New = func() any { return &Work{in: in, parts: map[partKey]*part{}} }
	var err error
	if in.parcelSeq, err = s.LastParcelSeq(); err != nil {
		return nil, err
	}
	last, err := s.LastLogSeq()
	if err != nil {
		return nil, err
	}
	in.seq.Store(last)
	if err := in.restorePending(now); err != nil {
		return nil, err
	}
	return in, in.replay(now)
}

// replay counts what the log holds.
func (in *Intake) replay(now time.Time) error {
	w := in.Begin(now)
	defer w.Discard()
	var rec record.Record
	return in.store.EachLog(func(seq uint64, entry []byte) error {
		arrived, b, err := openEntry(entry)
		if err != nil {
			return fmt.Errorf("log entry %d: %w", seq, err)
		}
		w.reset(now)
		d := record.NewDecoder(b, arrived)
		for d.Next(&rec) {
			// Refusals were counted when the record came first.
			w.Add(&rec, func(record.Refusal) {})
		}
		if err := d.Err(); err != nil {
			return fmt.Errorf("log entry %d: %w", seq, err)
		}
		w.count()
		return nil
	})
}

// restorePending counts the records that wait for a reference.
func (in *Intake) restorePending(now time.Time) error {
	sets, err := in.store.PendingSets()
	if err != nil {
		return err
	}
	for _, s := range sets {
		w := &warmup{first: now, last: now}
		var rec record.Record
		err := in.store.EachPending(s.Model, s.Version, s.Dataset, func(seq uint64, rows []byte) error {
			in.pendingSeq = max(in.pendingSeq, seq)
			arrived, b, err := openEntry(rows)
			if err != nil {
				return err
			}
			d := record.NewDecoder(b, arrived)
			for d.Next(&rec) {
				w.rows++
				w.complete = w.complete || rec.Last
			}
			return d.Err()
		})
		if err != nil {
			return fmt.Errorf("records of model %q version %q that wait for a reference: %w", s.Model, s.Version, err)
		}
		in.warm[pendingKey{s.Model, s.Version, s.Dataset}] = w
	}
	return nil
}

// Sync makes everything committed so far durable. It is called at intervals
// where commits do not wait.
func (in *Intake) Sync() error { return in.store.SyncLog() }

// Full is ready when a checkpoint should not wait: the profiles held have reached
// their limit, or the log is about to be written to tables.
func (in *Intake) Full() <-chan struct{} { return in.full }

// HeldBytes estimates the memory of the profiles held.
func (in *Intake) HeldBytes() int64 { return in.bytes.Load() }

// Warming describes a version that has no reference yet.
type Warming struct {
	Model, Version, Dataset string
	Rows                    int
}

// Warmups returns the sets that wait.
func (in *Intake) Warmups() []Warming {
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []Warming
	for k, w := range in.warm {
		all = append(all, Warming{k.model, k.version, k.dataset, w.rows})
	}
	return all
}

// ErrInFlight is returned for a batch of which a copy is being stored right now.
var ErrInFlight = errors.New("the same batch is being stored; send it again")

// claim reports whether a batch is new, and reserves it.
func (in *Intake) claim(id [16]byte) (fresh bool, err error) {
	in.mu.Lock()
	if in.inflight[id] {
		in.mu.Unlock()
		return false, ErrInFlight
	}
	in.inflight[id] = true
	in.mu.Unlock()
	known, err := in.store.HasBatch(id)
	if err != nil || known {
		in.release(id)
	}
	return !known && err == nil, err
}

func (in *Intake) release(id [16]byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.inflight, id)
}

// window returns the profile under way for a key.
func (in *Intake) window(k windowKey) *window {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := in.held.windows[k]
	if w == nil {
		w = &window{profile: profile.New(k.layout)}
		in.held.windows[k] = w
		in.held.seen[k.version] = true
	}
	return w
}

// grown accounts for the memory of w, whose lock the caller holds.
func (in *Intake) grown(w *window) {
	if n := w.profile.Bytes(); n != w.bytes {
		in.bytes.Add(n - w.bytes)
		w.bytes = n
	}
	if in.opts.MemoryBytes > 0 && in.bytes.Load() > in.opts.MemoryBytes {
		in.hurry()
	}
}

// hurry asks for a checkpoint before its time.
func (in *Intake) hurry() {
	select {
	case in.full <- struct{}{}:
	default:
	}
}

// Begin returns work on a new batch, to be ended with Commit or Discard.
func (in *Intake) Begin(now time.Time) *Work {
	w := in.work.Get().(*Work)
	w.reset(now)
	return w
}

// waits reports whether predictions of a version wait for a reference, and
// which dataset rows of a reference belong to.
func datasetOf(rec *record.Record) string {
	switch {
	case rec.Event != record.Reference:
		return ""
	case rec.Test:
		return model.Test
	}
	return model.Training
}
