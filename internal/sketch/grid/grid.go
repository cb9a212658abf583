// Package grid keeps the distribution of a numeric field as counts in the bins
// of a grid, whose edges are taken from a reference sample.
//
// Because the edges are fixed before the first value is counted, a histogram of
// a stream is a list of integers: histograms of parts merge by addition, in any
// order, to the same bytes. Because the edges come from the reference, the
// deciles and the bins of NumPy's rules are unions of the grid's bins, so the
// measures defined on them are exact.
//
// # Which side is closed
//
// Bins are right-closed: with edges e_0 < … < e_(k-1), bin i holds the values
// e_(i-1) < x ≤ e_i. There are k+1 bins; the outer two are unbounded:
//
//	bin 0     bin 1        bin 2           bin k
//	────────┤───────────┤───────────┤ … ├────────▶ x
//	       e_0         e_1         e_2  e_(k-1)
//
// A right-open edge e (x < e) is stored as the next float64 below it, which is
// the same condition. An atom, a value that holds much of the mass, has the two
// edges prev(v) and v, so that its bin holds nothing else.
//
// Values are finite; both zeros are the same value. NaN and infinities are
// counted by the caller and never reach a grid.
package grid

import (
	"math"
	"slices"

	"github.com/zeebo/xxh3"
)

// A Grid is a list of edges and the named partitions of its bins. It never
// changes after Build, FromParts or Decode, so goroutines may share it.
type Grid struct {
	edges []float64
	depth int
	tree  []int64 // the keys of the edges as a perfect search tree in Eytzinger order, from index 1
	cells []cell  // one a bin
	parts []Partition
	id    uint64
}

// A cell is what Scaled needs of one bin.
type cell struct {
	lo  float64
	inv float64 // 2³²/width; 0 for atoms and outer bins; NaN where that is beyond float64
}

// scale is the unit of Hist.Sums: 32 bits of fraction.
const scale = 1 << 32

// newGrid takes ownership of its arguments, which are valid: edges finite and
// ascending, parts ascending by name.
func newGrid(edges []float64, parts []Partition) *Grid {
	g := &Grid{edges: edges, parts: parts}
	for 1<<g.depth <= len(edges) {
		g.depth++
	}
	g.tree = make([]int64, 1<<g.depth)
	g.plant(1, 0)
	g.cells = make([]cell, len(edges)+1)
	for i := 1; i < len(edges); i++ {
		lo, hi := edges[i-1], edges[i]
		inv := scale / (hi - lo)
		switch {
		case next(lo) == hi:
			inv = 0
		case inv == 0 || math.IsInf(inv, 0):
			inv = math.NaN()
		}
		g.cells[i] = cell{lo, inv}
	}
	g.id = xxh3.Hash(g.append(nil))
	return g
}

// plant fills the subtree at node k with the edges from rank on, in order, and
// returns the rank after it. Ranks without an edge are above every value.
func (g *Grid) plant(k, rank int) int {
	if k >= len(g.tree) {
		return rank
	}
	rank = g.plant(2*k, rank)
	g.tree[k] = math.MaxInt64
	if rank < len(g.edges) {
		g.tree[k] = key(g.edges[rank])
	}
	return g.plant(2*k+1, rank+1)
}

// key maps numbers to integers of the same order. −0 comes just below 0; as no
// edge is −0, no search tells them apart.
func key(x float64) int64 {
	b := int64(math.Float64bits(x))
	return b ^ int64(uint64(b>>63)>>1)
}

// Find returns the bin of x. Both zeros fall alike. Infinities fall into the
// outer bins, and so does NaN, which has no place here.
//
// The tree is perfect, so every search takes the same number of steps, and no
// step branches on the comparison: the path itself is the rank of x. Integers
// are compared, since with floats the compiler's code takes three times as long.
func (g *Grid) Find(x float64) int {
	k, tree, want := 1, g.tree, key(x)
	for range g.depth {
		right := 0
		if tree[k] < want {
			right = 1
		}
		k = 2*k + right
	}
	return k - len(tree)
}

// Bins returns the number of bins, one more than there are edges.
func (g *Grid) Bins() int { return len(g.cells) }

// Edges returns the edges, ascending. The slice belongs to the grid: read only.
func (g *Grid) Edges() []float64 { return g.edges }

// ID identifies the grid: a hash of its edges and partitions. Histograms may be
// merged when the IDs of their grids are equal.
func (g *Grid) ID() uint64 { return g.id }

// IsOuter reports whether the bin is unbounded: the first or the last.
func (g *Grid) IsOuter(bin int) bool { return bin == 0 || bin == len(g.edges) }

// IsAtom reports whether the bin holds a single float64 value, its upper edge.
func (g *Grid) IsAtom(bin int) bool {
	return !g.IsOuter(bin) && next(g.edges[bin-1]) == g.edges[bin]
}

// Bounds returns the bin's edges; the outer bins end at ∓Inf. For an atom both
// are its value.
func (g *Grid) Bounds(bin int) (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if bin > 0 {
		lo = g.edges[bin-1]
	}
	if bin < len(g.edges) {
		hi = g.edges[bin]
	}
	if g.IsAtom(bin) {
		lo = hi
	}
	return lo, hi
}

// Width returns the width of the bin: 0 for atoms, +Inf for the outer bins (and
// for an inner bin whose width is beyond float64).
func (g *Grid) Width(bin int) float64 {
	lo, hi := g.Bounds(bin)
	return hi - lo
}

// Scaled returns the fixed-point position of x in its bin, round(2³²(x−lo)/(hi−lo)),
// which lies in [0, 2³²] whatever x is. It is what Hist.AddScaled adds, to be
// computed once a row and shared by all slices. Atoms and outer bins yield 0.
func (g *Grid) Scaled(bin int, x float64) uint64 {
	c := &g.cells[bin]
	s := float64((x-c.lo)*c.inv) + 0.5 // the conversion forbids a fused multiply-add
	if s >= 1 && s < scale {
		return uint64(int64(s))
	}
	return g.scaledAtEnd(bin, x, s)
}

// scaledAtEnd is Scaled where s, the position plus ½, is not inside the bin: at
// its ends and for bins without a width to speak of.
func (g *Grid) scaledAtEnd(bin int, x, s float64) uint64 {
	switch inv := g.cells[bin].inv; {
	case inv == 0:
		return 0
	case math.IsNaN(inv):
		s = float64(fraction(x, g.edges[bin-1], g.edges[bin])*scale) + 0.5
	}
	switch {
	case s >= scale:
		return scale
	case s >= 1:
		return uint64(int64(s))
	}
	return 0
}

// fraction returns (x−lo)/(hi−lo) without overflow.
func fraction(x, lo, hi float64) float64 {
	if w := hi - lo; !math.IsInf(w, 0) && !math.IsInf(x-lo, 0) {
		return (x - lo) / w
	}
	return (x/2 - lo/2) / (hi/2 - lo/2)
}

func next(x float64) float64 { return math.Nextafter(x, math.Inf(1)) }
func prev(x float64) float64 { return math.Nextafter(x, math.Inf(-1)) }

// union returns the ascending union of both sets without repetition. a is
// ascending and is not modified; b may be in any order.
func union(a, b []float64) []float64 {
	u := slices.Concat(a, b)
	slices.Sort(u)
	return slices.Compact(u)
}
