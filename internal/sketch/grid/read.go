package grid

import (
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/num"
)

// Anchor returns the point that Excess is measured from: the value of an atom,
// the lower edge of an inner bin, the finite edge of an outer one. In a grid of
// a single bin it is 0.
func (g *Grid) Anchor(bin int) float64 {
	switch {
	case len(g.edges) == 0:
		return 0
	case bin == 0 || g.IsAtom(bin):
		return g.edges[bin]
	}
	return g.edges[bin-1]
}

// Excess returns the sum of x − Anchor(bin) over the values of the bin: 0 for
// atoms, not positive for the first bin, not negative for the others. For inner
// bins each value is right to 2⁻³³ of the bin's width; the tails are exact,
// rounded once. It is what a cumulative share integrates to over the bin, free of
// the cancellation that Sum has when the values have a large offset.
func (g *Grid) Excess(h *Hist, bin int) float64 {
	n := h.Counts[bin]
	switch {
	case n == 0 || g.IsAtom(bin):
		return 0
	case bin == 0:
		return excess(h.Lower, g.Anchor(bin), n)
	case bin == len(g.edges):
		return excess(h.Upper, g.Anchor(bin), n)
	}
	return float64(float64(n) * g.step(bin, position(h, bin)))
}

// position returns the mean position of the values in an inner bin, between 0
// and 1.
func position(h *Hist, bin int) float64 {
	n := h.Counts[bin]
	if n > 1<<32 {
		return 0.5 // the sum may have overflowed
	}
	return float64(h.Sums[bin]) / (float64(n) * scale)
}

// step returns t widths of an inner bin.
func (g *Grid) step(bin int, t float64) float64 {
	lo, hi := g.edges[bin-1], g.edges[bin]
	if w := hi - lo; !math.IsInf(w, 0) {
		return float64(t * w)
	}
	return float64(2 * float64(t*(hi/2-lo/2)))
}

// excess returns sum − n·anchor, rounded once.
func excess(sum num.Sum, anchor float64, n uint64) float64 {
	sum.AddN(-anchor, n)
	return sum.Value()
}

// Mean returns the mean of the values of the bin; ok is false when it is empty.
func (g *Grid) Mean(h *Hist, bin int) (mean float64, ok bool) {
	n := h.Counts[bin]
	switch {
	case n == 0:
		return 0, false
	case bin == 0:
		return h.Lower.Mean(n), true
	case bin == len(g.edges):
		return h.Upper.Mean(n), true
	case g.IsAtom(bin):
		return g.edges[bin], true
	}
	t := position(h, bin)
	lo, hi := g.edges[bin-1], g.edges[bin]
	if math.IsInf(hi-lo, 0) { // then lo < 0 < hi
		return float64(lo*(1-t)) + float64(hi*t), true
	}
	return min(lo+g.step(bin, t), hi), true
}

// Sum returns the sum of the values of the bin: exact in the tails, rounded once;
// elsewhere the number of values times Mean.
func (g *Grid) Sum(h *Hist, bin int) float64 {
	switch {
	case bin == 0:
		return h.Lower.Value()
	case bin == len(g.edges):
		return h.Upper.Value()
	}
	mean, _ := g.Mean(h, bin)
	return float64(float64(h.Counts[bin]) * mean)
}

// AtMost returns the number of values x ≤ e. It is exact, and ok is false unless
// e is an edge of the grid, or no value can lie beyond it.
func (g *Grid) AtMost(h *Hist, e float64) (n uint64, ok bool) {
	i, ok := slices.BinarySearch(g.edges, e)
	if !ok {
		return 0, false
	}
	for _, c := range h.Counts[:i+1] {
		n += c
	}
	return n, true
}

// Below returns the number of values x < e, as AtMost does: ok is true for the
// edges of Options.Open, and for atoms.
func (g *Grid) Below(h *Hist, e float64) (n uint64, ok bool) {
	return g.AtMost(h, prev(e))
}

// Quantile returns the q-quantile of the values counted in h, by linear
// interpolation between the order statistics at (n−1)q, as numpy.quantile. lowest
// and highest are the extremes of the values, the quantiles for q = 0 and 1.
//
// An order statistic that falls on an atom is exact; inside a bin of c values
// the j-th of them, from 0, is taken to lie at (j+½)/c of the bin's width. So
// the answer is exact for data of atoms, and elsewhere off by less than the
// width of a bin. ok is false if h is empty or q is not in [0, 1].
func (g *Grid) Quantile(h *Hist, q, lowest, highest float64) (x float64, ok bool) {
	n := h.Total()
	if n == 0 || !(q >= 0 && q <= 1) {
		return 0, false
	}
	at := float64(float64(n-1) * q)
	k := uint64(at)
	if k >= n-1 {
		return highest, true
	}
	a := g.order(h, n, k, lowest, highest)
	t := at - float64(k)
	if t == 0 {
		return a, true
	}
	return lerp(a, g.order(h, n, k+1, lowest, highest), t), true
}

// order returns the k-th smallest of n values, from 0.
func (g *Grid) order(h *Hist, n, k uint64, lowest, highest float64) float64 {
	switch k {
	case 0:
		return lowest
	case n - 1:
		return highest
	}
	for bin, c := range h.Counts {
		if k >= c {
			k -= c
			continue
		}
		lo, hi := g.clip(bin, lowest, highest)
		return lerp(lo, hi, (float64(k)+0.5)/float64(c))
	}
	return highest // not reached: k < n
}

// clip returns the part of the bin that can hold values between the extremes.
func (g *Grid) clip(bin int, lowest, highest float64) (lo, hi float64) {
	lo, hi = g.Bounds(bin)
	lo, hi = max(lo, lowest), min(hi, highest)
	switch {
	case math.IsInf(lo, 0) && math.IsInf(hi, 0): // nothing is known
		return 0, 0
	case math.IsInf(lo, 0):
		return hi, hi
	case math.IsInf(hi, 0):
		return lo, lo
	}
	return min(lo, hi), hi
}
