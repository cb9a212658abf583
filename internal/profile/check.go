package profile

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// ErrInvalid is wrapped by the errors of Seal.
var ErrInvalid = errors.New("invalid layout")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// check reports the first thing for which profiles of the layout could not be
// counted, written or read.
func (l *Layout) check() error {
	for i := range l.Fields {
		f := &l.Fields[i]
		if i > 0 && l.Fields[i-1].Key.Compare(f.Key) >= 0 {
			return refuse("field %s after %s", f.Key, l.Fields[i-1].Key)
		}
		if err := f.check(); err != nil {
			return err
		}
	}
	for i := range l.Outputs {
		if err := l.Outputs[i].check(); err != nil {
			return err
		}
		if first, _ := l.Output(l.Outputs[i].Prediction); first != i {
			return refuse("two outputs %q", l.Outputs[i].Prediction)
		}
		if err := l.checkCalibration(i); err != nil {
			return err
		}
	}
	for i := range l.Segments {
		if err := l.Segments[i].check(); err != nil {
			return err
		}
		name := l.Segments[i].Name
		if slices.ContainsFunc(l.Segments[:i], func(s SegmentLayout) bool { return s.Name == name }) {
			return refuse("two segments %q", name)
		}
	}
	if most := 1 << 20; min(l.Limits.NewCategories, l.Limits.SegmentValues) < 0 || max(l.Limits.NewCategories, l.Limits.SegmentValues) > most {
		return refuse("limits of %d new categories and %d slices, at most %d", l.Limits.NewCategories, l.Limits.SegmentValues, most)
	}
	return nil
}

func (f *FieldLayout) check() error {
	categorical := f.Type == model.Categorical || f.Type == model.Boolean
	switch {
	case f.Key.Group > record.Metrics:
		return refuse("group %d of %q", f.Key.Group, f.Key.Name)
	case !slices.Contains(model.FieldTypes, f.Type):
		return refuse("type %q of %s", f.Type, f.Key)
	case categorical != (f.Categories != nil):
		return refuse("%s is %s; only categorical and boolean fields have categories", f.Key, f.Type)
	case f.Grid != nil && f.Type != model.Numeric:
		return refuse("%s is %s; only numeric fields have a grid", f.Key, f.Type)
	case math.IsNaN(f.Min) || math.IsNaN(f.Max):
		return refuse("range of %s", f.Key)
	}
	return nil
}

// mostClasses bounds what a layout that another process has sent makes of memory:
// each slice has a count for each pair of classes. Our own have 51 at most.
const mostClasses = 1024

func (o *OutputLayout) check() error {
	multiclass := o.Kind == Class || o.Kind == Probabilities
	switch {
	case !slices.Contains([]OutputKind{Score, Decision, Class, Probabilities, Quantity}, o.Kind):
		return refuse("kind %q of output %q", o.Kind, o.Prediction)
	case (o.Kind == Score) != (o.Grid != nil):
		return refuse("output %q is a %s; only a score has a grid", o.Prediction, o.Kind)
	case multiclass != (o.Classes != nil):
		return refuse("output %q is a %s; only class and probabilities have classes", o.Prediction, o.Kind)
	case multiclass && o.Classes.Len() > mostClasses:
		return refuse("output %q has %d classes, at most %d", o.Prediction, o.Classes.Len(), mostClasses)
	case math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0):
		return refuse("threshold %v of output %q", o.Threshold, o.Prediction)
	}
	return nil
}

func (s *SegmentLayout) check() error {
	named := s.Field.Name != ""
	switch {
	case s.Name == "":
		return refuse("a segment without a name")
	case s.Field.Group > record.Metrics:
		return refuse("group %d of segment %q", s.Field.Group, s.Name)
	case named == (s.Where != "") || s.Where != "" && len(s.Boundaries) > 0:
		return refuse("segment %q must have a field or a condition", s.Name)
	}
	for i, b := range s.Boundaries {
		if math.IsNaN(b) || math.IsInf(b, 0) || i > 0 && b <= s.Boundaries[i-1] {
			return refuse("boundary %v of segment %q", b, s.Name)
		}
	}
	return nil
}
