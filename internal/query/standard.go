package query

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Window answers every standard question about one window: what modelmetrics
// emits. Answers without a value are among them.
func (e *Engine) Window(name, version string, start int64) ([]Measurement, error) {
	qs, err := e.Standard(name, version, start)
	if err != nil {
		return nil, err
	}
	all := make([]Measurement, 0, len(qs))
	for _, q := range qs {
		m, err := e.Ask(q)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// Standard returns the questions that are asked about every window: activity,
// drift by the measures and baselines of the definition, performance, integrity
// and statistics of each field, custom metrics; for the whole and for each segment.
func (e *Engine) Standard(name, version string, start int64) ([]Question, error) {
	base := Question{Model: name, Version: version, From: start, To: start + e.source.Window()}
	l, err := e.load(period{name, version, base.From, base.To})
	if err != nil || l.profile == nil {
		return nil, err
	}
	choice := e.choice(name)
	baselines := choice.Baselines
	if len(baselines) == 0 {
		baselines = []model.Baseline{{Dataset: model.Training}}
		if _, ok, err := e.source.Reference(name, version, model.Test); err != nil {
			return nil, err
		} else if ok {
			baselines = append(baselines, model.Baseline{Dataset: model.Test})
		}
	}
	var qs []Question
	for _, seg := range append([]profile.Segment{{}}, l.profile.Segments()...) {
		q := base
		q.Segment = seg
		for _, m := range measure.Activities {
			qs = append(qs, q.named(m))
		}
		if seg.Name == "" && len(l.profile.Layout().Segments) > 0 {
			qs = append(qs, q.named(measure.MetricOverflow))
		}
		qs = q.drifts(qs, l.profile.Layout(), choice, baselines)
		qs = q.performances(qs, measure.Of(l.profile, seg))
		qs = q.estimates(qs, measure.Of(l.profile, seg))
		qs = q.fields(qs, l.profile.Layout())
		qs = e.customQuestions(q, qs)
	}
	return qs, nil
}

func (q Question) named(metric string) Question {
	q.Metric = metric
	return q
}

// drifts appends the questions about drift in a slice.
func (q Question) drifts(qs []Question, l *profile.Layout, choice model.Drift, baselines []model.Baseline) []Question {
	for _, b := range baselines {
		q.Baseline = b
		for i := range l.Fields {
			f := q
			f.Field = l.Fields[i].Key
			ms := measure.Measures(&l.Fields[i], choice)
			for _, m := range ms {
				f.Measure = m
				qs = append(qs, f.named(measure.PrefixDrift+m.Name))
				if d, ok := drift.Lookup(m.Name); ok && d.Test {
					qs = append(qs, f.named(measure.MetricPValue))
				}
			}
			if len(ms) > 0 {
				f.Measure = model.Measure{}
				qs = append(qs, f.named(measure.MetricDetected))
			}
		}
		qs = append(qs, q.named(measure.MetricShare))
	}
	return qs
}

// performances appends the questions about the outputs of a slice that has
// ground truth.
func (q Question) performances(qs []Question, side measure.Side) []Question {
	if side.Slice.Actuals == 0 {
		return qs
	}
	var ps []measure.Performance
	for p := range measure.Performances(side) {
		ps = append(ps, p)
	}
	slices.SortFunc(ps, measure.Performance.Compare)
	for _, p := range ps {
		f := q.named(measure.PrefixPerformance + p.Metric)
		f.Output, f.Class, f.Average = p.Output, p.Class, p.Average
		qs = append(qs, f)
	}
	return qs
}

// fields appends the questions about the fields of a slice. Actuals have no
// integrity of their own: that they are missing is normal.
func (q Question) fields(qs []Question, l *profile.Layout) []Question {
	for i := range l.Fields {
		f := q
		f.Field = l.Fields[i].Key
		for _, name := range measure.FieldMetrics() {
			if measure.Keeps(&l.Fields[i], name) && !(f.Field.Group == record.Actuals && has(name, "ml.integrity.")) {
				qs = append(qs, f.named(name))
			}
		}
	}
	return qs
}
