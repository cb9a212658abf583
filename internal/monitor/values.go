package monitor

import (
	"math"
	"slices"
	"strings"
	"time"
)

// values judges the least and the greatest value of a field by two bounds.
func (j *judge) values(lower, upper *float64) Verdict {
	if lower == nil && upper == nil {
		return j.notEvaluated(NoCondition)
	}
	for _, b := range []*float64{lower, upper} {
		if b != nil && !finite(*b) {
			return j.notEvaluated(NotFinite)
		}
	}
	f := j.o.Focal
	j.v.Outcome, j.v.Lower, j.v.Upper = OK, lower, upper
	j.v.Metric, j.v.Value = "ml.field.max", new(f.High)
	var says []string
	if upper != nil && f.High > *upper {
		says = append(says, compare("max", f.High, "above", *upper))
	}
	if lower != nil && f.Value < *lower {
		if len(says) == 0 {
			j.v.Metric, j.v.Value = "ml.field.min", new(f.Value)
		}
		says = append(says, compare("min", f.Value, "below", *lower))
	}
	if len(says) > 0 {
		j.v.Outcome, j.v.Says = Violated, strings.Join(says, " and ")
		return j.v
	}
	j.v.Says = "values from " + Number(f.Value) + " to " + Number(f.High) + ", " + Within(lower, upper)
	return j.v
}

// distance lets the values go so far beyond the baseline's range: by the distance
// of the definition, or a percentage of the width of that range. Values that keep
// well inside are in order.
func (j *judge) distance() Verdict {
	least, greatest := math.Inf(1), math.Inf(-1)
	for _, b := range j.past {
		least, greatest = min(least, b.Value), max(greatest, b.High)
	}
	var far float64
	switch m := j.m; {
	case m.Distance != nil:
		far = *m.Distance
	case m.Percentage != nil:
		far = float64((greatest - least) * (*m.Percentage / 100)) // not fused
	default:
		return j.notEvaluated(NoCondition)
	}
	v := j.values(new(least-far), new(greatest+far))
	if v.Outcome == NotEvaluated {
		return v
	}
	v.Baseline = new(greatest)
	if v.Metric == "ml.field.min" {
		v.Baseline = new(least)
	}
	if len(v.Evidence) == 0 {
		v.Evidence = []Evidence{{"min", j.o.Focal.Value, least}, {"max", j.o.Focal.High, greatest}}
	}
	return v
}

// fresh counts the values that the baseline does not have and that are not
// allowed. A ratio r of the definition stands for r times as many values as the
// baseline has; where a number is given as well, the smaller one bounds.
func (j *judge) fresh() Verdict {
	n := j.o.New
	count := max(n.Count, uint64(len(n.Values)))
	var unexpected []Evidence
	for _, e := range n.Values {
		if slices.Contains(j.m.Allowed, e.Name) {
			count--
		} else {
			unexpected = append(unexpected, e)
		}
	}
	bound := math.Inf(1)
	if j.m.NewValues != nil {
		bound = float64(*j.m.NewValues)
	}
	if r := j.m.NewValuesRatio; r != nil {
		if n.Known == 0 {
			return j.notEvaluated(NoBaseline)
		}
		bound = min(bound, *r*float64(n.Known))
	}
	if !finite(bound) {
		return j.notEvaluated(NoCondition)
	}
	j.v.Value, j.v.Upper, j.v.Evidence = new(float64(count)), new(bound), unexpected
	j.v.Outcome, j.v.Says = OK, Plural(count, "new value")
	if count > 0 && float64(count) <= bound {
		j.v.Says += ", at most " + Number(bound)
	}
	if float64(count) > bound {
		j.v.Outcome = Violated
		if bound > 0 {
			j.v.Says += ", more than " + Number(bound)
		}
		j.v.Says += list(unexpected)
	}
	return j.v
}

// staleness judges the age of a version, in seconds.
func (j *judge) staleness() Verdict {
	age, limit := j.o.Age, j.m.MaxAge.Std()
	switch {
	case limit <= 0:
		return j.notEvaluated(NoCondition)
	case age.Since.IsZero():
		return j.notEvaluated(UnknownAge)
	}
	j.v.Metric, j.v.Value, j.v.Upper = "ml.model.age", new(age.Age.Seconds()), new(limit.Seconds())
	old, most := ages(age.Age, limit)
	j.v.Outcome, j.v.Says = OK, old+" old, at most "+most
	if age.Age > limit {
		j.v.Outcome, j.v.Says = Violated, old+" old, more than "+most
	}
	return j.v
}

// ages writes two ages in units that tell them apart.
func ages(a, b time.Duration) (string, string) {
	x, y := Ago(a), Ago(b)
	if x == y && a != b {
		return a.Truncate(time.Second).String(), b.Truncate(time.Second).String()
	}
	return x, y
}

// Ago writes an age in the largest unit that tells it well.
func Ago(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return Plural(uint64(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return Plural(uint64(d/time.Hour), "hour")
	default:
		return Plural(uint64(max(d, 0)/time.Minute), "minute")
	}
}
