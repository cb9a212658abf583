package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
)

// ChiSquared tests whether both sides have the same shares:
//
//	Σ (observed−expected)²/expected  over the 2 × B table,
//
// with B−1 degrees of freedom, B the non-empty columns left after merging. A new
// category is an ordinary column: the statistic stays finite. One column left
// is no difference: statistic 0, p = 1. Symmetric, in [0, ∞).
//
// As scipy.stats.chi2_contingency([ref, cur], correction=o.Yates).
func ChiSquared(ref, cur []uint64, o Contingency) (Test, error) {
	s, err := open(ref, cur)
	if err != nil {
		return Test{}, err
	}
	return chiSquared(tabulate(s, o), o.Yates), nil
}

func chiSquared(t table, yates bool) Test {
	var (
		h   = 1/float64(t.n) + 1/float64(t.m)
		all = float64(t.n) + float64(t.m)
		sum = 0.0
	)
	for _, col := range t.columns {
		d := math.Abs(t.excess(col))
		if yates && len(t.columns) == 2 {
			d -= min(0.5, d)
		}
		// Both cells of a column are off by d; their expected counts are
		// n·size/all and m·size/all.
		sum += float64(d*d) / (float64(col.r) + float64(col.c))
	}
	return t.test(sum * all * h)
}

// excess is observed − expected of the reference's cell, nm/(n+m)·(p−q); the
// other cell of the column has the opposite.
func (t table) excess(col column) float64 {
	return (float64(col.r)/float64(t.n) - float64(col.c)/float64(t.m)) * effective(t.n, t.m)
}

// test adds degrees of freedom and the p-value to a chi-square statistic.
func (t table) test(statistic float64) Test {
	b := len(t.columns)
	if b < 2 {
		return Test{P: 1, Columns: b, Merged: t.merged}
	}
	p := num.ChiSquaredSurvival(statistic, float64(b-1))
	return Test{Statistic: statistic, P: p, DF: b - 1, Columns: b, Merged: t.merged}
}

var chi2Measure = Measure{
	Name: "chi2", Unit: "{score}",
	Description: "Chi-square statistic of the contingency table.",
	Numeric:     true, Categorical: true, Symmetric: true, Test: true,
	Binning: Deciles, Binnings: Binnings(), Options: options(optYates, optMinExpected),
	Upper: infinity,
	run: func(in input, out *Result) error {
		o := in.contingency()
		in.take(chiSquared(tabulate(in.sides, o), o.Yates), Noise.ChiSquared, out)
		return nil
	},
}

func (in input) contingency() Contingency {
	c := Contingency{MinExpected: Cochran, Yates: in.params.Yates, Quantiles: in.ref.numeric()}
	if in.params.MinExpected != nil {
		c.MinExpected = *in.params.MinExpected
	}
	return c
}

// take fills a result from a test of the chi-square family. Its size is Cohen's
// w = √(χ²h), which unlike the statistic does not grow with the samples; w² is
// what PSI is for small drift.
func (in input) take(t Test, floor func(Noise) float64, out *Result) {
	out.Value, out.HasP, out.P, out.DF, out.Bins = t.Statistic, true, t.P, t.DF, t.Columns
	in.noise.Bins = t.Columns
	out.Floor = floor(in.noise)
	h := in.noise.H()
	out.Effect = Effect{
		Name: "w", Value: math.Sqrt(t.Statistic * h), Threshold: 0.45, Warn: 0.32, Floor: math.Sqrt(out.Floor * h),
	}
	if t.Merged > 0 {
		out.warn(Warning{Kind: MergedSmallCells, Have: uint64(t.Merged)})
	}
}
