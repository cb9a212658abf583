package drift

import (
	"math"
	"math/bits"
)

// sides is what every measure on counts starts from: two histograms over the
// same bins, neither of them empty.
type sides struct {
	ref, cur []uint64
	n, m     uint64
}

// open checks the counts. The reference is looked at first: without it there is
// nothing to compare with.
func open(ref, cur []uint64) (sides, error) {
	if len(ref) != len(cur) {
		return sides{}, ErrBins
	}
	n, okRef := total(ref)
	m, okCur := total(cur)
	switch {
	case !okRef || !okCur || n+m < n:
		return sides{}, ErrTotal
	case n == 0:
		return sides{}, NotComputable{EmptyReference}
	case m == 0:
		return sides{}, NotComputable{EmptyCurrent}
	}
	return sides{ref, cur, n, m}, nil
}

// at returns the shares of bin i.
func (s sides) at(i int) (p, q float64) {
	return float64(s.ref[i]) / float64(s.n), float64(s.cur[i]) / float64(s.m)
}

// bins is B.
func (s sides) bins() int {
	b := 0
	for i := range s.ref {
		if s.ref[i] > 0 || s.cur[i] > 0 {
			b++
		}
	}
	return b
}

// total adds counts; ok is false when the sum does not fit.
func total(counts []uint64) (sum uint64, ok bool) {
	for _, c := range counts {
		var carry uint64
		if sum, carry = bits.Add64(sum, c, 0); carry != 0 {
			return 0, false
		}
	}
	return sum, true
}

// absLogRatio is |ln(a/b)| for positive a and b. Close to 1 the quotient would
// lose the digits that matter, so the difference, which is exact there, is taken.
func absLogRatio(a, b float64) float64 {
	lo, hi := min(a, b), max(a, b)
	if hi <= 2*lo {
		return math.Log1p((hi - lo) / lo)
	}
	return math.Log(hi / lo)
}
