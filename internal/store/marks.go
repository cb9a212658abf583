package store

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// Marks are the largest numbers that were ever given to log entries, to parcels
// and to joined entries, which outlive them: a number is never given twice.
//
//	key    01 "log.last", 01 "outbox.last", 01 "joined.last"
//	value  number(8)
//
// Transactions that commit side by side may arrive in any order, so a mark is
// raised by Pebble's merge: the larger one stays.

// mark is the mark of a family.
type mark struct {
	family Family
	key    []byte
	seq    func(key []byte) (uint64, error) // of a key of the family
}

var allMarks = []mark{
	{FamilyLog, keyLogLast, readLogKey},
	{FamilyOutbox, keyOutboxLast, readParcelKey},
	{FamilyJoined, keyJoinedLast, readJoinedKey},
}

// raise sets a mark to seq, unless it is larger already.
func (tx *Tx) raise(mark []byte, seq uint64) {
	if tx.ready(mark, 8) {
		tx.puts = true
		tx.check(tx.b.Merge(mark, appendUint(nil, seq), nil))
	}
}

// lastSeq returns the larger of a mark and the last key of the family.
func (s *Store) lastSeq(f Family, mark []byte, read func([]byte) (uint64, error)) (uint64, error) {
	b, ok, err := s.get(mark)
	if err != nil {
		return 0, err
	}
	var seq uint64
	if ok {
		if seq, err = readMark(b); err != nil {
			return 0, damage(s.dir, err)
		}
	}
	key, _, ok, err := s.last([]byte{byte(f)}, prefixEnd([]byte{byte(f)}))
	if err != nil || !ok {
		return seq, err
	}
	n, err := read(key)
	return max(seq, n), damage(s.dir, err)
}

func readMark(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: mark of %d bytes, want 8", ErrCorrupt, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

// largest is the merge. Its name is on disk.
var largest = &pebble.Merger{
	Name: "driftmeter.largest",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		m := new(largestValue)
		return m, m.MergeNewer(value)
	},
}

type largestValue struct{ seq uint64 }

func (m *largestValue) MergeNewer(value []byte) error {
	seq, err := readMark(value)
	m.seq = max(m.seq, seq)
	return err
}

func (m *largestValue) MergeOlder(value []byte) error { return m.MergeNewer(value) }

func (m *largestValue) Finish(bool) ([]byte, io.Closer, error) {
	return appendUint(nil, m.seq), nil, nil
}
