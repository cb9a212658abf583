package store

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
)

// MaxSeenIntervals bounds a Seen.
const MaxSeenIntervals = 1024

// Seen is the set of sequences that were seen of one sender, as intervals. The
// zero value is empty.
//
// At most MaxSeenIntervals intervals are kept. Beyond, the lowest gap is closed:
// its sequences count as seen, so a parcel that comes so late, more than a
// thousand holes behind the newest, is dropped rather than ever counted twice.
// Assumed tells how many sequences that were.
//
//	key    24 instance model
//	value  01 assumed n, then n times: gap length-1
//
// Numbers are varints; a gap counts from the end of the interval before (the
// first from 0), so it is at least 1 but for the first.
type Seen struct {
	spans   []span
	assumed uint64
}

// span is an interval with both ends in it.
type span struct{ lo, hi uint64 }

const seenVersion = 1

// find returns the index of the first interval that ends at or after seq.
func (s *Seen) find(seq uint64) int {
	return sort.Search(len(s.spans), func(i int) bool { return s.spans[i].hi >= seq })
}

// Contains reports whether seq was seen, or is assumed to have been.
func (s *Seen) Contains(seq uint64) bool {
	i := s.find(seq)
	return i < len(s.spans) && s.spans[i].lo <= seq
}

// Add adds seq and reports whether it was new.
func (s *Seen) Add(seq uint64) bool {
	i := s.find(seq)
	if i < len(s.spans) && s.spans[i].lo <= seq {
		return false
	}
	after := i > 0 && s.spans[i-1].hi == seq-1
	before := i < len(s.spans) && s.spans[i].lo-1 == seq
	switch {
	case after && before:
		s.spans[i-1].hi = s.spans[i].hi
		s.spans = slices.Delete(s.spans, i, i+1)
	case after:
		s.spans[i-1].hi = seq
	case before:
		s.spans[i].lo = seq
	default:
		s.spans = slices.Insert(s.spans, i, span{seq, seq})
	}
	if len(s.spans) > MaxSeenIntervals {
		s.assumed += s.spans[1].lo - s.spans[0].hi - 1
		s.spans[0].hi = s.spans[1].hi
		s.spans = slices.Delete(s.spans, 1, 2)
	}
	return true
}

// Assumed returns how many sequences count as seen although they were not.
func (s *Seen) Assumed() uint64 { return s.assumed }

// Intervals returns how many intervals are kept.
func (s *Seen) Intervals() int { return len(s.spans) }

// Max returns the largest sequence; ok is false for the empty set.
func (s *Seen) Max() (seq uint64, ok bool) {
	if len(s.spans) == 0 {
		return 0, false
	}
	return s.spans[len(s.spans)-1].hi, true
}

// AppendBinary appends the encoded set to b. The error is nil.
func (s *Seen) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, seenVersion)
	b = binary.AppendUvarint(b, s.assumed)
	b = binary.AppendUvarint(b, uint64(len(s.spans)))
	var end uint64
	for _, p := range s.spans {
		b = binary.AppendUvarint(b, p.lo-end)
		b = binary.AppendUvarint(b, p.hi-p.lo)
		end = p.hi + 1
	}
	return b, nil
}

// UnmarshalBinary replaces the set by the one in b, which must be exactly what
// AppendBinary writes. Otherwise the error wraps ErrCorrupt and the set is left
// as it was.
func (s *Seen) UnmarshalBinary(b []byte) error {
	r := readValue("set of sequences", seenVersion, b)
	got := Seen{assumed: r.uvarint()}
	n := r.uvarint()
	if n > MaxSeenIntervals || n > uint64(len(r.b)) {
		r.fail("has %d intervals, want at most %d", n, MaxSeenIntervals)
		return r.err
	}
	var end uint64 // the first sequence that may come next
	over := false  // there is none: the last interval ends at the largest number
	for i := range n {
		gap, length := r.uvarint(), r.uvarint()
		lo := end + gap
		hi := lo + length
		if r.err == nil && (over || lo < end || hi < lo || i > 0 && gap == 0) {
			r.fail("has intervals that overlap or touch")
		}
		if r.err != nil {
			return r.err
		}
		got.spans = append(got.spans, span{lo, hi})
		end, over = hi+1, hi == math.MaxUint64
	}
	if err := r.done(); err != nil {
		return err
	}
	*s = got
	return nil
}

// PutSeen keeps the set of a sender and model.
func (tx *Tx) PutSeen(instance, model string, seen *Seen) {
	b, _ := seen.AppendBinary(nil)
	tx.put(keyOf(FamilySeen, instance, model), b)
}

// DeleteSeen forgets the set of a sender and model.
func (tx *Tx) DeleteSeen(instance, model string) { tx.delete(keyOf(FamilySeen, instance, model)) }

// Seen returns the set of a sender and model; the empty one when there is none.
func (s *Store) Seen(instance, model string) (*Seen, error) {
	seen := &Seen{}
	b, ok, err := s.get(keyOf(FamilySeen, instance, model))
	if err != nil || !ok {
		return seen, err
	}
	return seen, damage(s.dir, seen.UnmarshalBinary(b))
}

// EachSeen calls fn for every set, by sender and model.
func (s *Store) EachSeen(fn func(instance, model string, seen *Seen) error) error {
	return s.eachPrefix([]byte{byte(FamilySeen)}, func(key, value []byte) error {
		instance, model, err := readSeenKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		seen := &Seen{}
		if err := seen.UnmarshalBinary(value); err != nil {
			return damage(s.dir, err)
		}
		return fn(instance, model, seen)
	})
}

func readSeenKey(key []byte) (instance, model string, err error) {
	r := readKey(FamilySeen, key)
	instance, model = r.string(), r.string()
	return instance, model, r.done()
}
