package profile

import (
	"fmt"
	"slices"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Convert returns what p would be, had its records been counted by another
// layout, as far as p can tell; p is not modified. Fields are matched by key,
// outputs by prediction and kind, segments by name and definition. What the
// other layout does not have is left out; what p does not have stays empty.
//
// Counts, moments, categories and the classes of both layouts carry over
// exactly. Histograms on another grid are estimated by grid.Regrid. The warnings
// name everything that is not what counting would have given, each once, in the
// order of the layout.
//
// Tallies of custom metrics that both layouts have carry over as their fields and
// outputs do; those that p does not have are not warned of, but the profile Lacks
// them.
//
// What was retracted is converted likewise. Estimates do not add up, though: where
// an actual or an output moves to another grid, all that can be taken back is taken
// back before.
func (p *Profile) Convert(to *Layout) (converted *Profile, warnings []string) {
	c := &conversion{from: p.layout, to: to}
	if p.retracts() && c.estimates() {
		if net := p.Net(); net.settled() {
			p = net
		}
	}
	out := New(to)
	out.Overflow = p.Overflow
	_ = out.add(out.Whole, c.slice(p.Whole)) // slices of one layout merge
	for i := range to.Segments {
		j := slices.IndexFunc(p.layout.Segments, to.Segments[i].same)
		if j < 0 {
			c.warn("segment %q: the profile is not sliced by it", to.Segments[i].Name)
			continue
		}
		s := &p.segments[j]
		for _, name := range s.values(p.layout.values[j]) {
			_ = out.absorb(i, name, c.slice(s.get(p.layout.value(j, name), name)))
		}
		if s.other != nil {
			_ = out.add(out.other(i), c.slice(s.other))
		}
	}
	out.Regridded = p.Regridded || len(c.warnings) > 0
	c.lacks(p, out)
	return out, c.warnings
}

// same reports whether both segments have the same slices.
func (s SegmentLayout) same(o SegmentLayout) bool {
	return s.Name == o.Name && s.Field == o.Field && s.Where == o.Where && slices.Equal(s.Boundaries, o.Boundaries)
}

// A conversion takes slices from one layout to another.
type conversion struct {
	from, to *Layout
	warnings []string
}

// warn remembers a warning, unless another slice has given it already.
func (c *conversion) warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); !slices.Contains(c.warnings, w) {
		c.warnings = append(c.warnings, w)
	}
}

// estimates reports whether what is kept of actuals and outputs may have to be
// estimated.
func (c *conversion) estimates() bool {
	for i := range c.to.Fields {
		to := &c.to.Fields[i]
		if j, ok := c.from.Field(to.Key); ok && to.Key.Group == record.Actuals {
			from := &c.from.Fields[j]
			if !sameGrid(from.Grid, to.Grid) || from.Min != to.Min || from.Max != to.Max ||
				to.Categories != nil && (from.Categories == nil || !slices.Equal(from.Categories.Values(), to.Categories.Values())) {
				return true
			}
		}
	}
	for i := range c.to.Outputs {
		to := &c.to.Outputs[i]
		if j, ok := c.from.Output(to.Prediction); ok {
			if from := &c.from.Outputs[j]; !sameGrid(from.Grid, to.Grid) || from.Threshold != to.Threshold {
				return true
			}
		}
	}
	for i := range c.to.Tallies {
		if j := c.tally(i); j >= 0 && c.tallyEstimates(&c.from.tallies[j], &c.to.tallies[i]) {
			return true
		}
	}
	return false
}

func sameGrid(a, b *grid.Grid) bool {
	return a == b || a != nil && b != nil && a.ID() == b.ID()
}

// slice converts a slice and what it retracts.
func (c *conversion) slice(s *Slice) *Slice {
	into := newSlice(c.to)
	c.fill(s, into)
	if s.Retracted != nil {
		into.Retracted = newRetracted(c.to)
		c.fill(s.Retracted, into.Retracted)
	}
	return into
}

