package profile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
)

// filters are the conditions of the tallies of these tests, in Go.
var filters = map[string]func(l *Layout, r *record.Record) bool{
	`features.a > 0 and features.cat == "b"`: conditions["and"],
	`features.flag or features.b <= -1`:      conditions["or"],
	`features.cat is null`:                   conditions["null"],
	`raw_inputs.zip == "a"`: func(l *Layout, r *record.Record) bool {
		zip := sees(l, r, "raw_inputs.zip")
		return zip.what == known && zip.name == "a"
	},
	`actuals.class != "a"`: func(l *Layout, r *record.Record) bool {
		class := sees(l, r, "actuals.class")
		return class.what == known && class.name != "a"
	},
	`predictions.score > 0.3`: func(l *Layout, r *record.Record) bool {
		score := sees(l, r, "predictions.score")
		return score.what == number && score.x > 0.3
	},
}

// withTallies draws tallies that a layout can have.
func withTallies(t *rapid.T, l *Layout) *Layout {
	wheres := []string{"", "", `features.a > 0 and features.cat == "b"`, `features.flag or features.b <= -1`, `features.cat is null`,
		`raw_inputs.zip == "a"`, `actuals.class != "a"`, `predictions.score > 0.3`}
	kinds := []TallyKind{TallyRows, TallyLabelled, TallyPresence, TallyMoments, TallyHistogram, TallyMagnitude, TallyDistinct,
		TallyDecision, TallyCut, TallyScore, TallyLoss, TallyClass, TallyChances, TallyNumber}
	for range rapid.IntRange(0, 6).Draw(t, "tallies") {
		tl := TallyLayout{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Where: rapid.SampledFrom(wheres).Draw(t, "where")}
		switch tl.Kind {
		case TallyRows, TallyLabelled:
		case TallyPresence, TallyMoments, TallyHistogram, TallyMagnitude, TallyDistinct:
			tl.Field = rapid.SampledFrom(l.Fields).Draw(t, "field").Key
		default:
			o := rapid.SampledFrom(outputs).Draw(t, "output")
			tl.Prediction, tl.Actual = o.Prediction, o.Actual
			if tl.Kind == TallyCut {
				tl.Threshold = rapid.SampledFrom([]float64{0, 0.2, 0.5}).Draw(t, "threshold")
			}
		}
		more := &Layout{Fields: l.Fields, Outputs: l.Outputs, Segments: l.Segments, Limits: l.Limits, Tallies: append(slices.Clone(l.Tallies), tl)}
		if _, err := more.Seal(); err != nil {
			continue
		}
		if s := more.tallies[len(more.tallies)-1]; s.labels && s.late {
			continue // raw inputs of a labelled record are what it says of them
		}
		l = more
	}
	return l
}

func expectTally(t *Tally, l *Layout, i int, r *record.Record) {
	tl, shape := &l.Tallies[i], &l.tallies[i]
	if r.Event == record.Duplicate || shape.labels && !labelled(l, r) || !shape.labels && !predicted(r) {
		return
	}
	if f := filters[tl.Where]; f != nil && !f(l, r) {
		return
	}
	switch {
	case tl.Prediction != "":
		expectOutput(&t.Output, l, &shape.output, r)
		return
	case shape.field < 0:
		t.N++
		return
	}
	fl, f := &l.Fields[shape.field], &t.Field
	v := see(r, fl.Key, fl.Type)
	switch v.what {
	case absent:
		if fl.Key.Group != record.Actuals {
			f.Missing++
		}
	case missing:
		f.Missing++
	case invalid:
		f.Invalid++
	case nonFinite:
		f.NonFinite++
	default:
		f.Count++
	}
	switch v.what {
	case number:
		if f.Hist != nil {
			f.Hist.Add(fl.Grid, fl.Grid.Find(v.x), v.x)
		}
		if f.Moments != nil {
			f.Moments.Add(v.x, 0)
		}
		if t.Absolute != nil {
			t.Absolute.Add(math.Abs(v.x))
		}
		if f.Distinct != nil {
			f.Distinct.Insert(distinct.HashFloat(v.x))
		}
	case known:
		if f.Counts == nil {
			break
		}
		if i := slices.Index(fl.Categories.Values(), v.name); i >= 0 {
			f.Counts.Known[i]++
		} else {
			f.Counts.AddNew(v.name)
			f.Distinct.Insert(distinct.HashString(v.name))
		}
	default:
	}
}

// customised returns a layout with custom metrics.
func customised(l *Layout, expressions ...string) *Layout {
	var metrics []model.Metric
	for i, e := range expressions {
		metrics = append(metrics, model.Metric{Name: fmt.Sprintf("m%d", i), Expression: e})
	}
	c, err := l.With(l.Segments, l.Limits, l.TalliesOf(metrics)...)
	if err != nil {
		panic(err)
	}
	return c
}

// tallied are expressions that need a tally of each kind.
var tallied = map[string]string{
	"rows":      "prediction_count(features.f01 > 0)",
	"labelled":  "actuals_count(features.f01 > 0)",
	"presence":  "missing_count(features.f02, features.f01 > 0)",
	"moments":   "sum(features.f02, features.f01 > 0)",
	"histogram": "median(features.f02, features.f01 > 0)",
	"magnitude": "absolute_sum(features.f02)",
	"distinct":  "unique_count(features.f02, features.f01 > 0)",
	"cut":       "tp_count(predictions.proba, threshold=0.3)",
	"score":     "auc_roc(predictions.proba, filter=features.f01 > 0)",
	"loss":      "logloss(predictions.proba, filter=features.f01 > 0)",
}

