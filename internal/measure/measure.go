// Package measure answers for one slice of a profile: how far it lies from a
// baseline, how well the model did in it, how sound its fields are.
//
// Every number that Driftmeter shows comes from here, through the query engine.
package measure

import (
	"errors"
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Side is a slice with the layout that explains it.
type Side struct {
	Layout *profile.Layout
	Slice  *profile.Slice
	// Regridded says that the slice was counted by another layout than its own.
	Regridded bool

	profile *profile.Profile
}

// lacks reports whether a part of the slice was counted without a tally.
func (s Side) lacks(tally int) bool { return s.profile != nil && s.profile.Lacks(tally) }

// Of returns a slice of p, the empty one if p has no such segment. What answers
// come from is the net profile: labels that were corrected count once.
func Of(p *profile.Profile, seg profile.Segment) Side {
	s, ok := p.Slice(seg)
	if !ok {
		s = profile.New(p.Layout()).Whole
	}
	return Side{Layout: p.Layout(), Slice: s, profile: p}
}

// field returns the field of a key, nil if the side has none.
func (s Side) field(k record.Key) (*profile.FieldLayout, *profile.Field) {
	i, ok := s.Layout.Field(k)
	if !ok {
		return nil, nil
	}
	return &s.Layout.Fields[i], &s.Slice.Fields[i]
}

// Value is an answer with its evidence.
type Value struct {
	Value float64
	// Reason says why there is no value, in a stable word; empty if there is one.
	Reason string
	// Cur and Ref are the values, or labelled rows, behind both sides.
	Cur, Ref uint64
	// P is the p-value of a test, HasP says whether there is one.
	P    float64
	HasP bool
	// Threshold and Warn are the levels of the verdict, Floor is what chance
	// alone reaches; Bound is by how much the value may be off.
	Threshold, Warn, Floor, Bound float64
	// StdErr is by how much chance moves an estimate of performance, as one
	// standard deviation; 0 if that is not known.
	StdErr   float64
	Verdict  drift.Verdict
	Warnings []string // stable words
}

// OK reports whether there is a value.
func (v Value) OK() bool { return v.Reason == "" }

// Reasons of this package, beside those of drift and score.
const (
	NoField   = "no_field"      // the model has no such field
	NotKept   = "not_kept"      // the field's type has no such statistic
	NoData    = "empty_current" // the window has no row
	NoOutput  = "no_output"     // the model has no such output
	NoMetric  = "no_metric"     // there is no such metric, or not for this kind of output
	TooFew    = "insufficient_data"
	NoRefSide = "empty_reference"
	// NoDuplicates: no id came twice, or nobody watches them.
	NoDuplicates = "no_duplicates"

	NoCalibration    = "no_calibration"    // too few rows of the reference had labels, or an earlier version made it
	NotEstimated     = "not_estimated"     // the error of a number cannot be told from the prediction
	LabelsIncomplete = "labels_incomplete" // too few predictions are labelled to hold an estimate against them
)

func absent(reason string) Value {
	return Value{Reason: reason, Verdict: drift.VerdictNotComputable}
}

// ofScore converts an answer about performance. least is the number of labelled
// rows that it needs.
func ofScore(v score.Value, least uint64) Value {
	out := Value{Value: v.Value, Cur: v.N, Bound: v.Bound}
	for _, w := range v.Warnings {
		out.Warnings = append(out.Warnings, w.Word())
	}
	var n score.NotComputable
	switch {
	case errors.As(v.Err, &n):
		out.Value, out.Reason = 0, string(n.Reason)
	case v.Err != nil:
		out.Value, out.Reason = 0, NoMetric
	case v.N < least:
		out.Value, out.Reason = 0, TooFew
	}
	return out
}

// warn adds a word once.
func (v *Value) warn(word string) {
	if !slices.Contains(v.Warnings, word) {
		v.Warnings = append(v.Warnings, word)
	}
}
