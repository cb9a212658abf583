package profile

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// A Plan turns records into rows of cells that profiles of one layout add.
//
// It walks a record once: each field is expected where it stood in the record
// before, so that in the steady state no key is looked up and nothing is
// allocated. A Plan is not safe for concurrent use; make one per goroutine.
type Plan struct {
	layout  *Layout
	slots   []slot // a field each
	guess   []int  // slot of the i-th field of the previous record, −1 for none
	inputs  span   // of the fields, those that may come late
	actuals span
	segs    []segmentPlan
	outputs []outputPlan
	// Of the outputs whose performance is estimated: how, and in which order.
	estimates []*estimator
	estimated []int
	tallies   *tallyPlan         // nil without tallies
	values    map[float64]string // names of the slices of a numeric field's values
}

// slot is what resolving a field needs of its layout.
type slot struct {
	key        record.Key
	kind       kind
	grid       *grid.Grid
	categories *counts.Dictionary
	accepts    model.FieldType // of a field of which only the presence is kept
	truth      bool            // of numbers: true is 1 and false is 0
}

// kind is how a field is counted.
type kind uint8

const (
	numeric kind = iota
	categorical
	boolean
	presence // the other types
)

func newSlot(f *FieldLayout) slot {
	s := slot{key: f.Key, kind: presence, grid: f.Grid, categories: f.Categories, accepts: f.Type}
	switch f.Type {
	case model.Numeric:
		s.kind = numeric
	case model.Categorical:
		s.kind = categorical
	case model.Boolean:
		s.kind = boolean
	default:
	}
	return s
}

// span is the fields from lo up to hi, hi not among them.
type span struct{ lo, hi int }

func (s span) has(i int) bool { return i >= s.lo && i < s.hi }

// extend makes s the fields of a group, given field i, one after the other.
func (s *span) extend(i int, of, group record.Group) {
	if of < group {
		s.lo = i + 1
	}
	if of <= group {
		s.hi = i + 1
	}
}

// outputPlan says where an output's two sides come from; −1 for a field that
// the layout does not have.
type outputPlan struct{ prediction, actual int }

// segmentPlan says where a segment's value comes from.
type segmentPlan struct {
	slot int // of the field; −1 without one
	cond *expr.Condition
	cuts []float64
}

// NewPlan compiles the layout. The error names a segment whose condition does
// not fit the fields.
func NewPlan(l *Layout) (*Plan, error) {
	p := &Plan{layout: l}
	for i := range l.Fields { // by group, so those of one stand together
		p.slots = append(p.slots, newSlot(&l.Fields[i]))
		p.inputs.extend(i, l.Fields[i].Key.Group, record.RawInputs)
		p.actuals.extend(i, l.Fields[i].Key.Group, record.Actuals)
	}
	for _, s := range l.Segments {
		sp := segmentPlan{slot: -1, cuts: s.Boundaries}
		if s.Where != "" {
			c, err := expr.Compile(s.Where, resolver{l})
			if err != nil {
				return nil, fmt.Errorf("segment %q: %w", s.Name, err)
			}
			sp.cond = c
		} else if i, ok := l.Field(s.Field); ok {
			sp.slot = i
		}
		p.segs = append(p.segs, sp)
	}
	for _, o := range l.Outputs {
		op := outputPlan{-1, -1}
		if i, ok := l.Field(record.Key{Group: record.Predictions, Name: o.Prediction}); ok {
			op.prediction = i
		}
		if i, ok := l.Field(record.Key{Group: record.Actuals, Name: o.Actual}); ok {
			op.actual = i
		}
		p.truths(o.Kind, op)
		p.outputs = append(p.outputs, op)
	}
	p.estimators()
	var err error
	p.tallies, err = p.tallyPlan(l)
	return p, err
}

// truths marks the fields of an output that are either true or false. A reference
// that writes 1 and 0, as files do, makes them numbers, and services send true and
// false all the same.
func (p *Plan) truths(kind OutputKind, of outputPlan) {
	binary := kind == Score || kind == Decision
	if binary && of.actual >= 0 {
		p.slots[of.actual].truth = true
	}
	if kind == Decision && of.prediction >= 0 {
		p.slots[of.prediction].truth = true
	}
}

// Layout returns the layout of the rows.
func (p *Plan) Layout() *Layout { return p.layout }

// value names the slice of a numeric value.
func (p *Plan) value(x float64) string {
	s, ok := p.values[x]
	if !ok {
		s, _ = record.Num(x).Category()
		if p.values == nil {
			p.values = make(map[float64]string)
		}
		if len(p.values) < 4*p.layout.Limits.SegmentValues {
			p.values[x] = s
		}
	}
	return s
}