// fill fills the empty slice into.
func (c *conversion) fill(s, into *Slice) {
	into.Predictions, into.Actuals, into.Duplicates, into.Unsettled = s.Predictions, s.Actuals, s.Duplicates, s.Unsettled
	for i := range c.to.Fields {
		to := &c.to.Fields[i]
		j, ok := c.from.Field(to.Key)
		switch {
		case !ok:
			c.warn("%s: the profile does not have it", to.Key)
		case c.from.Fields[j].Type != to.Type:
			c.warn("%s: was %s, is %s", to.Key, c.from.Fields[j].Type, to.Type)
		default:
			c.field(&s.Fields[j], &c.from.Fields[j], &into.Fields[i], to)
		}
	}
	for i := range c.to.Outputs {
		to := &c.to.Outputs[i]
		j, ok := c.from.Output(to.Prediction)
		switch {
		case !ok:
			c.warn("output %q: the profile does not have it", to.Prediction)
		case c.from.Outputs[j].Kind != to.Kind:
			c.warn("output %q: was a %s, is a %s", to.Prediction, c.from.Outputs[j].Kind, to.Kind)
		case c.from.Outputs[j].Actual != to.Actual:
			c.warn("output %q: was judged by %q, is judged by %q", to.Prediction, c.from.Outputs[j].Actual, to.Actual)
		default:
			c.output(&s.Outputs[j], &c.from.Outputs[j], &into.Outputs[i], to)
		}
	}
	c.tallies(s, into)
}

func (c *conversion) field(f *Field, from *FieldLayout, into *Field, to *FieldLayout) {
	into.tally(f)
	switch {
	case into.Moments == nil && into.Counts == nil: // also of an input that is retracted
	case to.Type == model.Numeric:
		into.Moments.Merge(f.Moments)
		into.Distinct.Merge(f.Distinct)
		c.histogram(f, from, into, to)
		c.outOfRange(f, from, into, to)
	default:
		into.Counts = f.Counts.Remap(from.Categories, to.Categories, c.to.Limits.NewCategories)
		c.distinct(f, from, into, to)
	}
}

// histogram moves the values to the grid of the other layout. Without a grid of
// their own they are taken to be uniform between their extremes.
func (c *conversion) histogram(f *Field, from *FieldLayout, into *Field, to *FieldLayout) {
	if to.Grid == nil {
		return
	}
	g, h := from.Grid, f.Hist
	if g == nil {
		g = grid.Build(nil, grid.Options{})
		h = g.NewHist()
		h.Counts[0], h.Lower = f.Moments.N, f.Moments.D // the sum around 0
	}
	if g.ID() != to.Grid.ID() {
		c.warn("%s: regridded", to.Key)
	}
	into.Hist = grid.Regrid(g, h, to.Grid, f.Moments.Min, f.Moments.Max)
}

// outOfRange counts the values outside the other layout's range. That is exact
// where its ends are edges of the grid or do not cut the values.
func (c *conversion) outOfRange(f *Field, from *FieldLayout, into *Field, to *FieldLayout) {
	if from.Min == to.Min && from.Max == to.Max || f.Count == 0 {
		return
	}
	n, ok := outside(f, from.Grid, to.Min, to.Max)
	if !ok {
		c.warn("%s: out of another range", to.Key)
		if n, ok = outside(into, to.Grid, to.Min, to.Max); !ok {
			return
		}
	}
	into.OutOfRange = n
}

// outside counts the values of a field, of which there are some, below lo or
// above hi.
func outside(f *Field, g *grid.Grid, lo, hi float64) (n uint64, ok bool) {
	m := f.Moments
	var below, upTo uint64
	switch ok = true; {
	case m.Min >= lo:
	case m.Max < lo:
		below = m.N
	case g == nil:
		return 0, false
	default:
		below, ok = g.Below(f.Hist, lo)
	}
	also := true
	switch {
	case m.Max <= hi:
		upTo = m.N
	case m.Min > hi:
	case g == nil:
		return 0, false
	default:
		upTo, also = g.AtMost(f.Hist, hi)
	}
	return below + m.N - upTo, ok && also
}

