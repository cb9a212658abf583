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
	Duplicates  uint64   // predictions that were not counted, since their id had come before
	Fields      []Field  // as in the layout
	Outputs     []Output // as in the layout
	Tallies     []Tally  // as in the layout

	// Retracted is what was counted above and is not so any more; nil while there is
	// nothing. Both only ever grow, so that slices add up in any order; Net takes the
	// one from the other.
	Retracted *Slice
	// Unsettled says of a net slice that something was retracted which is not there:
	// its counting is on its way or lost. What it concerns is as it was counted.
	Unsettled bool

	taken   bool  // this is the Retracted of another slice
	list    int   // of its rows, while some are being counted
	size    int64 // as when the profile's Bytes was last called
	changed bool  // since then
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
	s := &Slice{Fields: make([]Field, len(l.Fields)), Outputs: make([]Output, len(l.Outputs)), Tallies: newTallies(l, false)}
	for i := range l.Fields {
		s.Fields[i] = newField(&l.Fields[i], l.Limits)
	}
	for i := range l.Outputs {
		s.Outputs[i] = newOutput(&l.Outputs[i])
	}
	return s
}

func newField(l *FieldLayout, limits Limits) (f Field) {
	switch l.Type {
	case model.Numeric:
		if l.Grid != nil {
			f.Hist = l.Grid.NewHist()
		}
		f.Moments, f.Distinct = new(moments.Moments), new(distinct.Set)
	case model.Categorical, model.Boolean:
		f.Counts = counts.New(l.Categories.Len(), limits.NewCategories)
		f.Distinct = new(distinct.Set)
	default:
	}
	return f
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

// merge adds o, a slice of the same layout, but for what it retracts.
func (s *Slice) merge(o *Slice) error {
	s.Predictions += o.Predictions
	s.Actuals += o.Actuals
	s.Duplicates += o.Duplicates
	s.Unsettled = s.Unsettled || o.Unsettled
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
	for i := range s.Tallies {
		if err := s.Tallies[i].merge(&o.Tallies[i]); err != nil {
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
