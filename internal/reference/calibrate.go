package reference

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/score"
)

// calibrate returns the layout with the calibrations that the labels of the rows
// give, and the same layout if they give none. At most the first most rows are
// looked at, fewer where outputs have many classes.
func (r *Reference) calibrate(l *profile.Layout, rows Rows, most int) (*profile.Layout, error) {
	plan, err := profile.NewPlan(l)
	if err != nil {
		return nil, err
	}
	labels := plan.NewLabels(calibrationScores * most)
	if !labels.Wanted() {
		return l, nil
	}
	n := 0
	for rec, err := range rows {
		if err != nil {
			return nil, err
		}
		if n++; n > most || !labels.Add(rec) {
			r.Warnings = append(r.Warnings, fmt.Sprintf("the calibrations come from the first %d rows", n-1))
			break
		}
	}
	c := &profile.Layout{Fields: l.Fields, Outputs: slices.Clone(l.Outputs), Segments: l.Segments, Tallies: l.Tallies, Limits: l.Limits}
	for i := range c.Outputs {
		c.Outputs[i].Calibration = r.fit(&c.Outputs[i], labels.Of(i))
	}
	for i := range c.Outputs {
		if o := &c.Outputs[i]; o.Kind == profile.Decision || o.Kind == profile.Class {
			o.Calibration = borrow(o, c.Outputs)
		}
	}
	return c.Seal()
}

// calibrationScores is how many scores a row may have on average for all rows of
// the sample to be fitted to.
const calibrationScores = 4

// fit returns the calibration of an output by its labelled scores, nil for one
// without enough of them.
func (r *Reference) fit(o *profile.OutputLayout, classes [][]score.Labelled) *profile.Calibration {
	if len(classes) == 0 || len(classes[0]) < score.MinCalibrated {
		return nil
	}
	rows := len(classes[0])
	c := &profile.Calibration{}
	single := false
	for _, scores := range classes {
		k := profile.ClassCalibration{}
		if o.Kind == profile.Probabilities && len(classes) <= profile.RankedClasses {
			values := make([]float64, len(scores))
			for i, s := range scores {
				values[i] = s.Score
			}
			k.Grid = score.ScoreGrid(values, math.NaN(), score.DefaultBins)
		}
		positives := 0
		for _, s := range scores {
			if s.Positive {
				positives++
			}
		}
		single = single || positives == rows || o.Kind == profile.Score && positives == 0
		k.Calibrator = score.Calibrate(scores)
		c.Classes = append(c.Classes, k)
	}
	if single {
		r.Warnings = append(r.Warnings, fmt.Sprintf("output %q: all labels are alike; its scores are taken as probabilities where its performance is estimated", o.Prediction))
	}
	return c
}

// borrow returns the calibration of an output that decides by the scores of
// another one: of the only one that has a calibration, is judged by the same
// actual and fits.
func borrow(o *profile.OutputLayout, outputs []profile.OutputLayout) *profile.Calibration {
	var of *profile.OutputLayout
	for i := range outputs {
		s := &outputs[i]
		fits := o.Kind == profile.Decision && s.Kind == profile.Score ||
			o.Kind == profile.Class && s.Kind == profile.Probabilities && slices.Equal(o.Classes.Names(), s.Classes.Names())
		if !fits || s.Calibration == nil || s.Actual != o.Actual {
			continue
		}
		if of != nil {
			return nil
		}
		of = s
	}
	if of == nil {
		return nil
	}
	return &profile.Calibration{Source: of.Prediction}
}
