package drift

import "math"

// CramersV returns Cramér's V = √(χ²/N) of the 2 × B table of [ChiSquared], an
// effect size in [0, 1]. It is symmetric, but falls when one side is much larger
// than the other, which √(χ²h) does not.
//
// corrected takes out the value expected without drift [Bergsma 2013]:
//
//	φ² = max(0, χ²/N − (B−1)/(N−1)),  B′ = B − (B−1)²/(N−1),  2′ = 2 − 1/(N−1),
//	V  = √(φ²/min(B′−1, 2′−1)).
func CramersV(ref, cur []uint64, o Contingency, corrected bool) (float64, error) {
	t, err := ChiSquared(ref, cur, o)
	if err != nil || t.DF == 0 {
		return 0, err
	}
	n, _ := total(ref)
	m, _ := total(cur)
	return cramersV(t, float64(n)+float64(m), corrected), nil
}

func cramersV(t Test, all float64, corrected bool) float64 {
	phi2, least := t.Statistic/all, 1.0 // two rows: min(2, B) − 1
	if corrected {
		b := float64(t.Columns)
		phi2 = max(0, phi2-(b-1)/(all-1))
		least = min(b-float64((b-1)*(b-1))/(all-1), 2-1/(all-1)) - 1
		if least <= 0 {
			return 0 // N ≤ B: the correction leaves nothing
		}
	}
	return min(1, math.Sqrt(phi2/least))
}

var cramersVMeasure = Measure{
	Name: "cramers_v", Unit: "{score}",
	Description: "Cramér's V of the contingency table.",
	Numeric:     true, Categorical: true, Symmetric: true,
	Binning: Deciles, Binnings: Binnings(), Options: options(optYates, optMinExpected, optCorrected),
	Upper: 1,
	run: func(in input, out *Result) error {
		o := in.contingency()
		t := chiSquared(tabulate(in.sides, o), o.Yates)
		in.noise.Bins, out.Bins = t.Columns, t.Columns
		out.Floor = in.noise.CramersV()
		if t.Merged > 0 {
			out.warn(Warning{Kind: MergedSmallCells, Have: uint64(t.Merged)})
		}
		if t.DF > 0 {
			out.Value = cramersV(t, float64(in.n)+float64(in.m), in.params.Corrected)
		}
		return nil
	},
}
