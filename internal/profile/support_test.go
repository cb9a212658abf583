package profile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

func key(s string) record.Key {
	k, err := model.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

// fieldTypes are the fields that layouts of these tests choose from. Those of
// common are in every layout, since the conditions speak of them.
var (
	fieldTypes = map[string]model.FieldType{
		"features.a": model.Numeric, "features.b": model.Numeric, "features.cat": model.Categorical, "features.flag": model.Boolean,
		"features.big": model.Numeric, "features.many": model.Categorical, "features.when": model.Datetime, "features.note": model.Text,
		"features.vector": model.Embedding, "features.tags": model.Array, "features.weights": model.Dict,
		"raw_inputs.zip": model.Categorical, "explanations.a": model.Numeric, "metrics.latency": model.Numeric,
		"predictions.score": model.Numeric, "predictions.decision": model.Boolean, "predictions.word": model.Categorical,
		"predictions.number": model.Numeric, "predictions.class": model.Categorical, "predictions.digit": model.Numeric,
		"predictions.probabilities": model.Dict,
		"actuals.truth":             model.Boolean, "actuals.class": model.Categorical, "actuals.number": model.Numeric, "actuals.word": model.Categorical,
	}
	fieldNames = slices.Sorted(maps.Keys(fieldTypes))
	common     = []string{"features.a", "features.b", "features.cat", "features.flag"}
	words      = []string{"a", "b", "c", "d", "true", "false", "0", "1", "7"}
	segments   = []SegmentLayout{
		{Name: "cat", Field: key("features.cat")},
		{Name: "many", Field: key("features.many")},
		{Name: "flag", Field: key("features.flag")},
		{Name: "number", Field: key("features.b")},
		{Name: "band", Field: key("features.a"), Boundaries: []float64{-1, 0, 2.5}},
		{Name: "half", Field: key("features.b"), Boundaries: []float64{0}},
		{Name: "judged", Field: key("actuals.class")},
		{Name: "and", Where: `features.a > 0 and features.cat == "b"`},
		{Name: "or", Where: `features.flag or features.b <= -1`},
		{Name: "not", Where: `not features.a > 0`},
		{Name: "null", Where: `features.cat is null`},
		{Name: "there", Where: `features.a is not null`},
	}
	outputs = []OutputLayout{
		{Prediction: "score", Actual: "truth", Kind: Score, Threshold: 0.5},
		{Prediction: "decision", Actual: "truth", Kind: Decision, Threshold: 0.5},
		{Prediction: "word", Actual: "word", Kind: Decision, Threshold: 0.5},
		{Prediction: "number", Actual: "number", Kind: Quantity, Threshold: 0.5},
		{Prediction: "class", Actual: "class", Kind: Class, Threshold: 0.5},
		{Prediction: "digit", Actual: "class", Kind: Class, Threshold: 0.5},
		{Prediction: "probabilities", Actual: "class", Kind: Probabilities, Threshold: 0.5},
	}
	roomy = Limits{NewCategories: 1000, SegmentValues: 1000}
)

// numbers are the ugly and the plain.
func numbers() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, 2.5, 0.5, math.NaN(), math.Inf(1), math.Inf(-1),
			1e300, -1e300, 1e-300, 5e-324, math.MaxFloat64, -math.MaxFloat64, 1 << 53, 1<<53 + 2}),
		rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }),
		rapid.Float64Range(-4, 4),
		rapid.Float64(),
	)
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(words),
		rapid.SampledFrom([]string{"", "other", "\xff", "ab\xc3", strings.Repeat("é", 200), strings.Repeat("é", 200) + "x", "2024-01-31"}),
		rapid.Map(rapid.IntRange(0, 30), func(i int) string { return fmt.Sprintf("new%d", i) }),
	)
}

// scalars are values of any kind but List and Dict.
func scalars() *rapid.Generator[record.Value] {
	return rapid.OneOf(
		rapid.Map(numbers(), record.Num),
		rapid.Map(rapid.SampledFrom([]int64{0, 1, 2, 7, -1, math.MaxInt64, math.MinInt64, 1<<53 + 1}), record.Int),
		rapid.Map(rapid.Bool(), record.Bool),
		rapid.Map(texts(), record.Str),
		rapid.SampledFrom([]record.Value{{}, record.Bad()}),
	)
}

