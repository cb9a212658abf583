package grid

import (
	"cmp"
	"math"
	"slices"
)

// Options are the choices of Build. The zero value is the default.
type Options struct {
	// Bins is the number of bins of equal mass, 200 by default. It should be
	// divisible by 20, so that deciles and ventiles are unions of bins; others above
	// 10 are rounded up to such a number.
	Bins int
	// MaxEdges bounds the number of edges, 511 by default: a search in nine
	// steps. Extra edges are kept even beyond it.
	MaxEdges int
	// Closed are extra edges with the value on the lower side, x ≤ e; Open with
	// the value on the upper side, x < e: the ends of a range, the boundaries of
	// segments, a decision threshold. They are always kept, up to 32256 of them.
	Closed, Open []float64
	// NoEqualWidth leaves out the rules of Doane, Sturges and auto, which a grid
	// of scores does not need.
	NoEqualWidth bool
}

const (
	defaultBins     = 200
	defaultMaxEdges = 511
	// minPerBin is the least number of reference values a quantile bin: a
	// quantile from fewer values is noise.
	minPerBin = 10
	// discrete is the number of distinct values up to which every one is an atom.
	discrete = 200
	// maxAuto bounds the bins of NumPy's auto, which grows without limit when one
	// value lies far out.
	maxAuto = 50
)

// Build returns the grid of a reference sample. Values that are not finite are
// left out; the slice is not modified and its order does not matter.
//
// The edges are, in the order in which they are given up when there are more
// than Options.MaxEdges, last first:
//
//   - the extra edges of the options;
//   - guards beyond both ends: the bins 0 and k hold only values outside the range;
//   - the quantiles, Options.Bins of them, halved (200, 100, 20, 10) while a bin
//     would hold fewer than ten values;
//   - heavy atoms: values that hold more than 1/bins of the mass;
//   - Doane's edges;
//   - light atoms: all values, when there are at most 200 different ones;
//   - Sturges' edges, and those of auto with at most 50 bins.
//
// A constant reference has three bins: below, equal, above. Without values the
// only edges are the extra ones; without those there is a single bin.
func Build(values []float64, o Options) *Grid {
	b := builder{sorted: ascending(values), bins: roundBins(o.Bins), maxEdges: o.MaxEdges}
	if b.maxEdges <= 0 {
		b.maxEdges = defaultMaxEdges
	}
	b.maxEdges = min(b.maxEdges, EdgeLimit)
	extra := extras(o.Closed, o.Open)
	if len(b.sorted) == 0 {
		return newGrid(extra, nil)
	}
	b.quantiles(union(extra, b.guards()))
	heavy, light := b.atoms()
	b.addAtoms(heavy)
	if !o.NoEqualWidth {
		b.addRule(Doane, outside, doaneWidth, math.MaxInt32)
	}
	b.addAtoms(light)
	if !o.NoEqualWidth {
		b.addRule(Sturges, outside, sturgesWidth, math.MaxInt32)
		b.addRule(Auto, open, autoWidth, maxAuto)
	}
	return b.grid()
}

// A builder collects edges until they are too many.
type builder struct {
	sorted   []float64
	bins     int
	maxEdges int
	edges    []float64
	full     bool // an edge did not fit, so none of less importance is tried
	cuts     []named
}

// named are the cuts of a partition, ascending.
type named struct {
	name  string
	edges []float64
	outer outer
}

// add adds the edges, all or none.
func (b *builder) add(edges ...float64) bool {
	if b.full {
		return false
	}
	u := union(b.edges, edges)
	if len(u) > b.maxEdges {
		b.full = true
		return false
	}
	b.edges = u
	return true
}

func (b *builder) guards() []float64 {
	lo, hi := prev(b.sorted[0]), b.sorted[len(b.sorted)-1]
	if math.IsInf(lo, 0) {
		return []float64{hi} // nothing finite lies below
	}
	return []float64{lo, hi}
}

// quantiles starts the grid from the edges that are always kept, and names the
// partitions that the quantiles make.
func (b *builder) quantiles(kept []float64) {
	for b.bins > 10 && len(b.sorted)/b.bins < minPerBin {
		b.bins = halve(b.bins)
	}
	b.edges = union(kept, b.every(b.bins))
	for b.bins > 10 && len(b.edges) > b.maxEdges {
		b.bins = halve(b.bins)
		b.edges = union(kept, b.every(b.bins))
	}
	b.cuts = append(b.cuts, named{Deciles, b.every(10), open})
	if b.bins%20 == 0 {
		b.cuts = append(b.cuts, named{Ventiles, b.every(20), open})
	}
}

