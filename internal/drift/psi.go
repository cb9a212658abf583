package drift

import "math"

// PSI returns the population stability index
//
//	Σ (qᵢ−pᵢ) ln(qᵢ/pᵢ)
//
// over shares treated by z, in nats. It is symmetric and at least 0; with the
// default floor of 1e-4 it is at most about 18.4 (two disjoint categories; two
// samples that share one outer decile reach 8.3), with smoothing it grows with
// ln n, and with ZeroNone it is not computable (Infinite) when a bin is empty on
// one side only.
//
// With ZeroSmooth this is psi_smoothed. The relative error is of the order of
// the machine epsilon per bin: all terms are positive.
func PSI(ref, cur []uint64, z Zero) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return psi(s, z)
}

func psi(s sides, z Zero) (float64, error) {
	t := z.treat(s)
	sum := 0.0
	for i := range s.ref {
		p, q, ok := t.at(i)
		switch {
		case !ok:
			continue
		case p == 0 || q == 0:
			return 0, NotComputable{Infinite}
		}
		sum += float64(math.Abs(q-p) * absLogRatio(p, q))
	}
	return sum, nil
}

// valuesPerBin is how many values a bin must hold on average, on each side,
// before the verdict on psi and kl is taken on them: below, an empty bin costs
// more than the sample size can support. With bins of unequal size the rarest
// must expect as many as a chi-square test asks: of five categories, the rarest
// 5 %, 50 values pass the threshold in 5 % of the windows without drift.
const valuesPerBin = 10

// Levels of psi: the rule of thumb of credit scoring.
const psiThreshold, psiWarn = 0.2, 0.1

var psiMeasure = Measure{
	Name: "psi", Unit: "{score}",
	Description: "Population stability index; shares below 1e-4 count as 1e-4.",
	Numeric:     true, Categorical: true, Symmetric: true,
	Binning: Deciles, Binnings: Binnings(), Options: options(optZero, optFloor, optAlpha, optKeepEmpty),
	Upper: infinity, Threshold: psiThreshold, Warn: psiWarn, perBin: valuesPerBin,
	run: func(in input, out *Result) (err error) {
		out.Floor = in.noise.PSI(in.params.zero())
		if out.Value, err = psi(in.sides, in.params.zero()); err == nil && in.params.Zero != ZeroSmooth {
			out.Effect = in.smoothed(1)
		}
		return err
	},
}

var psiSmoothedMeasure = Measure{
	Name: "psi_smoothed", Unit: "{score}",
	Description: "Population stability index of counts with 0.5 added to each.",
	Numeric:     true, Categorical: true, Symmetric: true,
	Binning: Deciles, Binnings: Binnings(), Options: options(optAlpha, optKeepEmpty),
	Upper: infinity, Threshold: psiThreshold, Warn: psiWarn, perBin: valuesPerBin,
	run: func(in input, out *Result) (err error) {
		z := in.params.zero()
		z.Mode = ZeroSmooth
		out.Floor = in.noise.PSI(z)
		out.Value, err = psi(in.sides, z)
		return err
	},
}

// smoothed is the effect that stands in for psi and kl where a side has too few
// values a bin, on average or in its rarest bin; the zero Effect where both have
// enough. scale is what a level of the measure becomes on psi_smoothed.
func (in input) smoothed(scale float64) Effect {
	if few := min(in.n, in.m); few >= valuesPerBin*uint64(in.noise.Bins) && in.rarest()*float64(few) >= Cochran {
		return Effect{}
	}
	z := Zero{Mode: ZeroSmooth}
	value, _ := psi(in.sides, z) // smoothed shares are never 0
	return Effect{
		Name: "psi_smoothed", Value: value, Floor: in.noise.PSI(z), Scale: scale,
		Threshold: psiThreshold, Warn: psiWarn,
	}
}

// rarest is the smallest share that a bin has of both sides together.
func (s sides) rarest() float64 {
	least := 1.0
	for i := range s.ref {
		if size := float64(s.ref[i]) + float64(s.cur[i]); size > 0 {
			least = min(least, size/(float64(s.n)+float64(s.m)))
		}
	}
	return least
}
