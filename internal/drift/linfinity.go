package drift

import "math"

// LInfinity returns max |pᵢ−qᵢ|, the largest change of one share. It is a
// metric and lies in [0, 1]. For categories with one bin a new value it is the
// number that TFDV, deequ and NannyML print.
func LInfinity(ref, cur []uint64) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return lInfinity(s), nil
}

func lInfinity(s sides) float64 {
	largest := 0.0
	for i := range s.ref {
		p, q := s.at(i)
		largest = max(largest, math.Abs(p-q))
	}
	return largest
}

var lInfinityMeasure = Measure{
	Name: "l_infinity", Unit: "{score}",
	Description: "The largest difference of one share.",
	Numeric:     true, Categorical: true, Symmetric: true, Metric: true,
	Binning: Deciles, Binnings: Binnings(), Options: options(optNoise),
	Upper: 1, Threshold: 0.1, perBin: valuesPerBin,
	run: func(in input, out *Result) error {
		out.Floor = in.noise.LInfinity(in.sides.ref, in.sides.cur)
		if in.params.Noise == NoiseRobust {
			out.Floor = Noise{N: in.n, M: in.m, Alpha: in.params.Significance}.Robust()
		}
		out.Value = lInfinity(in.sides)
		return nil
	},
}
