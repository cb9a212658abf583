package profile

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

func (c *Calibration) message() (*formats.Calibration, error) {
	m := &formats.Calibration{Source: c.Source}
	for _, k := range c.Classes {
		km := &formats.Calibrator{}
		km.Scores, km.Probabilities = k.Knots()
		if k.Grid != nil {
			b, err := k.Grid.MarshalBinary()
			if err != nil {
				return nil, err
			}
			km.Grid = b
		}
		m.Classes = append(m.Classes, km)
	}
	return m, nil
}

func calibrationOf(m *formats.Calibration) (*Calibration, error) {
	c := &Calibration{Source: m.GetSource()}
	for _, km := range m.GetClasses() {
		k, ok := score.CalibratorOf(km.GetScores(), km.GetProbabilities())
		if !ok {
			return nil, corrupt("knots of a calibration")
		}
		cc := ClassCalibration{Calibrator: k}
		if km.Grid != nil {
			g, err := grid.Decode(km.GetGrid())
			if err != nil {
				return nil, corrupt("grid of a calibration: %v", err)
			}
			cc.Grid = g
		}
		c.Classes = append(c.Classes, cc)
	}
	return c, nil
}

// estimate writes an estimate; one of nothing takes no room.
func (w *writer) estimate(e *score.Estimate) *formats.Estimate {
	if e == nil || e.Rows+e.Unusable == 0 {
		return nil
	}
	m := &formats.Estimate{Rows: e.Rows, Unusable: e.Unusable, OutOfRange: e.OutOfRange}
	if e.Rows == 0 {
		return m
	}
	for i := range e.Classes {
		x := &e.Classes[i]
		xm := &formats.Expected{
			Predicted: x.Predicted, Hits: x.Hits.Lo, HitsHigh: x.Hits.Hi, Missed: x.Missed.Lo, MissedHigh: x.Missed.Hi,
		}
		if x.Ranked != nil {
			xm.Ranked = w.part(x.Ranked)
		}
		m.Classes = append(m.Classes, xm)
	}
	return m
}

func (r *reader) estimate(m *formats.Estimate, e *score.Estimate, l *OutputLayout) {
	if m == nil {
		return
	}
	if r.check(e != nil, "output %s: an estimate without a calibration", l.Prediction); r.err != nil {
		return
	}
	e.Rows, e.Unusable, e.OutOfRange = m.GetRows(), m.GetUnusable(), m.GetOutOfRange()
	r.check(e.Rows+e.Unusable > 0, "output %s: an estimate of nothing", l.Prediction)
	want := len(e.Classes)
	if e.Rows == 0 {
		want = 0
	}
	if r.check(len(m.GetClasses()) == want, "output %s: an estimate of %d classes, there are %d", l.Prediction, len(m.GetClasses()), want); r.err != nil {
		return
	}
	for i, xm := range m.GetClasses() {
		x := &e.Classes[i]
		x.Predicted = xm.GetPredicted()
		x.Hits = score.Mass{Hi: xm.GetHitsHigh(), Lo: xm.GetHits()}
		x.Missed = score.Mass{Hi: xm.GetMissedHigh(), Lo: xm.GetMissed()}
		if x.Ranked == nil {
			r.check(xm.Ranked == nil, "output %s: ranks without a grid", l.Prediction)
			continue
		}
		bins := len(x.Ranked.Counts)
		r.part("ranks of "+l.Prediction, xm.GetRanked(), x.Ranked)
		r.check(len(x.Ranked.Counts) == bins, "output %s: ranks in %d bins, there are %d", l.Prediction, len(x.Ranked.Counts), bins)
	}
	if r.err != nil {
		return
	}
	if err := e.Check(); err != nil {
		r.err = corrupt("output %s: %v", l.Prediction, err)
	}
}

// estimate takes an estimate over where it was made in the same way. One of other
// probabilities, ranks or decisions cannot be told in these.
func (c *conversion) estimate(o *Output, from *OutputLayout, into *Output, to *OutputLayout) {
	if o.Estimate == nil && into.Estimate == nil {
		return
	}
	if o.Estimate == nil || into.Estimate == nil || !c.alike(from, to) {
		c.warn("output %q: estimated by another calibration", to.Prediction)
		return
	}
	_ = into.Estimate.Merge(o.Estimate) // of the same classes and grids
}

// alike reports whether an output of both layouts is estimated in the same way.
func (c *conversion) alike(from, to *OutputLayout) bool {
	if !from.Calibration.equal(to.Calibration) {
		return false
	}
	switch to.Kind {
	case Score:
		return from.Threshold == to.Threshold && from.Grid.ID() == to.Grid.ID()
	case Probabilities:
		return slices.Equal(from.Classes.Names(), to.Classes.Names())
	default:
	}
	i, _ := c.from.Output(from.Calibration.Source)
	j, _ := c.to.Output(to.Calibration.Source)
	a, b := &c.from.Outputs[i], &c.to.Outputs[j]
	if to.Kind == Class && !slices.Equal(a.Classes.Names(), b.Classes.Names()) {
		return false
	}
	return a.Calibration.equal(b.Calibration)
}
