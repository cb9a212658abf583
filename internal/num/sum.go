// Package num holds the arithmetic that everything above relies on: an exact
// sum of float64 values, and the few distribution functions that tests need.
//
// It refuses to be clever about meaning: it knows numbers, not samples.
package num

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// A Sum accumulates float64 values without any error.
//
// The zero value is the empty sum. A Sum is a plain value: copy it freely, and
// guard it yourself if goroutines share one. Because nothing is rounded before
// Value is called, the order of Add and Merge calls never shows, neither in
// Value nor in the bytes that AppendBinary writes.
//
// It is the small superaccumulator of Neal, "Fast exact summation using small
// and large superaccumulators" (2015): a fixed-point number that spans the
// whole range of float64, kept in overlapping chunks. Chunk i has the weight
// 2^(32i−1075) and holds a signed 64-bit integer, of which the upper half is
// room for carries that are propagated only now and then:
//
//	          chunk i+1                chunk i
//	┌───────────┬───────────┐┌───────────┬───────────┐
//	│  carries  │  32 bits  ││  carries  │  32 bits  │
//	└───────────┴───────────┘└───────────┴───────────┘
//	               mantissa of x, 53 bits, shifted by its exponent mod 32
//
// The capacity is 2⁴⁴ values of the largest magnitude; sums of smaller values
// fit in greater number.
type Sum struct {
	added uint32 // additions since the carries were propagated, at most maxAdded
	c     [chunks]int64
}

const (
	chunks = 67
	// lowest is the binary exponent of the unit of chunk 0. Float64 values are
	// multiples of 2^−1074; exponent field 1 shifts by one bit.
	lowest = -1075
	// maxAdded additions of up to 2⁵² each, and as many carries of 2³¹, stay
	// below 2⁶³. Neal allows 2047; the difference lets Merge add two full sums
	// after propagating only the receiver.
	maxAdded = 2000
)

// Add adds x. NaN and infinities are the caller's mistake: they have no place
// in an exact sum and are ignored.
func (s *Sum) Add(x float64) {
	if s.added >= maxAdded {
		s.propagate()
	}
	s.added++
	b := math.Float64bits(x)
	exp := b >> 52 & 0x7ff
	mant := b & (1<<52 - 1)
	switch exp {
	case 0: // zero or subnormal
		exp = 1
	case 0x7ff:
		return
	default:
		mant |= 1 << 52
	}
	sign := int64(b) >> 63 // 0 or −1; (v^sign)−sign negates
	i, shift := exp>>5&63, exp&31
	s.c[i] += (int64(mant<<shift&math.MaxUint32) ^ sign) - sign
	s.c[i+1] += (int64(mant>>(32-shift)) ^ sign) - sign
}

// AddN adds x n times, exactly. It ignores NaN and infinities, as Add does.
func (s *Sum) AddN(x float64, n uint64) {
	b := math.Float64bits(x)
	exp := b >> 52 & 0x7ff
	mant := b & (1<<52 - 1)
	switch exp {
	case 0:
		exp = 1
	case 0x7ff:
		return
	default:
		mant |= 1 << 52
	}
	hi, lo := bits.Mul64(mant, n)
	s.AddWide(int64(b) < 0, hi, lo, int(exp))
}

// AddWide adds ±(hi·2⁶⁴+lo)·2^(at−1075), exactly, for 0 ≤ at < 2048. As with Add,
// the sum stays below its capacity.
func (s *Sum) AddWide(negative bool, hi, lo uint64, at int) {
	if s.added >= maxAdded {
		s.propagate()
	}
	s.added++
	var sign int64 // 0 or −1; (v^sign)−sign negates
	if negative {
		sign = -1
	}
	i, shift := at>>5, uint(at)&31
	// With the shift the number has up to 159 bits: five chunks.
	top := hi >> 32 >> (32 - shift)
	hi, lo = hi<<shift|lo>>32>>(32-shift), lo<<shift
	if i+5 > chunks { // only above 2^2144; the last chunk has room for it
		s.c[i] += (int64(lo&math.MaxUint32) ^ sign) - sign
		s.c[i+1] += (int64(lo>>32) ^ sign) - sign
		s.c[i+2] += (int64(hi&math.MaxUint32) ^ sign) - sign
		s.c[i+3] += (int64(hi>>32|top<<32) ^ sign) - sign
		return
	}
	c := (*[5]int64)(s.c[i:])
	c[0] += (int64(lo&math.MaxUint32) ^ sign) - sign
	c[1] += (int64(lo>>32) ^ sign) - sign
	c[2] += (int64(hi&math.MaxUint32) ^ sign) - sign
	c[3] += (int64(hi>>32) ^ sign) - sign
	c[4] += (int64(top) ^ sign) - sign
}

