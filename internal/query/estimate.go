package query

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// performance names the metric that q asks for, of the family with a prefix.
func (q Question) performance(prefix string) measure.Performance {
	return measure.Performance{Output: q.Output, Metric: q.Metric[len(prefix):], Class: q.Class, Average: q.Average}
}

// estimate answers for ml.performance.estimated.<metric> with its sampling error,
// or for that itself.
func (e *Engine) estimate(q Question, cur measure.Side) (measure.Value, error) {
	alone := has(q.Metric, measure.PrefixSamplingError)
	p := q.performance(measure.PrefixEstimated)
	if alone {
		p = q.performance(measure.PrefixSamplingError)
	}
	v := measure.Estimate(cur, p)
	if !v.OK() {
		return v, nil
	}
	sd, ok, err := e.byReference(q, p, v.Cur, measure.SamplingError)
	if err != nil {
		return measure.Value{}, err
	}
	v.StdErr = sd
	switch {
	case !alone:
		return v, nil
	case !ok:
		return measure.Value{Reason: measure.NotKept, Cur: v.Cur, Verdict: drift.VerdictNotComputable}, nil
	}
	return measure.Value{Value: v.StdErr, Cur: v.Cur}, nil
}

// estimates appends the questions about the outputs of a slice that need no
// labels, and, where there are labels, how far from them the answers are.
func (q Question) estimates(qs []Question, side measure.Side) []Question {
	of := measure.Estimates(side)
	ps := make([]measure.Performance, 0, len(of))
	for p := range of {
		ps = append(ps, p)
	}
	slices.SortFunc(ps, measure.Performance.Compare)
	for _, p := range ps {
		f := q
		f.Output, f.Class, f.Average = p.Output, p.Class, p.Average
		qs = append(qs, f.named(measure.PrefixEstimated+p.Metric))
		if !of[p].OK() {
			continue
		}
		qs = append(qs, f.named(measure.PrefixSamplingError+p.Metric))
		if side.Slice.Actuals > 0 && p.Compared() {
			qs = append(qs, f.named(measure.PrefixEstimationError+p.Metric))
		}
	}
	return qs
}
