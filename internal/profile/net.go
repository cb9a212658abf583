package profile

import (
	"errors"
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
)

// Net returns the profile as if what was retracted had never been counted: the one
// to answer questions from. Counts, sums, matrices and histograms are exactly those
// of the labels that hold. Nobody knows the next smallest, largest and distinct
// values, so those of a number that was corrected stay, with the largest error of
// its output.
//
// Where something was retracted that is not there, since the part of the profile in
// which it was counted is on its way or lost, that statistic is as it was counted,
// and its slice is Unsettled.
//
// The net profile shares memory with p, and is p where nothing was retracted: read
// it, and add to p.
func (p *Profile) Net() *Profile {
	if !p.retracts() {
		return p
	}
	net := &Profile{layout: p.layout, Overflow: p.Overflow, Regridded: p.Regridded, lacking: p.lacking, segments: make([]slicesOf, len(p.segments))}
	net.Whole = net.settle(p.Whole)
	for i := range p.segments {
		of, to := &p.segments[i], &net.segments[i]
		to.n, to.known, to.fresh = of.n, slices.Clone(of.known), maps.Clone(of.fresh)
		for j, s := range to.known {
			if s != nil {
				if to.known[j] = net.kept(s); to.known[j] == nil {
					to.n--
				}
			}
		}
		for name, s := range to.fresh {
			if s = net.kept(s); s != nil {
				to.fresh[name] = s
			} else {
				delete(to.fresh, name)
				to.n--
			}
		}
		if of.other != nil {
			to.other = net.kept(of.other)
		}
	}
	return net
}

// settled reports whether no slice is Unsettled.
func (p *Profile) settled() bool {
	for _, seg := range append(p.Segments(), Segment{}) {
		if s, ok := p.Slice(seg); ok && s.Unsettled {
			return false
		}
	}
	return true
}

// retracts reports whether a slice has something to take back. What a segment
// takes back, the whole does too.
func (p *Profile) retracts() bool { return p.Whole.Retracted != nil }

// kept is settle, but nil for a slice of which nothing is left.
func (p *Profile) kept(s *Slice) *Slice {
	if s.Retracted != nil {
		if s = p.settle(s); s.empty() {
			return nil
		}
		return s
	}
	return p.settle(s)
}

// settle returns a slice of p: s without what it retracts.
func (p *Profile) settle(s *Slice) *Slice {
	net, back := *s, s.Retracted
	net.Retracted, net.size, net.changed = nil, 0, false
	if p.touch(&net); back == nil {
		return &net
	}
	if net.Actuals -= back.Actuals; back.Actuals > s.Actuals {
		net.Actuals, net.Unsettled = s.Actuals, true
	}
	net.Fields, net.Outputs = slices.Clone(s.Fields), slices.Clone(s.Outputs)
	for i := range net.Fields {
		if f := &net.Fields[i]; back.Fields[i].Rows() > 0 {
			if of, err := f.without(&back.Fields[i], &p.layout.Fields[i], p.layout.Limits); err == nil {
				*f = of
			} else {
				net.Unsettled = true
			}
		}
	}
	for i := range net.Outputs {
		if o := &net.Outputs[i]; !back.Outputs[i].empty() {
			of := newOutput(&p.layout.Outputs[i])
			if errors.Join(of.merge(o), of.sub(&back.Outputs[i])) == nil {
				*o = of
			} else {
				net.Unsettled = true
			}
		}
	}
	net.Tallies = slices.Clone(s.Tallies)
	for i := range net.Tallies {
		if t := &net.Tallies[i]; !back.Tallies[i].empty() {
			if of, err := p.layout.without(i, t, &back.Tallies[i]); err == nil {
				*t = of
			} else {
				net.Unsettled = true
			}
		}
	}
	return &net
}

// less reports whether f cannot have counted what o has.
func (f *Field) less(o *Field) bool {
	return o.Count > f.Count || o.Missing > f.Missing || o.Invalid > f.Invalid || o.NonFinite > f.NonFinite || o.Zero > f.Zero || o.OutOfRange > f.OutOfRange
}

// untally takes away the plain counts of o.
func (f *Field) untally(o *Field) {
	f.Count -= o.Count
	f.Missing -= o.Missing
	f.Invalid -= o.Invalid
	f.NonFinite -= o.NonFinite
	f.Zero -= o.Zero
	f.OutOfRange -= o.OutOfRange
}

// without returns a copy of f without what o counted.
func (f *Field) without(o *Field, l *FieldLayout, limits Limits) (Field, error) {
	if f.less(o) {
		return Field{}, num.ErrSub
	}
	left := *f
	if o.Count > 0 {
		left = newField(l, limits)
		if err := errors.Join(left.merge(f), left.sub(o)); err != nil {
			return Field{}, err
		}
	}
	left.untally(o)
	return left, nil
}

// sub takes away the values of o, of which there are some, but for the plain
// counts. After an error f is of no use.
func (f *Field) sub(o *Field) error {
	var hist, sums, categories error
	if f.Hist != nil {
		hist = f.Hist.Sub(o.Hist)
	}
	if f.Moments != nil {
		sums = f.Moments.Sub(o.Moments)
	}
	if f.Counts != nil {
		categories = f.Counts.Sub(o.Counts)
	}
	switch {
	case f.Distinct == nil:
	case f.Count == o.Count:
		f.Distinct = new(distinct.Set)
	case f.Counts != nil && f.Counts.Other == 0:
		f.Distinct = named(f.Counts)
	}
	return errors.Join(hist, sums, categories)
}

// named returns the set of new values, each of which has a name.
func named(c *counts.Counts) *distinct.Set {
	s := new(distinct.Set)
	for _, v := range c.NewValues() {
		s.Insert(distinct.HashString(v.Value))
	}
	return s
}

// sub takes away what o counted. After an error out is of no use.
func (out *Output) sub(o *Output) error {
	if o.Invalid > out.Invalid {
		return num.ErrSub
	}
	out.Invalid -= o.Invalid
	switch {
	case out.Binary != nil:
		return out.Binary.Sub(o.Binary)
	case out.Multiclass != nil:
		return out.Multiclass.Sub(o.Multiclass)
	default:
		return out.Regression.Sub(o.Regression)
	}
}

// empty reports whether nothing is counted in s.
func (s *Slice) empty() bool {
	if s.Predictions > 0 || s.Actuals > 0 || s.Duplicates > 0 {
		return false
	}
	for i := range s.Fields {
		if s.Fields[i].Rows() > 0 {
			return false
		}
	}
	for i := range s.Outputs {
		if !s.Outputs[i].empty() {
			return false
		}
	}
	for i := range s.Tallies {
		if !s.Tallies[i].empty() {
			return false
		}
	}
	return true
}

// empty reports whether no labelled row is counted in out.
func (out *Output) empty() bool {
	switch {
	case out.Invalid > 0:
		return false
	case out.Binary != nil:
		return out.Binary.N() == 0
	case out.Multiclass != nil:
		return out.Multiclass.N() == 0
	default:
		return out.Regression.N == 0
	}
}
