package profile

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// tallying returns a layout with tallies of most kinds, and a profile in which each
// has counted, and those of labels have taken something back.
func tallying(t fataler) (*Layout, *Profile) {
	t.Helper()
	l := small(t, `prediction_count(features.a > 0)`, `sum(features.a, raw_inputs.zip == "a")`, `median(features.a[features.a > 0])`,
		`absolute_sum(features.a)`, `unique_count(raw_inputs.zip, features.a > 0)`, `tp_count(predictions.p, actuals.t, 0.3)`,
		`auc_roc(predictions.p, actuals.t, features.a > 0)`, `sum(actuals.n[actuals.t == True])`)
	var rs []record.Record
	for i := range 20 {
		var r record.Record
		r.Append(record.Features, "a", record.Num(float64(i%7)-2))
		r.Append(record.RawInputs, "zip", record.Str([]string{"a", "b", "c"}[i%3]))
		r.Append(record.Predictions, "p", record.Num(float64(i%5)/4))
		rs = append(rs, r)
		r.Fields = append([]record.Field(nil), r.Fields...)
		r.Event = record.Labelled
		r.Append(record.Actuals, "t", record.Bool(i%2 == 0))
		r.Append(record.Actuals, "n", record.Int(int64(i)))
		if i > 10 {
			r.Previous = []record.Field{{Group: record.Actuals, Name: "t", Value: record.Bool(i%3 == 0)}}
		}
		rs = append(rs, r)
	}
	return l, count(t, l, rs)
}

