// Package profile is what Driftmeter keeps of the predictions of one model,
// version and window: additive statistics for the whole and for each segment,
// for each field and each output.
//
// A Profile is a commutative monoid. Merging in any order and any split of the
// stream gives the same bytes: counts are integers, sums are exact, minima,
// maxima and sets do not know an order. (Past its caps, which slices of a
// segment have one of their own depends on which values came first.)
//
// A label that was corrected is not subtracted: what is taken back is counted
// beside, and Net gives the difference.
//
// A Layout says what the numbers stand for, a Plan adds records to profiles of
// one layout without allocating.
package profile

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Layout says what the numbers of a profile stand for. It is made once, from a
// reference and a definition, and is immutable after Seal.
type Layout struct {
	Fields   []FieldLayout // by key
	Outputs  []OutputLayout
	Segments []SegmentLayout
	Tallies  []TallyLayout // of custom metrics, each once
	Limits   Limits

	id      string
	index   map[record.Key]int
	values  [][]string // of each segment, those known beforehand
	tallies []tallyShape

	fixedBytes int64 // of a slice
	takenBytes int64 // of what it retracts
}

// Limits bound the size of a profile.
type Limits struct {
	NewCategories int // distinct new values that a field keeps exactly
	SegmentValues int // slices of a segment; what comes beyond goes to Other
}

// DefaultLimits are those of the configuration's defaults.
var DefaultLimits = Limits{NewCategories: 1000, SegmentValues: 100}

// FieldLayout describes one field.
type FieldLayout struct {
	Key  record.Key
	Type model.FieldType
	// Grid of a numeric field; nil without a reference.
	Grid *grid.Grid
	// Categories of a categorical or boolean field.
	Categories *counts.Dictionary
	// Min and Max bound the values in range; ±Inf where there is no bound.
	Min, Max float64
}

// OutputKind is how an output is scored.
type OutputKind string

// The kinds of outputs.
const (
	Score         OutputKind = "score"         // binary: a number that is positive from the threshold on
	Decision      OutputKind = "decision"      // binary: true or false
	Class         OutputKind = "class"         // multiclass: the name of a class
	Probabilities OutputKind = "probabilities" // multiclass: class → probability
	Quantity      OutputKind = "number"        // regression
)

// OutputLayout describes one output and the actual that judges it.
type OutputLayout struct {
	Prediction string
	Actual     string
	Kind       OutputKind
	Threshold  float64
	Grid       *grid.Grid     // of scores
	Classes    *score.Classes // of a multiclass output
	// Calibration by which performance is estimated where labels are missing; nil
	// where it is not.
	Calibration *Calibration
}

// SegmentLayout describes a segment.
type SegmentLayout struct {
	Name       string
	Field      record.Key // where there is no condition
	Boundaries []float64
	Where      string
}

// Seal checks the layout and computes its id and index, after which it must not
// change. The error wraps ErrInvalid.
func (l *Layout) Seal() (*Layout, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	l.index = make(map[record.Key]int, len(l.Fields))
	for i := range l.Fields {
		l.index[l.Fields[i].Key] = i
	}
	l.values = make([][]string, len(l.Segments))
	for i, s := range l.Segments {
		if l.values[i] = s.Values(); l.values[i] != nil || s.Where != "" {
			continue
		}
		if f, ok := l.index[s.Field]; ok && l.Fields[f].Categories != nil {
			l.values[i] = l.Fields[f].Categories.Values()
		}
	}
	if err := l.shapes(); err != nil {
		return nil, err
	}
	l.fixedBytes, l.takenBytes = l.fixed(false), l.fixed(true)
	id, err := l.hash()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	l.id = id
	return l, nil
}

// ID identifies the layout: profiles of equal ids add bin by bin.
func (l *Layout) ID() string { return l.id }

// Field returns the index of a field.
func (l *Layout) Field(k record.Key) (int, bool) {
	i, ok := l.index[k]
	return i, ok
}

// Output returns the index of the output with a prediction.
func (l *Layout) Output(prediction string) (int, bool) {
	i := slices.IndexFunc(l.Outputs, func(o OutputLayout) bool { return o.Prediction == prediction })
	return i, i >= 0
}

// value returns the number of a slice of segment i that is known beforehand, or
// −1.
func (l *Layout) value(i int, name string) int {
	s := &l.Segments[i]
	if s.Where != "" || len(s.Boundaries) > 0 {
		return slices.Index(l.values[i], name)
	}
	if len(l.values[i]) > 0 {
		if n, ok := l.Fields[l.index[s.Field]].Categories.Index(name); ok {
			return int(n)
		}
	}
	return -1
}

// open reports whether segment i can have slices that are not known beforehand.
func (l *Layout) open(i int) bool {
	return l.Segments[i].Where == "" && len(l.Segments[i].Boundaries) == 0
}

// With returns the layout with other segments, limits and tallies, sealed.
func (l *Layout) With(segments []SegmentLayout, limits Limits, tallies ...TallyLayout) (*Layout, error) {
	c := &Layout{Fields: l.Fields, Outputs: l.Outputs, Segments: segments, Tallies: tallies, Limits: limits}
	return c.Seal()
}

// Values returns the names of the slices that segment i can have beforehand:
// one per interval, one for a condition, none for the values of a field.
func (s SegmentLayout) Values() []string {
	switch {
	case s.Where != "":
		return []string{"true"}
	case len(s.Boundaries) > 0:
		vs := make([]string, len(s.Boundaries)+1)
		for i := range vs {
			lo, hi := math.Inf(-1), math.Inf(1)
			if i > 0 {
				lo = s.Boundaries[i-1]
			}
			if i < len(s.Boundaries) {
				hi = s.Boundaries[i]
			}
			vs[i] = interval(lo, hi)
		}
		return vs
	}
	return nil
}

// interval names lo ≤ x < hi.
func interval(lo, hi float64) string {
	switch {
	case math.IsInf(lo, -1):
		return fmt.Sprintf("<%v", hi)
	case math.IsInf(hi, 1):
		return fmt.Sprintf(">=%v", lo)
	}
	return fmt.Sprintf("%v-%v", lo, hi)
}