// values are of any kind, though mostly of one that suits the field.
func values(t model.FieldType) *rapid.Generator[record.Value] {
	elements := func(v *rapid.Generator[record.Value]) *rapid.Generator[[]record.Element] {
		return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) record.Element {
			return record.Element{Name: rapid.SampledFrom(words).Draw(t, "name"), Value: v.Draw(t, "element")}
		}), 0, 4, func(e record.Element) string { return e.Name })
	}
	share := rapid.Map(rapid.SampledFrom([]float64{0, 0.1, 0.2, 0.3, 0.5, 1, 1, 2}), record.Num)
	fitting := map[model.FieldType]*rapid.Generator[record.Value]{
		model.Numeric: rapid.Map(numbers(), record.Num), model.Boolean: rapid.Map(rapid.Bool(), record.Bool),
		model.Categorical: rapid.Map(texts(), record.Str), model.Text: rapid.Map(texts(), record.Str), model.Datetime: rapid.Map(texts(), record.Str),
		model.Embedding: rapid.Map(elements(rapid.Map(numbers(), record.Num)), record.ListOf),
		model.Array:     rapid.Map(elements(scalars()), record.ListOf),
		model.Dict:      rapid.Map(elements(share), record.DictOf),
	}[t]
	return rapid.OneOf(fitting, fitting, fitting, scalars(), rapid.Map(elements(scalars()), record.ListOf), rapid.Map(elements(scalars()), record.DictOf))
}

// layouts are of any fields, outputs and segments, with the given limits.
func layouts(limits Limits) *rapid.Generator[*Layout] {
	return rapid.Custom(func(t *rapid.T) *Layout {
		l := &Layout{Limits: limits}
		grids := rapid.Map(rapid.SliceOfN(rapid.Float64Range(-4, 4), 0, 60), func(xs []float64) *grid.Grid { return grid.Build(xs, grid.Options{Open: []float64{0}}) })
		for _, name := range fieldNames {
			ft := fieldTypes[name]
			if !slices.Contains(common, name) && rapid.IntRange(0, 3).Draw(t, name) == 0 {
				continue
			}
			f := FieldLayout{Key: key(name), Type: ft, Min: math.Inf(-1), Max: math.Inf(1)}
			switch ft {
			case model.Numeric:
				if rapid.IntRange(0, 4).Draw(t, "grid of "+name) > 0 {
					f.Grid = grids.Draw(t, "edges")
				}
				if rapid.Bool().Draw(t, "range of "+name) {
					f.Min, f.Max = -2, 2
				}
			case model.Categorical:
				f.Categories = counts.NewDictionary(rapid.SliceOf(texts().Filter(valid)).Draw(t, "categories"))
			case model.Boolean:
				f.Categories = counts.NewDictionary([]string{"false", "true"})
			default:
			}
			l.Fields = append(l.Fields, f)
		}
		slices.SortFunc(l.Fields, func(a, b FieldLayout) int { return a.Key.Compare(b.Key) })
		for _, o := range outputs {
			if rapid.Bool().Draw(t, "output "+o.Prediction) {
				continue
			}
			switch o.Kind {
			case Score:
				o.Grid = score.ScoreGrid(rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 30).Draw(t, "scores"), o.Threshold, 0)
			case Class, Probabilities:
				o.Classes = score.ClassesOf(rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 4, rapid.ID).Draw(t, "classes"))
			default:
			}
			l.Outputs = append(l.Outputs, o)
		}
		calibrate(t, l)
		for _, s := range segments {
			if rapid.Bool().Draw(t, "segment "+s.Name) {
				l.Segments = append(l.Segments, s)
			}
		}
		l = withTallies(t, l)
		sealed, err := l.Seal()
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	})
}

// calibrate draws which outputs of a layout are estimated, and how.
func calibrate(t *rapid.T, l *Layout) {
	for i := range l.Outputs {
		o := &l.Outputs[i]
		if !rapid.Bool().Draw(t, "estimate "+o.Prediction) {
			continue
		}
		switch o.Kind {
		case Score:
			o.Calibration = &Calibration{Classes: []ClassCalibration{{Calibrator: calibrators().Draw(t, "calibrator")}}}
		case Probabilities:
			o.Calibration = &Calibration{}
			ranked := rapid.Bool().Draw(t, "ranked")
			for range o.Classes.Len() {
				c := ClassCalibration{Calibrator: calibrators().Draw(t, "calibrator")}
				if ranked {
					c.Grid = score.ScoreGrid(rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 9).Draw(t, "scores"), math.NaN(), 0)
				}
				o.Calibration.Classes = append(o.Calibration.Classes, c)
			}
		default:
		}
	}
	for i := range l.Outputs {
		o := &l.Outputs[i]
		for _, s := range l.Outputs {
			fits := o.Kind == Decision && s.Kind == Score || o.Kind == Class && s.Kind == Probabilities
			if !fits || s.Calibration == nil || s.Actual != o.Actual || rapid.Bool().Draw(t, "not "+o.Prediction) {
				continue
			}
			o.Calibration = &Calibration{Source: s.Prediction}
			if o.Kind == Class {
				o.Classes = s.Classes
			}
		}
	}
}

