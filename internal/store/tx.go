package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Durability says when Commit returns.
type Durability bool

const (
	// Sync returns when the transaction, and every one committed before it, is
	// on stable storage.
	Sync Durability = true
	// NoSync returns when the transaction can be read. The end of the process
	// or of power may take it away until a later Sync or SyncLog.
	NoSync Durability = false
)

// maxKey and maxTx bound a key and all keys and values of a transaction.
const (
	maxKey = 64 << 10
	maxTx  = 1 << 30
)

// Tx is a set of changes that appear together or not at all. Later changes of
// a transaction win over earlier ones: a put after a delete stays. What a Tx
// does is not visible before Commit, not even to its owner.
//
// A Tx belongs to one goroutine. Its methods report nothing; Commit returns the
// first error. Begin before reading what the transaction depends on: then a
// store that failed and recovered in between makes Commit fail with ErrStale.
type Tx struct {
	s          *Store
	b          *pebble.Batch // nil when done, or when Begin failed
	generation uint64
	puts, dels bool
	cuts       bool // deletes a part of the log
	err        error
}

// Begin starts a transaction. It never fails; an error shows at Commit.
func (s *Store) Begin() *Tx {
	e, generation, err := s.use()
	if err != nil {
		return &Tx{s: s, err: err}
	}
	defer s.release()
	if s.opts.ReadOnly {
		return &Tx{s: s, err: ErrReadOnly}
	}
	return &Tx{s: s, b: e.db.NewBatch(), generation: generation}
}

// Generation returns the generation of the store that the transaction belongs
// to, or why it belongs to none: then Commit answers the same. Whoever keeps in
// memory what is also in the store compares it with the one it knows.
func (tx *Tx) Generation() (uint64, error) {
	if tx.b == nil {
		return 0, tx.err
	}
	return tx.generation, nil
}

// Commit applies the transaction and ends it. After an error the transaction
// may have been applied only if the error is a FailedError; see the package
// comment. An empty transaction does nothing, not even sync.
func (tx *Tx) Commit(d Durability) error {
	if tx.err != nil {
		err := tx.err
		tx.Discard()
		return err
	}
	defer tx.Discard()
	e, generation, err := tx.s.use()
	if err != nil {
		return err
	}
	defer tx.s.release()
	if generation != tx.generation {
		return ErrStale
	}
	if err := tx.makesRoom(); err != nil {
		return err
	}
	if err := tx.s.apply(e, tx.b, d); err != nil {
		return err
	}
	if tx.cuts {
		tx.s.rotate(e)
	}
	return nil
}

// apply commits b and asks the fence whether it reached the disk.
func (s *Store) apply(e *engine, b *pebble.Batch, d Durability) error {
	if err := e.stuck(); err != nil {
		return err
	}
	e.recent.Add(int64(b.Len()))
	err := e.db.Apply(b, &pebble.WriteOptions{Sync: bool(d)})
	if failed := e.fence.tripped(); failed != nil {
		return &FailedError{Dir: s.dir, Err: failed}
	}
	return damage(s.dir, err)
}

// rotate begins a new memtable when the log has just been cut and what was cut is
// a good part of the present one: flushed now, it leaves out the entries, which
// then were never written to a table. It does not wait for the flush, and whether
// that succeeds is no matter of the commit: a failed one stops the store.
func (s *Store) rotate(e *engine) {
	if e.recent.Load() >= s.opts.MemTableBytes/4 {
		e.recent.Store(0)
		_, _ = e.db.AsyncFlush()
	}
}

// makesRoom refuses a transaction that a disk without room should not take.
func (tx *Tx) makesRoom() error {
	if !tx.puts {
		return nil
	}
	avail, need := tx.s.room()
	if tx.dels {
		need /= 4
	}
	if avail < need {
		return &DiskFullError{Dir: tx.s.dir, Avail: avail, Need: need}
	}
	return nil
}

