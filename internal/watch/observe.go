package watch

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
)

// Observe asks what watches need to know about the focal periods that end at end, in
// their order. What several of them want of one stretch of time is read once.
func Observe(e *query.Engine, ws []Watch, end int64) ([]monitor.Observation, error) {
	o := observer{engine: e, end: end, all: make([]monitor.Observation, len(ws)), asked: make([]asked, len(ws))}
	for i := range ws {
		o.plan(&ws[i], &o.asked[i])
	}
	series, err := e.Series(o.spans)
	if err != nil {
		return nil, err
	}
	for i := range ws {
		if err := o.observe(&ws[i], &o.asked[i], series, &o.all[i]); err != nil {
			return nil, err
		}
	}
	return o.all, nil
}

// observer is an Observe under way.
type observer struct {
	engine *query.Engine
	end    int64
	spans  []query.Span
	asked  []asked
	all    []monitor.Observation
}

// asked says which spans, counted from 1, a watch has; 0 where it has none. The
// second of each pair is that of the greatest value, for the range of a field.
type asked struct{ focal, high, baseline, baselineHigh int }

// question asks for the focal period of a watch.
func (w *Watch) question(end int64) query.Question {
	m := w.Monitor
	return query.Question{
		Model: w.Model, Version: w.Version, Segment: w.Segment, Metric: w.Metric, Field: w.Field, Measure: w.Measure,
		Output: w.Output, Class: m.Metric.Class, Average: m.Metric.Average, From: end - int64(m.Focal), To: end,
	}
}

// baseline returns the stretch of time that a watch is held against, and the length
// of its buckets.
func (w *Watch) baseline(end int64) (from, to, step int64) {
	b := w.Monitor.Baseline
	to = end - int64(b.Skip)
	return to - int64(b.Period), to, int64(b.Aggregation)
}

// dataset returns the dataset that a watch is held against, if it is one.
func (w *Watch) dataset() string {
	if w.Monitor.Method != model.AgainstTraining {
		return ""
	}
	return w.Monitor.Baseline.Dataset
}

// other returns the slice that a watch is held against: the same, unless its method
// is to compare with another one; the whole, if that names none.
func (w *Watch) other() profile.Segment {
	b := w.Monitor.Baseline.Segment
	switch {
	case w.Monitor.Method != model.AgainstSegment, b.Name == w.Segment.Name && b.Value == "":
		return w.Segment
	case b.Name != "" && b.Value == "":
		return profile.Segment{Name: b.Name, Value: selected}
	}
	return profile.Segment{Name: b.Name, Value: b.Value}
}

// plan notes which series a watch needs.
func (o *observer) plan(w *Watch, a *asked) {
	switch w.Monitor.Type {
	case model.DataDrift, model.PredictionDrift, model.NewValues, model.ModelStaleness:
		return
	default:
	}
	add := func(q query.Question, step int64) int {
		o.spans = append(o.spans, query.Span{Question: q, Step: step})
		return len(o.spans)
	}
	pair := func(q query.Question, step int64) (low, high int) {
		if w.Monitor.Type != model.ValueRange {
			return add(q, step), 0
		}
		q.Metric = "ml.field.min"
		low = add(q, step)
		q.Metric = "ml.field.max"
		return low, add(q, step)
	}
	q := w.question(o.end)
	a.focal, a.high = pair(q, q.To-q.From)
	if w.Monitor.Method == model.Absolute || w.dataset() != "" {
		return
	}
	var step int64
	q.Version, q.Segment = w.Against, w.other()
	q.From, q.To, step = w.baseline(o.end)
	a.baseline, a.baselineHigh = pair(q, step)
}

func (o *observer) observe(w *Watch, a *asked, series [][]query.Point, into *monitor.Observation) (err error) {
	into.Metric = w.Metric
	from := o.end - int64(w.Monitor.Focal)
	switch w.Monitor.Type {
	case model.ModelStaleness:
		into.Focal = monitor.Point{From: from, To: o.end}
		into.Age = monitor.Age{Since: time.Unix(0, w.First).UTC(), Age: time.Duration(o.end - w.First)}
		return nil
	case model.DataDrift, model.PredictionDrift:
		return o.drift(w, into)
	case model.NewValues:
		return o.fresh(w, into)
	default:
	}
	get := func(low, high int) []monitor.Point {
		if low == 0 {
			return nil
		}
		ps := make([]monitor.Point, len(series[low-1]))
		for i, p := range series[low-1] {
			ps[i] = monitor.Point{From: p.From, To: p.To, Value: p.Value, N: p.N, Reason: p.Reason}
			if high > 0 {
				ps[i].High = series[high-1][i].Value
			}
		}
		return ps
	}
	focal := get(a.focal, a.high)
	into.Baseline = get(a.baseline, a.baselineHigh)
	if w.Metric == measure.MetricPredictions {
		silent(into.Baseline, false)
		silent(focal, true)
	}
	into.Focal = focal[0]
	if set := w.dataset(); set != "" {
		p, err := o.ofDataset(w, set)
		if err != nil {
			return err
		}
		into.Baseline = []monitor.Point{p}
	}
	return o.chance(w, into)
}

