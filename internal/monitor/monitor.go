// Package monitor judges: a monitor of the definition and what was observed of one
// version, segment and field, to a verdict with the bounds that were held.
//
// It asks nothing and remembers nothing. What is observed comes from the query
// engine, what a verdict leads to is internal/alert's. Every condition has a file;
// what they share, that nothing is judged on too little, is in judge.go.
package monitor

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
)

// Point is what was measured of one stretch of time, or of a dataset.
type Point struct {
	From, To int64   // unix nanoseconds, To exclusive; both 0 for a dataset
	Value    float64 // finite where Reason is empty
	// High is for value_range alone: Value is then the least value of the field,
	// High the greatest.
	High float64
	N    uint64 // values, predictions or labelled rows behind it
	// Reason says why there is no value, in a stable word of internal/measure;
	// empty if there is one.
	Reason string
}

// OK reports whether there is a value.
func (p Point) OK() bool { return p.Reason == "" }

// Observation is what one evaluation of a monitor looks at, for one version,
// segment value and field.
type Observation struct {
	Metric string // what Value is, as on the wire: ml.drift.psi, ml.field.mean
	Focal  Point
	// Baseline is what the focal period is held against: the buckets in the order
	// of time for the methods percentage and anomaly, one Point for segment and
	// training, none for absolute. Drift has one Point, whose N counts.
	Baseline []Point
	// StdErr is by how much chance alone moves the value of the focal Point, as one
	// standard deviation; nil where that is not known, or not needed. That of the
	// baseline follows from its N.
	StdErr   *float64
	Drift    Drift      // for the two kinds of drift
	New      New        // for new_values
	Age      Age        // for model_staleness
	Evidence []Evidence // the greatest contributions, the greatest first
}

// Drift is how a drift score is judged: what the query engine answered beside the
// score itself, which is the Value of the focal Point.
type Drift struct {
	// Threshold is what matters, Floor what chance alone reaches.
	Threshold, Floor float64
	// Verdict is that of drift.Judge by the monitor's threshold. Where it is empty
	// the same rule is applied to Value, Threshold and Floor.
	Verdict drift.Verdict
}

// New is what came that the baseline does not have.
type New struct {
	Count uint64 // distinct values that are new
	Known uint64 // distinct values of the baseline
	// Values are the most frequent of them, with their shares of the focal period;
	// fewer than Count where there are many.
	Values []Evidence
}

// Age is how old a version is.
type Age struct {
	Since time.Time     // when it was first seen, or deployed
	Age   time.Duration // at the end of the focal period
}

// Evidence is a row of what explains a verdict: a part of what was measured, now
// and in the baseline.
type Evidence struct {
	Name     string
	Value    float64
	Baseline float64
}

// Outcome is what a judgement comes to.
type Outcome string

// The outcomes. What is not evaluated neither begins nor ends an alert.
const (
	OK           Outcome = "ok"
	Violated     Outcome = "violated"
	NotEvaluated Outcome = "not_evaluated"
)

// Verdict is one judgement with the bounds that were held.
type Verdict struct {
	Outcome Outcome
	// Reason says why it was not evaluated, in a stable word: one of this package,
	// or that of the Point that has no value. Empty otherwise.
	Reason string
	Metric string // what was measured, as on the wire
	// Value is what was measured, Baseline what it was held against; nil if there
	// is none.
	Value, Baseline *float64
	// Lower and Upper are the bounds of what is in order, both included; nil where
	// nothing bounds. Those of a value that was not judged may be known, too.
	Lower, Upper *float64
	// Says is what there is to say in a fragment: "psi 0.41 above 0.2".
	Says     string
	Evidence []Evidence
}
