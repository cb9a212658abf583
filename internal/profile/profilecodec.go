package profile

import (
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/formats"
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
		return nil, err
	}
	return Of(&m, l)
}

// Message returns the profile as its wire message.
func (p *Profile) Message() (*formats.Profile, error) {
	w := &writer{}
	m := &formats.Profile{Layout: p.layout.ID(), Whole: w.slice(p.Whole), SegmentOverflow: p.Overflow}
	for i := range p.segments {
		s := &p.segments[i]
		var parts []*formats.SegmentSlice
		for j, v := range p.layout.segmentValues(i) {
			if s.known[j] != nil {
				parts = append(parts, &formats.SegmentSlice{Segment: uint32(i), Value: v, Slice: w.slice(s.known[j])})
			}
		}
		for v, sl := range s.fresh {
			parts = append(parts, &formats.SegmentSlice{Segment: uint32(i), Value: v, Slice: w.slice(sl)})
		}
		slices.SortFunc(parts, func(a, b *formats.SegmentSlice) int {
			if a.GetValue() < b.GetValue() {
				return -1
			}
			return 1
		})
		if s.other != nil {
			parts = append(parts, &formats.SegmentSlice{Segment: uint32(i), Other: true, Slice: w.slice(s.other)})
		}
		m.Segments = append(m.Segments, parts...)
	}
	return m, w.err
}

// Of reads a profile from its message.
func Of(m *formats.Profile, l *Layout) (*Profile, error) {
	r := &reader{}
	r.check(m.GetLayout() == l.ID(), "layout %q where %q is expected", m.GetLayout(), l.ID())
	r.check(len(m.GetSegments()) <= len(l.Segments)*(l.Limits.SegmentValues+1), "%d slices", len(m.GetSegments()))
	if r.err != nil {
		return nil, r.err
	}
	p := New(l)
	p.Overflow = m.GetSegmentOverflow()
	r.slice(m.GetWhole(), p.Whole, l)
	for _, s := range m.GetSegments() {
		r.check(int(s.GetSegment()) < len(l.Segments), "segment %d", s.GetSegment())
		if r.err != nil {
			return nil, r.err
		}
		i := int(s.GetSegment())
		into, sl := &p.segments[i], newSlice(l)
		known := slices.Index(l.segmentValues(i), s.GetValue())
		switch {
		case s.GetOther():
			r.check(into.other == nil, "slice other twice")
			into.other = sl
		case known >= 0:
			r.check(into.known[known] == nil, "slice %q twice", s.GetValue())
			into.known[known] = sl
			into.n++
		default:
			if into.fresh == nil {
				into.fresh = map[string]*Slice{}
			}
			r.check(into.fresh[s.GetValue()] == nil, "slice %q twice", s.GetValue())
			into.fresh[s.GetValue()] = sl
			into.n++
		}
		r.slice(s.GetSlice(), sl, l)
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

func (w *writer) slice(s *Slice) *formats.Slice {
	m := &formats.Slice{Predictions: s.Predictions, Actuals: s.Actuals}
	for i := range s.Fields {
		m.Fields = append(m.Fields, w.field(&s.Fields[i]))
	}
	for i := range s.Outputs {
		m.Outputs = append(m.Outputs, w.output(&s.Outputs[i]))
	}
	return m
}

func (r *reader) slice(m *formats.Slice, s *Slice, l *Layout) {
	r.check(len(m.GetFields()) == len(s.Fields) && len(m.GetOutputs()) == len(s.Outputs),
		"%d fields and %d outputs where the layout has %d and %d", len(m.GetFields()), len(m.GetOutputs()), len(s.Fields), len(s.Outputs))
	if r.err != nil {
		return
	}
	s.Predictions, s.Actuals = m.GetPredictions(), m.GetActuals()
	for i, f := range m.GetFields() {
		r.field(f, &s.Fields[i], &l.Fields[i])
	}
	for i, o := range m.GetOutputs() {
		r.output(o, &s.Outputs[i], &l.Outputs[i])
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

func (r *reader) field(m *formats.FieldStats, f *Field, l *FieldLayout) {
	f.Count, f.Missing, f.Invalid = m.GetCount(), m.GetMissing(), m.GetInvalid()
	f.NonFinite, f.Zero, f.OutOfRange = m.GetNonFinite(), m.GetZero(), m.GetOutOfRange()
	if f.Count == 0 {
		r.check(m.Histogram == nil && m.Moments == nil && m.Counts == nil && m.Distinct == nil, "%s: statistics of nothing", l.Key)
		return
	}
	if f.Hist != nil {
		r.hist(l.Key.String(), m.GetHistogram(), f.Hist, l.Grid)
	}
	if f.Moments != nil {
		r.part(l.Key.String()+" moments", m.GetMoments(), f.Moments)
	}
	if f.Counts != nil {
		r.part(l.Key.String()+" counts", m.GetCounts(), f.Counts)
		r.check(r.err != nil || len(f.Counts.Known) == l.Categories.Len(), "%s: counts of %d categories", l.Key, len(f.Counts.Known))
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
	m := &formats.OutputStats{Invalid: o.Invalid}
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
	switch {
	case o.Binary != nil:
		b, bm := o.Binary, m.GetBinary()
		b.TP, b.FP, b.FN, b.TN = bm.GetTp(), bm.GetFp(), bm.GetFn(), bm.GetTn()
		b.Scored, b.OutOfRange = bm.GetScored(), bm.GetOutOfRange()
		r.sum("score", bm.GetScore(), &b.Score)
		r.sum("log_loss", bm.GetLogLoss(), &b.LogLoss)
		r.sum("brier", bm.GetBrier(), &b.Brier)
		if b.Pos != nil && b.Scored > 0 {
			r.hist("positives of "+l.Prediction, bm.GetPositives(), b.Pos, l.Grid)
			r.hist("negatives of "+l.Prediction, bm.GetNegatives(), b.Neg, l.Grid)
		}
	case o.Multiclass != nil:
		c, cm := o.Multiclass, m.GetMulticlass()
		r.check(len(cm.GetMatrix()) == len(c.Matrix), "output %s: matrix of %d cells", l.Prediction, len(cm.GetMatrix()))
		if r.err == nil {
			copy(c.Matrix, cm.GetMatrix())
		}
		c.OtherWrong, c.LogLossN, c.OutOfRange = cm.GetOtherWrong(), cm.GetLogLossN(), cm.GetOutOfRange()
		r.sum("log_loss", cm.GetLogLoss(), &c.LogLoss)
	case o.Regression != nil:
		g, gm := o.Regression, m.GetRegression()
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
	}
}
