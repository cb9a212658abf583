package profile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Other names the slice of a segment that takes the values beyond the limit. A
// value that is itself called "other" is not told apart from them.
const Other = "other"

// Profile is what is kept of one model, version and window.
//
// An empty Profile of a layout is the identity of Merge. A Profile is not safe
// for concurrent use.
type Profile struct {
	layout   *Layout
	Whole    *Slice
	segments []slicesOf
	// Overflow counts the predictions that went to a slice Other because their
	// segment had its limit of slices, once for each such segment.
	Overflow uint64
	// lacking says of tallies that a part was counted by a layout without them; nil
	// where none was.
	lacking []bool
	// Regridded says that a part was counted by another layout, so that not all is
	// what counting would have given: see Convert.
	Regridded bool

	size    int64    // of the slices, as when Bytes was last called
	changed []*Slice // since then
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
		p.segments[i].known = make([]*Slice, len(l.values[i]))
	}
	p.touch(p.Whole)
	return p
}

// Layout says what the numbers stand for.
func (p *Profile) Layout() *Layout { return p.layout }

// Add counts row i of r, which must come from a plan of the same layout. It is
// AddRange of one row.
func (p *Profile) Add(r *Rows, i int) { p.AddRange(r, i, i+1) }

// slice returns the slice of a segment for a value that is known beforehand,
// by its number, or for another one, by its name. over says that it is Other
// for want of room.
func (p *Profile) slice(segment, value int, name string) (sl *Slice, over bool) {
	s := &p.segments[segment]
	if value >= 0 {
		if sl = s.known[value]; sl != nil {
			return sl, false
		}
		name = p.layout.values[segment][value]
	} else if sl = s.fresh[name]; sl != nil {
		return sl, false
	}
	if over = s.n >= p.layout.Limits.SegmentValues; over || name == Other {
		return p.other(segment), over && name != Other
	}
	sl = newSlice(p.layout)
	s.put(value, name, sl)
	return sl, false
}

// put keeps the slice of a value that has none yet.
func (s *slicesOf) put(value int, name string, sl *Slice) {
	s.n++
	if value >= 0 {
		s.known[value] = sl
		return
	}
	if s.fresh == nil {
		s.fresh = make(map[string]*Slice)
	}
	s.fresh[strings.Clone(name)] = sl // it may be a part of a large text
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
		name := p.layout.Segments[i].Name
		for _, v := range p.segments[i].values(p.layout.values[i]) {
			all = append(all, Segment{name, v})
		}
		if p.segments[i].other != nil {
			all = append(all, Segment{name, Other})
		}
	}
	return all
}

// values names the slices but Other: those of intervals in their order, others
// ascending, of which those known beforehand have these names.
func (s *slicesOf) values(known []string) []string {
	var names []string
	for j, sl := range s.known {
		if sl != nil {
			names = append(names, known[j])
		}
	}
	if len(s.fresh) > 0 { // a segment of intervals has none
		for v := range s.fresh {
			names = append(names, v)
		}
		slices.Sort(names)
	}
	return names
}

// Slice returns a slice by name; the zero Segment is the whole.
func (p *Profile) Slice(seg Segment) (*Slice, bool) {
	if seg.Name == "" {
		return p.Whole, true
	}
	for i := range p.segments {
		if p.layout.Segments[i].Name == seg.Name {
			sl := p.segments[i].get(p.layout.value(i, seg.Value), seg.Value)
			return sl, sl != nil
		}
	}
	return nil, false
}

// get returns the slice of a value, nil if there is none.
func (s *slicesOf) get(value int, name string) *Slice {
	switch {
	case name == Other:
		return s.other
	case value >= 0:
		return s.known[value]
	}
	return s.fresh[name]
}

// ErrLayout is wrapped by the error of Merge.
var ErrLayout = errors.New("profiles of different layouts")

// Merge adds o, which has the same layout and is not modified. Use Convert
// first where layouts differ.
func (p *Profile) Merge(o *Profile) error {
	if p.layout.ID() != o.layout.ID() {
		return fmt.Errorf("%w: %s and %s", ErrLayout, p.layout.ID(), o.layout.ID())
	}
	if err := p.add(p.Whole, o.Whole); err != nil {
		return err
	}
	p.Overflow += o.Overflow
	p.Regridded = p.Regridded || o.Regridded
	for i, lacks := range o.lacking {
		p.lack(i, lacks)
	}
	for i := range o.segments {
		s := &o.segments[i]
		// Which values find room must not depend on chance, so they come in order.
		for _, name := range s.values(o.layout.values[i]) {
			if err := p.absorb(i, name, s.get(o.layout.value(i, name), name)); err != nil {
				return err
			}
		}
		if s.other == nil {
			continue
		}
		if err := p.add(p.other(i), s.other); err != nil {
			return err
		}
	}
	return nil
}

// add merges o into a slice of p, with what it retracts.
func (p *Profile) add(s, o *Slice) error {
	p.touch(s)
	if err := s.merge(o); err != nil || o.Retracted == nil {
		return err
	}
	return p.retracted(s).merge(o.Retracted)
}

// other returns the slice Other of a segment.
func (p *Profile) other(segment int) *Slice {
	s := &p.segments[segment]
	if s.other == nil {
		s.other = newSlice(p.layout)
		p.touch(s.other)
	}
	return s.other
}

// absorb merges sl into the slice of a value of a segment.
func (p *Profile) absorb(segment int, name string, sl *Slice) error {
	into, over := p.slice(segment, p.layout.value(segment, name), name)
	if over {
		p.Overflow += sl.Predictions
	}
	return p.add(into, sl)
}

// Lacks reports whether a part of p was counted without a tally, so that what it
// holds is not all.
func (p *Profile) Lacks(tally int) bool { return p.lacking != nil && p.lacking[tally] }

func (p *Profile) lack(tally int, lacks bool) {
	if lacks && p.lacking == nil {
		p.lacking = make([]bool, len(p.layout.Tallies))
	}
	if lacks {
		p.lacking[tally] = true
	}
}

// Empty reports whether nothing was counted.
func (p *Profile) Empty() bool { return p.Whole.empty() && p.Whole.Retracted == nil }
