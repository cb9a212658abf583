package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
)

// KS returns the two-sample Kolmogorov-Smirnov statistic, the largest |F−G|
// over the edges of ordered bins. It is a metric and lies in [0, 1].
//
// On bins it is exact at every edge, so it is exact for atoms and otherwise too
// low by at most [KSBound].
func KS(ref, cur []uint64) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return ks(s), nil
}

func ks(s sides) float64 {
	var r, c uint64
	largest := 0.0
	for i := range s.ref {
		r += s.ref[i]
		c += s.cur[i]
		d := float64(r)/float64(s.n) - float64(c)/float64(s.m)
		largest = max(largest, math.Abs(d))
	}
	return largest
}

// KSBound returns by how much [KS] of these bins can be below KS of the values
// behind them: max min(pᵢ, qᵢ) over the bins that are not atoms, since |F−G| can
// rise inside a bin by no more than either share. A nil atom means that no bin
// is one.
func KSBound(ref, cur []uint64, atom func(bin int) bool) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return ksBound(s, atom), nil
}

func ksBound(s sides, atom func(bin int) bool) float64 {
	bound := 0.0
	for i := range s.ref {
		if atom != nil && atom(i) {
			continue
		}
		p, q := s.at(i)
		bound = max(bound, min(p, q))
	}
	return bound
}

// KSPValue returns the probability that two samples of one continuous
// distribution, of n and m values, lie d or more apart: the Kolmogorov series
// at
//
//	t = (√E + 0.12 + 0.11/√E) d,  E = nm/(n+m)   [Stephens 1970]
//
// Close to the exact value from about 20 values a side; conservative (too high)
// for binned and tied data.
func KSPValue(d float64, n, m uint64) float64 {
	root := math.Sqrt(effective(n, m))
	return num.KolmogorovSurvival((root + 0.12 + 0.11/root) * d)
}

// effective is E = nm/(n+m) = 1/h, without overflow.
func effective(n, m uint64) float64 {
	return 1 / (1/float64(n) + 1/float64(m))
}

var ksMeasure = Measure{
	Name: "ks", Unit: "{score}",
	Description: "Kolmogorov-Smirnov statistic: the largest difference of the cumulative shares.",
	Numeric:     true, Symmetric: true, Metric: true, Test: true,
	Binning: Grid, Binnings: ordered, Options: []string{optBins, optSignificance},
	Upper: 1, Threshold: 0.18, Warn: 0.125, least: 20,
	run: func(in input, out *Result) error {
		out.Floor = in.noise.KS()
		out.Value = ks(in.sides)
		out.Bound = ksBound(in.sides, in.atom)
		out.HasP, out.P = true, KSPValue(out.Value, in.n, in.m)
		return nil
	},
}