// every returns the inner quantiles i/k, equal ones merged.
func (b *builder) every(k int) []float64 {
	q := make([]float64, 0, k-1)
	for i := 1; i < k; i++ {
		q = append(q, quantile(b.sorted, float64(i)/float64(k)))
	}
	return union(nil, q)
}

// atoms returns the values that hold more than 1/bins of the mass, and all
// others if the sample is discrete; both by mass, then by value.
func (b *builder) atoms() (heavy, light []float64) {
	type run struct {
		value float64
		n     int
	}
	var runs []run
	for i := 0; i < len(b.sorted); {
		j := i
		for j < len(b.sorted) && b.sorted[j] == b.sorted[i] {
			j++
		}
		runs = append(runs, run{b.sorted[i], j - i})
		i = j
	}
	all := len(runs) <= discrete
	slices.SortFunc(runs, func(x, y run) int {
		return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.value, y.value))
	})
	for _, r := range runs {
		switch {
		case r.n*b.bins > len(b.sorted):
			heavy = append(heavy, r.value)
		case all:
			light = append(light, r.value)
		}
	}
	return heavy, light
}

// addAtoms adds the upper edges of all atoms, then the lower ones, as far as
// there is room: with the upper edges alone, samples of the same values are
// still told apart exactly.
func (b *builder) addAtoms(values []float64) {
	for _, v := range values {
		b.add(v)
	}
	for _, v := range values {
		if lo := prev(v); !math.IsInf(lo, 0) {
			b.add(lo)
		}
	}
}

// addRule adds the edges of an equal-width rule with at most most bins. NumPy's
// bins are right-open but the last: its edges are stored as the float64 below
// them, the last as it is.
func (b *builder) addRule(name string, o outer, width func([]float64) float64, most float64) {
	if len(b.sorted) == 0 {
		return
	}
	if span := ptp(b.sorted); span == 0 || math.IsInf(span, 0) {
		if span == 0 { // the guards are the edges
			b.cuts = append(b.cuts, named{name, b.guards(), o})
		}
		return
	}
	k := min(binsOf(b.sorted, width(b.sorted)), most)
	if k == 0 || k > float64(b.maxEdges) {
		return
	}
	edges := equalWidth(b.sorted, int(k))
	for i := range edges[:len(edges)-1] {
		edges[i] = prev(edges[i])
	}
	switch {
	case o == open:
		edges = edges[1 : len(edges)-1]
	case math.IsInf(edges[0], 0): // nothing finite lies below: the group above is the one outside
		edges, o = edges[1:], open
	}
	edges = union(nil, edges)
	if b.add(edges...) {
		b.cuts = append(b.cuts, named{name, edges, o})
	}
}

func (b *builder) grid() *Grid {
	parts := make([]Partition, 0, len(b.cuts))
	for _, c := range b.cuts {
		parts = append(parts, cut(c.name, b.edges, c.edges, c.outer))
	}
	slices.SortFunc(parts, func(x, y Partition) int { return cmp.Compare(x.Name, y.Name) })
	return newGrid(b.edges, parts)
}

// ascending returns the finite values, sorted, with −0 as 0.
func ascending(values []float64) []float64 {
	s := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			s = append(s, v+0) // −0 + 0 = 0
		}
	}
	slices.Sort(s)
	return s
}

// extras returns the finite extra edges as right-closed ones.
func extras(closed, opened []float64) []float64 {
	e := ascending(closed)
	for _, v := range ascending(opened) {
		if lo := prev(v); !math.IsInf(lo, 0) {
			e = append(e, lo)
		}
	}
	e = union(nil, e)
	return e[:min(len(e), EdgeLimit-defaultMaxEdges)]
}

// roundBins returns n, or the default, as a multiple of 20; 10 stays 10.
func roundBins(n int) int {
	switch {
	case n <= 0:
		return defaultBins
	case n <= 10:
		return 10
	}
	return (min(n, EdgeLimit) + 19) / 20 * 20
}

// halve returns the next smaller number of bins: 200, 100, 20, 10. Others above
// 100 are halved and rounded down to a multiple of 20.
func halve(bins int) int {
	switch {
	case bins > 100:
		return bins / 40 * 20
	case bins > 20:
		return 20
	}
	return 10
}