// calibrators have no knots, one, or some.
func calibrators() *rapid.Generator[*score.Calibrator] {
	return rapid.Custom(func(t *rapid.T) *score.Calibrator {
		scores := rapid.SliceOfNDistinct(rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, .1, .5, 1, -3, 7})), 0, 6, rapid.ID).Draw(t, "knots")
		values := rapid.SliceOfN(rapid.Float64Range(0, 1), len(scores), len(scores)).Draw(t, "probabilities")
		slices.Sort(scores)
		slices.Sort(values)
		c, ok := score.CalibratorOf(scores, values)
		if !ok {
			t.Fatalf("knots %v, %v", scores, values)
		}
		return c
	})
}

func valid(s string) bool { return s != "" && s != "\xff" && s != "ab\xc3" }

// streams are records of the fields of these tests, whether a layout has them or
// not, in any order, some of them twice.
func streams(least, most int) *rapid.Generator[[]record.Record] {
	of := map[model.FieldType]*rapid.Generator[record.Value]{}
	for _, ft := range fieldTypes {
		of[ft] = values(ft)
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record.Record {
		r := record.Record{Event: rapid.SampledFrom([]record.Event{record.Prediction, record.Prediction, record.Reference, record.Labelled}).Draw(t, "event")}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(fieldNames), 0, 30).Draw(t, "fields") {
			k := key(name)
			r.Append(k.Group, k.Name, of[fieldTypes[name]].Draw(t, name))
		}
		return r
	}), least, most)
}

// count returns the profile of records.
func count(t fataler, l *Layout, rs []record.Record) *Profile {
	plan, err := NewPlan(l)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p, rows := New(l), plan.NewRows()
	for i := range rs {
		rows.Add(&rs[i])
	}
	for i := range rs {
		p.Add(rows, i)
	}
	return p
}

type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

func encode(t fataler, p *Profile) []byte {
	t.Helper()
	b, err := p.Encode()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return b
}

// merged merges profiles of one layout, none of which is modified.
func merged(t fataler, l *Layout, ps ...*Profile) *Profile {
	t.Helper()
	sum := New(l)
	for _, p := range ps {
		if err := sum.Merge(p); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return sum
}

// equal fails the test unless both profiles have the same bytes; it names the
// first difference.
func equal(t fataler, got, want *Profile) {
	t.Helper()
	a, b := encode(t, got), encode(t, want)
	if bytes.Equal(a, b) {
		return
	}
	if g, w := got.Segments(), want.Segments(); !slices.Equal(g, w) {
		t.Fatalf("slices %v, want %v", g, w)
	}
	for _, seg := range append([]Segment{{}}, got.Segments()...) {
		g, _ := got.Slice(seg)
		w, _ := want.Slice(seg)
		for i := range g.Fields {
			if x, y := (&writer{}).field(&g.Fields[i]).String(), (&writer{}).field(&w.Fields[i]).String(); x != y {
				t.Fatalf("slice %v, %s:\n%s\nwant\n%s", seg, got.layout.Fields[i].Key, x, y)
			}
		}
		for i := range g.Outputs {
			if x, y := (&writer{}).output(&g.Outputs[i]).String(), (&writer{}).output(&w.Outputs[i]).String(); x != y {
				t.Fatalf("slice %v, output %s:\n%s\nwant\n%s", seg, got.layout.Outputs[i].Prediction, x, y)
			}
		}
		for i := range g.Tallies {
			if x, y := (&writer{}).tally(&g.Tallies[i]).String(), (&writer{}).tally(&w.Tallies[i]).String(); x != y {
				t.Fatalf("slice %v, tally %+v:\n%s\nwant\n%s", seg, got.layout.Tallies[i], x, y)
			}
		}
	}
	t.Fatalf("profiles differ in their heads: %d and %d predictions, %d and %d overflown", got.Whole.Predictions, want.Whole.Predictions, got.Overflow, want.Overflow)
}

func wraps(err, target error) bool { return errors.Is(err, target) }
