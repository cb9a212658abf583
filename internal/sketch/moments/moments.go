// Package moments keeps the count, the sum, the spread and the extremes of a
// stream of numbers.
//
// The sums are exact, so moments of the parts of a stream merge to the moments
// of the whole, bit for bit, in any order. They are taken around a fixed center
// that the caller chooses once, usually the mean of the reference, and passes
// to every call. No center is wrong: it only has to be the same one.
package moments

import (
	"math"
	"math/big"

	"github.com/driftmeter/driftmeter/internal/num"
)

// Moments summarises finite numbers.
//
// The zero value is the summary of an empty stream. Moments is a plain value:
// copy it freely, and guard it yourself if goroutines share one.
type Moments struct {
	N    uint64
	D    num.Sum // Σ(x−c)
	D2   num.Sum // Σ(x−c)², without the Huge ones
	Min  float64 // 0 while N is 0; never −0
	Max  float64
	Huge uint64 // values whose (x−c)² is beyond float64: there is no variance then
}

// Add adds x, which is finite, around the center c. NaN and infinities are the
// caller's mistake and are ignored.
//
// Each square is added with its rounding error, so that the variance stays
// right when the center is far from the data: around 0, the squares of
// 1e9 + N(0,1) have an error of up to 64 each, against a variance of 1.
func (m *Moments) Add(x, c float64) {
	d := x - c
	if !(math.Abs(d) <= math.MaxFloat64) {
		m.addFar(x, c)
		return
	}
	m.count(x)
	m.D.Add(d)
	square := float64(d * d)
	if square > math.MaxFloat64 {
		m.Huge++
		return
	}
	m.D2.Add(square)
	if e := math.FMA(d, d, -square); e != 0 {
		m.D2.Add(e)
	}
}

// addFar adds an x whose distance from c is beyond float64.
func (m *Moments) addFar(x, c float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return
	}
	m.count(x)
	m.D.Add(x)
	m.D.Add(-c)
	m.Huge++
}

func (m *Moments) count(x float64) {
	x += 0 // −0 + 0 = 0: the extremes must not depend on the order of zeros
	if x < m.Min || m.N == 0 {
		m.Min = x
	}
	if x > m.Max || m.N == 0 {
		m.Max = x
	}
	m.N++
}

// Merge adds the values of o, taken around the same center. It does not modify o.
func (m *Moments) Merge(o *Moments) {
	switch {
	case o.N == 0:
		return
	case m.N == 0:
		m.Min, m.Max = o.Min, o.Max
	}
	m.N += o.N
	m.Huge += o.Huge
	m.D.Merge(&o.D)
	m.D2.Merge(&o.D2)
	m.Min = min(m.Min, o.Min)
	m.Max = max(m.Max, o.Max)
}

// Mean returns the arithmetic mean; ok is false without values.
func (m *Moments) Mean(c float64) (mean float64, ok bool) {
	if m.N == 0 {
		return 0, false
	}
	s := m.sum(c)
	return s.Mean(m.N), true
}

// Sum returns the sum of the values, ±Inf when it is beyond float64.
func (m *Moments) Sum(c float64) float64 {
	s := m.sum(c)
	return s.Value()
}

// sum returns N·c + D. Only the rounding of each x−c is in it.
func (m *Moments) sum(c float64) num.Sum {
	s := m.D
	s.AddN(c, m.N)
	return s
}

// Variance returns the variance with divisor N−ddof, as numpy.var: ddof is 0 for
// that of a population, 1 for the estimate from a sample. ok is false when the
// divisor is not positive or when a squared distance was beyond float64.
//
// It is (N·D2 − D²)/(N(N−ddof)), computed exactly and rounded at the end, so the
// center, which a variance does not depend on, does not matter to its error
// either. It is +Inf when it is beyond float64.
func (m *Moments) Variance(_ float64, ddof uint64) (v float64, ok bool) {
	if m.N <= ddof || m.Huge > 0 {
		return 0, false
	}
	// N·D2 and D² are multiples of 2^−2148 below 2^2200: 4400 bits are exact.
	big := func() *big.Float { return new(big.Float).SetPrec(4400) }
	n := big().SetUint64(m.N)
	d := m.D.Big()
	spread := big().Mul(n, m.D2.Big())
	spread.Sub(spread, big().Mul(d, d))
	if spread.Sign() <= 0 { // below 0 only if squares were too small for float64
		return 0, true
	}
	n.Mul(n, big().SetUint64(m.N-ddof))
	v, _ = spread.Quo(spread, n).Float64()
	return v, true
}