// Discard ends the transaction without applying it. It does nothing after
// Commit, so it can be deferred.
func (tx *Tx) Discard() {
	if tx.b != nil {
		_ = tx.b.Close()
	}
	tx.b, tx.err = nil, ErrDone
}

// SyncLog returns when everything that was committed before it is on stable
// storage.
func (s *Store) SyncLog() error {
	e, _, err := s.use()
	if err != nil {
		return err
	}
	defer s.release()
	if s.opts.ReadOnly {
		return nil
	}
	return s.syncLog(e)
}

func (s *Store) syncLog(e *engine) error {
	b := e.db.NewBatch()
	defer func() { _ = b.Close() }()
	if err := b.LogData(nil, nil); err != nil {
		return err
	}
	return s.apply(e, b, Sync)
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

// ready reports whether the transaction takes a change of so many bytes.
func (tx *Tx) ready(key []byte, n int) bool {
	switch {
	case tx.err != nil:
		return false
	case len(key) > maxKey:
		tx.fail(fmt.Errorf("%w: a key of %s has %d bytes, at most %d are kept", ErrTooLarge, Family(key[0]), len(key), maxKey))
		return false
	case tx.b.Len()+len(key)+n > maxTx:
		tx.fail(fmt.Errorf("%w: a transaction of more than %d bytes", ErrTooLarge, maxTx))
		return false
	}
	return true
}

// put sets key to the concatenation of the parts, which are copied.
func (tx *Tx) put(key []byte, parts ...[]byte) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if !tx.ready(key, n) {
		return
	}
	op := tx.b.SetDeferred(len(key), n)
	copy(op.Key, key)
	at := op.Value
	for _, p := range parts {
		at = at[copy(at, p):]
	}
	tx.puts = true
	tx.check(op.Finish())
}

func (tx *Tx) delete(key []byte) {
	if tx.ready(key, 0) {
		tx.dels = true
		tx.check(tx.b.Delete(key, nil))
	}
}

// deleteRange deletes the keys in [from, to).
func (tx *Tx) deleteRange(from, to []byte) {
	if tx.ready(from, len(to)) {
		tx.dels = true
		tx.check(tx.b.DeleteRange(from, to, nil))
	}
}

func (tx *Tx) check(err error) {
	if err != nil {
		tx.fail(err)
	}
}

// get returns a copy of the value of key.
func (s *Store) get(key []byte) ([]byte, bool, error) {
	e, _, err := s.use()
	if err != nil {
		return nil, false, err
	}
	defer s.release()
	b, ok, err := get(e.db, key)
	return b, ok, damage(s.dir, err)
}

// each calls fn for every key in [from, to) in ascending order, as they were at
// the call. Key and value are valid until fn returns. An error of fn ends the
// walk and is returned as it is.
func (s *Store) each(from, to []byte, fn func(key, value []byte) error) (err error) {
	e, _, err := s.use()
	if err != nil {
		return err
	}
	defer s.release()
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return damage(s.dir, err)
	}
	defer func() { // also when fn panics
		if closed := it.Close(); err == nil {
			err = damage(s.dir, closed)
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return damage(s.dir, err)
		}
		if err := fn(it.Key(), v); err != nil {
			return err
		}
	}
	return damage(s.dir, it.Error())
}

// eachPrefix is each for the keys that begin with prefix.
func (s *Store) eachPrefix(prefix []byte, fn func(key, value []byte) error) error {
	return s.each(prefix, prefixEnd(prefix), fn)
}

// last returns copies of the last key in [from, to) and its value.
func (s *Store) last(from, to []byte) (key, value []byte, ok bool, err error) {
	e, _, err := s.use()
	if err != nil {
		return nil, nil, false, err
	}
	defer s.release()
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return nil, nil, false, damage(s.dir, err)
	}
	if ok = it.Last(); ok {
		key = append([]byte{}, it.Key()...)
		var v []byte
		v, err = it.ValueAndErr()
		value = append([]byte{}, v...)
	}
	err = damage(s.dir, errors.Join(err, it.Error(), it.Close()))
	return key, value, ok && err == nil, err
}