// small returns a layout of a few fields with custom metrics.
func small(t fataler, expressions ...string) *Layout {
	t.Helper()
	numeric := func(name string, xs ...float64) FieldLayout {
		return FieldLayout{Key: key(name), Type: model.Numeric, Grid: grid.Build(xs, grid.Options{}), Min: math.Inf(-1), Max: math.Inf(1)}
	}
	named := func(name string, ft model.FieldType, words ...string) FieldLayout {
		return FieldLayout{Key: key(name), Type: ft, Categories: counts.NewDictionary(words), Min: math.Inf(-1), Max: math.Inf(1)}
	}
	l := sealed(t, &Layout{Limits: roomy, Fields: []FieldLayout{
		numeric("features.a", -2, 0, 1, 3), named("features.cat", model.Categorical, "a", "b"), named("raw_inputs.zip", model.Categorical, "a", "b"),
		numeric("predictions.p", 0, 0.5, 1), numeric("actuals.n", 0, 1), named("actuals.t", model.Boolean, "false", "true"),
	}})
	for _, e := range expressions {
		if err := l.Misfit(model.Metric{Expression: e}); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
	return customised(l, expressions...)
}

// What has to do with labels that were corrected and inputs that came late is in
// the end as if all had been known at once.
func TestTalliesAreTakenBack(t *testing.T) {
	l := small(t, `prediction_count(raw_inputs.zip == "a")`, `prediction_count(raw_inputs.zip is null)`, `sum(features.a, raw_inputs.zip != "b")`, `missing_count(raw_inputs.zip, features.a > 0)`,
		`unique_count(raw_inputs.zip, features.a > 0)`, `missing_ratio(raw_inputs.zip, raw_inputs.zip is null)`, `absolute_sum(actuals.n)`,
		`sum(actuals.n, actuals.t == True)`, `mean(features.a[actuals.t == True])`, `median(features.a[actuals.t == False])`, `tp_count(predictions.p, actuals.t, 0.3)`,
		`auc_roc(predictions.p, actuals.t, features.a > 0)`, `logloss(predictions.p, actuals.t)`, `mae(predictions.p, actuals.n)`, `actuals_count(features.a > 0)`)
	draw := func(t *rapid.T, names ...string) []record.Field {
		var fs []record.Field
		for _, name := range names {
			k := key(name)
			if i, _ := l.Field(k); rapid.IntRange(0, 3).Draw(t, "has "+name) > 0 {
				fs = append(fs, record.Field{Group: k.Group, Name: k.Name, Value: plainValues(l.Fields[i].Type).Draw(t, name)})
			}
		}
		return fs
	}
	rapid.Check(t, func(t *rapid.T) {
		var told, known []record.Record
		for range rapid.IntRange(1, 6).Draw(t, "predictions") {
			inputs := draw(t, "features.a", "features.cat", "predictions.p")
			zip := draw(t, "raw_inputs.zip")
			late := len(zip) > 0 && rapid.Bool().Draw(t, "late")
			prediction := inputs
			if !late {
				prediction = slices.Concat(inputs, zip)
			}
			told = append(told, record.Record{Fields: prediction})
			known = append(known, record.Record{Fields: slices.Concat(inputs, zip)})
			if late {
				told = append(told, record.Record{Event: record.Labelled, LateInputs: true, Fields: slices.Concat(inputs, zip)})
			}
			var last []record.Field
			n := rapid.IntRange(0, 3).Draw(t, "labels")
			for range n {
				label := draw(t, "actuals.n", "actuals.t")
				told = append(told, record.Record{Event: record.Labelled, Previous: last, Fields: slices.Concat(inputs, zip, label)})
				last = label
			}
			if n > 0 {
				known = append(known, record.Record{Event: record.Labelled, Fields: slices.Concat(inputs, zip, last)})
			}
		}
		p, want := count(t, l, rapid.Permutation(told).Draw(t, "order")), count(t, l, known)
		net := p.Net()
		if !net.settled() {
			t.Fatal("what was taken back is said not to be there")
		}
		forgive(t, p, net, want)
		equal(t, net, want)
	})
}

// plainValues are of the type of their field.
func plainValues(t model.FieldType) *rapid.Generator[record.Value] {
	switch t {
	case model.Numeric:
		return rapid.Map(rapid.SampledFrom([]float64{-2, -0.5, 0, 0.25, 0.5, 1, 3}), record.Num)
	case model.Boolean:
		return rapid.Map(rapid.Bool(), record.Bool)
	default:
		return rapid.Map(rapid.SampledFrom([]string{"a", "b", "c"}), record.Str)
	}
}

// Messages that no counting gives are refused.
func TestDecodeRefusesForgedTallies(t *testing.T) {
	l, p := tallying(t)
	at := func(k TallyKind) int {
		for i := range l.Tallies {
			if l.Tallies[i].Kind == k {
				return i
			}
		}
		t.Fatalf("no tally of %s", k)
		return 0
	}
	stats := func(m *formats.Profile, k TallyKind) *formats.TallyStats { return m.Whole.Tallies[at(k)] }
	for name, change := range map[string]func(m *formats.Profile){
		"a tally less":               func(m *formats.Profile) { m.Whole.Tallies = m.Whole.Tallies[1:] },
		"rows of a field":            func(m *formats.Profile) { stats(m, TallyMoments).Rows = 1 },
		"a field of rows":            func(m *formats.Profile) { stats(m, TallyRows).Field = stats(m, TallyMoments).Field },
		"an output of a field":       func(m *formats.Profile) { stats(m, TallyMoments).Output = stats(m, TallyCut).Output },
		"a field of an output":       func(m *formats.Profile) { stats(m, TallyCut).Field = stats(m, TallyMoments).Field },
		"no output":                  func(m *formats.Profile) { m.Whole.Tallies[at(TallyCut)] = &formats.TallyStats{Rows: 2} },
		"an absolute sum of moments": func(m *formats.Profile) { stats(m, TallyMoments).Absolute = stats(m, TallyMagnitude).Absolute },
		"a sum of no values":         func(m *formats.Profile) { stats(m, TallyMagnitude).Field = &formats.FieldStats{Missing: 3} },
		"a histogram of moments": func(m *formats.Profile) {
			stats(m, TallyMoments).Field.Histogram = stats(m, TallyHistogram).Field.Histogram
		},
		"moments of distinct values": func(m *formats.Profile) {
			stats(m, TallyDistinct).Field.Moments = stats(m, TallyHistogram).Field.Moments
		},
		"distinct values of moments": func(m *formats.Profile) {
			stats(m, TallyMoments).Field.Distinct = stats(m, TallyDistinct).Field.Distinct
		},
		"counts of moments": func(m *formats.Profile) { stats(m, TallyMoments).Field.Counts = []byte{1} },
		"zeros of a tally":  func(m *formats.Profile) { stats(m, TallyMoments).Field.Zero = 1 },
		"a tally of nothing that is there": func(m *formats.Profile) {
			m.Whole.Tallies[at(TallyMoments)] = &formats.TallyStats{Field: &formats.FieldStats{}}
		},
		"a histogram of another grid": func(m *formats.Profile) {
			h := grid.Build(nil, grid.Options{}).NewHist()
			stats(m, TallyHistogram).Field.Histogram, _ = h.AppendBinary(nil)
		},
		"what cannot be taken back":   func(m *formats.Profile) { m.Whole.Retracted.Tallies[at(TallyHistogram)] = stats(m, TallyHistogram) },
		"no tallies to take back":     func(m *formats.Profile) { m.Whole.Retracted.Tallies = nil },
		"a lacking tally of none":     func(m *formats.Profile) { m.Lacking = []uint32{99} },
		"lacking tallies in disorder": func(m *formats.Profile) { m.Lacking = []uint32{2, 1} },
	} {
		m, err := p.Message()
		if err != nil {
			t.Fatal(err)
		}
		m = proto.CloneOf(m)
		if _, err := Of(m, l); err != nil {
			t.Fatalf("before it is forged: %v", err)
		}
		change(m)
		if q, err := Of(m, l); q != nil || !wraps(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealRefusesTallies(t *testing.T) {
	l := typical(1)
	of := func(f string) TallyLayout { return TallyLayout{Kind: TallyMoments, Field: key(f)} }
	pair := func(k TallyKind, p, a string) TallyLayout { return TallyLayout{Kind: k, Prediction: p, Actual: a} }
	for want, tallies := range map[string][]TallyLayout{
		"two tallies":             {of("features.f00"), of("features.f00")},
		`kind "x" of a tally`:     {pair("x", "proba", "fraud")},
		"field features.nowhere":  {of("features.nowhere")},
		"moments of features.reg": {of("features.region")},
		"rows of a field":         {{Kind: TallyRows, Field: key("features.f00")}},
		"rows of a field or an":   {pair(TallyRows, "proba", "fraud")},
		"an output of a field":    {{Kind: TallyCut, Field: key("features.f00"), Prediction: "proba", Actual: "fraud"}},
		`prediction "nobody"`:     {pair(TallyCut, "nobody", "fraud")},
		`actual "nobody"`:         {pair(TallyCut, "proba", "nobody")},
		`threshold 0.5`:           {{Kind: TallyDecision, Prediction: "proba", Actual: "fraud", Threshold: 0.5}},
		`classes of "proba"`:      {pair(TallyClass, "proba", "fraud")},
		`condition "features."`:   {{Kind: TallyRows, Where: "features."}},
		`condition "features.zip`: {{Kind: TallyRows, Where: "features.zip > 1"}},
		`cannot be asked`:         {{Kind: TallyRows, Where: `features.region > "a"`}},
	} {
		if _, err := l.With(l.Segments, l.Limits, tallies...); !wraps(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A metric that does not fit the fields of a layout says why, and leaves the
// others as they are.
func TestMisfits(t *testing.T) {
	l := typical(1)
	for src, want := range map[string]string{
		"mean(features.region)":                                   "mean needs a numeric field",
		"mean(features.f0)":                                       "did you mean features.f00?",
		"tp_count(predictions.amount)":                            "is judged by no actual that is known",
		"mae(predictions.proba)":                                  "mae compares numbers",
		"tp_per_class(predictions.proba, 'a')":                    "does not predict classes",
		"prediction_count(features.f00 > 'a')":                    `'a' is text, but features.f00 is numeric`,
		"accuracy(predictions.amount, actuals.fraud) + mean(zip)": "names no group",
	} {
		err := l.Misfit(model.Metric{Expression: src})
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `"a"`, "'a'"), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
		if both := customised(l, src, tallied["moments"]); len(both.Tallies) != 1 {
			t.Errorf("beside %s there are %v", src, both.Tallies)
		}
	}
}

// Conditions of tallies are written in one way, however they were spelled.
func TestTalliesAreSpelledInOneWay(t *testing.T) {
	l := typical(1)
	a := customised(l, "sum(features.f00[features.f01>1 and features.region=='EU'])")
	b := customised(l, `sum(column="f00", filter="(f01 > 1) & region = 'EU'")`)
	if a.ID() != b.ID() {
		t.Errorf("%v and %v", a.Tallies, b.Tallies)
	}
	if n, err := expr.Parse(a.Tallies[0].Where); err != nil || n.String() != a.Tallies[0].Where {
		t.Errorf("%s: %v", a.Tallies[0].Where, err)
	}
}

// Whatever a message says of tallies, it is refused, or it is a profile that can be
// written, read, merged, netted and converted.
func FuzzTallies(f *testing.F) {
	l, p := tallying(f)
	f.Add(encode(f, p)[12:])
	other := small(f, `median(features.a[features.a > 0])`, `auc_roc(predictions.p, actuals.t, features.a > 0)`, `missing_count(features.a, features.a > 0)`)
	back, _ := p.Convert(other)
	lacking, _ := back.Convert(l)
	f.Add(encode(f, lacking)[12:])
	f.Fuzz(func(t *testing.T, message []byte) {
		p, err := Decode(seal(formats.KindProfile, message), l)
		if err != nil {
			if !wraps(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		q, err := Decode(encode(t, p), l)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		equal(t, q, p)
		encode(t, p.Net())
		if !bytes.Equal(encode(t, p), encode(t, q)) {
			t.Fatal("Net has changed the profile")
		}
		c, _ := p.Convert(other)
		encode(t, c)
		if err := q.Merge(p); err != nil {
			t.Fatal(err)
		}
	})
}
