package profile

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Calibration turns the scores of an output into probabilities, by which its
// performance is estimated while labels are missing.
type Calibration struct {
	// Source is the prediction of another output whose scores and calibration are
	// taken, by the same actual: of a decision those of a score, of a class those
	// of probabilities. Empty for an output that has its own.
	Source string
	// Classes has an entry for the positive class of a score, or one for each class
	// of probabilities; none with a Source.
	Classes []ClassCalibration
}

// ClassCalibration is that of one class against the rest.
type ClassCalibration struct {
	*score.Calibrator
	// Grid of the scores of one class of many, on which they are ranked; nil where
	// ranks are not kept. A score has its grid in the OutputLayout.
	Grid *grid.Grid
}

// RankedClasses is the largest number of classes of an output whose scores are
// ranked, class by class: each takes a histogram in every slice.
const RankedClasses = 16

func (c *Calibration) equal(o *Calibration) bool {
	return c.Source == o.Source && slices.EqualFunc(c.Classes, o.Classes, func(a, b ClassCalibration) bool {
		if !a.Equal(b.Calibrator) || (a.Grid == nil) != (b.Grid == nil) {
			return false
		}
		return a.Grid == nil || a.Grid.ID() == b.Grid.ID()
	})
}

// source returns the output whose scores the estimate of output i goes by: i
// itself, or that of its Source. It is meant for outputs with a calibration.
func (l *Layout) source(i int) int {
	if s := l.Outputs[i].Calibration.Source; s != "" {
		i, _ = l.Output(s)
	}
	return i
}

// grids returns the grids of the classes of an estimate, nil where ranks are not
// kept.
func (o *OutputLayout) grids() []*grid.Grid {
	switch o.Kind {
	case Score:
		return []*grid.Grid{o.Grid}
	case Decision:
		return []*grid.Grid{nil}
	default:
	}
	grids := make([]*grid.Grid, o.Classes.Len())
	for i := range o.Calibration.Classes {
		grids[i] = o.Calibration.Classes[i].Grid
	}
	return grids
}

// ClassGrids returns the grids on which the scores of each class are ranked for
// an estimate, nil where they are not; none without a calibration.
func (o *OutputLayout) ClassGrids() []*grid.Grid {
	if o.Calibration == nil {
		return nil
	}
	return o.grids()
}

// newEstimate returns the estimate of no rows, nil where there is none to make.
func newEstimate(o *OutputLayout) *score.Estimate {
	if o.Calibration == nil {
		return nil
	}
	return score.NewEstimate(o.grids()...)
}

// checkCalibration reports what is wrong with the calibration of output i.
func (l *Layout) checkCalibration(i int) error {
	o := &l.Outputs[i]
	c := o.Calibration
	if c == nil {
		return nil
	}
	var want int
	switch o.Kind {
	case Score:
		want = 1
	case Probabilities:
		want = o.Classes.Len()
	case Decision, Class:
		return l.checkSource(i)
	default:
		return refuse("a calibration of output %q, a %s", o.Prediction, o.Kind)
	}
	if c.Source != "" || len(c.Classes) != want {
		return refuse("output %q: calibration of %d classes by %q", o.Prediction, len(c.Classes), c.Source)
	}
	for _, k := range c.Classes {
		if k.Calibrator == nil || k.Grid != nil && o.Kind == Score {
			return refuse("output %q: a calibration without a function, or a score with two grids", o.Prediction)
		}
	}
	return nil
}

// checkSource reports what is wrong with the other output that output i goes by.
func (l *Layout) checkSource(i int) error {
	o := &l.Outputs[i]
	of := map[OutputKind]OutputKind{Decision: Score, Class: Probabilities}
	j, ok := l.Output(o.Calibration.Source)
	if !ok || len(o.Calibration.Classes) > 0 {
		return refuse("output %q: calibration of %d classes by %q", o.Prediction, len(o.Calibration.Classes), o.Calibration.Source)
	}
	s := &l.Outputs[j]
	if s.Kind != of[o.Kind] || s.Calibration == nil || s.Actual != o.Actual || o.Kind == Class && !slices.Equal(s.Classes.Names(), o.Classes.Names()) {
		return refuse("output %q cannot be estimated by %q", o.Prediction, s.Prediction)
	}
	return nil
}
