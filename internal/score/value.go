package score

import (
	"errors"
	"fmt"
)

// Value is the answer to the question for one metric.
type Value struct {
	Metric  string
	Class   string  // for metrics of one class of many, otherwise empty
	Average string  // macro, micro or weighted, otherwise empty
	Value   float64 // finite; 0 if Err is set
	N       uint64  // labelled rows behind the value
	// Bound limits the error of Value that comes from binning: the metric of the
	// raw rows lies within Value ± Bound, up to rounding. It is 0 where the
	// value is exact.
	Bound float64
	// Err says why there is no value: NotComputable, or ErrMetric for a question
	// that has no answer.
	Err error
	// Warnings say why to distrust Value. They do not make it invalid.
	Warnings []Warning
}

// Reason is the stable word under which a value that cannot be computed is
// shown and counted.
type Reason string

const (
	// NoLabels: there is no labelled row.
	NoLabels Reason = "no_labels"
	// InsufficientData: there are labelled rows, but too few. Here that is said
	// only where the metric is undefined; the usual minimum is the caller's.
	InsufficientData Reason = "insufficient_data"
	// SingleClass: the metric compares classes, and one of them does not occur.
	SingleClass Reason = "single_class"
	// NoPredictedPositive: nothing was predicted to be positive, or to be of the
	// class that was asked for.
	NoPredictedPositive Reason = "no_predicted_positive"
	// NoPredictedNegative: nothing was predicted to be negative.
	NoPredictedNegative Reason = "no_predicted_negative"
	// NoScores: the rows have decisions but no scores or probabilities.
	NoScores Reason = "no_scores"
	// ScoreOutOfRange: scores that are no probabilities, outside [0, 1].
	ScoreOutOfRange Reason = "score_out_of_range"
	// BinsNotKept: the grid of the scores lacks the edges that the metric needs.
	BinsNotKept Reason = "bins_not_kept"
	// NotInDomain: a logarithm of 1 + x needs numbers above −1.
	NotInDomain Reason = "out_of_domain"
	// ZeroTarget: the actuals that the metric divides by are zero.
	ZeroTarget Reason = "zero_target"
	// ConstantTarget: the actuals are all the same, so they have no spread to
	// divide by.
	ConstantTarget Reason = "constant_target"
	// NotFinite: a value of the rows, or a sum of them, lies beyond the range of
	// float64.
	NotFinite Reason = "not_finite"
)

var reasonTexts = map[Reason]string{
	NoLabels:            "no row has a label",
	InsufficientData:    "too few rows have a label",
	SingleClass:         "only one class occurs",
	NoPredictedPositive: "nothing was predicted positive",
	NoPredictedNegative: "nothing was predicted negative",
	NoScores:            "the predictions are decisions without a score",
	ScoreOutOfRange:     "scores lie outside [0, 1], so they are no probabilities",
	BinsNotKept:         "the grid of the scores does not keep the bins of this metric",
	NotInDomain:         "no row has both numbers above -1",
	ZeroTarget:          "the actuals that the metric divides by are zero",
	ConstantTarget:      "the actuals are constant, so there is no spread to explain",
	NotFinite:           "the values exceed the range of floating-point numbers",
}

// NotComputable says that the data, not the question, stand in the way of a
// value. Callers ask for it with errors.AsType and never look at the text.
type NotComputable struct{ Reason Reason }

func (e NotComputable) Error() string {
	if text, ok := reasonTexts[e.Reason]; ok {
		return "not computable: " + text
	}
	return "not computable: " + string(e.Reason)
}

// ErrMetric is wrapped by the error of a question for a metric, a class or an
// average that the summary does not have. No data can cause it.
var ErrMetric = errors.New("score: no such metric")

// Word is the stable name of a warning: what dashboards show and count.
type Word string

const (
	WarnSingleClass Word = "single_class"
	WarnZeroTarget  Word = "zero_target"
	WarnOutOfDomain Word = "out_of_domain"
	WarnUndefined   Word = "undefined_classes"
	WarnOtherClass  Word = "other_class"
	WarnZeroDivided Word = "zero_division"
	WarnOutOfRange  Word = "score_out_of_range"
)

// Warning says why to distrust a value. It is a plain, comparable value.
type Warning struct {
	Kind Word
	Have uint64 // the rows or classes that it is about, else 0
}

// Word returns the stable word.
func (w Warning) Word() string { return string(w.Kind) }

// String is the sentence for people.
func (w Warning) String() string {
	switch w.Kind {
	case WarnSingleClass:
		return "only one class occurs"
	case WarnZeroTarget:
		return fmt.Sprintf("%d rows with an actual of zero were left out", w.Have)
	case WarnOutOfDomain:
		return fmt.Sprintf("%d rows with a number not above -1 were left out", w.Have)
	case WarnUndefined:
		return fmt.Sprintf("%d classes were never predicted or never occurred; they count as 0, and are left out of specificity and roc_auc", w.Have)
	case WarnOtherClass:
		return fmt.Sprintf("%d rows are of classes beyond the list; they count as one class", w.Have)
	case WarnOutOfRange:
		return fmt.Sprintf("%d scores lie outside [0, 1]; they count as 0 or 1", w.Have)
	case WarnZeroDivided:
		return "the denominator is zero; the value is the one that was asked for"
	}
	return string(w.Kind)
}

// OrZeroDivision returns v, or z in its place where the value is absent because
// a count in the denominator is 0, as scikit-learn's zero_division does.
func (v Value) OrZeroDivision(z float64) Value {
	e, ok := errors.AsType[NotComputable](v.Err)
	if !ok || v.N == 0 {
		return v
	}
	switch e.Reason {
	case SingleClass, NoPredictedPositive, NoPredictedNegative:
		v.Value, v.Err = z, nil
		v.Warnings = append(v.Warnings, Warning{Kind: WarnZeroDivided})
	default:
	}
	return v
}

// absent returns the value that says why there is none.
func absent(metric string, n uint64, r Reason) Value {
	if n == 0 {
		r = NoLabels
	}
	return Value{Metric: metric, N: n, Err: NotComputable{r}}
}

// unknown answers a question that has no answer.
func unknown(metric string, kind Kind) Value {
	return Value{Metric: metric, Err: fmt.Errorf("%w: %q of a %s output", ErrMetric, metric, kind)}
}
