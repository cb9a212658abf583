package drift

import (
	"iter"
	"math"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// stretch is the part of the real line that a bin covers, as the measures that
// integrate over the line need it.
type stretch struct {
	width       float64 // of the bin; the outer ones end at the extremes
	left, right float64 // F−G at its ends
	area        float64 // ∫ F−G dx over it
	p, q        float64 // its shares
}

// stretches walks the bins of a grid from lo to hi, the extremes of both sides.
//
// The grid keeps, for each bin, the sum X of the distances of its values from
// an anchor. Over an inner bin (l, u] with anchor l, n∫F = n(u−l)F(u) − X. In
// the tails, anchored where they start, n∫F = −X below the first edge and
// n∫(1−F) = X above the last.
func stretches(g *grid.Grid, s sides, ref, cur *grid.Hist, lo, hi float64) iter.Seq[stretch] {
	n, m := float64(s.n), float64(s.m)
	return func(yield func(stretch) bool) {
		var r, c uint64
		left := 0.0
		for i := range s.ref {
			r += s.ref[i]
			c += s.cur[i]
			x := stretch{left: left, right: float64(r)/n - float64(c)/m}
			x.p, x.q = s.at(i)
			x.area = g.Excess(cur, i)/m - g.Excess(ref, i)/n
			l, u := g.Bounds(i)
			switch {
			case g.IsAtom(i):
				// All mass lies at the upper end, and the bin is as wide as the
				// spacing of float64: 1e-7 at 1e9.
				x = stretch{left: left, right: left, width: u - g.Edges()[i-1]}
				x.area = float64(x.width * left)
			case g.IsOuter(i):
				x.width = max(0, min(u, hi)-max(l, lo))
			default:
				x.width = u - l
				x.area += float64(x.width * x.right)
			}
			left = float64(r)/n - float64(c)/m
			if !yield(x) {
				return
			}
		}
	}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
