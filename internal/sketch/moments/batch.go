package moments

import (
	"math"
	"math/bits"
)

// A Batch is room to add many values to Moments at once, around the center 0.
// The zero value is ready; it is empty between calls, so one Batch serves any
// number of Moments in turn. It is 24 kB.
//
// Values of one binary exponent are multiples of one power of two, so their sum
// is that of their mantissas, an integer, and the sum of their squares is that
// of the squares of the mantissas, of 106 bits each. A value costs an addition
// to either; only the sums of the exponents, a few for most data, are added to
// the Moments. This is the large superaccumulator of Neal (2015).
type Batch struct{ sums [exponents]mantissas }

// mantissas are the sums of a binary exponent.
type mantissas struct {
	sum    int64  // of mantissas with their sign
	hi, lo uint64 // of their squares
}

const (
	// lowest is the exponent field of |x| ≥ 2^−485, whose square has all of its
	// bits at or above 2^−1074: what Add adds is exact. Below, Add loses bits and
	// so cannot be imitated.
	lowest = 538
	// exponents ends below 2^511, where squares may be beyond float64.
	exponents = 1023 + 511 - lowest
	// most values of an exponent leave the sum of mantissas below 2⁶³.
	most = 1 << 10
	// few values are added one by one: it costs as much to look for exponents.
	few = 32
)

// AddAll is Add(x, 0) of every x.
func (m *Moments) AddAll(xs []float64, b *Batch) {
	for len(xs) >= few {
		n := min(len(xs), most-1)
		m.addBatch(xs[:n], b)
		xs = xs[n:]
	}
	for _, x := range xs {
		m.Add(x, 0)
	}
}

// addBatch adds at least one and fewer than most values.
func (m *Moments) addBatch(xs []float64, b *Batch) {
	first, last := uint(exponents), uint(0) // exponents that occur
	lo, hi := math.Inf(1), math.Inf(-1)
	zeros, gathered := 0, 0
	for _, x := range xs {
		raw := math.Float64bits(x)
		e := uint(raw>>52&0x7ff) - lowest
		if e >= exponents {
			if x == 0 {
				zeros++
			} else {
				m.Add(x, 0)
			}
			continue
		}
		s := &b.sums[e]
		mantissa := raw&(1<<52-1) | 1<<52
		sign := int64(raw) >> 63 // 0 or −1; (v^sign)−sign negates
		s.sum += (int64(mantissa) ^ sign) - sign
		h, l := bits.Mul64(mantissa, mantissa)
		var carry uint64
		s.lo, carry = bits.Add64(s.lo, l, 0)
		s.hi += h + carry
		first, last = min(first, e), max(last, e)
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
		gathered++
	}
	m.countAll(zeros, 0, 0)
	m.countAll(gathered, lo, hi)
	for e := first; e <= last && e < exponents; e++ {
		if s := &b.sums[e]; s.hi|s.lo != 0 {
			m.addMantissas(s, int(e)+lowest)
			*s = mantissas{}
		}
	}
}

// countAll is count of n values from lo to hi, which are not −0.
func (m *Moments) countAll(n int, lo, hi float64) {
	if n == 0 {
		return
	}
	m.count(lo)
	m.count(hi)
	m.N += uint64(n) - 2
}

// addMantissas adds the sums of values with an exponent field of e. A mantissa is
// a multiple of 2^(e−1075), which is the unit of Sum shifted by e.
func (m *Moments) addMantissas(s *mantissas, e int) {
	sum := uint64(s.sum)
	if s.sum < 0 {
		sum = -sum
	}
	m.D.AddWide(s.sum < 0, 0, sum, e)
	m.D2.AddWide(false, s.hi, s.lo, 2*e-1075)
}
