package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The identities of the batches that were counted, so that one that is sent
// again is not counted again, and when, so that they can be forgotten.
//
//	key    11 id(16)            value  time(8)
//	key    12 time(8) id(16)    value  empty

func batchKey(id [16]byte) []byte { return append([]byte{byte(FamilyBatch)}, id[:]...) }

func batchTimeKey(at int64, id [16]byte) []byte {
	return append(appendTime([]byte{byte(FamilyBatchTime)}, at), id[:]...)
}

// PutBatch remembers the batch as counted at the given time, in ns since 1970.
func (tx *Tx) PutBatch(id [16]byte, at int64) {
	tx.put(batchKey(id), appendTime(nil, at))
	tx.put(batchTimeKey(at, id))
}

// HasBatch reports whether the batch was counted. When it answers true that is
// on stable storage, so the batch may be acknowledged: if it finds one that may
// not have been synced, by another goroutine's commit that is under way or
// without sync, it syncs first.
func (s *Store) HasBatch(id [16]byte) (bool, error) {
	e, _, err := s.use()
	if err != nil {
		return false, err
	}
	defer s.release()
	_, ok, err := get(e.db, batchKey(id))
	if err != nil || !ok || s.opts.ReadOnly {
		return ok, damage(s.dir, err)
	}
	if err := s.syncLog(e); err != nil {
		return false, err
	}
	return true, nil
}

// KnowsBatch reports whether the batch was counted. Unlike HasBatch it does not
// sync: what it finds may still be lost.
func (s *Store) KnowsBatch(id [16]byte) (bool, error) {
	_, ok, err := s.get(batchKey(id))
	return ok, err
}

// PruneBatches forgets, in this transaction, at most limit batches that were
// last counted before the given time, the oldest first, and returns how many
// it found. It has to be called again while that equals limit.
func (tx *Tx) PruneBatches(before int64, limit int) (int, error) {
	if tx.err != nil {
		return 0, tx.err
	}
	var end []byte
	n := 0
	from := []byte{byte(FamilyBatchTime)}
	err := tx.s.each(from, batchTimeKey(before, [16]byte{}), func(key, _ []byte) error {
		if n == limit {
			return errEnough
		}
		at, id, err := readBatchTimeKey(key)
		if err != nil {
			return damage(tx.s.dir, err)
		}
		n++
		end = append(end[:0], key...)
		last, ok, err := tx.s.get(batchKey(id))
		if err != nil {
			return err
		}
		if ok && string(last) == string(appendTime(nil, at)) { // else it was counted again later
			tx.delete(batchKey(id))
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		tx.fail(err)
		return 0, err
	}
	if n > 0 {
		tx.deleteRange(from, append(end, 0))
	}
	return n, nil
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

func readBatchKey(key []byte) ([16]byte, error) {
	r := readKey(FamilyBatch, key)
	id := r.id()
	return id, r.done()
}

func readBatchTimeKey(key []byte) (int64, [16]byte, error) {
	r := readKey(FamilyBatchTime, key)
	at, id := r.time(), r.id()
	return at, id, r.done()
}

func readBatchValue(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: batch of %d bytes, want 8", ErrCorrupt, len(b))
	}
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63), nil
}