// What custom metrics need is counted without allocating, too.
func TestTalliesDoNotAllocate(t *testing.T) {
	var all []string
	for _, e := range tallied {
		all = append(all, e)
	}
	for _, segments := range []int{0, 4} {
		l := customised(typical(segments), all...)
		if len(l.Tallies) != len(all) {
			t.Fatalf("%d tallies of %d expressions", len(l.Tallies), len(all))
		}
		rows, p, rs := mustPlan(l).NewRows(), New(l), stream(4000, segments > 0)
		batch := func() {
			rows.Reset()
			for i := range rs {
				rows.Add(&rs[i])
			}
			p.AddRange(rows, 0, len(rs))
		}
		batch()
		rs = rs[:200]
		if n := testing.AllocsPerRun(10, batch); n != 0 {
			t.Errorf("%d segments: %v allocations a batch", segments, n)
		}
		if n := testing.AllocsPerRun(10, func() { p.Add(rows, 7) }); n != 0 {
			t.Errorf("%d segments: %v allocations a row", segments, n)
		}
	}
}

// What the profile keeps anyway is not kept again, what two metrics ask for is kept
// once, and names, factors and the order of metrics change no layout.
func TestTalliesAreShared(t *testing.T) {
	l := typical(1)
	for _, e := range []string{
		"mean(features.f00)", "median(features.f00)", "missing_ratio(features.f00) * unique_count(features.region)", "count() / actuals_count()",
		"tp_count(predictions.proba, actuals.fraud, 0.5)", "precision(predictions.proba)", "auc_roc(predictions.proba)", "logloss(predictions.proba)",
		"value_percentage(features.region, 'EU')", "sum(actuals.nothing)",
	} {
		if got := customised(l, e); got.ID() != l.ID() || len(got.Tallies) != 0 {
			t.Errorf("%s keeps %v", e, got.Tallies)
		}
	}
	a := customised(l, "5 * sum(features.f00[features.f01 > 1])", "mean(features.f00[features.f01 > 1]) / fp_count(predictions.proba, threshold=0.25)")
	b := customised(l, "tn_count(predictions.proba, threshold=.25)", "std(features.f00, filter='f01 > 1')")
	if len(a.Tallies) != 2 || a.ID() != b.ID() || a.ID() == l.ID() {
		t.Errorf("%v and %v", a.Tallies, b.Tallies)
	}
}

// A profile of another layout says which tallies it was counted without, in any
// company, and keeps what it has.
func TestTalliesThatAreLacking(t *testing.T) {
	one := customised(typical(0), tallied["rows"])
	two := customised(typical(0), tallied["rows"], tallied["moments"], tallied["cut"])
	rs := stream(100, false)
	p, warnings := count(t, one, rs).Convert(two)
	if len(warnings) > 0 || p.Regridded {
		t.Errorf("warnings %q", warnings)
	}
	lacks := func(p *Profile) (n int) {
		for i, tally := range two.Tallies {
			if p.Lacks(i) {
				n++
			}
			if p.Lacks(i) != (tally.Kind != TallyRows) {
				t.Errorf("%+v is lacking: %v", tally, p.Lacks(i))
			}
		}
		return n
	}
	back, err := Decode(encode(t, p), two)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, back, p)
	sum := merged(t, two, count(t, two, rs), p)
	equal(t, sum, merged(t, two, p, count(t, two, rs)))
	if lacks(back) != 2 || lacks(sum) != 2 || lacks(sum.Net()) != 2 {
		t.Error("what is lacking is forgotten")
	}
	if i, _ := two.Tally(one.Tallies[0]); sum.Whole.Tallies[i].N != 2*count(t, one, rs).Whole.Tallies[0].N {
		t.Errorf("%d rows", sum.Whole.Tallies[i].N)
	}
	fewer, _ := sum.Convert(one)
	if fewer.Lacks(0) || fewer.Whole.Tallies[0].N != sum.Whole.Tallies[1].N && fewer.Whole.Tallies[0].N != sum.Whole.Tallies[2].N && fewer.Whole.Tallies[0].N != sum.Whole.Tallies[0].N {
		t.Errorf("%+v", fewer.Whole.Tallies)
	}
	if empty, _ := New(one).Convert(two); empty.Lacks(0) || empty.Lacks(1) || empty.Lacks(2) {
		t.Error("nothing was counted without anything")
	}
}

// BenchmarkTally is what ten accumulators of a kind, each with a filter of its own,
// add to a record.
func BenchmarkTally(b *testing.B) {
	layouts := map[string]*Layout{"none": typical(0)}
	for kind, e := range tallied {
		var ten []string
		for i := range 10 {
			ten = append(ten, strings.NewReplacer("> 0", fmt.Sprintf("> 0.%d", i), "0.3", fmt.Sprintf("0.3%d", i), "f02)", fmt.Sprintf("f%02d)", i+2)).Replace(e))
		}
		layouts[kind] = customised(typical(0), ten...)
		if n := len(layouts[kind].Tallies); n != 10 {
			b.Fatalf("%d tallies of %q", n, ten)
		}
	}
	for name, l := range layouts {
		b.Run(name, func(b *testing.B) {
			rows, p, rs := mustPlan(l).NewRows(), New(l), stream(1000, false)
			b.ReportAllocs()
			for b.Loop() {
				rows.Reset()
				for i := range rs {
					rows.Add(&rs[i])
				}
				p.AddRange(rows, 0, len(rs))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rs)), "ns/record")
		})
	}
}
