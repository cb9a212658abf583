package drift_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// A question is asked by the name of a measure; the answer comes with what is
// needed to judge it.
func ExampleCompute() {
	reference := drift.Sample{Known: []uint64{955, 1045}} // two categories
	window := drift.Sample{Known: []uint64{700, 750}, New: []uint64{50}}

	r, err := drift.Compute("psi", drift.Params{}, reference, window)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("psi %.3f of %d and %d values in %d %s\n", r.Value, r.N, r.M, r.Bins, r.Binning)
	fmt.Printf("threshold %g, noise floor %.3f: %s\n", r.Threshold, r.Floor, drift.Judge(r, drift.Rule{}))
	// Output:
	// psi 0.194 of 2000 and 1500 values in 3 categories
	// threshold 0.2, noise floor 0.016: warning
}

// Numeric fields are histograms of a grid that the reference made. What cannot
// be computed says why.
func ExampleNotComputable() {
	g := grid.Build([]float64{3, 3, 3, 3}, grid.Options{})
	side := func(xs ...float64) drift.Sample {
		s := drift.Sample{Grid: g, Hist: g.NewHist(), Min: xs[0], Max: xs[len(xs)-1]}
		for _, x := range xs {
			s.Hist.Add(g, g.Find(x), x)
		}
		return s
	}
	for _, name := range []string{"wasserstein", "wasserstein_normalised"} {
		r, err := drift.Compute(name, drift.Params{}, side(3, 3, 3, 3), side(3, 3, 4, 4))
		fmt.Printf("%s: %v, %v\n", name, r.Value, err)
	}
	// Output:
	// wasserstein: 0.5, <nil>
	// wasserstein_normalised: NaN, not computable: the reference is constant, so there is no spread to measure in
}
