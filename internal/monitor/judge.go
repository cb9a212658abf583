package monitor

import "github.com/driftmeter/driftmeter/internal/model"

// Reasons why a monitor was not evaluated, beside those of internal/measure for a
// point that has no value. They are stable: they are counted, and shown.
const (
	TooFewFocal        = "too_few_focal"         // fewer values than preconditions.min_focal
	TooFewBaseline     = "too_few_baseline"      // fewer values than preconditions.min_baseline
	TooFewBuckets      = "too_few_buckets"       // fewer buckets of the baseline than it takes
	NoBaseline         = "no_baseline"           // nothing to compare with
	FocalOutOfRange    = "focal_out_of_range"    // the value is not in preconditions.focal_range
	BaselineOutOfRange = "baseline_out_of_range" // nor the baseline in preconditions.baseline_range
	NotFinite          = "not_finite"            // a value is NaN or infinite
	NoCondition        = "no_condition"          // the monitor has no such condition; its definition is not valid
)

// Judge returns the verdict of m about o. The monitor is a valid one with its
// defaults filled in (model.Monitor.Filled).
func Judge(m *model.Monitor, o Observation) Verdict {
	_ = m
	return Verdict{Outcome: NotEvaluated, Reason: NoCondition, Metric: o.Metric}
}
