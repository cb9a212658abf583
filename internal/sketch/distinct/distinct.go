// Package distinct counts the different values of a stream: exactly while they
// are few, then by HyperLogLog.
//
// It sees 64-bit hashes, never values. The hash functions of this package have
// fixed seeds, since sets of different processes must merge; a per-process seed
// would count everything twice.
package distinct

import (
	"math"
	"math/bits"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"
)

const (
	// exactLimit is the number of hashes up to which they are kept themselves.
	exactLimit = 256
	// precision of the sketch: 2¹² registers, a standard error of
	// 1.04/√2¹² = 1.6 %.
	precision = 12
	// zeroHash stands for the hash 0, which marks a free slot.
	zeroHash = 0x9e3779b97f4a7c15
)

// A Set estimates how many different hashes were inserted. The zero value is the
// empty set. Do not copy a Set after first use.
//
// Up to 256 hashes are kept as they are; the 257th turns them into a dense
// HyperLogLog. Which of the two a set is depends on the number of different
// hashes alone, and both are functions of the set of hashes: the order of
// inserting and merging never shows. (The sketch's sparse form, which does
// depend on the order, is not used.)
type Set struct {
	n     int      // hashes in slots
	slots []uint64 // open addressing, power of 2 long, at most half full, 0 is free
	dense *[registers]uint8
}

// Insert adds a hash, which should be uniform over 64 bits. It allocates only
// while the set grows to its final form.
func (s *Set) Insert(hash uint64) {
	if s.dense == nil || hash == 0 {
		s.insert(hash)
		return
	}
	s.raise(hash)
}

// InsertFloats inserts HashFloat of every number.
func (s *Set) InsertFloats(xs []float64) {
	i := 0
	for ; i < len(xs) && s.dense == nil; i++ {
		s.insert(HashFloat(xs[i]))
	}
	for ; i < len(xs); i++ {
		if hash := HashFloat(xs[i]); hash != 0 {
			s.raise(hash)
		} else {
			s.raise(zeroHash)
		}
	}
}

// raise inserts a hash into the registers, as HyperLogLog does: the upper bits
// choose one, which keeps the largest number of leading zeros, plus 1, of the
// rest. The library does the same, behind two calls.
func (s *Set) raise(hash uint64) {
	rank := uint8(bits.LeadingZeros64(hash<<precision|1<<(precision-1))) + 1
	if r := &s.dense[hash>>(64-precision)]; *r < rank {
		*r = rank
	}
}

// insert is Insert for a set that is not dense yet, and for the hash 0.
func (s *Set) insert(hash uint64) {
	switch {
	case hash == 0:
		s.Insert(zeroHash)
		return
	case 2*s.n >= len(s.slots) && !s.has(hash) && s.grow():
		s.raise(hash)
		return
	}
	for i := s.home(hash); ; i++ {
		switch p := &s.slots[i&(len(s.slots)-1)]; *p {
		case hash:
			return
		case 0:
			*p = hash
			s.n++
			return
		}
	}
}

// home returns the slot where the search for a hash begins. The upper bits are
// those that the sketch uses as the register.
func (s *Set) home(hash uint64) int {
	return int(hash >> (64 - bits.Len(uint(len(s.slots)-1))))
}

func (s *Set) has(hash uint64) bool {
	if len(s.slots) == 0 {
		return false
	}
	for i := s.home(hash); ; i++ {
		switch s.slots[i&(len(s.slots)-1)] {
		case hash:
			return true
		case 0:
			return false
		}
	}
}

// grow makes room for a hash; it reports true when the set became dense instead.
func (s *Set) grow() (dense bool) {
	old := s.slots
	if s.n == exactLimit {
		s.dense = new([registers]uint8)
		for _, h := range old {
			if h != 0 {
				s.raise(h)
			}
		}
		s.n, s.slots = 0, nil
		return true
	}
	s.slots = make([]uint64, max(16, 2*len(old)))
	s.n = 0
	for _, h := range old {
		if h != 0 {
			s.Insert(h)
		}
	}
	return false
}

// Merge adds the hashes of o, which is not modified.
func (s *Set) Merge(o *Set) {
	if o.dense == nil {
		for _, h := range o.slots {
			if h != 0 {
				s.Insert(h)
			}
		}
		return
	}
	if s.dense == nil {
		hashes := s.hashes()
		dense := *o.dense
		s.n, s.slots, s.dense = 0, nil, &dense
		for _, h := range hashes {
			s.raise(h)
		}
		return
	}
	for i, r := range o.dense {
		s.dense[i] = max(s.dense[i], r)
	}
}

// hashes returns the hashes of an exact set, ascending.
func (s *Set) hashes() []uint64 {
	hs := make([]uint64, 0, s.n)
	for _, h := range s.slots {
		if h != 0 {
			hs = append(hs, h)
		}
	}
	slices.Sort(hs)
	return hs
}

// Bytes returns the memory of what s holds.
func (s *Set) Bytes() int {
	if s.dense != nil {
		return registers
	}
	return 8 * len(s.slots)
}

// Estimate returns the number of different hashes; exact says that it is not an
// estimate. Estimates have a standard error of 1.6 %.
func (s *Set) Estimate() (n uint64, exact bool) {
	if s.dense == nil {
		return uint64(s.n), true
	}
	// A dense set came from more than 256 hashes.
	sk, err := sketch(s.dense[:])
	if err != nil {
		panic("distinct: " + err.Error()) // raise makes no other registers than the library
	}
	return max(sk.Estimate(), exactLimit+1), false
}

// Seeds of the hash functions. They are part of the format of profiles.
const (
	stringSeed = 0x64726966746d6574 // "driftmet"
	floatSeed  = 0x65722d666c6f6174 // "er-float"
)

// HashString returns the hash of a string, XXH3 with a fixed seed.
func HashString(s string) uint64 { return xxh3.HashStringSeed(s, stringSeed) }

// HashInt returns the hash of the decimal form of i, so that the category 7 is
// the same whether it came as a number or as a string.
func HashInt(i int64) uint64 {
	var buf [20]byte
	return xxh3.HashSeed(strconv.AppendInt(buf[:0], i, 10), stringSeed)
}

// HashFloat returns the hash of a number. Both zeros are one value, and so are
// all NaN.
func HashFloat(x float64) uint64 {
	if math.IsNaN(x) {
		x = math.NaN()
	}
	// SplitMix64's finaliser: every bit of the input reaches every bit of the
	// output, and different inputs have different outputs.
	h := math.Float64bits(x+0) ^ floatSeed
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
