package query

import (
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
)

// StandardError returns by how much chance alone moves the answer to a question about
// performance that rests on so many rows, as one standard deviation; ok is false
// where that is not known. It is what the labels of the reference say, or those of
// the period itself if that is more: a model that knows its training set by heart is
// too sure, and a period with three positives says little of positives.
func (e *Engine) StandardError(q Question, rows uint64) (sd float64, ok bool, err error) {
	if has(q.Metric, measure.PrefixEstimated) {
		return e.byReference(q, q.performance(measure.PrefixEstimated), rows, measure.StandardError)
	}
	p := q.performance(measure.PrefixPerformance)
	cur, _, there, err := e.focal(q)
	if err != nil {
		return 0, false, err
	}
	if there {
		sd, ok = measure.StandardError(cur, p, rows)
	}
	expected, known, err := e.byReference(q, p, rows, measure.StandardError)
	return max(sd, expected), ok || known, err
}

// byReference returns by how much chance moves a metric over so many rows, by the
// labels of the reference.
func (e *Engine) byReference(q Question, p measure.Performance, rows uint64, of func(measure.Side, measure.Performance, uint64) (float64, bool)) (sd float64, ok bool, err error) {
	ref, ok, err := e.reference(q.Model, q.Version, model.Training)
	if err != nil || !ok {
		return 0, false, err
	}
	sd, ok = of(measure.Of(ref.Profile, q.Segment), p, rows)
	if !ok && q.Segment.Name != "" { // too few labels there
		sd, ok = of(measure.Of(ref.Profile, profile.Segment{}), p, rows)
	}
	return sd, ok, nil
}
