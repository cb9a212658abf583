// Package intake turns accepted records into profiles without losing or
// doubling any.
//
// A batch is acknowledged when it stands in the store's log. Until the next
// checkpoint its records are counted in memory; a checkpoint moves the counts
// into the outbox and the batch out of the log, in one commit. So what a crash
// leaves is, for every batch, either the batch or its counts, never both or
// neither, and a restart replays the log to where it was. A failed write is such
// a crash too, of the store alone: what is in memory is then read again.
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
	// MemoryBytes bounds the profiles, and the records that wait for a reference,
	// that are held between checkpoints; beyond, Full asks for a checkpoint at
	// once.
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

	// gate is held for reading from the first look of a batch at the store to its
	// counting, and for writing while a checkpoint takes the counts: so every
	// batch in the log up to a checkpoint has been counted by it.
	gate sync.RWMutex
	seq  atomic.Uint64 // of the log

	checkpoint sync.Mutex    // one checkpoint at a time; comes before gate
	parcelSeq  atomic.Uint64 // of the newest parcel on stable storage; checkpoint is held to set it
	pendingSeq uint64        // guarded by checkpoint

	// generation is that of the store that memory agrees with. Both gate and
	// checkpoint are held to set it, one of them to read it.
	generation uint64

	mu       sync.Mutex // guards the rest
	held     holding
	inflight map[[16]byte]bool
	warm     map[pendingKey]*warmup
	bytes    atomic.Int64 // of what is held, an estimate
	logged   atomic.Int64 // bytes of the log since the last checkpoint
	full     chan struct{}

	delivery sync.Mutex // one at a time; guards the next
	outbox   outbox
	aside    atomic.Int64 // parcels in it

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
	in := &Intake{store: s, catalog: c, opts: o, inflight: map[[16]byte]bool{}, full: make(chan struct{}, 1)}
	in.work.New = func() any { return &Work{in: in, parts: map[partKey]*part{}} }
	return in, in.reload(now)
}

// Sync makes everything committed so far durable. It is called at intervals
// where commits do not wait.
func (in *Intake) Sync() error { return in.store.SyncLog() }

// Prune forgets the versions of which nothing came for long and nothing is kept. The
// evaluator does so as well; it may be in another process.
func (in *Intake) Prune(now time.Time) error {
	if _, err := in.catalog.Forget(now); err != nil {
		return fmt.Errorf("versions that are not seen any more: %w", err)
	}
	return nil
}

// Full is ready when a checkpoint should not wait: what is held has reached its
// limit, or the log is about to be written to tables.
func (in *Intake) Full() <-chan struct{} { return in.full }

// HeldBytes estimates the memory of what is held: profiles, and records that
// wait for a reference.
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

// claim reports whether a batch is new, and reserves it. An attempt that ended
// with an error is over: whether it stands in the store can be seen. former is
// the identity that earlier builds gave to the batch, the hash of its bytes: what
// was counted before an upgrade may be sent again after it.
func (in *Intake) claim(id, former [16]byte) (fresh bool, err error) {
	in.mu.Lock()
	if in.inflight[id] {
		in.mu.Unlock()
		return false, ErrInFlight
	}
	in.inflight[id] = true
	in.mu.Unlock()
	known, err := in.store.HasBatch(id)
	if err == nil && !known {
		known, err = in.store.HasBatch(former)
	}
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

// hold accounts for n bytes more, and asks for a checkpoint when they are too
// many.
func (in *Intake) hold(n int64) {
	if held := in.bytes.Add(n); in.opts.MemoryBytes > 0 && held > in.opts.MemoryBytes {
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

// datasetOf returns the dataset that rows of a reference belong to; none for
// other records.
func datasetOf(rec *record.Record) string {
	switch {
	case rec.Event != record.Reference:
		return ""
	case rec.Test:
		return model.Test
	}
	return model.Training
}
