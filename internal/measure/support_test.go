package measure_test

import (
	"math"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

func key(t *testing.T, s string) record.Key {
	t.Helper()
	k, err := model.ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A layout is written down as fields, those with a grid or categories in their
// comment being the ones of these tests.
func layout(t *testing.T, change ...func(*profile.Layout)) *profile.Layout {
	t.Helper()
	numeric := func(name string, reference ...float64) profile.FieldLayout {
		f := profile.FieldLayout{Key: key(t, name), Type: model.Numeric, Min: math.Inf(-1), Max: math.Inf(1)}
		if len(reference) > 0 {
			f.Grid = grid.Build(reference, grid.Options{})
		}
		return f
	}
	named := func(name string, ft model.FieldType, categories ...string) profile.FieldLayout {
		f := profile.FieldLayout{Key: key(t, name), Type: ft, Min: math.Inf(-1), Max: math.Inf(1)}
		if ft != model.Text {
			f.Categories = counts.NewDictionary(categories)
		}
		return f
	}
	ranged := numeric("features.x", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	ranged.Min, ranged.Max = 0, 9
	l := &profile.Layout{
		Fields: []profile.FieldLayout{
			named("features.color", model.Categorical, "blue", "red"),
			named("features.flag", model.Boolean, "false", "true"),
			named("features.note", model.Text),
			numeric("features.plain"), // without a grid
			ranged,
			named("predictions.class", model.Categorical, "a", "b", "c"),
			named("predictions.decision", model.Boolean, "false", "true"),
			numeric("predictions.number", 0, 10),
			numeric("predictions.score", 0, 0.5, 1),
			named("actuals.class", model.Categorical, "a", "b", "c"),
			numeric("actuals.number", 0, 10),
			named("actuals.truth", model.Boolean, "false", "true"),
		},
		Outputs: []profile.OutputLayout{
			{Prediction: "score", Actual: "truth", Kind: profile.Score, Threshold: 0.5, Grid: score.ScoreGrid([]float64{0, 0.25, 0.5, 0.75, 1}, 0.5, 0)},
			{Prediction: "class", Actual: "class", Kind: profile.Class, Classes: score.ClassesOf([]string{"a", "b", "c"})},
			{Prediction: "number", Actual: "number", Kind: profile.Quantity},
		},
		Segments: []profile.SegmentLayout{{Name: "color", Field: key(t, "features.color")}},
		Limits:   profile.Limits{NewCategories: 2, SegmentValues: 10},
	}
	for _, c := range change {
		c(l)
	}
	l, err := l.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// row is one prediction: names of fields and their values.
type row map[string]record.Value

// of returns the profile of rows.
func of(t *testing.T, l *profile.Layout, rows ...row) *profile.Profile {
	t.Helper()
	plan, err := profile.NewPlan(l)
	if err != nil {
		t.Fatal(err)
	}
	p, resolved := profile.New(l), plan.NewRows()
	for _, fields := range rows {
		var r record.Record
		for name, v := range fields {
			k := key(t, name)
			r.Append(k.Group, k.Name, v)
		}
		resolved.Add(&r)
	}
	p.AddRange(resolved, 0, resolved.Len())
	return p
}

// side is the whole of a profile of rows.
func side(t *testing.T, l *profile.Layout, rows ...row) measure.Side {
	t.Helper()
	return measure.Of(of(t, l, rows...), profile.Segment{})
}

// repeat returns n copies of a row.
func repeat(n int, r row) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = r
	}
	return rows
}

// check compares an answer with a number, or with the reason for there being none.
func check(t *testing.T, what string, v measure.Value, want float64, reason string) {
	t.Helper()
	switch {
	case v.Reason != reason:
		t.Errorf("%s: %v, reason %q, want %v, reason %q", what, v.Value, v.Reason, want, reason)
	case reason != "" && v.Value != 0:
		t.Errorf("%s: there is none (%s), and yet it is %v", what, reason, v.Value)
	case reason == "" && !(math.Abs(v.Value-want) <= 1e-12*math.Max(1, math.Abs(want))):
		t.Errorf("%s = %v, want %v", what, v.Value, want)
	}
}