// chance asks how far chance alone moves what is observed, of those who want to know.
func (o *observer) chance(w *Watch, into *monitor.Observation) error {
	if w.Monitor.StandardErrors == nil || !into.Focal.OK() {
		return nil
	}
	sd, ok, err := o.engine.StandardError(w.question(o.end), into.Focal.N)
	if ok {
		into.StdErr = &sd
	}
	return err
}

// NotBegun is why there is no count of the time before the first prediction.
const NotBegun = "not_begun"

// silent makes a stretch in which nothing was predicted one of 0 predictions: once
// there is a model, that is an answer. begun says that there is one already.
func silent(ps []monitor.Point, begun bool) {
	for i := range ps {
		switch {
		case ps[i].OK():
			begun = true
		case ps[i].Reason != measure.NoData:
		case begun:
			ps[i].Reason = ""
		default:
			ps[i].Reason = NotBegun
		}
	}
}

// ofDataset asks the question of a watch about a dataset of the reference.
func (o *observer) ofDataset(w *Watch, set string) (monitor.Point, error) {
	q := w.question(o.end)
	q.Dataset, q.Version, q.Segment, q.From, q.To = set, w.Against, w.other(), 0, 0
	m, err := o.engine.Ask(q)
	if err != nil {
		return monitor.Point{}, err
	}
	p := monitor.Point{Value: m.Value.Value, N: m.Cur, Reason: m.Reason}
	if p.Reason == measure.NoData {
		p.Reason = measure.NoRefSide
	}
	if w.Monitor.Type == model.ValueRange {
		q.Metric = "ml.field.min"
		if m, err = o.engine.Ask(q); err != nil {
			return monitor.Point{}, err
		}
		p.High, p.Value = p.Value, m.Value.Value
	}
	return p, nil
}

// compared is the question of a watch about two distributions.
func (w *Watch) compared(end int64) query.Question {
	q := w.question(end)
	q.Against = &query.Against{Segment: w.other(), Version: w.Against}
	if q.Baseline.Dataset = w.dataset(); q.Baseline.Dataset == "" {
		q.Against.From, q.Against.To, _ = w.baseline(end)
	}
	return q
}

func (o *observer) drift(w *Watch, into *monitor.Observation) error {
	q := w.compared(o.end)
	m, err := o.engine.Ask(q)
	if err != nil {
		return err
	}
	into.Focal = monitor.Point{From: q.From, To: q.To, Value: m.Value.Value, N: m.Cur, Reason: m.Reason}
	into.Baseline = []monitor.Point{{From: q.Against.From, To: q.Against.To, N: m.Ref}}
	into.Drift = monitor.Drift{Threshold: m.Threshold, Floor: m.Floor, Verdict: m.Verdict}
	if m.Verdict != drift.VerdictDrift {
		return nil
	}
	cur, ref, ok, err := o.engine.Sides(q)
	if err != nil || !ok {
		return err
	}
	into.Evidence = evidence(measure.Contributions(cur, ref, w.Field, alert.MaxEvidence))
	return nil
}

func (o *observer) fresh(w *Watch, into *monitor.Observation) error {
	q := w.compared(o.end)
	into.Focal = monitor.Point{From: q.From, To: q.To}
	into.Baseline = []monitor.Point{{From: q.Against.From, To: q.Against.To}}
	q.Metric = measure.MetricPredictions
	m, err := o.engine.Ask(q)
	if err != nil {
		return err
	}
	cur, ref, ok, err := o.engine.Sides(q)
	switch {
	case err != nil:
		return err
	case !m.OK():
		into.Focal.Reason = m.Reason
		return nil
	case !ok:
		into.Baseline[0].Reason = measure.NoRefSide
		return nil
	}
	f, v := measure.NewValues(cur, ref, w.Field, w.Monitor.Allowed)
	into.Focal.Value, into.Focal.N, into.Focal.Reason = float64(f.Values), v.Cur, v.Reason
	into.Baseline[0].Value, into.Baseline[0].N = float64(f.Known), v.Ref
	into.New = monitor.New{Count: f.Values, Known: f.Known, Values: evidence(f.Names)}
	return nil
}

func evidence(ns []measure.Named) []monitor.Evidence {
	var all []monitor.Evidence
	for _, n := range ns {
		all = append(all, monitor.Evidence{Name: n.Name, Value: n.Cur, Baseline: n.Ref})
	}
	return all
}

// selected is the value of the one slice of a segment that is a condition.
const selected = "true"
