package monitor

import (
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Judge returns the verdict of m about o. The monitor is a valid one with its
// defaults filled in (model.Monitor.Filled).
//
// Nothing is judged on too little: a focal point without a value, too few values or
// buckets, a number that is none make the verdict NotEvaluated with a Reason. There
// are two exceptions. To the activity of a model no data is no predictions, a value
// of 0, once there has been data. And where only a rise counts, a value that lies
// below preconditions.focal_range is in order: an alert about missing values is over
// when they are so few that they do not matter.
func Judge(m *model.Monitor, o Observation) Verdict {
	j := judge{m: m, o: o, v: Verdict{Metric: o.Metric, Evidence: o.Evidence}}
	if m.Type == model.ModelActivity {
		j.o.Focal, j.o.Baseline = counted(o.Focal), countedAll(o.Baseline)
	}
	condition := m.Condition()
	if condition == model.ConditionMaxAge {
		return j.staleness()
	}
	switch reason := j.focal(condition); {
	case reason == FocalOutOfRange && j.rising() && j.o.Focal.Value < m.Preconditions.FocalRange[0]:
		return j.between(nil, &m.Preconditions.FocalRange[0])
	case reason != "":
		return j.notEvaluated(reason)
	}
	if m.Method != model.Absolute {
		if reason := j.baseline(condition); reason != "" {
			return j.notEvaluated(reason)
		}
	}
	switch condition {
	case model.ConditionRange:
		return j.absolute()
	case model.ConditionRatio:
		return j.ratio()
	case model.ConditionAnomaly:
		return j.anomaly()
	case model.ConditionDrift:
		return j.drift()
	case model.ConditionValues:
		return j.values(m.Threshold.Min, m.Threshold.Max)
	case model.ConditionDistance:
		return j.distance()
	case model.ConditionNew:
		return j.fresh()
	default:
		return j.notEvaluated(NoCondition)
	}
}

// judge is one judgement under way.
type judge struct {
	m    *model.Monitor
	o    Observation
	past []Point // the points of the baseline that have a value
	mean float64 // of them
	v    Verdict
}

func (j *judge) notEvaluated(reason string) Verdict {
	j.v.Outcome, j.v.Reason = NotEvaluated, reason
	return j.v
}

// rising reports whether only a rise counts.
func (j *judge) rising() bool { return j.m.IncreaseOnly || j.m.Worse() == score.Lower }

// focal checks the focal point against the preconditions, and returns a reason not
// to judge it.
func (j *judge) focal(c model.Condition) string {
	f, p := j.o.Focal, j.m.Preconditions
	if c == model.ConditionNew {
		f.Value = 0 // what counts is in New
	}
	switch {
	case !f.OK():
		return f.Reason
	case !finite(f.Value) || !finite(f.High):
		return NotFinite
	}
	if c != model.ConditionNew {
		j.v.Value = new(f.Value)
	}
	switch {
	case p.MinFocal != nil && f.N < *p.MinFocal:
		return TooFewFocal
	case !in(p.FocalRange, f.Value):
		return FocalOutOfRange
	}
	return ""
}

// baseline keeps the points of the baseline that have a value, checks them against
// the preconditions, and returns a reason not to judge by them.
func (j *judge) baseline(c model.Condition) string {
	p := j.m.Preconditions
	var n uint64
	for _, b := range j.o.Baseline {
		if b.OK() && finite(b.Value) && finite(b.High) {
			j.past = append(j.past, b)
			n += b.N
		}
	}
	least := 1
	if p.TrailingZeros != nil {
		j.past = trimZeros(j.past)
		least = *p.TrailingZeros
	}
	if p.BaselineBuckets != nil {
		least = max(least, *p.BaselineBuckets)
	}
	switch {
	case len(j.o.Baseline) == 1 && !j.o.Baseline[0].OK():
		return j.o.Baseline[0].Reason
	case len(j.past) == 0:
		return NoBaseline
	case p.MinBaseline != nil && n < *p.MinBaseline:
		return TooFewBaseline
	case len(j.past) < least:
		return TooFewBuckets
	}
	if c != model.ConditionRatio && c != model.ConditionAnomaly {
		return ""
	}
	if j.mean = mean(j.past); !finite(j.mean) {
		return NotFinite
	}
	j.v.Baseline = new(j.mean)
	if !in(p.BaselineRange, j.mean) {
		return BaselineOutOfRange
	}
	return ""
}

// counted takes no data as no predictions.
func counted(p Point) Point {
	if p.Reason == measure.NoData {
		p.Reason, p.Value, p.N = "", 0, 0
	}
	return p
}

// countedAll does so from the first data on: before it there was no model that could
// have been silent.
func countedAll(ps []Point) []Point {
	out, first := slices.Clone(ps), slices.IndexFunc(ps, Point.OK)
	if first < 0 {
		return out
	}
	for i := first; i < len(out); i++ {
		out[i] = counted(out[i])
	}
	return out
}

// trimZeros leaves out the zeros at both ends.
func trimZeros(ps []Point) []Point {
	for len(ps) > 0 && ps[0].Value == 0 {
		ps = ps[1:]
	}
	for len(ps) > 0 && ps[len(ps)-1].Value == 0 {
		ps = ps[:len(ps)-1]
	}
	return ps
}

// mean returns the mean of points, each bucket counting once however many values
// it has.
func mean(ps []Point) float64 {
	var sum num.Sum
	for _, p := range ps {
		sum.Add(p.Value)
	}
	return sum.Mean(uint64(len(ps)))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// in reports whether x lies within bounds, both included; no bounds hold all.
func in(bounds []float64, x float64) bool {
	return len(bounds) != 2 || bounds[0] <= x && x <= bounds[1]
}
