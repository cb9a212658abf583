package drift

import "math"

// Hellinger returns the Hellinger distance √(1 − Σ √(pᵢqᵢ)). It is a metric and
// lies in [0, 1].
//
// It is computed as √(½ Σ (√pᵢ−√qᵢ)²), which is the same number and, unlike the
// first form, exact close to 0.
func Hellinger(ref, cur []uint64) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return hellinger(s), nil
}

func hellinger(s sides) float64 {
	sum := 0.0
	for i := range s.ref {
		p, q := s.at(i)
		if p == q {
			continue // also when both are 0
		}
		d := (p - q) / (math.Sqrt(p) + math.Sqrt(q)) // √p − √q
		sum += float64(d * d)
	}
	return math.Sqrt(min(1, sum/2))
}

var hellingerMeasure = Measure{
	Name: "hellinger", Unit: "{score}",
	Description: "Hellinger distance; the drift score of categorical fields.",
	Numeric:     true, Categorical: true, Symmetric: true, Metric: true,
	Binning: Deciles, Binnings: Binnings(), Options: shareOptions,
	Upper: 1, Threshold: 0.16, Warn: 0.11, perBin: valuesPerBin,
	run: func(in input, out *Result) error {
		out.Floor = in.noise.Hellinger(in.sides.ref, in.sides.cur)
		out.Value = hellinger(in.sides)
		return nil
	},
}