// distinct gathers the new values. A set cannot forget, so past the limit of new
// values those that have become known are in it still.
func (c *conversion) distinct(f *Field, from *FieldLayout, into *Field, to *FieldLayout) {
	if into.Counts.Other == 0 {
		into.Distinct = named(into.Counts)
		return
	}
	into.Distinct.Merge(f.Distinct)
	if slices.Equal(from.Categories.Values(), to.Categories.Values()) {
		return
	}
	c.warn("%s: other categories, and more new values than have a count", to.Key)
	for i, n := range f.Counts.Known {
		if name := from.Categories.Value(i); n > 0 {
			if _, ok := to.Categories.Index(name); !ok {
				into.Distinct.Insert(distinct.HashString(name))
			}
		}
	}
}

func (c *conversion) output(o *Output, from *OutputLayout, into *Output, to *OutputLayout) {
	into.Invalid = o.Invalid
	c.estimate(o, from, into, to)
	switch {
	case o.Multiclass != nil:
		into.Multiclass = c.reclass(o.Multiclass, from, to)
	case o.Regression != nil:
		into.Regression.Merge(o.Regression)
	default:
		into.Binary = c.rescore(o.Binary, from, to)
	}
}

// rescore moves scores to another grid and decides them by another threshold.
func (c *conversion) rescore(b *score.Binary, from, to *OutputLayout) *score.Binary {
	out := new(score.Binary)
	_ = out.Merge(b) // an empty summary merges with any
	if to.Kind == Decision || to.Kind == Cut {
		return out
	}
	decided := from.Threshold == to.Threshold || redecide(out, from.Grid, to.Threshold)
	if from.Grid.ID() != to.Grid.ID() {
		c.warn("output %q: regridded", to.Prediction)
		out.Regrid(from.Grid, to.Grid)
	}
	if !decided {
		c.warn("output %q: the threshold was %v, is %v", to.Prediction, from.Threshold, to.Threshold)
		redecide(out, to.Grid, to.Threshold)
	}
	return out
}

// redecide decides the scores of b by another threshold. It reports false, and
// changes nothing, if that is no edge of their grid.
func redecide(b *score.Binary, g *grid.Grid, threshold float64) bool {
	fn, ok := g.Below(b.Pos, threshold)
	tn, also := g.Below(b.Neg, threshold)
	if !ok || !also {
		return false
	}
	b.Confusion = score.Confusion{TP: b.Pos.Total() - fn, FN: fn, FP: b.Neg.Total() - tn, TN: tn}
	return true
}

// reclass renumbers classes by their names. A class that the other list does not
// have becomes one of "other"; what was "other" cannot be told apart any more.
func (c *conversion) reclass(m *score.Multiclass, from, to *OutputLayout) *score.Multiclass {
	names := from.Classes.Names()
	if !slices.Equal(names, to.Classes.Names()) {
		c.warn("output %q: other classes", to.Prediction)
	}
	out := score.NewMulticlass(to.Classes.Len())
	k, n, other := len(names), to.Classes.Len(), to.Classes.Other()
	for i, actual := range names {
		for j, predicted := range names {
			count := m.Matrix[i*k+j]
			a, b := to.Classes.Index(actual), to.Classes.Index(predicted)
			out.Matrix[a*n+b] += count
			switch {
			case a != other || b != other:
			case i != j:
				out.OtherWrong += count
			case i == from.Classes.Other():
				out.OtherWrong += m.OtherWrong
			}
		}
	}
	out.LogLoss, out.LogLossN, out.OutOfRange = m.LogLoss, m.LogLossN, m.OutOfRange
	return out
}
