package score

import (
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// A gap is one interval of scores: how many rows fell into it, and how far their
// mean score is from their rate of positives.
type gap struct {
	n    uint64
	size float64 // |mean score − rate of positives|
}

// meanGap is the expected calibration error, Σ (n_b/n)·|mean score − rate|.
func meanGap(gaps []gap, n uint64) float64 {
	sum := 0.0
	for _, g := range gaps {
		sum += float64(ratio(g.n, n) * g.size)
	}
	return sum
}

// maxGap is the maximum calibration error.
func maxGap(gaps []gap, _ uint64) float64 {
	worst := 0.0
	for _, g := range gaps {
		worst = math.Max(worst, g.size)
	}
	return worst
}

// calibration joins the gaps of ten intervals of equal width: [0, .1), [.1, .2)
// … [.9, 1]. Their edges are edges of every ScoreGrid.
func (b *Binary) calibration(g *grid.Grid, join func([]gap, uint64) float64) Value {
	return b.calibrationIn(g, join, func() ([]int, bool) { return tenths(g) })
}

// EqualMassECE returns the expected calibration error over the deciles of the
// reference scores in place of intervals of equal width; named ece. Right-closed
// as all bins of a grid.
func (b *Binary) EqualMassECE(g *grid.Grid) Value {
	v := b.calibrationIn(g, meanGap, func() ([]int, bool) {
		p, ok := g.Partition(grid.Deciles)
		at := make([]int, len(p.Group))
		for i, group := range p.Group {
			at[i] = int(group)
		}
		return at, ok
	})
	v.Metric, v.N = "ece", b.Scored
	return v.finite()
}

// calibrationIn joins the gaps of the groups of bins that in returns: the number
// of the group for each bin, ascending.
func (b *Binary) calibrationIn(g *grid.Grid, join func([]gap, uint64) float64, in func() ([]int, bool)) Value {
	if b.OutOfRange > 0 {
		return absent("", b.Scored, ScoreOutOfRange)
	}
	r, absence := b.ranked(g)
	if absence != nil {
		return *absence
	}
	group, ok := in()
	if !ok {
		return absent("", b.Scored, BinsNotKept)
	}
	var gaps []gap
	for from := 0; from < len(group); {
		to := from
		var pos, n uint64
		sum := 0.0
		for ; to < len(group) && group[to] == group[from]; to++ {
			pos += r.pos[to]
			n += r.pos[to] + r.neg[to]
			if r.pos[to] > 0 {
				sum += g.Sum(b.Pos, to)
			}
			if r.neg[to] > 0 {
				sum += g.Sum(b.Neg, to)
			}
		}
		if from = to; n > 0 {
			gaps = append(gaps, gap{n, math.Abs(sum-float64(pos)) / float64(n)})
		}
	}
	return Value{Value: join(gaps, b.Scored)}
}

// tenths numbers the interval of equal width that each bin lies in; ok is false
// unless the grid has all their edges.
func tenths(g *grid.Grid) (at []int, ok bool) {
	edges := g.Edges()
	at = make([]int, g.Bins())
	for i, e := range calibrationEdges[1:10] {
		edge, ok := slices.BinarySearch(edges, math.Nextafter(e, math.Inf(-1)))
		if !ok {
			return nil, false
		}
		for bin := edge + 1; bin < len(at); bin++ {
			at[bin] = i + 1
		}
	}
	return at, true
}

// calibrationEdges are the ends of the intervals of ece and mce: the decimal
// fractions, so that a score of exactly .3 lies in [.3, .4).
var calibrationEdges = [11]float64{0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1}
