package store

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The log holds accepted batches until a checkpoint has moved what they say
// into the outbox. Its owner numbers the entries upwards.
//
//	key    10 seq(8)
//	value  the entry

func logKey(seq uint64) []byte { return appendUint([]byte{byte(FamilyLog)}, seq) }

// PutLog adds an entry. Numbers only grow: one that was deleted never comes
// back.
func (tx *Tx) PutLog(seq uint64, entry []byte) { tx.put(logKey(seq), entry) }

// DeleteLogThrough deletes the entries up to and including seq, those put
// earlier in this transaction too. LastLogSeq remembers seq.
func (tx *Tx) DeleteLogThrough(seq uint64) {
	end := prefixEnd([]byte{byte(FamilyLog)})
	if seq < math.MaxUint64 {
		end = logKey(seq + 1)
	}
	tx.deleteRange(logKey(0), end)
	tx.put(keyLogThrough, appendUint(nil, seq))
}

// EachLog calls fn for every entry in ascending order. An entry is valid until
// fn returns.
func (s *Store) EachLog(fn func(seq uint64, entry []byte) error) error {
	return s.EachLogFrom(0, fn)
}

// EachLogFrom is EachLog for the entries from seq on.
func (s *Store) EachLogFrom(seq uint64, fn func(seq uint64, entry []byte) error) error {
	return s.each(logKey(seq), prefixEnd([]byte{byte(FamilyLog)}), func(key, entry []byte) error {
		seq, err := readLogKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(seq, entry)
	})
}

// LastLogSeq returns the largest number that was ever put or deleted through, 0
// when there was none.
func (s *Store) LastLogSeq() (uint64, error) {
	return s.lastSeq(FamilyLog, keyLogThrough, readLogKey)
}

// lastSeq returns the larger of the family's last key and what the meta key mark
// remembers.
func (s *Store) lastSeq(f Family, mark []byte, read func([]byte) (uint64, error)) (uint64, error) {
	var seq uint64
	b, ok, err := s.get(mark)
	if err != nil {
		return 0, err
	}
	if ok {
		if len(b) != 8 {
			return 0, damage(s.dir, fmt.Errorf("%w: %s has %d bytes, want 8", ErrCorrupt, mark[1:], len(b)))
		}
		seq = binary.BigEndian.Uint64(b)
	}
	key, _, ok, err := s.last([]byte{byte(f)}, prefixEnd([]byte{byte(f)}))
	if err != nil || !ok {
		return seq, err
	}
	n, err := read(key)
	return max(seq, n), damage(s.dir, err)
}

func readLogKey(key []byte) (uint64, error) {
	r := readKey(FamilyLog, key)
	seq := r.uint()
	return seq, r.done()
}
