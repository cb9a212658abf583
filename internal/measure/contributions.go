package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Contributions says where two distributions of a field differ: the categories, or
// the deciles of the reference, whose shares are furthest apart, most first. nil if
// there is nothing to compare.
func Contributions(cur, ref Side, k record.Key, most int) []Named {
	cl, cf := cur.field(k)
	rl, rf := ref.field(k)
	if cl == nil || rl == nil {
		return nil
	}
	var all []Named
	switch {
	case cf.Counts != nil && rf.Counts != nil:
		all = shares(tallies(cl, cf), tallies(rl, rf))
	case cf.Hist != nil && rf.Hist != nil:
		c, r, _, ok := samples(cl, cf, rl, rf)
		if ok {
			all = ranges(c, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Named) int {
		return cmp.Compare(math.Abs(b.Cur-b.Ref), math.Abs(a.Cur-a.Ref))
	})
	return all[:min(most, len(all))]
}

// shares compares two counts of categories.
func shares(cur, ref map[string]uint64) []Named {
	n, m := sum(cur), sum(ref)
	if n == 0 || m == 0 {
		return nil
	}
	var all []Named
	for name, c := range cur {
		all = append(all, Named{name, float64(c) / n, float64(ref[name]) / m})
	}
	for name, r := range ref {
		if _, ok := cur[name]; !ok {
			all = append(all, Named{name, 0, float64(r) / m})
		}
	}
	slices.SortFunc(all, func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func sum(counts map[string]uint64) float64 {
	var n uint64
	for _, c := range counts {
		n += c
	}
	return float64(n)
}

// ranges compares two histograms by the deciles of the reference.
func ranges(cur, ref drift.Sample) []Named {
	p, ok := ref.Grid.Partition(drift.Deciles)
	n, m := float64(cur.Hist.Total()), float64(ref.Hist.Total())
	if !ok || n == 0 || m == 0 {
		return nil
	}
	c, r := p.Fold(cur.Hist.Counts), p.Fold(ref.Hist.Counts)
	lo, hi := make([]float64, p.Groups), make([]float64, p.Groups)
	for i := range lo {
		lo[i], hi[i] = math.Inf(1), math.Inf(-1)
	}
	for bin, g := range p.Group {
		from, to := ref.Grid.Bounds(bin)
		lo[g], hi[g] = min(lo[g], from), max(hi[g], to)
	}
	all := make([]Named, p.Groups)
	for g := range all {
		all[g] = Named{between(lo[g], hi[g]), float64(c[g]) / n, float64(r[g]) / m}
	}
	return all
}

// between names a range of numbers.
func between(lo, hi float64) string {
	switch {
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return "all"
	case math.IsInf(lo, -1):
		return "up to " + short(hi)
	case math.IsInf(hi, 1):
		return "above " + short(lo)
	}
	return fmt.Sprintf("%s to %s", short(lo), short(hi))
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
