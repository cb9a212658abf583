package measure

import (
	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// LabelledEnough is the share of the predictions of a window that must be labelled
// before an estimate is held against what was realised.
const LabelledEnough = 0.9

// Estimates returns every metric of performance that is estimated, of every output
// of a side that can have one, labelled or not.
func Estimates(cur Side) map[Performance]Value {
	all := map[Performance]Value{}
	for i := range cur.Layout.Outputs {
		l := &cur.Layout.Outputs[i]
		kind, ok := kindOf(l)
		if !ok {
			continue
		}
		for _, m := range score.EstimatedMetrics() {
			if !m.Of(kind) {
				continue
			}
			p := Performance{Output: l.Prediction, Metric: m.Name}
			if kind == score.KindMulticlass && len(m.Labels) > 0 {
				p.Average = score.Macro
			}
			all[p] = Estimate(cur, p)
			e := cur.Slice.Outputs[i].Estimate
			if e == nil || p.Average == "" {
				continue
			}
			for k, name := range l.Classes.Names() {
				if p.Average, p.Class = "", name; e.Occurs(k) {
					all[p] = Estimate(cur, p)
				}
			}
		}
	}
	return all
}

// kindOf returns how an output is estimated; ok is false for a number, whose error
// nothing in a prediction tells.
func kindOf(l *profile.OutputLayout) (k score.Kind, ok bool) {
	switch l.Kind {
	case profile.Score, profile.Decision:
		return score.KindBinary, true
	case profile.Class, profile.Probabilities:
		return score.KindMulticlass, true
	default:
		return score.KindRegression, false
	}
}

// Estimate returns one metric of one output as calibrated scores let expect it, of
// all predictions.
func Estimate(cur Side, p Performance) Value {
	i, ok := cur.Layout.Output(p.Output)
	if !ok {
		return absent(NoOutput)
	}
	l, e := &cur.Layout.Outputs[i], cur.Slice.Outputs[i].Estimate
	kind, ok := kindOf(l)
	if !ok {
		return absent(NotEstimated)
	}
	if m, ok := score.LookupEstimated(p.Metric); !ok || !m.Of(kind) {
		return absent(NoMetric)
	}
	if e == nil {
		return absent(NoCalibration)
	}
	grids := l.ClassGrids()
	var v score.Value
	switch {
	case kind == score.KindBinary:
		v = e.Binary(p.Metric, grids[0])
	case p.Class != "":
		k := l.Classes.Index(p.Class)
		v = e.Class(p.Metric, k, p.Class, grids[k])
	case p.Average == "" || p.Average == score.Macro:
		v = e.Multiclass(p.Metric, grids)
	default:
		return absent(NoMetric)
	}
	out := ofScore(v, MinLabelled)
	if !out.OK() {
		out.Verdict = drift.VerdictNotComputable
	}
	if e.Rows < cur.Slice.Predictions {
		out.warn("estimate_incomplete")
	}
	return out
}

// SamplingError returns by how much chance moves a metric of an output, estimated
// or realised, over so many rows: one standard deviation, from the labels of the
// reference. ok is false where these do not tell.
func SamplingError(ref Side, p Performance, rows uint64) (sd float64, ok bool) {
	return samplingError(ref, p, rows, (*score.Binary).SamplingError)
}

// StandardError is SamplingError where a verdict depends on it: see
// score.Binary.StandardError.
func StandardError(side Side, p Performance, rows uint64) (sd float64, ok bool) {
	return samplingError(side, p, rows, (*score.Binary).StandardError)
}

func samplingError(ref Side, p Performance, rows uint64, binary func(*score.Binary, string, *grid.Grid, uint64) (float64, bool)) (sd float64, ok bool) {
	i, ok := ref.Layout.Output(p.Output)
	if !ok {
		return 0, false
	}
	l, o := &ref.Layout.Outputs[i], &ref.Slice.Outputs[i]
	switch {
	case o.Binary != nil && o.Binary.N() >= MinLabelled:
		return binary(o.Binary, p.Metric, l.Grid, rows)
	case o.Regression != nil && o.Regression.N >= MinLabelled:
		return o.Regression.SamplingError(p.Metric, rows)
	case o.Multiclass == nil || o.Multiclass.N() < MinLabelled:
		return 0, false
	case p.Class != "":
		return o.Multiclass.ClassSamplingError(p.Metric, l.Classes.Index(p.Class), rows)
	case p.Average == "" || p.Average == score.Macro:
		return o.Multiclass.SamplingError(p.Metric, rows)
	}
	return 0, false
}

// compared reports whether a metric has an estimate and is no count, so that the
// difference to what was realised says something.
func compared(metric string) bool {
	m, ok := score.LookupEstimated(metric)
	return ok && m.High == 1
}

// Compared reports whether there is an estimation error of a metric: whether it is
// a share that can be realised, too.
func (p Performance) Compared() bool {
	kind := score.KindBinary
	if p.Class != "" || p.Average != "" {
		kind = score.KindMulticlass
	}
	m, ok := score.Lookup(p.Metric)
	return ok && compared(p.Metric) && m.Of(kind)
}

// EstimationError returns by how much a metric was estimated too high, once nearly
// all predictions are labelled.
func EstimationError(cur Side, p Performance) Value {
	if !p.Compared() {
		return absent(NoMetric)
	}
	expected := Estimate(cur, p)
	if !expected.OK() {
		return expected
	}
	found := Perform(cur, p)
	switch {
	case !found.OK():
		found.Verdict = drift.VerdictNotComputable
		return found
	case float64(found.Cur) < LabelledEnough*float64(expected.Cur):
		return Value{Reason: LabelsIncomplete, Cur: found.Cur, Verdict: drift.VerdictNotComputable}
	}
	v := Value{Value: expected.Value - found.Value, Cur: found.Cur, Bound: expected.Bound + found.Bound, Warnings: expected.Warnings}
	for _, w := range found.Warnings {
		v.warn(w)
	}
	return v
}
