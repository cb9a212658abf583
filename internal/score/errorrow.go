package score

import "math"

// ErrorRow is what a row of a numeric output adds to every summary that it belongs
// to: computed once a row, shared by all slices.
type ErrorRow struct {
	prediction, actual float64
	valid              bool

	error, absolute    float64 // e = prediction − actual, ±Inf if that is beyond float64
	square, squareRest float64 // e² = square + squareRest; +Inf and nothing likewise
	relative           float64 // |e|/|actual|, +Inf likewise; not to be read for an actual of 0
	symmetric          float64 // 2|e|/(|actual|+|prediction|), 0 for 0/0
	inDomain           bool    // both numbers are above −1
	squaredLog         float64 // (ln(1+prediction) − ln(1+actual))², at most 750²
}

// NewErrorRow returns the error of a prediction; Regression ignores it unless both
// numbers are finite.
func NewErrorRow(prediction, actual float64) ErrorRow {
	r := ErrorRow{prediction: prediction, actual: actual, error: prediction - actual}
	r.valid = !math.IsNaN(r.error) && !math.IsInf(prediction, 0) && !math.IsInf(actual, 0)
	if !r.valid {
		return r
	}
	r.absolute = math.Abs(r.error)
	r.square = r.error * r.error
	if r.square <= math.MaxFloat64 {
		r.squareRest = math.FMA(r.error, r.error, -r.square)
	}
	r.relative = r.absolute / math.Abs(actual)
	if r.absolute > math.MaxFloat64 && actual != 0 {
		r.relative = math.Abs(prediction/actual - 1)
	}
	switch size := math.Abs(prediction) + math.Abs(actual); {
	case size > math.MaxFloat64: // halved, it is not
		p, y := prediction/2, actual/2
		r.symmetric = 2 * (math.Abs(p-y) / (math.Abs(p) + math.Abs(y)))
	case size > 0:
		r.symmetric = 2 * (r.absolute / size)
	}
	if r.inDomain = prediction > -1 && actual > -1; r.inDomain {
		d := math.Log1p(prediction) - math.Log1p(actual)
		r.squaredLog = d * d
	}
	return r
}
