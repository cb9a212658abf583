package score

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/sketch/moments"
)

// Regression summarises the labelled rows of a numeric output by sums of the
// error e = prediction − actual and of its relatives.
//
// The zero value is the summary of no rows and ready to use. Because sums and
// sums of squares are exact, they need no center to keep the variance of numbers
// far from zero. Regression is not safe for concurrent use.
type Regression struct {
	N uint64
	// Huge counts the rows whose e or e² is beyond float64; Square leaves them
	// out, and mse and what is made of it cannot be read while there are any.
	Huge uint64

	Error    num.Sum // Σ e
	Square   num.Sum // Σ e², with the rounding error of each square
	Absolute num.Sum // Σ |e|
	Largest  float64 // max |e|, +Inf when it is beyond float64

	// Relative is Σ |e|/|y| over the rows with y ≠ 0; ZeroTargets counts the
	// others, and RelativeHuge those where the quotient is beyond float64.
	Relative                  num.Sum
	ZeroTargets, RelativeHuge uint64

	Symmetric num.Sum // Σ 2|e|/(|y|+|ŷ|), where 0/0 is 0

	// SquaredLog is Σ (ln(1+ŷ) − ln(1+y))² over the rows with both above −1;
	// OutOfDomain counts the others.
	SquaredLog  num.Sum
	OutOfDomain uint64

	Magnitude  num.Sum         // Σ |y|
	Prediction num.Sum         // Σ ŷ
	Actual     moments.Moments // of y around 0
}

// Add counts a row. prediction and actual are finite; a row with NaN or ±Inf is
// the caller's mistake and is ignored.
func (r *Regression) Add(prediction, actual float64) {
	e := NewErrorRow(prediction, actual)
	r.AddRow(&e)
}

// AddRow counts a row, as Add does. It does not keep e.
func (r *Regression) AddRow(e *ErrorRow) {
	if !e.valid {
		return
	}
	r.N++
	r.Largest = math.Max(r.Largest, e.absolute)
	if e.absolute > math.MaxFloat64 { // the sums are exact all the same
		r.Error.Add(e.prediction)
		r.Error.Add(-e.actual)
		r.Absolute.Add(math.Abs(e.prediction)) // the signs differ, or the error were finite
		r.Absolute.Add(math.Abs(e.actual))
	} else {
		r.Error.Add(e.error)
		r.Absolute.Add(e.absolute)
	}
	if e.square > math.MaxFloat64 {
		r.Huge++
	} else {
		r.Square.Add(e.square)
		if e.squareRest != 0 {
			r.Square.Add(e.squareRest)
		}
	}
	switch {
	case e.actual == 0:
		r.ZeroTargets++
	case e.relative > math.MaxFloat64:
		r.RelativeHuge++
	default:
		r.Relative.Add(e.relative)
	}
	r.Symmetric.Add(e.symmetric)
	if e.inDomain {
		r.SquaredLog.Add(e.squaredLog)
	} else {
		r.OutOfDomain++
	}
	r.Magnitude.Add(math.Abs(e.actual))
	r.Prediction.Add(e.prediction)
	r.Actual.Add(e.actual, 0)
}

// Merge adds the rows of o. It does not modify o.
func (r *Regression) Merge(o *Regression) {
	r.N += o.N
	r.Huge += o.Huge
	r.Error.Merge(&o.Error)
	r.Square.Merge(&o.Square)
	r.Absolute.Merge(&o.Absolute)
	r.Largest = math.Max(r.Largest, o.Largest)
	r.Relative.Merge(&o.Relative)
	r.ZeroTargets += o.ZeroTargets
	r.RelativeHuge += o.RelativeHuge
	r.Symmetric.Merge(&o.Symmetric)
	r.SquaredLog.Merge(&o.SquaredLog)
	r.OutOfDomain += o.OutOfDomain
	r.Magnitude.Merge(&o.Magnitude)
	r.Prediction.Merge(&o.Prediction)
	r.Actual.Merge(&o.Actual)
}

// Equal reports whether both summaries are the same in every bit that matters.
func (r *Regression) Equal(o *Regression) bool {
	return r.N == o.N && r.Huge == o.Huge && r.Largest == o.Largest &&
		r.ZeroTargets == o.ZeroTargets && r.RelativeHuge == o.RelativeHuge && r.OutOfDomain == o.OutOfDomain &&
		r.Error.Equal(&o.Error) && r.Square.Equal(&o.Square) && r.Absolute.Equal(&o.Absolute) &&
		r.Relative.Equal(&o.Relative) && r.Symmetric.Equal(&o.Symmetric) && r.SquaredLog.Equal(&o.SquaredLog) &&
		r.Magnitude.Equal(&o.Magnitude) && r.Prediction.Equal(&o.Prediction) &&
		r.Actual.N == o.Actual.N && r.Actual.Min == o.Actual.Min && r.Actual.Max == o.Actual.Max &&
		r.Actual.Huge == o.Actual.Huge && r.Actual.D.Equal(&o.Actual.D) && r.Actual.D2.Equal(&o.Actual.D2)
}
