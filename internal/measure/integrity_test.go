package measure_test

import (
	"math"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Ten records whose numbers are counted by hand: x is 2, 2, 4, 8, 10 and −2, a
// text, infinite, null and absent; color is blue, blue, red, green, green, pink,
// brown, a list, empty and absent.
func ten() []row {
	list := record.ListOf([]record.Element{{Value: record.Int(1)}})
	var rows []row
	for i, x := range []record.Value{
		record.Num(2), record.Int(2), record.Num(4), record.Num(8), record.Num(10), record.Num(-2),
		record.Str("much"), record.Num(math.Inf(1)), record.Num(math.NaN()), {},
	} {
		r := row{"features.x": x, "features.color": []record.Value{
			record.Str("blue"), record.Str("blue"), record.Str("red"), record.Str("green"), record.Str("green"),
			record.Str("pink"), record.Str("brown"), list, record.Str(""), {},
		}[i]}
		if i == 9 {
			r = row{"features.flag": record.Bool(true), "features.note": record.Str("only these")}
		}
		rows = append(rows, r)
	}
	return rows
}

func TestFieldsByHand(t *testing.T) {
	cur := side(t, layout(t), ten()...)
	for _, c := range []struct {
		field, metric string
		want          float64
		reason        string
	}{
		{"features.x", "ml.integrity.missing_ratio", 0.2, ""}, // null and absent
		{"features.x", "ml.integrity.invalid_ratio", 0.1, ""},
		{"features.x", "ml.integrity.non_finite_ratio", 0.1, ""},
		{"features.x", "ml.integrity.out_of_range_ratio", 2.0 / 6, ""}, // of usable values: 10 and −2
		{"features.x", "ml.integrity.new_values", 0, measure.NotKept},
		{"features.x", "ml.field.mean", 4, ""},
		{"features.x", "ml.field.stddev", 4, ""}, // squares of −2, −2, 0, 4, 6, −6: 96/6
		{"features.x", "ml.field.variance", 16, ""},
		{"features.x", "ml.integrity.missing", 2, ""},
		{"features.note", "ml.integrity.missing", 9, ""},
		{"features.color", "ml.field.variance", 0, measure.NotKept},
		{"features.x", "ml.field.min", -2, ""},
		{"features.x", "ml.field.max", 10, ""},
		{"features.x", "ml.field.sum", 24, ""},
		{"features.x", "ml.field.p25", 2, ""},
		{"features.x", "ml.field.unique", 5, ""},
		{"features.color", "ml.integrity.missing_ratio", 0.2, ""}, // an empty text is missing
		{"features.color", "ml.integrity.invalid_ratio", 0.1, ""},
		{"features.color", "ml.integrity.new_values", 3, ""},         // green, pink, brown; one has no count of its own
		{"features.color", "ml.integrity.new_values_ratio", 0.4, ""}, // green twice
		{"features.color", "ml.field.unique", 5, ""},
		{"features.color", "ml.field.mean", 0, measure.NotKept},
		{"features.color", "ml.integrity.non_finite_ratio", 0, measure.NotKept},
		{"features.flag", "ml.integrity.missing_ratio", 0.9, ""},
		{"features.note", "ml.integrity.missing_ratio", 0.9, ""},
		{"features.note", "ml.field.unique", 0, measure.NotKept},
		{"features.plain", "ml.integrity.missing_ratio", 1, ""},
		{"features.plain", "ml.field.mean", 0, measure.NotKept},
		{"features.plain", "ml.field.median", 0, measure.NotKept},
		{"features.plain", "ml.integrity.out_of_range_ratio", 0, measure.NotKept},
		{"actuals.number", "ml.field.mean", 0, measure.NoData},
		{"features.y", "ml.field.mean", 0, measure.NoField},
		{"features.x", "ml.field.mode", 0, measure.NoMetric},
	} {
		check(t, c.metric+" of "+c.field, measure.Field(cur, key(t, c.field), c.metric), c.want, c.reason)
	}
	v := measure.Field(cur, key(t, "features.color"), "ml.integrity.overflow_ratio")
	if v.Value != 0.1 && v.Value != 0.2 || !slices.Contains(v.Warnings, "overflow") || v.Cur != 10 {
		t.Errorf("two of three new values have a count: %+v", v)
	}
	if v := measure.Field(side(t, layout(t), row{"features.x": record.Num(1e308)}, row{"features.x": record.Num(1e308)}), key(t, "features.x"), "ml.field.sum"); v.Reason != "not_finite" {
		t.Errorf("a sum beyond float64: %+v", v)
	}
}

// A slice that the profile does not have is empty, whatever is asked of it.
func TestEmptySlice(t *testing.T) {
	p := of(t, layout(t), ten()...)
	for _, c := range []struct {
		seg  profile.Segment
		rows float64
	}{{profile.Segment{}, 10}, {profile.Segment{Name: "color", Value: "green"}, 2}, {profile.Segment{Name: "color", Value: "yellow"}, 0}, {profile.Segment{Name: "shape", Value: "round"}, 0}} {
		cur := measure.Of(p, c.seg)
		check(t, "predictions", measure.Activity(cur, measure.MetricPredictions), c.rows, "")
		if c.rows > 0 {
			continue
		}
		for _, name := range measure.FieldMetrics() {
			check(t, name, measure.Field(cur, key(t, "features.x"), name), 0, measure.NoData)
		}
		check(t, measure.MetricLabelled, measure.Activity(cur, measure.MetricLabelled), 0, measure.NoData)
	}
}

// Keeps promises what Field has: where it says no, there never is a value; where
// it says yes, there is one as soon as there are usable values.
func TestKeeps(t *testing.T) {
	l := layout(t)
	cur := side(t, l, row{
		"features.x": record.Num(1), "features.plain": record.Num(2), "features.color": record.Str("blue"), "features.flag": record.Bool(true), "features.note": record.Str("x"),
	})
	for i := range 5 {
		f := &l.Fields[i]
		for _, name := range measure.FieldMetrics() {
			keeps, v := measure.Keeps(f, name), measure.Field(cur, f.Key, name)
			ranged := name != "ml.integrity.out_of_range_ratio" || !math.IsInf(f.Max, 1) // only then is there a range
			if ranged && keeps && !v.OK() || !keeps && v.OK() && f.Key.Name != "flag" {
				t.Errorf("%s of %s: kept %v, reason %q", name, f.Key, keeps, v.Reason)
			}
		}
	}
}

func TestActivity(t *testing.T) {
	l := layout(t)
	truth := record.Field{Group: record.Actuals, Name: "truth", Value: record.Bool(true)}
	plan, err := profile.NewPlan(l)
	if err != nil {
		t.Fatal(err)
	}
	rows, p := plan.NewRows(), profile.New(l)
	for _, r := range []record.Record{
		{Fields: []record.Field{truth}}, {}, {}, {}, {Event: record.Duplicate}, {Event: record.Duplicate},
		{Event: record.Labelled, Fields: []record.Field{truth}},
		{Event: record.Labelled, Fields: []record.Field{truth}, Previous: []record.Field{truth}},
	} {
		rows.Add(&r)
	}
	p.AddRange(rows, 0, rows.Len())
	cur := measure.Of(p.Net(), profile.Segment{})
	for metric, want := range map[string]float64{
		measure.MetricPredictions: 4, measure.MetricActuals: 2, measure.MetricLabelled: 0.5, measure.MetricDuplicates: 2,
	} {
		v := measure.Activity(cur, metric)
		check(t, metric, v, want, "")
		if len(v.Warnings) > 0 {
			t.Errorf("%s: %v", metric, v.Warnings)
		}
	}
	check(t, "no duplicates", measure.Activity(side(t, l, row{}), measure.MetricDuplicates), 0, measure.NoDuplicates)
	check(t, "no activity", measure.Activity(cur, measure.MetricShare), 0, measure.NoMetric)

	// The first label of a correction has not come yet.
	rows.Reset()
	rows.Add(&record.Record{Event: record.Labelled, Previous: []record.Field{truth}})
	p = profile.New(l)
	p.Add(rows, 0)
	cur = measure.Of(p.Net(), profile.Segment{})
	if v := measure.Activity(cur, measure.MetricActuals); v.Value != 0 || !slices.Contains(v.Warnings, "labels_incomplete") {
		t.Errorf("%+v", v)
	}
}
