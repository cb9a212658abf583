package monitor

// Reasons why a monitor was not evaluated, beside those of internal/measure for a
// point that has no value. They are stable: they are counted, and shown.
const (
	TooFewFocal        = "too_few_focal"
	TooFewBaseline     = "too_few_baseline"
	TooFewBuckets      = "too_few_buckets"
	NoBaseline         = "no_baseline"
	FocalOutOfRange    = "focal_out_of_range"
	BaselineOutOfRange = "baseline_out_of_range"
	NotFinite          = "not_finite"
	UnknownAge         = "unknown_age"
	NoSamplingError    = "no_sampling_error"
	NoCondition        = "no_condition"
)

// Reasons says what they mean, for the documentation.
var Reasons = []struct{ Word, What string }{
	{TooFewFocal, "fewer values than `preconditions.min_focal`"},
	{TooFewBaseline, "fewer values than `preconditions.min_baseline`"},
	{TooFewBuckets, "fewer buckets with a value than `preconditions.baseline_buckets` or `trailing_zeros`, or than an anomaly needs"},
	{NoBaseline, "nothing to compare with"},
	{FocalOutOfRange, "the value is not in `preconditions.focal_range`"},
	{BaselineOutOfRange, "the baseline's is not in `preconditions.baseline_range`"},
	{NotFinite, "a value or a bound is no finite number"},
	{UnknownAge, "nobody knows since when the version is there"},
	{NoSamplingError, "`standard_errors` is set, and neither the labels of the reference nor those of the period tell how far chance goes"},
	{NoCondition, "the monitor has no condition; its definition was not validated"},
}
