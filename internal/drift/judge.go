package drift

import "math"

// Verdict is the judgement of one result.
type Verdict string

const (
	VerdictOK               Verdict = "ok"
	VerdictWarning          Verdict = "warning"
	VerdictDrift            Verdict = "drift"
	VerdictInsufficientData Verdict = "insufficient_data"
	VerdictNotComputable    Verdict = "not_computable"
)

// Rule holds what a user may set of a verdict. The zero Rule is the default.
type Rule struct {
	// Threshold and Warn replace the measure's own levels. They are compared
	// with the value of the measure (its size, where it has a sign). A Threshold
	// without Warn leaves no warning level.
	Threshold, Warn *float64
	// MinCount is the number of values that both sides need; 0 means 30.
	MinCount uint64
}

// Judge says whether a result is an alarm: large enough to matter and larger
// than chance,
//
//	value ≥ threshold  and  value ≥ noise floor  [and p < significance, for tests].
//
// The threshold decides in large samples, the floor in small ones. A clipped p
// counts as the bound that it is: p ≤ significance suffices. A measure without a
// threshold (wasserstein, whose unit is the field's, or cramers_v) never alarms
// until the rule sets one.
func Judge(r Result, rule Rule) Verdict {
	least := rule.MinCount
	if least == 0 {
		least = insufficient
	}
	switch {
	case r.Reason != "" || math.IsNaN(r.Value):
		return VerdictNotComputable
	case r.N < least || r.M < least:
		return VerdictInsufficientData
	case r.HasP && !(r.P < r.Significance || r.Clipped && r.P <= r.Significance):
		return VerdictOK
	}
	value, floor, threshold, warn := r.judged(rule)
	switch {
	case math.Abs(value) < floor:
		return VerdictOK
	case threshold > 0 && math.Abs(value) >= threshold:
		return VerdictDrift
	case warn > 0 && math.Abs(value) >= warn:
		return VerdictWarning
	}
	return VerdictOK
}

// judged returns the quantity of the verdict with its floor and levels.
func (r Result) judged(rule Rule) (value, floor, threshold, warn float64) {
	value, floor, threshold, warn = r.Value, r.Floor, r.Threshold, r.Warn
	if r.Effect.Name != "" {
		e := r.Effect
		value, floor, threshold, warn = e.Value, e.Floor, e.Threshold, e.Warn
	}
	if rule.Threshold == nil && rule.Warn == nil {
		return value, floor, threshold, warn
	}
	scale := 1.0
	if r.Effect.Scale > 0 {
		scale = r.Effect.Scale
	} else {
		value, floor = r.Value, r.Floor
	}
	threshold, warn = 0, 0
	if rule.Threshold != nil {
		threshold = scale * *rule.Threshold
	}
	if rule.Warn != nil {
		warn = scale * *rule.Warn
	}
	return value, floor, threshold, warn
}
