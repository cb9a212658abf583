// Package truth joins ground truth to predictions without losing or doubling
// any.
//
// A batch is decided once: what becomes of each record depends on what is known
// of its id, and all that a decision changes is committed together with what
// goes on because of it, the entry. An entry is handed to the next component
// until that has taken it, the same bytes each time. docs/durability.md has the
// proof that nothing is lost or counted twice, and internal/join the rules.
package truth

import (
	"fmt"
	"sync"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Options of a Truth.
type Options struct {
	// Durability of a commit: store.Sync, or store.NoSync with calls of Sync at
	// intervals.
	Durability store.Durability
	// Wait is how long predictions and actuals wait for each other.
	Wait time.Duration
	// First says that of several actuals the first one counts, not the latest.
	First bool
	// KeepAll keeps every field of a prediction for its labelled records.
	KeepAll bool
	// Dedupe is how long the identities of batches are remembered.
	Dedupe time.Duration
	// Limit is how many ids are known at a time. Beyond it the oldest are forgotten,
	// if DropOldest is set; else new ones are not kept.
	Limit      int
	DropOldest bool
	// OutboxBytes bounds the entries that the next component has not taken.
	OutboxBytes int64
}

// Truth is safe for concurrent use.
type Truth struct {
	store   *store.Store
	catalog *catalog.Catalog
	opts    Options
	outbox  outbox
	release func() // the claim

	// mu is held while a batch is decided and committed, so that the next one is
	// decided by what this one has done. Syncs happen outside it.
	mu         sync.Mutex
	generation uint64 // of the store, of which the rest is a copy; 0: it has to be read
	machine    join.Machine
	table      *join.Table
	tallies    map[string]store.Tally
	held       uint64 // of all models
	seq        uint64 // the last that was given

	work sync.Pool
}

// Open returns the truth of a store. There can be only one.
func Open(s *store.Store, c *catalog.Catalog, o Options) (*Truth, error) {
	t := &Truth{store: s, catalog: c, opts: o}
	t.machine = join.Machine{First: o.First, KeepAll: o.KeepAll, Wait: int64(o.Wait)}
	t.outbox.init(o.OutboxBytes)
	c.Await(o.Wait)
	t.work.New = func() any { return &Work{t: t, scopes: map[scopeKey]*scope{}} }
	var err error
	if t.release, err = s.Claim("groundtruth"); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.reload(s.Generation()); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

// Close gives the store free for another one. What is under way must have ended.
func (t *Truth) Close() { t.release() }

// Sync makes everything committed so far durable. It is called at intervals
// where commits do not wait.
func (t *Truth) Sync() error { return t.store.SyncLog() }

// reload reads what is kept in memory too, as it is in an opening of the store. mu
// is held.
func (t *Truth) reload(generation uint64) error {
	t.generation = 0
	table := &join.Table{}
	if err := t.store.EachName(table.Load); err != nil {
		return fmt.Errorf("names of awaited predictions: %w", err)
	}
	tallies, held := map[string]store.Tally{}, uint64(0)
	if err := t.store.EachTally(func(model string, n store.Tally) error {
		tallies[model] = n
		held += n.Held
		return nil
	}); err != nil {
		return fmt.Errorf("tallies of awaited predictions: %w", err)
	}
	seq, err := t.store.LastJoinedSeq()
	if err != nil {
		return err
	}
	if err := t.outbox.reload(t.store); err != nil {
		return err
	}
	t.table, t.tallies, t.held, t.seq, t.generation = table, tallies, held, max(seq, t.seq), generation
	return nil
}

// begin starts a transaction, after what the store knows has been read again if
// it was opened again. mu is held.
func (t *Truth) begin() (*store.Tx, error) {
	tx := t.store.Begin()
	generation, err := tx.Generation()
	if err == nil && generation != t.generation {
		err = t.reload(generation)
	}
	if err != nil {
		tx.Discard()
		return nil, err
	}
	return tx, nil
}

// commit ends a transaction with what has changed in memory, and says so there
// when it is done. mu is held.
func (t *Truth) commit(tx *store.Tx, changes *tallying) error {
	t.table.Unsaved(tx.PutName)
	for i := range changes.models {
		m := &changes.models[i]
		if before, known := t.tallies[m.key]; !known || m.awaited != 0 || m.held != 0 {
			tx.PutTally(m.key, m.of(before))
		}
	}
	tx.RaiseJoined(t.seq)
	if err := tx.Commit(store.NoSync); err != nil {
		return err
	}
	t.table.Saved()
	for i := range changes.models {
		m := &changes.models[i]
		before := t.tallies[m.key]
		after := m.of(before)
		t.tallies[m.key] = after
		t.held += after.Held - before.Held
	}
	return nil
}

// next gives a sequence. mu is held.
func (t *Truth) next() uint64 {
	t.seq++
	return t.seq
}
