package profile

import (
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/proto"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// ErrCorrupt is wrapped by every error of the decoders.
var ErrCorrupt = errors.New("corrupt profile")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Message returns the layout as its wire message.
func (l *Layout) Message() (*formats.Layout, error) {
	m := &formats.Layout{Limits: &formats.Limits{
		NewCategories: uint32(l.Limits.NewCategories), SegmentValues: uint32(l.Limits.SegmentValues),
	}}
	for i := range l.Fields {
		f := &l.Fields[i]
		fm := &formats.FieldLayout{Group: uint32(f.Key.Group), Name: f.Key.Name, Type: string(f.Type)}
		if f.Grid != nil {
			b, err := f.Grid.MarshalBinary()
			if err != nil {
				return nil, err
			}
			fm.Grid = b
		}
		if f.Categories != nil {
			fm.Categories = f.Categories.Values()
		}
		if !math.IsInf(f.Min, -1) {
			fm.Min = proto.Float64(f.Min)
		}
		if !math.IsInf(f.Max, 1) {
			fm.Max = proto.Float64(f.Max)
		}
		m.Fields = append(m.Fields, fm)
	}
	for i := range l.Outputs {
		o := &l.Outputs[i]
		om := &formats.OutputLayout{Prediction: o.Prediction, Actual: o.Actual, Kind: string(o.Kind), Threshold: o.Threshold}
		if o.Grid != nil {
			b, err := o.Grid.MarshalBinary()
			if err != nil {
				return nil, err
			}
			om.Grid = b
		}
		if o.Classes != nil {
			om.Classes = o.Classes.Names()
		}
		if o.Calibration != nil {
			c, err := o.Calibration.message()
			if err != nil {
				return nil, err
			}
			om.Calibration = c
		}
		m.Outputs = append(m.Outputs, om)
	}
	for _, s := range l.Segments {
		m.Segments = append(m.Segments, &formats.SegmentLayout{
			Name: s.Name, Group: uint32(s.Field.Group), Field: s.Field.Name, Boundaries: s.Boundaries, Where: s.Where,
		})
	}
	for i := range l.Tallies {
		m.Tallies = append(m.Tallies, l.Tallies[i].message())
	}
	return m, nil
}

// LayoutOf reads a layout from its message and seals it.
func LayoutOf(m *formats.Layout) (*Layout, error) {
	l := &Layout{Limits: Limits{NewCategories: int(m.GetLimits().GetNewCategories()), SegmentValues: int(m.GetLimits().GetSegmentValues())}}
	for _, fm := range m.GetFields() {
		f := FieldLayout{
			Key: record.Key{Group: record.Group(fm.GetGroup()), Name: fm.GetName()}, Type: model.FieldType(fm.GetType()),
			Min: math.Inf(-1), Max: math.Inf(1),
		}
		if fm.GetGroup() > math.MaxUint8 {
			return nil, corrupt("group %d", fm.GetGroup())
		}
		if fm.Min != nil {
			f.Min = fm.GetMin()
		}
		if fm.Max != nil {
			f.Max = fm.GetMax()
		}
		if fm.Grid != nil {
			g, err := grid.Decode(fm.GetGrid())
			if err != nil {
				return nil, corrupt("grid of %s: %v", f.Key, err)
			}
			f.Grid = g
		}
		if f.Type == model.Categorical || f.Type == model.Boolean {
			f.Categories = counts.NewDictionary(fm.GetCategories())
		}
		l.Fields = append(l.Fields, f)
	}
	for _, om := range m.GetOutputs() {
		o := OutputLayout{
			Prediction: om.GetPrediction(), Actual: om.GetActual(), Kind: OutputKind(om.GetKind()),
			Threshold: om.GetThreshold(),
		}
		switch o.Kind {
		case Score:
			g, err := grid.Decode(om.GetGrid())
			if err != nil {
				return nil, corrupt("grid of output %s: %v", o.Prediction, err)
			}
			o.Grid = g
		case Class, Probabilities:
			o.Classes = score.ClassesOf(om.GetClasses())
		default:
		}
		if om.Calibration != nil {
			c, err := calibrationOf(om.GetCalibration())
			if err != nil {
				return nil, fmt.Errorf("output %s: %w", o.Prediction, err)
			}
			o.Calibration = c
		}
		l.Outputs = append(l.Outputs, o)
	}
	for _, s := range m.GetSegments() {
		if s.GetGroup() > math.MaxUint8 {
			return nil, corrupt("group %d", s.GetGroup())
		}
		l.Segments = append(l.Segments, SegmentLayout{
			Name: s.GetName(), Field: record.Key{Group: record.Group(s.GetGroup()), Name: s.GetField()},
			Boundaries: s.GetBoundaries(), Where: s.GetWhere(),
		})
	}
	for _, tm := range m.GetTallies() {
		t, err := tallyLayoutOf(tm)
		if err != nil {
			return nil, err
		}
		l.Tallies = append(l.Tallies, t)
	}
	if _, err := l.Seal(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return l, nil
}

// hash is the id of a layout: xxh3 of its message, in hexadecimal.
func (l *Layout) hash() (string, error) {
	m, err := l.Message()
	if err != nil {
		return "", err
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return "", err
	}
	h := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(h[:]), nil
}

// Encode returns the layout in its envelope.
func (l *Layout) Encode() ([]byte, error) {
	m, err := l.Message()
	if err != nil {
		return nil, err
	}
	return formats.Seal(nil, formats.KindLayout, m)
}

// DecodeLayout reads what Encode wrote.
func DecodeLayout(b []byte) (*Layout, error) {
	var m formats.Layout
	if err := formats.Open(b, formats.KindLayout, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return LayoutOf(&m)
}

// LayoutID returns the id of the layout that an encoded profile needs.
func LayoutID(b []byte) (string, error) {
	var m formats.Profile
	if err := formats.Open(b, formats.KindProfile, &m); err != nil {
		return "", fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return m.GetLayout(), nil
}

// writer marshals parts and keeps the first error.
type writer struct{ err error }

func (w *writer) part(m encoding.BinaryAppender) []byte {
	b, err := m.AppendBinary(nil)
	if err != nil && w.err == nil {
		w.err = err
	}
	return b
}

// sum is part, but for an empty sum, which takes no room.
func (w *writer) sum(s *num.Sum) []byte {
	if s.IsZero() {
		return nil
	}
	return w.part(s)
}

// reader unmarshals parts and keeps the first error.
type reader struct{ err error }

func (r *reader) part(what string, b []byte, into encoding.BinaryUnmarshaler) {
	if r.err == nil {
		if err := into.UnmarshalBinary(b); err != nil {
			r.err = corrupt("%s: %v", what, err)
		}
	}
}

func (r *reader) sum(what string, b []byte, into *num.Sum) {
	if len(b) > 0 {
		r.part(what, b, into)
		if r.err == nil && into.IsZero() {
			r.err = corrupt("%s: an empty sum is written as nothing", what)
		}
	}
}

func (r *reader) check(ok bool, format string, args ...any) {
	if r.err == nil && !ok {
		r.err = corrupt(format, args...)
	}
}
