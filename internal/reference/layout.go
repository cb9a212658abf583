package reference

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// layout decides what the fields are, lays their grids and pairs predictions
// with actuals.
func (s *sample) layout(limits profile.Limits) (*profile.Layout, error) {
	keys := slices.SortedFunc(maps.Keys(s.columns), record.Key.Compare)
	l := &profile.Layout{Limits: limits}
	types := map[record.Key]model.FieldType{}
	for _, k := range keys {
		f := s.field(k)
		types[k] = f.Type
		l.Fields = append(l.Fields, f)
	}
	l.Outputs = s.outputs(keys, types)
	var err error
	if l.Segments, err = Segments(s.def); err != nil {
		return nil, err
	}
	if _, err = l.Seal(); err != nil {
		return nil, err
	}
	for _, m := range s.def.Metrics {
		if err := l.Misfit(m); err != nil {
			s.warnings = append(s.warnings, fmt.Sprintf("the custom metric %q has no value: %v", m.Name, err))
		}
	}
	return l.With(l.Segments, l.Limits, l.TalliesOf(s.def.Metrics)...)
}

// Segments converts the segments of a valid definition.
func Segments(def *model.Definition) ([]profile.SegmentLayout, error) {
	var all []profile.SegmentLayout
	for _, sg := range def.Segments {
		sl := profile.SegmentLayout{Name: sg.Name, Boundaries: sg.Boundaries, Where: sg.Where}
		if sg.Where == "" {
			k, err := model.ParseKey(sg.Field)
			if err != nil {
				return nil, fmt.Errorf("segment %q: field=%q %w", sg.Name, sg.Field, err)
			}
			sl.Field = k
		}
		all = append(all, sl)
	}
	return all, nil
}

// field lays out one field from its column and its definition.
func (s *sample) field(k record.Key) profile.FieldLayout {
	c, d := s.columns[k], s.def.Fields[k.String()]
	f := profile.FieldLayout{Key: k, Type: d.Type, Min: math.Inf(-1), Max: math.Inf(1)}
	if f.Type == "" {
		if f.Type = c.infer(); f.Type == "" {
			f.Type = s.declared(k)
		}
	}
	switch f.Type {
	case model.Numeric:
		var lo, hi float64
		if len(c.numbers) > 0 {
			lo, hi = c.numbers[0], c.numbers[0]
			for _, x := range c.numbers {
				lo, hi = math.Min(lo, x), math.Max(hi, x)
			}
			f.Min, f.Max = lo, hi
		}
		o := grid.Options{}
		if d.Min != nil {
			f.Min = *d.Min
			o.Open = append(o.Open, f.Min)
		}
		if d.Max != nil {
			f.Max = *d.Max
			o.Closed = append(o.Closed, f.Max)
		}
		for _, sg := range s.def.Segments {
			if sg.Field == k.String() {
				o.Open = append(o.Open, sg.Boundaries...)
			}
		}
		if len(c.numbers) > 0 {
			f.Grid = grid.Build(c.numbers, o)
		}
	case model.Categorical:
		names, dropped := c.categories()
		if dropped > 0 {
			s.warnings = append(s.warnings, fmt.Sprintf("%s has %d categories more than %d; the rarest count as new values", k, dropped, maxCategories))
		}
		f.Categories = counts.NewDictionary(names)
	case model.Boolean:
		f.Categories = counts.NewDictionary([]string{"false", "true"})
	default:
	}
	return f
}

// declared is the type of a field without values: that of its role in an
// output, else categorical, which takes anything that has a name.
func (s *sample) declared(k record.Key) model.FieldType {
	if s.def.Type == model.Regression && (k.Group == record.Predictions || k.Group == record.Actuals) {
		return model.Numeric
	}
	for _, o := range s.def.Outputs {
		if k.Group == record.Predictions && k.Name == o.Prediction && o.Threshold != nil {
			return model.Numeric
		}
	}
	return model.Categorical
}

