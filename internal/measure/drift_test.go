package measure_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// colors returns rows of which so many are blue, red and green.
func colors(blue, red, green int) []row {
	of := func(n int, color string) []row { return repeat(n, row{"features.color": record.Str(color)}) }
	return slices.Concat(of(blue, "blue"), of(red, "red"), of(green, "green"))
}

// digits returns rows with x = 0, 1, …, 9, shifted, in turn.
func digits(n int, shift float64) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{"features.x": record.Num(float64(i%10) + shift), "features.flag": record.Bool(i%2 == 0)}
	}
	return rows
}

// Distances of shares that can be computed by hand. A value that the reference
// does not have counts as one that it has none of.
func TestDriftByHand(t *testing.T) {
	l := layout(t)
	ref := side(t, l, colors(50, 50, 0)...)
	for _, c := range []struct {
		measure string
		cur     []row
		want    float64
	}{
		{"total_variation", colors(50, 50, 0), 0},
		{"total_variation", colors(75, 25, 0), 0.25},
		{"total_variation", colors(40, 40, 20), 0.2},
		{"l_infinity", colors(90, 10, 0), 0.4},
		{"psi", colors(75, 25, 0), 0.25*math.Log(1.5) - 0.25*math.Log(0.5)},
		{"hellinger", colors(100, 0, 0), math.Sqrt(1 - math.Sqrt(0.5))},
	} {
		v := measure.Drift(side(t, l, c.cur...), ref, key(t, "features.color"), model.Measure{Name: c.measure})
		check(t, c.measure, v, c.want, "")
		if v.Ref != 100 || v.Cur != 100 {
			t.Errorf("%s: %d values against %d", c.measure, v.Cur, v.Ref)
		}
	}
	ref = side(t, l, colors(40, 40, 20)...) // rows of a reference that its categories do not name
	check(t, "new on both sides", measure.Drift(ref, ref, key(t, "features.color"), model.Measure{Name: "total_variation"}), 0, "")
	check(t, "new in the reference", measure.Drift(side(t, l, colors(50, 50, 0)...), ref, key(t, "features.color"), model.Measure{Name: "total_variation"}), 0.2, "")
	ref = side(t, l, colors(50, 50, 0)...)

	// Both sides have categories that the other's dictionary has not: what counts
	// is the name.
	other := layout(t, func(l *profile.Layout) { l.Fields[0].Categories = counts.NewDictionary([]string{"green", "red"}) })
	check(t, "another dictionary", measure.Drift(side(t, other, colors(20, 40, 40)...), ref, key(t, "features.color"), model.Measure{Name: "total_variation"}), 0.4, "")
}

// What a side lacks is a reason, not a number.
func TestDriftReasons(t *testing.T) {
	l := layout(t)
	without := layout(t, func(l *profile.Layout) { l.Fields[4].Grid = nil })
	cur, ref := side(t, l, slices.Concat(digits(50, 0), colors(20, 20, 0))...), side(t, l, digits(50, 0)...)
	for _, c := range []struct {
		cur, ref       measure.Side
		field, measure string
		reason         string
	}{
		{cur, ref, "features.x", "psi", ""},
		{cur, ref, "features.y", "psi", measure.NoField},
		{cur, side(t, without, digits(50, 0)...), "features.x", "psi", measure.NoRefSide},
		{side(t, without, digits(50, 0)...), ref, "features.x", "psi", measure.NotKept},
		{cur, ref, "features.note", "psi", measure.NotKept},
		{cur, cur, "features.color", "ks", measure.NotKept}, // it needs an order
		{cur, ref, "features.x", "nonsense", measure.NotKept},
		{side(t, l, colors(9, 9, 0)...), ref, "features.x", "psi", "empty_current"},
		{cur, ref, "features.color", "psi", "empty_reference"},
	} {
		v := measure.Drift(c.cur, c.ref, key(t, c.field), model.Measure{Name: c.measure})
		check(t, c.measure+" of "+c.field, v, 0, c.reason)
		if c.reason != "" && v.Verdict != drift.VerdictNotComputable {
			t.Errorf("%s of %s: verdict %q", c.measure, c.field, v.Verdict)
		}
	}
}

// Levels of the definition replace the measure's own and are told with the value;
// a side on another grid is moved to that of the reference, and says so.
func TestDriftLevels(t *testing.T) {
	l := layout(t)
	cur, ref := side(t, l, colors(60, 40, 0)...), side(t, l, colors(50, 50, 0)...)
	low, high := 0.05, 0.5
	for want, m := range map[drift.Verdict]model.Measure{
		drift.VerdictDrift:   {Name: "total_variation", Threshold: &low},
		drift.VerdictWarning: {Name: "total_variation", Threshold: &high, Warn: &low},
		drift.VerdictOK:      {Name: "total_variation", Threshold: &high},
	} {
		cur := cur
		if want != drift.VerdictOK { // more than chance
			cur = side(t, l, colors(100, 0, 0)...)
			if want == drift.VerdictWarning {
				cur = side(t, l, colors(90, 10, 0)...)
			}
		}
		v := measure.Drift(cur, ref, key(t, "features.color"), m)
		if v.Verdict != want || v.Threshold != *m.Threshold || m.Warn != nil && v.Warn != low {
			t.Errorf("verdict %q, want %q: %+v", v.Verdict, want, v)
		}
	}
	coarse := layout(t, func(l *profile.Layout) { l.Fields[4].Grid = grid.Build([]float64{0, 5, 9}, grid.Options{}) })
	x := key(t, "features.x")
	if v := measure.Drift(side(t, coarse, digits(100, 0)...), side(t, l, digits(100, 0)...), x, model.Measure{Name: "psi"}); !slices.Contains(v.Warnings, "regridded") {
		t.Errorf("another grid: %+v", v)
	}
	regridded := side(t, l, digits(100, 0)...)
	regridded.Regridded = true
	if v := measure.Drift(regridded, side(t, l, digits(100, 0)...), x, model.Measure{Name: "psi"}); !slices.Contains(v.Warnings, "regridded") {
		t.Errorf("regridded before: %+v", v)
	}
}

