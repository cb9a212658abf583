package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Wasserstein returns the first Wasserstein distance ∫ |F−G| dx of two
// histograms of one grid, whose values lie in [lo, hi]. It is a metric, in the
// unit of the field, in [0, ∞).
//
// The sums that the grid keeps make it exact but for bins inside which F−G
// changes its sign; there it is too low. The second result bounds the error:
// 2w·min(a, b) for a bin of width w inside which F−G can rise to a and fall to
// −b, plus w·2⁻³¹ for the fixed point of the sums, the only way for the
// distance to come out too high. Divided by the reference's standard deviation
// it is wasserstein_normalised.
func Wasserstein(g *grid.Grid, ref, cur *grid.Hist, lo, hi float64) (value, bound float64, err error) {
	s, err := open(ref.Counts, cur.Counts)
	if err != nil {
		return 0, 0, err
	}
	for x := range stretches(g, s, ref, cur, lo, hi) {
		value += math.Abs(x.area)
		if x.p > 0 || x.q > 0 {
			rise, fall := max(0, x.left+x.p), max(0, x.q-x.left)
			bound += float64(x.width * (2*min(rise, fall) + 0x1p-31))
		}
	}
	if !finite(value) || !finite(bound) {
		return 0, 0, NotComputable{NotFinite}
	}
	return value, bound, nil
}

var wassersteinMeasure = Measure{
	Name: "wasserstein", Unit: "{score}",
	Description: "First Wasserstein distance, in the unit of the field.",
	Numeric:     true, Symmetric: true, Metric: true,
	Binning: Grid, Binnings: []string{Grid},
	Upper: infinity,
	run:   func(in input, out *Result) error { return in.wasserstein(out) },
}

var wassersteinNormalisedMeasure = Measure{
	Name: "wasserstein_normalised", Unit: "{score}",
	Description: "First Wasserstein distance in standard deviations of the reference.",
	Numeric:     true,
	Binning:     Grid, Binnings: []string{Grid},
	Upper: infinity, Threshold: 0.3, Warn: 0.15,
	run: func(in input, out *Result) error {
		if err := in.wasserstein(out); err != nil {
			return err
		}
		value, err := perSpread(out.Value, in.variance())
		if err != nil {
			return err
		}
		if value > 0 {
			sd := math.Sqrt(in.variance())
			out.Bound, out.Floor = out.Bound/sd, out.Floor/sd
		}
		out.Value = value
		return nil
	},
}

func (in input) wasserstein(out *Result) (err error) {
	lo, hi := in.extremes()
	out.Value, out.Bound, err = Wasserstein(in.ref.Grid, in.ref.Hist, in.cur.Hist, lo, hi)
	out.Floor = in.noise.Wasserstein(in.ref.Grid, in.ref.Hist, in.ref.Min, in.ref.Max)
	return err
}

// extremes are those of both sides together.
func (in input) extremes() (lo, hi float64) {
	return min(in.ref.Min, in.cur.Min), max(in.ref.Max, in.cur.Max)
}

// variance is that of the reference, without the rounding that moments of a
// constant may have.
func (in input) variance() float64 {
	if in.ref.constant() {
		return 0
	}
	return in.ref.Variance
}
