package drift

import "math"

// TotalVariation returns ½ Σ |pᵢ−qᵢ|: the share of values that would have to
// move to another bin. It is a metric and lies in [0, 1].
func TotalVariation(ref, cur []uint64) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return totalVariation(s), nil
}

func totalVariation(s sides) float64 {
	sum := 0.0
	for i := range s.ref {
		p, q := s.at(i)
		sum += math.Abs(p - q)
	}
	return min(1, sum/2)
}

var totalVariationMeasure = Measure{
	Name: "total_variation", Unit: "{score}",
	Description: "Half the sum of the differences of the shares.",
	Numeric:     true, Categorical: true, Symmetric: true, Metric: true,
	Binning: Deciles, Binnings: Binnings(), Options: shareOptions,
	Upper: 1, Threshold: 0.18, Warn: 0.125, perBin: valuesPerBin,
	run: func(in input, out *Result) error {
		out.Floor = in.noise.TotalVariation()
		out.Value = totalVariation(in.sides)
		return nil
	},
}
