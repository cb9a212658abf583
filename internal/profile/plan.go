package profile

import (
	"fmt"
	"math"
	"strings"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
)

// A Plan turns records into rows of cells that profiles of one layout add.
//
// It walks a record once: each field is expected where it stood in the record
// before, so that in the steady state no key is looked up and nothing is
// allocated. A Plan is not safe for concurrent use; make one per goroutine.
type Plan struct {
	layout  *Layout
	guess   []int // slot of the i-th field of the previous record, −1 for none
	actuals span  // of the fields
	segs    []segmentPlan
	outputs []outputPlan
	values  map[float64]string // names of the slices of a numeric field's values
}

// span is the fields from lo up to hi, hi not among them.
type span struct{ lo, hi int }

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
		if l.Fields[i].Key.Group < record.Actuals {
			p.actuals.lo = i + 1
		}
		if l.Fields[i].Key.Group <= record.Actuals {
			p.actuals.hi = i + 1
		}
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
		p.outputs = append(p.outputs, op)
	}
	return p, nil
}

// Layout returns the layout of the rows.
func (p *Plan) Layout() *Layout { return p.layout }

// state says what a cell holds.
type state uint8

const (
	absent    state = iota // not part of this record
	missing                // null, NaN, or not there
	invalid                // of the wrong type
	nonFinite              // ±Inf
	number                 // x, in bin
	known                  // category number bin
	fresh                  // a category that the reference does not have, text number bin
	opaque                 // there, and of a type of which only the presence is kept
)

// cell is one resolved field: all that a slice needs to add it.
type cell struct {
	x     float64
	bin   int32
	state state
	out   bool // of range
}

// row is one resolved record; its cells, outputs and segments stand in Rows.
type row struct {
	time     int64
	counted  bool // as a prediction
	labelled bool // has an actual
}

// Rows is a reusable list of resolved records of one plan.
type Rows struct {
	plan   *Plan
	rows   []row
	cells  []cell    // len(Fields) a row
	outs   []outcome // len(Outputs) a row
	segs   []cell    // len(Segments) a row: number = known slice, fresh = by text, absent = in none
	texts  []string
	cond   condRow // the row under way
	every  []int32 // the rows being added
	shares shares  // and how they fall to the slices of a segment
}

// NewRows returns an empty list.
func (p *Plan) NewRows() *Rows { return &Rows{plan: p} }

// Reset forgets the rows and keeps the memory.
func (r *Rows) Reset() {
	clear(r.texts)
	r.rows, r.cells, r.outs, r.segs, r.texts = r.rows[:0], r.cells[:0], r.outs[:0], r.segs[:0], r.texts[:0]
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.rows) }

// Time returns the event time of row i, unix nanoseconds.
func (r *Rows) Time(i int) int64 { return r.rows[i].time }

// Add resolves rec. It returns the number of fields that the layout does not
// have, and the key of the first of them.
func (r *Rows) Add(rec *record.Record) (unknown int, first record.Key) {
	p, l := r.plan, r.plan.layout
	n := len(l.Fields)
	base := len(r.cells)
	r.cells = grow(r.cells, n)
	cells := r.cells[base : base+n : base+n]
	clear(cells)
	counted := rec.Event == record.Prediction || rec.Event == record.Reference
	for len(p.guess) < len(rec.Fields) {
		p.guess = append(p.guess, -1)
	}
	for i := range rec.Fields {
		f := &rec.Fields[i]
		slot := p.guess[i]
		if slot < 0 || l.Fields[slot].Key.Group != f.Group || l.Fields[slot].Key.Name != f.Name {
			var ok bool
			if slot, ok = l.Field(record.Key{Group: f.Group, Name: f.Name}); !ok {
				if unknown++; unknown == 1 {
					first = record.Key{Group: f.Group, Name: f.Name}
				}
				continue
			}
			p.guess[i] = slot
		}
		r.resolve(&cells[slot], &l.Fields[slot], &f.Value)
	}
	labelled := false
	for i := range cells {
		if actual := i >= p.actuals.lo && i < p.actuals.hi; actual {
			labelled = labelled || cells[i].state > missing // one that is not there is late
		} else if cells[i].state == absent && counted {
			cells[i].state = missing
		}
	}
	if labelled {
		r.judge(rec, cells)
	} else {
		at := len(r.outs)
		r.outs = grow(r.outs, len(l.Outputs))
		clear(r.outs[at:])
	}
	r.segment(cells)
	if !counted {
		// Its prediction has been counted: only what is new counts now.
		clear(cells[:p.actuals.lo])
		clear(cells[p.actuals.hi:])
	}
	r.rows = append(r.rows, row{time: rec.Time, counted: counted, labelled: labelled})
	return unknown, first
}

