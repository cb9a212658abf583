package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Sample is one side of a question: what a profile keeps of one field.
//
// It is numeric when Grid is set, else categorical. It only borrows its slices
// and histograms; nothing of it is modified.
type Sample struct {
	// Grid and Hist are the counts of a numeric field, Min to Variance the
	// extremes and moments of the same values: all are needed.
	Grid     *grid.Grid
	Hist     *grid.Hist
	Min, Max float64
	Mean     float64
	Variance float64 // divisor N; NaN when it is beyond float64

	// Known are the counts of the reference's categories, in their order on both
	// sides.
	Known []uint64
	// New are the counts of the values that are no reference category, one a
	// value; New[i] is the same value on both sides. The shorter slice is padded
	// with zeros.
	New []uint64
	// Other counts the values, new ones too, that are beyond the cap of
	// categories.
	Other uint64

	// Missing counts the rows without a value. They take part only with the
	// option missing: bin.
	Missing uint64
}

func (s Sample) numeric() bool { return s.Grid != nil }

// N returns the number of usable values.
func (s Sample) N() uint64 {
	if s.numeric() {
		return s.Hist.Total()
	}
	n := s.Other
	for _, c := range s.Known {
		n += c
	}
	for _, c := range s.New {
		n += c
	}
	return n
}

// constant reports that a numeric side holds one value only.
func (s Sample) constant() bool { return s.Min == s.Max }

// Names of the binnings, as users write them.
const (
	Deciles    = grid.Deciles
	Ventiles   = grid.Ventiles
	Doane      = grid.Doane
	Sturges    = grid.Sturges
	Auto       = grid.Auto
	Grid       = grid.Every
	Categories = "categories"
)

// Binnings are the names that the option bins knows. Categories is what
// categorical fields use whatever the option says.
func Binnings() []string { return []string{Deciles, Ventiles, Doane, Sturges, Auto, Grid} }

// categories returns the counts of both sides: one bin a reference category,
// then one for everything new, or one each for the new values and one for those
// beyond the cap. The last of them is there only if it is not empty, so that
// keep_empty does not count it.
func categories(ref, cur Sample, each bool) (r, c []uint64) {
	known, fresh := max(len(ref.Known), len(cur.Known)), max(len(ref.New), len(cur.New))
	side := func(s Sample) []uint64 {
		counts := make([]uint64, known, known+fresh+2)
		copy(counts, s.Known)
		if each {
			counts = counts[:known+fresh]
			copy(counts[known:], s.New)
			return append(counts, s.Other)
		}
		n, _ := total(s.New)
		return append(counts, n+s.Other)
	}
	r, c = side(ref), side(cur)
	if last := len(r) - 1; r[last] == 0 && c[last] == 0 {
		r, c = r[:last], c[:last]
	}
	return r, c
}

// partition returns the counts of both sides in the bins of that name. A
// constant reference has three bins whatever the name: below it, it, above it.
func partition(name string, ref, cur Sample) (r, c []uint64, ok bool) {
	p, ok := ref.Grid.Partition(name)
	if ref.constant() && name != Grid {
		p, ok = aroundAtom(ref.Grid, ref.Min), true
	}
	if !ok {
		return nil, nil, false
	}
	return p.Fold(ref.Hist.Counts), p.Fold(cur.Hist.Counts), true
}

// aroundAtom joins the bins below and those above the bin of v.
func aroundAtom(g *grid.Grid, v float64) grid.Partition {
	p := grid.Partition{Name: "constant", Group: make([]uint16, g.Bins()), Groups: 3}
	at := g.Find(v)
	for i := range p.Group {
		switch {
		case i == at:
			p.Group[i] = 1
		case i > at:
			p.Group[i] = 2
		}
	}
	return p
}

// pointTail reports whether all values of an outer bin are one and the same,
// which the extremes and the sum of the bin tell: as good as an atom. Both
// samples are on one grid.
func pointTail(bin int, ref, cur Sample) bool {
	g := ref.Grid
	if !g.IsOuter(bin) {
		return false
	}
	values := make([]float64, 0, 2)
	for _, s := range [2]Sample{ref, cur} {
		n := s.Hist.Counts[bin]
		if n == 0 {
			continue
		}
		end := s.Max
		if bin == 0 {
			end = s.Min
		}
		reach := end - g.Anchor(bin)
		if !(math.Abs(g.Excess(s.Hist, bin)/float64(n)-reach) <= 0x1p-50*math.Abs(reach)) {
			return false
		}
		values = append(values, end)
	}
	return len(values) < 2 || values[0] == values[1]
}