// Merge adds everything that was added to o. It does not modify o.
func (s *Sum) Merge(o *Sum) {
	if s.added+o.added > maxAdded {
		s.propagate()
	}
	s.added += o.added
	for i, v := range &o.c {
		s.c[i] += v
	}
}

// Sub takes away everything that was added to o, exactly: after Merge it leaves
// the sum that was there before. It does not modify o. A sum has no parts, so it
// cannot tell whether what is taken away was ever there; who counts can.
func (s *Sum) Sub(o *Sum) {
	if s.added+o.added > maxAdded {
		s.propagate()
	}
	s.added += o.added
	for i, v := range &o.c {
		s.c[i] -= v
	}
}

// ErrSub is wrapped by the errors of every Sub above this package: more is to be
// taken away than is there. What it was to be taken from is left as it was.
var ErrSub = errors.New("more is taken away than is there")

// propagate moves carries up until every chunk but the last lies in [0, 2³²).
// That form is unique for each value of the sum: two's complement with digits
// of 32 bits.
func (s *Sum) propagate() {
	var carry int64
	for i := range chunks - 1 {
		v := s.c[i] + carry
		carry = v >> 32
		s.c[i] = v & math.MaxUint32
	}
	s.c[chunks-1] += carry
	s.added = 1 // chunks below 2³² weigh less than one addition
}

// IsZero reports whether the exact sum is zero, as it is for the empty sum.
func (s *Sum) IsZero() bool {
	t := *s
	t.propagate()
	return t.c == [chunks]int64{}
}

// Equal reports whether both exact sums are the same.
func (s *Sum) Equal(o *Sum) bool {
	a, b := *s, *o
	a.propagate()
	b.propagate()
	return a.c == b.c
}

// Value returns the sum rounded once, to nearest and ties to even. It is ±Inf
// when the sum is beyond the range of float64.
func (s *Sum) Value() float64 {
	frac, exp := s.frexp()
	return math.Ldexp(frac, exp)
}

// Mean returns the sum divided by n, finite whenever the values added were and
// n is their number, even where the sum itself is beyond the range of float64.
// It is the rounded sum divided by n, so at most about one unit in the last
// place away from the exact mean. For n = 0 it is NaN.
func (s *Sum) Mean(n uint64) float64 {
	if n == 0 {
		return math.NaN()
	}
	frac, exp := s.frexp()
	return math.Ldexp(frac/float64(n), exp)
}

// Big returns the sum as it is, without rounding.
func (s *Sum) Big() *big.Float {
	m, negative := s.magnitude()
	var raw [4 * len(m)]byte
	for i, v := range m {
		binary.BigEndian.PutUint32(raw[len(raw)-4*(i+1):], v)
	}
	i := new(big.Int).SetBytes(raw[:])
	f := new(big.Float).SetInt(i) // with as many bits as i has
	if negative {
		f.Neg(f)
	}
	return f.SetMantExp(f, lowest)
}

// frexp returns the sum, rounded to 53 bits or to a multiple of 2^−1074, as
// frac·2^exp with ½ ≤ |frac| ≤ 1, or zero.
func (s *Sum) frexp() (frac float64, exp int) {
	m, negative := s.magnitude()
	h := len(m) - 1
	for h >= 0 && m[h] == 0 {
		h--
	}
	if h < 0 {
		return 0, 0
	}
	at := func(i int) uint64 {
		if i < 0 {
			return 0
		}
		return uint64(m[i])
	}
	// w holds the 64 leading bits, the first of which is set.
	n := bits.Len32(m[h])
	w := at(h)<<(64-n) | at(h-1)<<(32-n) | at(h-2)>>n
	rest := at(h-2) & (1<<n - 1)
	for i := 0; i < h-2 && rest == 0; i++ {
		rest = at(i)
	}
	if rest != 0 {
		w |= 1 // sticky: below the rounding position, so it only breaks ties
	}
	// Sums of few bits are exact: a subnormal sum has fewer than 53 of them,
	// since everything is a multiple of 2^−1074.
	mant, half := w>>11, w&(1<<11-1)
	if half > 1<<10 || half == 1<<10 && mant&1 == 1 {
		mant++
	}
	frac = float64(mant) * 0x1p-53
	if negative {
		frac = -frac
	}
	return frac, 32*h + n + lowest
}

// magnitude returns the absolute value of the sum as digits of 32 bits, least
// significant first, and its sign.
func (s *Sum) magnitude() (m [chunks + 1]uint32, negative bool) {
	t := *s
	t.propagate()
	if negative = t.c[chunks-1] < 0; negative {
		for i := range t.c {
			t.c[i] = -t.c[i]
		}
		t.propagate()
	}
	for i, v := range &t.c {
		m[i] = uint32(v)
	}
	m[chunks] = uint32(t.c[chunks-1] >> 32)
	return m, negative
}
