package drift

import "math"

// MeanShift returns (mean of cur − mean of ref)/sd of ref, signed, where sd has
// the divisor n: variance is that of the reference. A reference without spread
// yields 0 if the means agree, else NotComputable (ConstantReference).
func MeanShift(ref, cur, variance float64) (float64, error) {
	return perSpread(cur-ref, variance)
}

// perSpread divides a distance in the unit of the field by the reference's
// standard deviation.
func perSpread(distance, variance float64) (float64, error) {
	value := distance / math.Sqrt(variance)
	switch {
	case !finite(distance) || !finite(variance) || variance < 0:
		return 0, NotComputable{NotFinite}
	case distance == 0:
		return 0, nil
	case variance == 0:
		return 0, NotComputable{ConstantReference}
	case !finite(value):
		return 0, NotComputable{NotFinite}
	}
	return value, nil
}

var meanShiftMeasure = Measure{
	Name: "mean_shift", Unit: "{score}",
	Description: "Difference of the means in standard deviations of the reference, signed.",
	Numeric:     true,
	Options:     []string{optSignificance},
	Lower:       -infinity, Upper: infinity, Threshold: 0.3,
	run: func(in input, out *Result) (err error) {
		v := in.variance()
		if out.Value, err = MeanShift(in.ref.Mean, in.cur.Mean, v); err != nil {
			return err
		}
		if v > 0 && in.cur.Variance >= 0 && finite(in.cur.Variance/v) {
			out.Floor = in.noise.MeanShift(in.cur.Variance / v)
		}
		return nil
	},
}
