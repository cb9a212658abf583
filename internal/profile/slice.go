package profile

import (
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
	"github.com/driftmeter/driftmeter/internal/sketch/moments"
)

// Slice is what is kept of the whole of a window, or of one segment of it.
type Slice struct {
	Predictions uint64
	Actuals     uint64   // records that have ground truth
	Fields      []Field  // as in the layout
	Outputs     []Output // as in the layout
}

// Field is what is kept of one field in a slice.
type Field struct {
	Count      uint64 // usable values: present, of the right type, finite
	Missing    uint64
	Invalid    uint64 // of the wrong type
	NonFinite  uint64 // ±Inf
	Zero       uint64
	OutOfRange uint64
	Hist       *grid.Hist       // numeric, with a grid
	Moments    *moments.Moments // numeric
	Counts     *counts.Counts   // categorical, boolean
	Distinct   *distinct.Set    // of usable values
}

// Rows returns how many records had something to say about the field.
func (f *Field) Rows() uint64 { return f.Count + f.Missing + f.Invalid + f.NonFinite }

// newSlice returns an empty slice of layout l.
func newSlice(l *Layout) *Slice {
	s := &Slice{Fields: make([]Field, len(l.Fields)), Outputs: make([]Output, len(l.Outputs))}
	for i := range l.Fields {
		fl, f := &l.Fields[i], &s.Fields[i]
		switch fl.Type {
		case model.Numeric:
			if fl.Grid != nil {
				f.Hist = fl.Grid.NewHist()
			}
			f.Moments, f.Distinct = new(moments.Moments), new(distinct.Set)
		case model.Categorical, model.Boolean:
			f.Counts = counts.New(fl.Categories.Len(), l.Limits.NewCategories)
			f.Distinct = new(distinct.Set)
		default:
		}
	}
	for i := range l.Outputs {
		s.Outputs[i] = newOutput(&l.Outputs[i])
	}
	return s
}

// add counts row i of r.
func (s *Slice) add(r *Rows, i int) {
	l := r.plan.layout
	head := &r.rows[i]
	if head.counted {
		s.Predictions++
	}
	cells := r.cells[i*len(l.Fields) : (i+1)*len(l.Fields)]
	for j := range cells {
		s.Fields[j].add(r, &l.Fields[j], &cells[j])
	}
	if head.labelled {
		s.Actuals++
		outs := r.outs[i*len(l.Outputs) : (i+1)*len(l.Outputs)]
		for j := range outs {
			s.Outputs[j].add(&l.Outputs[j], &outs[j])
		}
	}
}

func (f *Field) add(r *Rows, l *FieldLayout, c *cell) {
	switch c.state {
	case absent:
	case missing:
		f.Missing++
	case invalid:
		f.Invalid++
	case nonFinite:
		f.NonFinite++
	case opaque:
		f.Count++
	case number:
		f.Count++
		if c.x == 0 {
			f.Zero++
		}
		if c.out {
			f.OutOfRange++
		}
		if f.Hist != nil {
			f.Hist.Add(l.Grid, int(c.bin), c.x)
		}
		f.Moments.Add(c.x, 0)
		f.Distinct.Insert(distinct.HashFloat(c.x))
	case known:
		f.Count++
		f.Counts.AddKnown(c.bin) // known categories count as distinct on reading
	case fresh:
		f.Count++
		f.Counts.AddNew(r.texts[c.bin])
		f.Distinct.Insert(distinct.HashString(r.texts[c.bin]))
	}
}

// Unique returns the number of distinct values, and whether it is exact.
func (f *Field) Unique() (n uint64, exact bool) {
	if f.Distinct == nil {
		return 0, false
	}
	n, exact = f.Distinct.Estimate()
	if f.Counts != nil {
		for _, c := range f.Counts.Known {
			if c > 0 {
				n++
			}
		}
	}
	return n, exact
}

// merge adds o, a slice of the same layout.
func (s *Slice) merge(o *Slice) error {
	s.Predictions += o.Predictions
	s.Actuals += o.Actuals
	for i := range s.Fields {
		if err := s.Fields[i].merge(&o.Fields[i]); err != nil {
			return err
		}
	}
	for i := range s.Outputs {
		if err := s.Outputs[i].merge(&o.Outputs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (f *Field) merge(o *Field) error {
	f.tally(o)
	if f.Hist != nil {
		if err := f.Hist.Merge(o.Hist); err != nil {
			return err
		}
	}
	if f.Moments != nil {
		f.Moments.Merge(o.Moments)
	}
	if f.Counts != nil {
		if err := f.Counts.Merge(o.Counts); err != nil {
			return err
		}
	}
	if f.Distinct != nil {
		f.Distinct.Merge(o.Distinct)
	}
	return nil
}

// tally adds the plain counts of o.
func (f *Field) tally(o *Field) {
	f.Count += o.Count
	f.Missing += o.Missing
	f.Invalid += o.Invalid
	f.NonFinite += o.NonFinite
	f.Zero += o.Zero
	f.OutOfRange += o.OutOfRange
}