// outputs lays out the outputs of the definition; without any, it pairs each
// prediction with the actual of its name, or with the only actual there is.
func (s *sample) outputs(keys []record.Key, types map[record.Key]model.FieldType) []profile.OutputLayout {
	var all []profile.OutputLayout
	for _, p := range s.def.Outputs {
		if o, ok := s.output(p, types); ok {
			all = append(all, o)
		} else {
			s.warnings = append(s.warnings, fmt.Sprintf("output %q is not scored: its prediction is %s and its actual %s, which tell no type; give the model a type",
				p.Prediction, s.seen(record.Predictions, p.Prediction, types), s.seen(record.Actuals, p.ActualName(), types)))
		}
	}
	if len(s.def.Outputs) > 0 {
		return all
	}
	var predictions, actuals []string
	for _, k := range keys {
		switch k.Group {
		case record.Predictions:
			predictions = append(predictions, k.Name)
		case record.Actuals:
			actuals = append(actuals, k.Name)
		default:
		}
	}
	for _, name := range predictions {
		p := model.Output{Prediction: name}
		if _, ok := types[record.Key{Group: record.Actuals, Name: name}]; !ok && len(actuals) == 1 {
			p.Actual = actuals[0]
		}
		o, ok := s.output(p, types)
		if ok && o.Kind == profile.Score && s.def.Type == model.Infer && !s.probability(name) {
			continue // a number beside the answer, not the answer
		}
		if ok {
			all = append(all, o)
		}
	}
	return all
}

// seen says for a warning what a field holds.
func (s *sample) seen(g record.Group, name string, types map[record.Key]model.FieldType) string {
	k := record.Key{Group: g, Name: name}
	if s.empty(k) {
		return "without values"
	}
	return string(types[k])
}

// empty reports whether nothing was seen of a field.
func (s *sample) empty(k record.Key) bool {
	c := s.columns[k]
	return c == nil || c.infer() == ""
}

// probability reports whether all values of a prediction lie in [0, 1].
func (s *sample) probability(prediction string) bool {
	for _, x := range s.columns[record.Key{Group: record.Predictions, Name: prediction}].numbers {
		if x < 0 || x > 1 {
			return false
		}
	}
	return true
}

// output decides how one output is scored. It reports false when prediction and
// actual do not fit each other, or do not tell.
func (s *sample) output(p model.Output, types map[record.Key]model.FieldType) (profile.OutputLayout, bool) {
	pk := record.Key{Group: record.Predictions, Name: p.Prediction}
	ak := record.Key{Group: record.Actuals, Name: p.ActualName()}
	o := profile.OutputLayout{Prediction: p.Prediction, Actual: p.ActualName(), Threshold: 0.5}
	if p.Threshold != nil {
		o.Threshold = *p.Threshold
	}
	pt, at := types[pk], types[ak]
	infer := s.def.Type == model.Infer
	regression := s.def.Type == model.Regression || infer && p.Threshold == nil
	binary := s.def.Type == model.Binary ||
		infer && (p.Threshold != nil || s.twoValued(ak, at) || pt == model.Boolean && s.empty(ak))
	switch {
	case pt == "" || at == "":
		return o, false
	case pt == model.Dict:
		o.Kind = profile.Probabilities
	case binary && pt == model.Numeric && s.twoValued(pk, pt) && p.Threshold == nil:
		o.Kind = profile.Decision // 0 and 1
	case binary && pt == model.Numeric:
		o.Kind = profile.Score
	case binary && s.twoValued(pk, pt):
		o.Kind = profile.Decision
	case regression && pt == model.Numeric && at == model.Numeric:
		o.Kind = profile.Quantity
	case s.def.Type == model.Regression, pt == model.Numeric && (s.columns[pk].fraction || infer && s.empty(ak)):
		return o, false
	case pt == model.Categorical || pt == model.Boolean || pt == model.Numeric:
		o.Kind = profile.Class
	default:
		return o, false
	}
	switch o.Kind {
	case profile.Score:
		o.Grid = score.ScoreGrid(s.columns[pk].numbers, o.Threshold, score.PRBins)
	case profile.Class, profile.Probabilities:
		o.Classes = s.classes(pk, ak)
	default:
	}
	return o, true
}

// twoValued reports whether a field has no other values than true and false, or
// 0 and 1.
func (s *sample) twoValued(k record.Key, t model.FieldType) bool {
	c := s.columns[k]
	switch t {
	case model.Boolean:
		return true
	case model.Categorical, model.Numeric:
	default:
		return false
	}
	for name := range c.texts {
		if name != "true" && name != "false" && name != "0" && name != "1" {
			return false
		}
	}
	for _, x := range c.numbers {
		if x != 0 && x != 1 {
			return false
		}
	}
	return len(c.texts)+len(c.numbers) > 0
}

// classes returns the classes of an output: those of the actual and of the
// prediction.
func (s *sample) classes(prediction, actual record.Key) *score.Classes {
	seen := map[string]uint64{}
	for _, k := range []record.Key{actual, prediction} {
		if c := s.columns[k]; c != nil {
			c.tally(func(name string, n int) { seen[name] += uint64(n) })
		}
	}
	return score.NewClasses(seen, score.DefaultClasses)
}