// Detected is the verdict of the first measure that can give one; its share is
// that of the fields that can be judged.
func TestDetected(t *testing.T) {
	l := layout(t)
	ref := side(t, l, digits(1000, 0)...)
	same, moved, few := side(t, l, digits(1000, 0)...), side(t, l, digits(1000, 5)...), side(t, l, digits(10, 5)...)
	only := func(names ...string) (d model.Drift) {
		for _, n := range names {
			d.Measures = append(d.Measures, model.Measure{Name: n})
		}
		return d
	}
	for _, c := range []struct {
		what   string
		cur    measure.Side
		field  string
		choice model.Drift
		want   float64
		reason string
	}{
		{"the same", same, "features.x", model.Drift{}, 0, ""},
		{"moved", moved, "features.x", model.Drift{}, 1, ""},
		{"moved, by a test", moved, "features.x", only("ks"), 1, ""},
		{"the flag has not moved", moved, "features.flag", model.Drift{}, 0, ""},
		{"too few to say", few, "features.x", model.Drift{}, 0, measure.TooFew},
		{"no measure has a threshold", moved, "features.x", only("wasserstein"), 0, measure.NotKept},
		{"the second has one", moved, "features.x", only("wasserstein", "psi"), 1, ""},
		{"no measure fits", moved, "features.flag", only("ks"), 0, measure.NotKept},
		{"nothing there", moved, "features.plain", model.Drift{}, 0, measure.NoRefSide},
		{"of no measure", moved, "features.note", model.Drift{}, 0, measure.NotKept},
		{"no field", moved, "features.y", model.Drift{}, 0, measure.NoField},
	} {
		v := measure.Detected(c.cur, ref, key(t, c.field), c.choice)
		check(t, c.what, v, c.want, c.reason)
		if v.Threshold != 0 || v.HasP {
			t.Errorf("%s: levels of another quantity: %+v", c.what, v)
		}
	}
	check(t, "share", measure.DetectedRatio(moved, ref, model.Drift{}), 0.5, "") // of x and flag
	check(t, "share of the same", measure.DetectedRatio(same, ref, model.Drift{}), 0, "")
	check(t, "share of a few", measure.DetectedRatio(few, ref, model.Drift{}), 0, measure.TooFew)
	// Actuals drift too, and are not asked: they come late.
	labelled := side(t, l, repeat(100, row{"actuals.truth": record.Bool(true)})...)
	check(t, "share of actuals", measure.DetectedRatio(labelled, side(t, l, repeat(100, row{"actuals.truth": record.Bool(false)})...), model.Drift{}), 0, measure.TooFew)
}

// A definition's measures apply where they fit; without one, the defaults do.
func TestMeasures(t *testing.T) {
	l := layout(t)
	for field, want := range map[string]string{"features.color": "psi js hellinger chi2", "features.x": "psi js ks wasserstein_normalised", "features.note": ""} {
		i, _ := l.Field(key(t, field))
		var names []string
		for _, m := range measure.Measures(&l.Fields[i], model.Drift{}) {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
	level := 0.3
	choice := model.Drift{Measures: []model.Measure{{Name: "ks"}, {Name: "chi2", Threshold: &level}, {Name: "nonsense"}}}
	i, _ := l.Field(key(t, "features.flag"))
	if got := measure.Measures(&l.Fields[i], choice); len(got) != 1 || got[0].Name != "chi2" || got[0].Threshold != &level {
		t.Errorf("of a flag: %+v", got)
	}
}

// Every metric there is has one entry, with a unit and a sentence, and every answer
// of this package has a metric.
func TestCatalogue(t *testing.T) {
	units := []string{"1", "%", "{prediction}", "{score}", "{probability}", "{value}", "{value}2", "{detection}", "{target}", "{target}2", "{number}"}
	seen := map[string]bool{}
	for _, m := range measure.Catalogue() {
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		if !slices.Contains(units, m.Unit) {
			t.Errorf("%s has the unit %q", m.Name, m.Unit)
		}
		if !strings.HasPrefix(m.Name, "ml.") || !strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s: %q", m.Name, m.Description)
		}
		if d, ok := measure.Lookup(m.Name); !ok || fmt.Sprint(d) != fmt.Sprint(m) {
			t.Errorf("%s is looked up as %v", m.Name, d)
		}
	}
	cur := side(t, layout(t), scored(0.5, true), classified("a", "b"), row{"predictions.number": record.Num(1), "actuals.number": record.Num(2)})
	names := slices.Concat(measure.FieldMetrics(), measure.Activities)
	for p := range measure.Performances(cur) {
		names = append(names, measure.PrefixPerformance+p.Metric)
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("%s is not in the catalogue", name)
		}
	}
	if _, ok := measure.Lookup("ml.drift"); ok {
		t.Error("ml.drift is no metric")
	}
}