// grow lengthens s by n, without clearing what it uses again.
func grow[T any](s []T, n int) []T {
	if need := len(s) + n; need <= cap(s) {
		return s[:need]
	}
	return append(s, make([]T, n)...)
}

// resolve fills c with a value of field f.
func (r *Rows) resolve(c *cell, f *FieldLayout, v *record.Value) {
	k := v.Kind()
	switch {
	case k == record.Missing:
		c.state = missing
		return
	case k == record.Text && f.Type != model.Text:
		if s, _ := v.Text(); s == "" {
			c.state = missing
			return
		}
	}
	switch f.Type {
	case model.Numeric:
		x, ok := v.Float()
		switch {
		case !ok:
			c.state = invalid
		case math.IsInf(x, 0):
			c.state = nonFinite
		default:
			c.state, c.x = number, x
			c.out = x < f.Min || x > f.Max
			if f.Grid != nil {
				c.bin = int32(f.Grid.Find(x))
			}
		}
	case model.Categorical:
		r.category(c, f, *v)
	case model.Boolean:
		b, ok := v.Bool()
		if !ok {
			c.state = invalid
			return
		}
		r.named(c, f, boolName(b))
	default:
		c.state = opaque
		if !fits(f.Type, *v) {
			c.state = invalid
		}
	}
}

func boolName(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (r *Rows) category(c *cell, f *FieldLayout, v record.Value) {
	if s, ok := v.Text(); ok {
		r.named(c, f, s)
		return
	}
	if i, ok := v.Int(); ok {
		if n, ok := f.Categories.IndexInt(i); ok {
			c.state, c.bin = known, n
			return
		}
	}
	s, ok := v.Category()
	if _, whole := v.Int(); !ok || v.Kind() == record.Number && !whole {
		c.state = invalid // a fraction is no category
		return
	}
	r.named(c, f, s)
}

func (r *Rows) named(c *cell, f *FieldLayout, s string) {
	n, ok := f.Categories.Index(s)
	if !ok {
		s = counts.Key(strings.ToValidUTF8(s, "\uFFFD")) // profiles are protobuf, which has no other text
		n, ok = f.Categories.Index(s)
	}
	if ok {
		c.state, c.bin = known, n
		return
	}
	c.state, c.bin = fresh, r.text(s)
}

// text keeps s until Reset and returns its number.
func (r *Rows) text(s string) int32 {
	r.texts = append(r.texts, s)
	return int32(len(r.texts) - 1)
}

// segment finds the slice of each segment that the row belongs to.
func (r *Rows) segment(cells []cell) {
	p := r.plan
	at := len(r.segs)
	r.segs = grow(r.segs, len(p.segs))
	for i := range p.segs {
		s := &p.segs[i]
		c := cell{state: absent}
		switch {
		case s.cond != nil:
			r.cond = condRow{r, cells}
			if s.cond.Eval(&r.cond) {
				c.state = known
			}
		case s.slot < 0:
		case s.cuts != nil:
			if f := &cells[s.slot]; f.state == number {
				c.state, c.bin = known, int32(band(s.cuts, f.x))
			}
		default:
			switch f := &cells[s.slot]; f.state {
			case known, fresh:
				c.state, c.bin = f.state, f.bin
			case number:
				c.state, c.bin = fresh, r.text(p.value(f.x))
			default:
			}
		}
		r.segs[at+i] = c
	}
}

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

// band returns the number of boundaries that are at most x.
func band(cuts []float64, x float64) int {
	n := 0
	for _, c := range cuts {
		if x >= c {
			n++
		}
	}
	return n
}

// fits reports whether v can be a value of a type of which only presence is kept.
func fits(t model.FieldType, v record.Value) bool {
	switch t {
	case model.Text:
		return v.Kind() == record.Text
	case model.Datetime:
		return v.Kind() == record.Text || v.Kind() == record.Integer || v.Kind() == record.Number
	case model.Embedding:
		return v.Kind() == record.List && all(v, func(e record.Value) bool { _, ok := e.Float(); return ok })
	case model.Array:
		return v.Kind() == record.List && all(v, func(e record.Value) bool { _, ok := e.Category(); return ok })
	case model.Dict:
		return v.Kind() == record.Dict && all(v, func(e record.Value) bool { _, ok := e.Float(); return ok })
	default:
	}
	return false
}

func all(v record.Value, ok func(record.Value) bool) bool {
	for _, e := range v.Elements() {
		if !ok(e.Value) {
			return false
		}
	}
	return true
}
