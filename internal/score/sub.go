package score

import (
	"errors"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// A label that is corrected is taken back before the right one is counted: Sub is
// what undoes Merge. Counts and sums of the rest are then those of counting the
// rest alone, bit for bit.
//
// Taking away what was never counted is refused as far as a count or a sum shows
// it, with an error that wraps num.ErrSub, and then nothing has changed.

// less returns a − b, and remembers in err if b is the larger one.
func less(a, b uint64, what string, err *error) uint64 {
	if b > a && *err == nil {
		*err = fmt.Errorf("%w: %d %s of %d", num.ErrSub, b, what, a)
	}
	return a - b
}

// rest returns a − b, the sum of n values that are never negative.
func rest(a, b *num.Sum, n uint64, what string, err *error) num.Sum {
	s := *a
	s.Sub(b)
	if *err == nil && (n == 0 && !s.IsZero() || s.Value() < 0) {
		*err = fmt.Errorf("%w: a %s of %v is left of %d rows", num.ErrSub, what, s.Value(), n)
	}
	return s
}

// Sub takes away the counts of o.
func (c *Confusion) Sub(o Confusion) error {
	var err error
	left := Confusion{
		TP: less(c.TP, o.TP, "true positives", &err), FP: less(c.FP, o.FP, "false positives", &err),
		FN: less(c.FN, o.FN, "false negatives", &err), TN: less(c.TN, o.TN, "true negatives", &err),
	}
	if err == nil {
		*c = left
	}
	return err
}

// Sub takes away the rows of o, whose scores were counted on the same grid; the
// error wraps ErrMerge if they were not. It does not modify o.
func (b *Binary) Sub(o *Binary) error {
	left := *b
	err := left.Confusion.Sub(o.Confusion)
	left.Scored = less(b.Scored, o.Scored, "scores", &err)
	left.OutOfRange = less(b.OutOfRange, o.OutOfRange, "scores out of range", &err)
	inRange := less(left.Scored, left.OutOfRange, "scores out of range", &err)
	left.Score.Sub(&o.Score)
	if err == nil && left.Scored == 0 && !left.Score.IsZero() {
		err = fmt.Errorf("%w: scores of %v are left of no rows", num.ErrSub, left.Score.Value())
	}
	left.LogLoss = rest(&b.LogLoss, &o.LogLoss, inRange, "log loss", &err)
	left.Brier = rest(&b.Brier, &o.Brier, inRange, "Brier score", &err)
	if err == nil {
		err = b.subScores(o)
	}
	if err == nil {
		*b = left // the histograms are the same ones
	}
	return err
}

func (b *Binary) subScores(o *Binary) error {
	if o.Pos == nil || b.Pos == nil {
		if o.Scored > 0 && (o.Pos == nil) != (b.Pos == nil) {
			return fmt.Errorf("%w: scores without histograms", ErrMerge)
		}
		return nil
	}
	if err := b.Pos.Sub(o.Pos); err != nil {
		return shape(err)
	}
	if err := b.Neg.Sub(o.Neg); err != nil {
		return errors.Join(shape(err), b.Pos.Merge(o.Pos)) // as it was
	}
	return nil
}

// shape names the error of histograms as this package does.
func shape(err error) error {
	if errors.Is(err, grid.ErrBins) {
		return fmt.Errorf("%w: %w", ErrMerge, err)
	}
	return err
}

// Sub takes away the rows of o, which has the same list of classes; the error
// wraps ErrMerge if it has not. It does not modify o.
func (m *Multiclass) Sub(o *Multiclass) error {
	if len(o.Matrix) > 0 && len(m.Matrix) != len(o.Matrix) {
		return fmt.Errorf("%w: %d and %d classes", ErrMerge, m.Len(), o.Len())
	}
	var err error
	for i, n := range o.Matrix {
		less(m.Matrix[i], n, "rows of one pair of classes", &err)
	}
	left := *m
	left.OtherWrong = less(m.OtherWrong, o.OtherWrong, "errors among other classes", &err)
	if last := len(o.Matrix) - 1; last >= 0 {
		less(m.Matrix[last]-o.Matrix[last], left.OtherWrong, "errors among other classes", &err)
	}
	left.LogLossN = less(m.LogLossN, o.LogLossN, "probabilities", &err)
	left.OutOfRange = less(m.OutOfRange, o.OutOfRange, "probabilities out of range", &err)
	left.LogLoss = rest(&m.LogLoss, &o.LogLoss, less(left.LogLossN, left.OutOfRange, "probabilities out of range", &err), "log loss", &err)
	if err != nil {
		return err
	}
	for i, n := range o.Matrix {
		left.Matrix[i] -= n
	}
	*m = left
	return nil
}

// Sub takes away the rows of o and does not modify it. Largest and the extremes of
// Actual stay, since nobody knows the next ones, until no row is left.
func (r *Regression) Sub(o *Regression) error {
	var err error
	n := less(r.N, o.N, "rows", &err)
	left := Regression{
		N: n, Huge: less(r.Huge, o.Huge, "huge errors", &err), ZeroTargets: less(r.ZeroTargets, o.ZeroTargets, "targets of 0", &err),
		RelativeHuge: less(r.RelativeHuge, o.RelativeHuge, "huge relative errors", &err),
		OutOfDomain:  less(r.OutOfDomain, o.OutOfDomain, "rows outside the domain", &err),
		Error:        r.Error, Prediction: r.Prediction, Actual: r.Actual, Largest: r.Largest,
	}
	left.Error.Sub(&o.Error)
	left.Prediction.Sub(&o.Prediction)
	left.Square = rest(&r.Square, &o.Square, n, "square error", &err)
	left.Absolute = rest(&r.Absolute, &o.Absolute, n, "absolute error", &err)
	left.Relative = rest(&r.Relative, &o.Relative, n, "relative error", &err)
	left.Symmetric = rest(&r.Symmetric, &o.Symmetric, n, "symmetric error", &err)
	left.SquaredLog = rest(&r.SquaredLog, &o.SquaredLog, n, "squared log error", &err)
	left.Magnitude = rest(&r.Magnitude, &o.Magnitude, n, "magnitude", &err)
	if err == nil {
		err = left.Actual.Sub(&o.Actual)
	}
	if err == nil && n == 0 {
		if !left.Error.IsZero() || !left.Prediction.IsZero() || left.Actual.N > 0 || left.Huge+left.ZeroTargets+left.RelativeHuge+left.OutOfDomain > 0 {
			return fmt.Errorf("%w: no rows are left, but not nothing", num.ErrSub)
		}
		left.Largest = 0
	}
	if err == nil {
		*r = left
	}
	return err
}
