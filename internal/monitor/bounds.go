package monitor

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/season"
)

// between judges the focal value by two bounds, either of which may be absent. A
// bound that is no number bounds nothing, which would hide an alert: then there is
// no verdict.
func (j *judge) between(lower, upper *float64) Verdict {
	if lower == nil && upper == nil {
		return j.notEvaluated(NoCondition)
	}
	for _, b := range []*float64{lower, upper} {
		if b != nil && !finite(*b) {
			return j.notEvaluated(NotFinite)
		}
	}
	j.v.Lower, j.v.Upper = lower, upper
	x := *j.v.Value
	name := Short(j.v.Metric)
	switch {
	case lower != nil && x < *lower:
		j.v.Outcome = Violated
		j.v.Says = compare(name, x, "below", *lower)
	case upper != nil && x > *upper:
		j.v.Outcome = Violated
		j.v.Says = compare(name, x, "above", *upper)
	default:
		j.v.Outcome = OK
		j.v.Says = name + " " + Number(x) + " " + Within(lower, upper)
	}
	if j.v.Baseline != nil {
		j.v.Says += " (" + usual(j.m) + " " + Number(*j.v.Baseline) + ")"
	}
	return j.v
}

// absolute holds the value against the bounds of the definition, and what chance
// alone makes of them.
func (j *judge) absolute() Verdict {
	lower, upper := j.m.Threshold.Min, j.m.Threshold.Max
	chance, ok := j.chance()
	if !ok {
		return j.notEvaluated(NoSamplingError)
	}
	if lower != nil {
		lower = new(*lower - chance)
	}
	if upper != nil {
		upper = new(*upper + chance)
	}
	return j.between(lower, upper)
}

// chance is how far the value may be off by chance alone: as many standard errors as
// the monitor says of the difference of both sides, where the rows of the baseline
// are taken to differ as much as those of the focal period. ok is false where that is
// not known.
func (j *judge) chance() (far float64, ok bool) {
	if j.m.StandardErrors == nil {
		return 0, true
	}
	if j.o.StdErr == nil || !finite(*j.o.StdErr) {
		return 0, false
	}
	var n uint64
	for _, p := range j.past {
		n += p.N
	}
	far = *j.m.StandardErrors * *j.o.StdErr
	if n > 0 {
		far *= math.Sqrt(1 + float64(j.o.Focal.N)/float64(n))
	}
	return far, true
}

// oneSided drops the bound that is no fault to pass: increase_only, and of
// performance the better side.
func (j *judge) oneSided(lower, upper float64) (lo, hi *float64) {
	lo, hi = &lower, &upper
	worse := j.m.Worse()
	if j.m.IncreaseOnly || worse == score.Lower {
		lo = nil
	}
	if worse == score.Higher {
		hi = nil
	}
	return lo, hi
}

// ratio holds the value against the mean b of the baseline's buckets: within
// b ± |b|·p/100. A baseline of 0 leaves no room at all: the first missing value of
// a field that never missed one is a change beyond any percentage, unless
// preconditions.focal_range says from where on it matters. What chance alone makes
// of so few rows is no change either.
func (j *judge) ratio() Verdict {
	if j.m.Percentage == nil {
		return j.notEvaluated(NoCondition)
	}
	chance, ok := j.chance()
	if !ok {
		return j.notEvaluated(NoSamplingError)
	}
	room := max(float64(math.Abs(j.mean)*(*j.m.Percentage/100)), chance) // not fused with what follows
	return j.between(j.oneSided(j.mean-room, j.mean+room))
}

// anomaly holds the value against what a series such as the baseline has next.
func (j *judge) anomaly() Verdict {
	if j.m.Sensitivity == nil {
		return j.notEvaluated(NoCondition)
	}
	points := make([]season.Point, len(j.past))
	for i, p := range j.past {
		points[i] = season.Point{At: p.From, Value: p.Value, N: p.N}
	}
	fitted, err := season.Fit(points, season.Options{Kind: kindOf(j.v.Metric), Bucket: int64(j.m.Baseline.Aggregation)})
	if err != nil {
		return j.notEvaluated(TooFewBuckets)
	}
	f := j.o.Focal
	band := fitted.Expect(f.From, f.N, *j.m.Sensitivity, j.rising())
	if !finite(band.Centre) || math.IsNaN(band.Lower) || math.IsNaN(band.Upper) {
		return j.notEvaluated(NotFinite)
	}
	j.v.Baseline = new(band.Centre)
	return j.between(j.oneSided(band.Lower, band.Upper))
}

// kindOf says how chance moves a metric.
func kindOf(metric string) season.Kind {
	switch metric {
	case "ml.model.predictions", "ml.integrity.missing":
		return season.Count
	case "ml.integrity.missing_ratio", "ml.integrity.invalid_ratio", "ml.integrity.non_finite_ratio", "ml.integrity.new_values_ratio",
		"ml.integrity.overflow_ratio", "ml.integrity.out_of_range_ratio", "ml.performance.accuracy", "ml.performance.positive_rate",
		"ml.performance.predicted_positive_rate":
		return season.Ratio
	}
	return season.Real
}

// usual names the number that the value is held against.
func usual(m *model.Monitor) string {
	switch m.Method {
	case model.Anomaly:
		return "expected"
	case model.Percentage:
		return "on average"
	case model.AgainstSegment:
		return "there"
	default:
		return "in " + m.Baseline.Dataset
	}
}
