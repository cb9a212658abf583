package profile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/driftmeter/driftmeter/internal/model"
)

// Other names the slice of a segment that takes the values beyond the limit.
const Other = "other"

// Profile is what is kept of one model, version and window.
//
// An empty Profile of a layout is the identity of Merge. A Profile is not safe
// for concurrent use.
type Profile struct {
	layout   *Layout
	Whole    *Slice
	segments []slicesOf
	// Overflow counts the records that went to a slice Other because their
	// segment had its limit of slices.
	Overflow uint64
}

// slicesOf are the slices of one segment.
type slicesOf struct {
	known []*Slice          // of a dictionary's values, intervals or the condition
	fresh map[string]*Slice // of other values
	other *Slice            // beyond the limit
	n     int               // slices in known and fresh
}

// New returns an empty profile.
func New(l *Layout) *Profile {
	p := &Profile{layout: l, Whole: newSlice(l), segments: make([]slicesOf, len(l.Segments))}
	for i := range p.segments {
		p.segments[i].known = make([]*Slice, len(l.segmentValues(i)))
	}
	return p
}

// segmentValues names the slices of segment i that are known beforehand.
func (l *Layout) segmentValues(i int) []string {
	s := l.Segments[i]
	if vs := s.Values(); vs != nil {
		return vs
	}
	if f, ok := l.Field(s.Field); ok && l.Fields[f].Categories != nil {
		return l.Fields[f].Categories.Values()
	}
	return nil
}

// Layout says what the numbers stand for.
func (p *Profile) Layout() *Layout { return p.layout }

// Add counts row i of r, which must come from a plan of the same layout.
func (p *Profile) Add(r *Rows, i int) {
	p.Whole.add(r, i)
	n := len(p.segments)
	segs := r.segs[i*n : (i+1)*n]
	for j := range segs {
		switch c := &segs[j]; c.state {
		case known:
			p.slice(j, int(c.bin), "").add(r, i)
		case fresh:
			p.slice(j, -1, r.texts[c.bin]).add(r, i)
		default:
		}
	}
}

// slice returns the slice of a segment for a value that is known beforehand,
// by its number, or for another one, by its name. Beyond the limit that is
// Other.
func (p *Profile) slice(segment, value int, name string) *Slice {
	s := &p.segments[segment]
	if value >= 0 {
		if s.known[value] != nil {
			return s.known[value]
		}
	} else if sl := s.fresh[name]; sl != nil {
		return sl
	}
	if s.n >= p.layout.Limits.SegmentValues {
		if s.other == nil {
			s.other = newSlice(p.layout)
		}
		p.Overflow++
		return s.other
	}
	s.n++
	sl := newSlice(p.layout)
	if value >= 0 {
		s.known[value] = sl
	} else {
		if s.fresh == nil {
			s.fresh = make(map[string]*Slice)
		}
		s.fresh[name] = sl
	}
	return sl
}

// Segment names a slice of a profile.
type Segment struct {
	Name  string // of the segment; empty for the whole
	Value string
}

// Segments returns the slices that are not empty, by segment, then value, with
// Other last. The whole is not among them.
func (p *Profile) Segments() []Segment {
	var all []Segment
	for i := range p.segments {
		s := &p.segments[i]
		name := p.layout.Segments[i].Name
		var values []string
		for j, v := range p.layout.segmentValues(i) {
			if s.known[j] != nil {
				values = append(values, v)
			}
		}
		if len(p.layout.Segments[i].Boundaries) == 0 {
			for v := range s.fresh {
				values = append(values, v)
			}
			slices.Sort(values)
		}
		for _, v := range values {
			all = append(all, Segment{name, v})
		}
		if s.other != nil {
			all = append(all, Segment{name, Other})
		}
	}
	return all
}

// Slice returns a slice by name; the zero Segment is the whole.
func (p *Profile) Slice(seg Segment) (*Slice, bool) {
	if seg.Name == "" {
		return p.Whole, true
	}
	for i := range p.segments {
		if p.layout.Segments[i].Name != seg.Name {
			continue
		}
		s := &p.segments[i]
		if j := slices.Index(p.layout.segmentValues(i), seg.Value); j >= 0 {
			return s.known[j], s.known[j] != nil
		}
		if sl := s.fresh[seg.Value]; sl != nil {
			return sl, true
		}
		if seg.Value == Other {
			return s.other, s.other != nil
		}
	}
	return nil, false
}

// ErrLayout is wrapped by the error of Merge.
var ErrLayout = errors.New("profiles of different layouts")

// Merge adds o, which has the same layout and is not modified. Use Convert
// first where layouts differ.
func (p *Profile) Merge(o *Profile) error {
	if p.layout.ID() != o.layout.ID() {
		return fmt.Errorf("%w: %s and %s", ErrLayout, p.layout.ID(), o.layout.ID())
	}
	if err := p.Whole.merge(o.Whole); err != nil {
		return err
	}
	p.Overflow += o.Overflow
	for i := range o.segments {
		for j, sl := range o.segments[i].known {
			if sl == nil {
				continue
			}
			if err := p.absorb(i, j, "", sl); err != nil {
				return err
			}
		}
		names := make([]string, 0, len(o.segments[i].fresh))
		for name := range o.segments[i].fresh {
			names = append(names, name)
		}
		slices.Sort(names) // which of them find room must not depend on chance
		for _, name := range names {
			if err := p.absorb(i, -1, name, o.segments[i].fresh[name]); err != nil {
				return err
			}
		}
		if sl := o.segments[i].other; sl != nil {
			s := &p.segments[i]
			if s.other == nil {
				s.other = newSlice(p.layout)
			}
			if err := s.other.merge(sl); err != nil {
				return err
			}
		}
	}
	return nil
}

// absorb merges sl into the slice of a segment. What overflows here is counted
// as in Add: once a record.
func (p *Profile) absorb(segment, value int, name string, sl *Slice) error {
	before := p.Overflow
	into := p.slice(segment, value, name)
	if p.Overflow != before {
		p.Overflow = before + max(sl.Predictions, sl.Actuals)
	}
	return into.merge(sl)
}

// Empty reports whether nothing was counted.
func (p *Profile) Empty() bool { return p.Whole.Predictions == 0 && p.Whole.Actuals == 0 }

// Bytes estimates the memory that p holds: what documentation calls
// f(fields, bins, segments).
func (p *Profile) Bytes() int64 {
	n := int64(1)
	for i := range p.segments {
		n += int64(p.segments[i].n)
	}
	return n * p.layout.SliceBytes()
}

// SliceBytes is the memory of one slice: 16 B a bin and 2.2 kB a numeric field,
// 8 B a category, 4 kB for the distinct values of a field that has many, and 32 B a
// bin of scores.
func (l *Layout) SliceBytes() int64 {
	n := int64(256)
	for i := range l.Fields {
		f := &l.Fields[i]
		n += 128
		if f.Type == model.Numeric {
			n += 2200 + 4200
		}
		if f.Grid != nil {
			n += 16*int64(f.Grid.Bins()) + 1200
		}
		if f.Categories != nil {
			n += 8*int64(f.Categories.Len()) + 256
		}
	}
	for i := range l.Outputs {
		n += 1500
		if g := l.Outputs[i].Grid; g != nil {
			n += 32 * int64(g.Bins())
		}
		if c := l.Outputs[i].Classes; c != nil {
			n += 8 * int64(c.Len()) * int64(c.Len())
		}
	}
	return n
}
