package intake

import (
	"errors"
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// What an intake holds in memory is what the store's log says. After a failed
// write the store opens its directory again, as after a crash, and then the log
// may say something else: a commit that ended with an error may stand, and what
// was not synced may be gone. So memory belongs to one generation of the store,
// and every transaction has to be of the same one, from before the first thing
// that it depends on is read. When it is of a later one, memory is thrown away
// and read again first, as at a start.

// enter begins the transaction of a batch and returns with the gate held for
// reading.
func (in *Intake) enter(now time.Time) (*store.Tx, error) {
	for {
		in.gate.RLock()
		tx, err := in.begin()
		if err == nil {
			return tx, nil
		}
		in.gate.RUnlock()
		if !errors.Is(err, store.ErrStale) {
			return nil, err
		}
		if err := in.reload(now); err != nil {
			return nil, err
		}
	}
}

// begin begins a transaction on what memory agrees with. ErrStale says that
// there is no such thing any more. The caller holds gate or checkpoint.
func (in *Intake) begin() (*store.Tx, error) {
	tx := in.store.Begin()
	generation, err := tx.Generation()
	if err == nil && generation != in.generation {
		err = store.ErrStale
	}
	if err != nil {
		tx.Discard()
		return nil, err
	}
	return tx, nil
}

// reload makes memory agree with the store.
func (in *Intake) reload(now time.Time) error {
	in.checkpoint.Lock()
	defer in.checkpoint.Unlock()
	in.gate.Lock()
	defer in.gate.Unlock()
	tx, err := in.catchUp(now)
	if err != nil {
		return err
	}
	tx.Discard()
	return nil
}

// catchUp is begin after what it takes for it. The caller holds checkpoint, and
// gate for writing.
func (in *Intake) catchUp(now time.Time) (*store.Tx, error) {
	for {
		tx, err := in.begin()
		if !errors.Is(err, store.ErrStale) {
			return tx, err
		}
		if err := in.load(now); err != nil {
			return nil, err
		}
	}
}

// load drops what is in memory and reads it from the store. The generation is
// asked for first: if it changes meanwhile, memory is stale again at once.
func (in *Intake) load(now time.Time) error {
	in.generation = 0
	generation := in.store.Generation()
	if err := in.catalog.Follow(generation); err != nil {
		return err
	}
	in.mu.Lock()
	in.held, in.warm = newHolding(), map[pendingKey]*warmup{}
	in.mu.Unlock()
	in.bytes.Store(0)
	in.logged.Store(0)
	parcels, err := in.store.LastParcelSeq()
	if err != nil {
		return err
	}
	entries, err := in.store.LastLogSeq()
	if err != nil {
		return err
	}
	in.parcelSeq.Store(parcels)
	in.seq.Store(entries)
	if err := in.restorePending(); err != nil {
		return err
	}
	if err := in.replay(now); err != nil {
		return err
	}
	in.mu.Lock()
	for _, w := range in.warm {
		w.first, w.last = now, now // senders that were interrupted have time to go on
	}
	in.mu.Unlock()
	in.generation = generation
	return nil
}

// replay counts what the log holds.
func (in *Intake) replay(now time.Time) error {
	w := in.Begin(time.Time{})
	defer w.Discard()
	var rec record.Record
	return in.store.EachLog(func(seq uint64, entry []byte) error {
		arrived, b, err := openEntry(entry)
		if err != nil {
			return fmt.Errorf("log entry %d: %w", seq, err)
		}
		w.reset(time.Unix(0, arrived)) // it was accepted then
		w.clock, w.replayed = now, true
		d := record.NewDecoder(b, arrived)
		for d.Next(&rec) {
			// Refusals were counted when the record came first.
			w.Add(&rec, func(record.Refusal) {})
		}
		if err := errors.Join(d.Err(), w.err); err != nil {
			return fmt.Errorf("log entry %d: %w", seq, err)
		}
		w.count()
		in.logged.Add(int64(len(entry)))
		return nil
	})
}

// restorePending counts the records that wait for a reference.
func (in *Intake) restorePending() error {
	sets, err := in.store.PendingSets()
	if err != nil {
		return err
	}
	in.pendingSeq = 0
	for _, s := range sets {
		w := &warmup{}
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
		in.mu.Lock()
		in.warm[pendingKey{s.Model, s.Version, s.Dataset}] = w
		in.mu.Unlock()
	}
	return nil
}
