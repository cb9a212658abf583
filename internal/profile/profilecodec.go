package profile

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Encode returns the profile in its envelope. Equal profiles give equal bytes.
func (p *Profile) Encode() ([]byte, error) {
	m, err := p.Message()
	if err != nil {
		return nil, err
	}
	return formats.Seal(nil, formats.KindProfile, m)
}

// Decode reads what Encode wrote, for the layout that it was written with.
func Decode(b []byte, l *Layout) (*Profile, error) {
	var m formats.Profile
	if err := formats.Open(b, formats.KindProfile, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return Of(&m, l)
}

// DecodeWithin is Decode for a profile of another process: it may have so many slices
// of each segment, beside the slice other. Each takes its memory whatever the message
// says of it, so they are counted before any is made.
func DecodeWithin(b []byte, l *Layout, slices int) (*Profile, error) {
	var m formats.Profile
	if err := formats.Open(b, formats.KindProfile, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if n := len(m.GetSegments()); n > (slices+1)*len(l.Segments) {
		return nil, fmt.Errorf("it has %d slices, and limits.segment_values=%d gives %d segments room for fewer; give all processes the same limits",
			n, slices, len(l.Segments))
	}
	return Of(&m, l)
}

// Message returns the profile as its wire message.
func (p *Profile) Message() (*formats.Profile, error) {
	w := &writer{}
	m := &formats.Profile{Layout: p.layout.ID(), Whole: w.slice(p.Whole), SegmentOverflow: p.Overflow, Regridded: p.Regridded, Lacking: p.lackingTallies()}
	for i := range p.segments {
		s := &p.segments[i]
		names := s.values(p.layout.values[i])
		slices.Sort(names)
		for _, v := range names {
			m.Segments = append(m.Segments, &formats.SegmentSlice{
				Segment: uint32(i), Value: v, Slice: w.slice(s.get(p.layout.value(i, v), v)),
			})
		}
		if s.other != nil {
			m.Segments = append(m.Segments, &formats.SegmentSlice{Segment: uint32(i), Other: true, Slice: w.slice(s.other)})
		}
	}
	return m, w.err
}

// Of reads a profile from its message.
func Of(m *formats.Profile, l *Layout) (*Profile, error) {
	if m.GetLayout() != l.ID() {
		return nil, fmt.Errorf("%w: %w: %q where %q is expected", ErrCorrupt, ErrLayout, m.GetLayout(), l.ID())
	}
	r := &reader{}
	p := New(l)
	p.Overflow, p.Regridded = m.GetSegmentOverflow(), m.GetRegridded()
	r.lacking(m.GetLacking(), p)
	r.slice(m.GetWhole(), p.Whole, l)
	r.retracted(m.GetWhole().GetRetracted(), p, p.Whole)
	for _, s := range m.GetSegments() {
		if r.check(uint64(s.GetSegment()) < uint64(len(l.Segments)), "segment %d of %d", s.GetSegment(), len(l.Segments)); r.err != nil {
			break
		}
		r.segment(s, p)
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

// segment reads a slice of a segment that the layout has.
func (r *reader) segment(m *formats.SegmentSlice, p *Profile) {
	l, i, name := p.layout, int(m.GetSegment()), m.GetValue()
	s, value := &p.segments[i], p.layout.value(i, name)
	if m.GetOther() {
		r.check(s.other == nil && name == "", "segment %q: slice other twice or called %q", l.Segments[i].Name, name)
	} else {
		r.check(name != Other && s.get(value, name) == nil, "segment %q: slice %q twice", l.Segments[i].Name, name)
		r.check(value >= 0 || l.open(i), "segment %q: slice %q", l.Segments[i].Name, name)
		r.check(s.n < l.Limits.SegmentValues, "segment %q: more than %d slices", l.Segments[i].Name, l.Limits.SegmentValues)
	}
	if r.err != nil { // before anything is allocated
		return
	}
	sl := newSlice(l)
	if m.GetOther() {
		s.other = sl
	} else {
		s.put(value, name, sl)
	}
	p.touch(sl)
	r.slice(m.GetSlice(), sl, l)
	r.retracted(m.GetSlice().GetRetracted(), p, sl)
}

func (w *writer) slice(s *Slice) *formats.Slice {
	m := &formats.Slice{Predictions: s.Predictions, Actuals: s.Actuals, Duplicates: s.Duplicates}
	for i := range s.Fields {
		m.Fields = append(m.Fields, w.field(&s.Fields[i]))
	}
	for i := range s.Outputs {
		m.Outputs = append(m.Outputs, w.output(&s.Outputs[i]))
	}
	for i := range s.Tallies {
		m.Tallies = append(m.Tallies, w.tally(&s.Tallies[i]))
	}
	if s.Retracted != nil && !s.Retracted.empty() {
		m.Retracted = w.slice(s.Retracted)
	}
	return m
}

func (r *reader) slice(m *formats.Slice, s *Slice, l *Layout) {
	r.check(len(m.GetFields()) == len(s.Fields) && len(m.GetOutputs()) == len(s.Outputs),
		"%d fields and %d outputs where the layout has %d and %d", len(m.GetFields()), len(m.GetOutputs()), len(s.Fields), len(s.Outputs))
	if r.err != nil {
		return
	}
	s.Predictions, s.Actuals, s.Duplicates = m.GetPredictions(), m.GetActuals(), m.GetDuplicates()
	for i, f := range m.GetFields() {
		r.field(f, &s.Fields[i], &l.Fields[i], l.Limits.NewCategories)
	}
	for i, o := range m.GetOutputs() {
		r.output(o, &s.Outputs[i], &l.Outputs[i])
	}
	r.tallies(m.GetTallies(), s, l)
}

// retracted reads what a slice retracts, if there is anything.
func (r *reader) retracted(m *formats.Slice, p *Profile, s *Slice) {
	if m == nil || r.err != nil {
		return
	}
	r.check(m.GetRetracted() == nil && m.GetPredictions() == 0 && m.GetDuplicates() == 0, "a retracted slice of %d predictions, or with one of its own", m.GetPredictions())
	back := p.retracted(s)
	for i, f := range m.GetFields() {
		r.check(i < len(back.Fields) && retractable(p.layout.Fields[i].Key.Group, f), "field %d is retracted", i)
	}
	r.slice(m, back, p.layout)
	r.check(r.err != nil || !back.empty(), "nothing is retracted")
	r.check(p.Whole.Retracted != nil, "a segment retracts, the whole does not")
}

// retractable reports whether a retracted slice can hold that of a field.
func retractable(g record.Group, f *formats.FieldStats) bool {
	switch g {
	case record.Actuals:
		return true
	case record.RawInputs:
		return f.GetCount()|f.GetInvalid()|f.GetNonFinite()|f.GetZero()|f.GetOutOfRange() == 0
	default:
		return f.GetMissing()|f.GetCount()|f.GetInvalid()|f.GetNonFinite()|f.GetZero()|f.GetOutOfRange() == 0
	}
}

func (w *writer) field(f *Field) *formats.FieldStats {
	m := &formats.FieldStats{
		Count: f.Count, Missing: f.Missing, Invalid: f.Invalid, NonFinite: f.NonFinite, Zero: f.Zero, OutOfRange: f.OutOfRange,
	}
	if f.Count == 0 {
		return m // an empty field takes no room
	}
	if f.Hist != nil {
		m.Histogram = w.part(f.Hist)
	}
	if f.Moments != nil {
		m.Moments = w.part(f.Moments)
	}
	if f.Counts != nil {
		m.Counts = w.part(f.Counts)
	}
	if f.Distinct != nil {
		m.Distinct = w.part(f.Distinct)
	}
	return m
}

func (r *reader) field(m *formats.FieldStats, f *Field, l *FieldLayout, limit int) {
	f.Count, f.Missing, f.Invalid = m.GetCount(), m.GetMissing(), m.GetInvalid()
	f.NonFinite, f.Zero, f.OutOfRange = m.GetNonFinite(), m.GetZero(), m.GetOutOfRange()
	if f.Count == 0 {
		r.check(m.Histogram == nil && m.Moments == nil && m.Counts == nil && m.Distinct == nil, "%s: statistics of nothing", l.Key)
		return
	}
	if f.Hist != nil {
		r.hist(l.Key.String(), m.GetHistogram(), f.Hist, l.Grid)
		r.check(f.Hist.Total() == f.Count, "%s: histogram of %d values, there are %d", l.Key, f.Hist.Total(), f.Count)
	}
	if f.Moments != nil {
		r.part(l.Key.String()+" moments", m.GetMoments(), f.Moments)
		r.check(f.Moments.N == f.Count, "%s: moments of %d values, there are %d", l.Key, f.Moments.N, f.Count)
	}
	if f.Counts != nil {
		r.part(l.Key.String()+" counts", m.GetCounts(), f.Counts)
		r.check(len(f.Counts.Known) == l.Categories.Len(), "%s: counts of %d categories, there are %d", l.Key, len(f.Counts.Known), l.Categories.Len())
		r.check(f.Counts.Limit() <= limit, "%s: %d new values, the limit is %d", l.Key, f.Counts.Limit(), limit)
		r.check(f.Counts.Total() == f.Count, "%s: counts of %d values, there are %d", l.Key, f.Counts.Total(), f.Count)
	}
	if f.Distinct != nil {
		r.part(l.Key.String()+" distinct", m.GetDistinct(), f.Distinct)
	}
}

func (r *reader) hist(what string, b []byte, h *grid.Hist, g *grid.Grid) {
	r.part(what+" histogram", b, h)
	if r.err == nil {
		if err := h.Check(g); err != nil {
			r.err = corrupt("%s histogram: %v", what, err)
		}
	}
}

func (w *writer) output(o *Output) *formats.OutputStats {
	m := &formats.OutputStats{Invalid: o.Invalid, Estimate: w.estimate(o.Estimate)}
	switch {
	case o.Binary != nil:
		b := o.Binary
		m.Binary = &formats.Binary{
			Tp: b.TP, Fp: b.FP, Fn: b.FN, Tn: b.TN, Scored: b.Scored, OutOfRange: b.OutOfRange,
			Score: w.sum(&b.Score), LogLoss: w.sum(&b.LogLoss), Brier: w.sum(&b.Brier),
		}
		if b.Pos != nil && b.Scored > 0 {
			m.Binary.Positives, m.Binary.Negatives = w.part(b.Pos), w.part(b.Neg)
		}
	case o.Multiclass != nil:
		c := o.Multiclass
		m.Multiclass = &formats.Multiclass{
			Matrix: c.Matrix, OtherWrong: c.OtherWrong, LogLoss: w.sum(&c.LogLoss), LogLossN: c.LogLossN, OutOfRange: c.OutOfRange,
		}
	case o.Regression != nil:
		g := o.Regression
		m.Regression = &formats.Regression{
			N: g.N, Huge: g.Huge, ZeroTargets: g.ZeroTargets, RelativeHuge: g.RelativeHuge, OutOfDomain: g.OutOfDomain,
			Largest: g.Largest, Error: w.sum(&g.Error), Square: w.sum(&g.Square), Absolute: w.sum(&g.Absolute),
			Relative: w.sum(&g.Relative), Symmetric: w.sum(&g.Symmetric), SquaredLog: w.sum(&g.SquaredLog),
			Magnitude: w.sum(&g.Magnitude), Prediction: w.sum(&g.Prediction), Actual: w.part(&g.Actual),
		}
	}
	return m
}

func (r *reader) output(m *formats.OutputStats, o *Output, l *OutputLayout) {
	o.Invalid = m.GetInvalid()
	r.estimate(m.GetEstimate(), o.Estimate, l)
	switch {
	case o.Binary != nil:
		b, bm := o.Binary, m.GetBinary()
		r.check(bm != nil, "output %s: no binary statistics", l.Prediction)
		b.TP, b.FP, b.FN, b.TN = bm.GetTp(), bm.GetFp(), bm.GetFn(), bm.GetTn()
		b.Scored, b.OutOfRange = bm.GetScored(), bm.GetOutOfRange()
		r.sum("score", bm.GetScore(), &b.Score)
		r.sum("log_loss", bm.GetLogLoss(), &b.LogLoss)
		r.sum("brier", bm.GetBrier(), &b.Brier)
		if b.Pos == nil || b.Scored == 0 {
			r.check(b.Scored == 0 && bm.GetPositives() == nil && bm.GetNegatives() == nil, "output %s: %d scores without a grid, or a grid without scores", l.Prediction, b.Scored)
			return
		}
		r.hist("positives of "+l.Prediction, bm.GetPositives(), b.Pos, l.Grid)
		r.hist("negatives of "+l.Prediction, bm.GetNegatives(), b.Neg, l.Grid)
		r.check(b.Pos.Total() == b.TP+b.FN && b.Neg.Total() == b.FP+b.TN && b.Scored == b.N(),
			"output %s: %d scores of positives and %d of negatives, decisions %+v", l.Prediction, b.Pos.Total(), b.Neg.Total(), b.Confusion)
	case o.Multiclass != nil:
		c, cm := o.Multiclass, m.GetMulticlass()
		r.check(len(cm.GetMatrix()) == len(c.Matrix), "output %s: matrix of %d cells", l.Prediction, len(cm.GetMatrix()))
		if r.err == nil {
			copy(c.Matrix, cm.GetMatrix())
		}
		r.check(r.err != nil || cm.GetOtherWrong() <= c.Matrix[len(c.Matrix)-1], "output %s: %d errors among other classes", l.Prediction, cm.GetOtherWrong())
		c.OtherWrong, c.LogLossN, c.OutOfRange = cm.GetOtherWrong(), cm.GetLogLossN(), cm.GetOutOfRange()
		r.sum("log_loss", cm.GetLogLoss(), &c.LogLoss)
	case o.Regression != nil:
		g, gm := o.Regression, m.GetRegression()
		r.check(gm != nil, "output %s: no regression statistics", l.Prediction)
		g.N, g.Huge, g.ZeroTargets = gm.GetN(), gm.GetHuge(), gm.GetZeroTargets()
		g.RelativeHuge, g.OutOfDomain, g.Largest = gm.GetRelativeHuge(), gm.GetOutOfDomain(), gm.GetLargest()
		r.check(!math.IsNaN(g.Largest) && g.Largest >= 0, "output %s: largest error %v", l.Prediction, g.Largest)
		r.sum("error", gm.GetError(), &g.Error)
		r.sum("square", gm.GetSquare(), &g.Square)
		r.sum("absolute", gm.GetAbsolute(), &g.Absolute)
		r.sum("relative", gm.GetRelative(), &g.Relative)
		r.sum("symmetric", gm.GetSymmetric(), &g.Symmetric)
		r.sum("squared_log", gm.GetSquaredLog(), &g.SquaredLog)
		r.sum("magnitude", gm.GetMagnitude(), &g.Magnitude)
		r.sum("prediction", gm.GetPrediction(), &g.Prediction)
		r.part("actual", gm.GetActual(), &g.Actual)
		r.check(g.Actual.N == g.N, "output %s: %d actuals of %d", l.Prediction, g.Actual.N, g.N)
	}
}
