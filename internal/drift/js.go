package drift

import "math"

// JSDivergence returns the Jensen-Shannon divergence in bits,
//
//	½ Σ pᵢ log₂(pᵢ/Mᵢ) + ½ Σ qᵢ log₂(qᵢ/Mᵢ),  Mᵢ = ½(pᵢ+qᵢ),
//
// with 0·log 0 = 0, so empty bins need no treatment. It is symmetric and lies
// in [0, 1]. As scipy.spatial.distance.jensenshannon(p, q, base=2)**2.
func JSDivergence(ref, cur []uint64) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return jsDivergence(s), nil
}

// JS returns the Jensen-Shannon distance with base 2: the square root of
// [JSDivergence]. It is a metric and lies in [0, 1]. Times √(ln 2) it is the
// distance with base e. As scipy.spatial.distance.jensenshannon(p, q, base=2).
func JS(ref, cur []uint64) (float64, error) {
	d, err := JSDivergence(ref, cur)
	return math.Sqrt(d), err
}

func jsDivergence(s sides) float64 {
	sum := 0.0
	for i := range s.ref {
		sum += jsTerm(s.at(i))
	}
	return min(1, sum/(2*math.Ln2))
}

// jsTerm is p ln(p/M) + q ln(q/M), in nats. With d = (p−q)/(p+q) it equals
// M·(ln(1−d²) + 2d·artanh d), which keeps all digits while the two logarithms
// would cancel.
func jsTerm(p, q float64) float64 {
	sum := p + q
	if sum == 0 {
		return 0
	}
	d := (p - q) / sum
	if math.Abs(d) <= 0.5 {
		return sum / 2 * (math.Log1p(float64(-d*d)) + float64(2*d*math.Atanh(d)))
	}
	t := 0.0
	if p > 0 {
		t += float64(p * math.Log(2*p/sum))
	}
	if q > 0 {
		t += float64(q * math.Log(2*q/sum))
	}
	return t
}

var jsMeasure = Measure{
	Name: "js", Unit: "{score}",
	Description: "Jensen-Shannon distance, base 2: the root of the divergence.",
	Numeric:     true, Categorical: true, Symmetric: true, Metric: true,
	Binning: Deciles, Binnings: Binnings(), Options: shareOptions,
	Upper: 1, Threshold: 0.19, Warn: 0.13, perBin: valuesPerBin,
	run: func(in input, out *Result) error {
		out.Floor = in.noise.JS()
		out.Value = math.Sqrt(jsDivergence(in.sides))
		return nil
	},
}

var jsDivergenceMeasure = Measure{
	Name: "js_divergence", Unit: "{score}",
	Description: "Jensen-Shannon divergence in bits; the drift score of numeric fields.",
	Numeric:     true, Categorical: true, Symmetric: true,
	Binning: Auto, Binnings: Binnings(), Options: shareOptions,
	Upper: 1, Threshold: 0.035, Warn: 0.017, perBin: valuesPerBin,
	run: func(in input, out *Result) error {
		out.Floor = in.noise.JSDivergence()
		out.Value = jsDivergence(in.sides)
		return nil
	},
}
