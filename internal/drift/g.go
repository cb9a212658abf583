package drift

import "math"

// G returns the likelihood-ratio test 2 Σ observed·ln(observed/expected) over
// the 2 × B table, prepared and judged as [ChiSquared]'s.
//
// As scipy.stats.chi2_contingency(…, lambda_="log-likelihood").
func G(ref, cur []uint64, o Contingency) (Test, error) {
	s, err := open(ref, cur)
	if err != nil {
		return Test{}, err
	}
	return g(tabulate(s, o), o.Yates), nil
}

func g(t table, yates bool) Test {
	sum := 0.0
	for _, col := range t.columns {
		x := t.excess(col)
		if yates && len(t.columns) == 2 {
			x -= math.Copysign(min(0.5, math.Abs(x)), x)
		}
		size := (float64(col.r) + float64(col.c)) / (float64(t.n) + float64(t.m))
		sum += likelihood(size*float64(t.n), x) + likelihood(size*float64(t.m), -x)
	}
	return t.test(2 * sum)
}

// likelihood is o·ln(o/e) − (o−e) with o = e+x. The subtracted parts of a column
// add up to 0, and what is left is positive in each cell instead of cancelling.
func likelihood(e, x float64) float64 {
	if e+x <= 0 {
		return e // o = 0; below 0 only by rounding
	}
	return max(0, float64((e+x)*math.Log1p(x/e))-x)
}

var gMeasure = Measure{
	Name: "g", Unit: "{score}",
	Description: "Likelihood-ratio statistic of the contingency table.",
	Numeric:     true, Categorical: true, Symmetric: true, Test: true,
	Binning: Deciles, Binnings: Binnings(), Options: options(optYates, optMinExpected),
	Upper: infinity,
	run: func(in input, out *Result) error {
		o := in.contingency()
		in.take(g(tabulate(in.sides, o), o.Yates), Noise.G, out)
		return nil
	},
}
