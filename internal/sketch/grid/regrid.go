package grid

import (
	"cmp"
	"math/bits"
	"slices"
)

// Regrid estimates the histogram that the values of h, counted on the grid
// from, would have on the grid to. lowest and highest are the extremes of the
// values; without them (−Inf, +Inf) the values of an outer bin are put on its edge.
//
// Atoms move as they are. The values of another bin are taken to be uniform
// over it and are shared out by largest remainder, so that every count is an
// integer and the total stays; a bin that falls into one bin of to keeps its
// mean. Where from has all edges of to, the counts are exact.
func Regrid(from *Grid, h *Hist, to *Grid, lowest, highest float64) *Hist {
	out := to.NewHist()
	if from.id == to.id {
		*out = Hist{slices.Clone(h.Counts), slices.Clone(h.Sums), h.Lower, h.Upper}
		return out
	}
	for bin, n := range h.Counts {
		if n == 0 {
			continue
		}
		lo, hi := from.clip(bin, lowest, highest)
		first, last := to.Find(next(lo)), to.Find(hi)
		if first >= last || lo == hi {
			mean, _ := from.Mean(h, bin)
			out.addN(to, last, clamp(mean, lo, hi), n)
			continue
		}
		for _, p := range share(pieces(to, first, last, lo, hi), n) {
			out.addN(to, p.bin, p.mid, p.n)
		}
	}
	return out
}

// A piece is the part of a source bin that lies in one bin of the target.
type piece struct {
	bin   int
	mid   float64 // its middle
	share float64 // of the source bin's width
	n     uint64
}

// pieces cuts (lo, hi] at the edges of the bins first to last.
func pieces(to *Grid, first, last int, lo, hi float64) []piece {
	ps := make([]piece, 0, last-first+1)
	for bin := first; bin <= last; bin++ {
		l, u := lo, hi
		if bin > first {
			l = to.edges[bin-1]
		}
		if bin < last {
			u = to.edges[bin]
		}
		ps = append(ps, piece{bin: bin, mid: l/2 + u/2, share: fraction(u, lo, hi) - fraction(l, lo, hi)})
	}
	return ps
}

// share distributes n over the pieces in proportion to their shares: the whole
// parts first, then one each to the largest remainders, ties to the lower bin.
func share(ps []piece, n uint64) []piece {
	type remainder struct {
		i    int
		part float64
	}
	rest := n
	rs := make([]remainder, len(ps))
	for i := range ps {
		exact := float64(ps[i].share * float64(n))
		ps[i].n = min(uint64(max(exact, 0)), rest)
		rest -= ps[i].n
		rs[i] = remainder{i, exact - float64(ps[i].n)}
	}
	slices.SortStableFunc(rs, func(a, b remainder) int { return cmp.Compare(b.part, a.part) })
	for k := 0; rest > 0; k = (k + 1) % len(rs) {
		ps[rs[k].i].n++
		rest--
	}
	return ps
}

// addN counts n values that lie at x in the given bin.
func (h *Hist) addN(g *Grid, bin int, x float64, n uint64) {
	h.Counts[bin] += n
	switch {
	case bin == 0:
		h.Lower.AddN(x, n)
	case bin == len(g.edges):
		h.Upper.AddN(x, n)
	default:
		hi, lo := bits.Mul64(g.Scaled(bin, x), n)
		if hi == 0 {
			h.Sums[bin] += lo
		}
	}
}

func clamp(x, lo, hi float64) float64 { return max(lo, min(x, hi)) }
