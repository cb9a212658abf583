package drift

import "math"

// Direction says which side of a Kullback-Leibler divergence is the one that
// averages.
type Direction string

const (
	// CurrentReference is KL(cur, ref) = Σ q ln(q/p), the default: an empty
	// current bin, normal in a small window, costs nothing, and a value that
	// the reference never had costs much.
	CurrentReference Direction = "current_reference"
	// ReferenceCurrent is KL(ref, cur) = Σ p ln(p/q) as Evidently computes it:
	// by scipy.stats.entropy, which makes the floored shares add up to 1 again.
	ReferenceCurrent Direction = "reference_current"
)

// KL returns the Kullback-Leibler divergence in nats, over shares treated by z:
// KL(cur, ref) = Σ qᵢ ln(qᵢ/pᵢ), or the other direction. "" means
// CurrentReference.
//
// It is not symmetric. It is at least 0 (floored shares that are not
// renormalised add up to a little more than 1, which alone could push the sum
// below 0; it is clipped there) and, with the default floor, at most about 9.2.
// With ZeroNone it is not computable (Infinite) when the averaging side has
// values where the other has none; the opposite case adds nothing.
func KL(ref, cur []uint64, d Direction, z Zero) (float64, error) {
	s, err := open(ref, cur)
	if err != nil {
		return 0, err
	}
	return kl(s, d, z)
}

func kl(s sides, d Direction, z Zero) (float64, error) {
	t := z.treat(s)
	var sum, to, from float64 // to and from: what the shares add up to
	for i := range s.ref {
		p, q, ok := t.at(i)
		if !ok {
			continue
		}
		if d == ReferenceCurrent {
			p, q = q, p
		}
		to, from = to+q, from+p
		switch {
		case q == 0:
			continue
		case p == 0:
			return 0, NotComputable{Infinite}
		}
		sum += math.Copysign(float64(q*absLogRatio(p, q)), q-p)
	}
	if d == ReferenceCurrent && z.floors() {
		sum = sum/to - math.Log(to/from)
	}
	return max(0, sum), nil
}

var klMeasure = Measure{
	Name: "kl", Unit: "{score}",
	Description: "Kullback-Leibler divergence of the current side from the reference; shares below 1e-4 count as 1e-4.",
	Numeric:     true, Categorical: true,
	Binning: Deciles, Binnings: Binnings(),
	Options: options(optDirection, optZero, optFloor, optAlpha, optKeepEmpty),
	Upper:   infinity, Threshold: 0.1, Warn: 0.05, perBin: valuesPerBin,
	run: func(in input, out *Result) (err error) {
		out.Floor = in.noise.KL(in.params.zero())
		if out.Value, err = kl(in.sides, in.params.Direction, in.params.zero()); err == nil && in.params.Zero != ZeroSmooth {
			out.Effect = in.smoothed(2) // for small drift psi is twice kl
		}
		return err
	},
}
