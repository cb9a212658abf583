package join_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
)

// judged is how what is said is counted: p is a class, by segments of what the
// prediction brought (f, site), of what may come late (region), and of the label.
func judged(t tester, sites bool) *profile.Layout {
	l := &profile.Layout{
		Outputs: []profile.OutputLayout{{Prediction: "p", Actual: "p", Kind: profile.Class, Classes: score.ClassesOf([]string{"0", "1"})}},
		Limits:  profile.DefaultLimits,
	}
	for _, k := range []record.Key{
		{Group: record.Features, Name: "f"}, {Group: record.RawInputs, Name: "note"}, {Group: record.RawInputs, Name: "region"},
		{Group: record.RawInputs, Name: "site"}, {Group: record.Predictions, Name: "p"}, {Group: record.Actuals, Name: "p"}, {Group: record.Actuals, Name: "q"},
	} {
		l.Fields = append(l.Fields, profile.FieldLayout{Key: k, Type: model.Categorical, Categories: counts.NewDictionary(nil), Min: math.Inf(-1), Max: math.Inf(1)})
		if k.Name != "note" && k.Group != record.Predictions && (k.Name != "site" || sites) {
			l.Segments = append(l.Segments, profile.SegmentLayout{Name: k.String(), Field: k})
		}
	}
	l, err := l.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The net profile of what is said is that of a prediction which knew everything,
// in whatever order it was learned. Only segments of raw inputs that came late do
// not have the prediction itself, which did not know them; they have its label.
func TestProfileOfWhatIsSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sh := rapid.SampledFrom([]*join.Shape{shape, plain}).Draw(t, "shape")
		l := judged(t, sh == shape)
		plan, err := profile.NewPlan(l)
		if err != nil {
			t.Fatal(err)
		}
		rows, said, known := plan.NewRows(), profile.New(l), profile.New(l)
		count := func(p *profile.Profile, r *record.Record) {
			rows.Reset()
			rows.Add(r)
			p.Add(rows, 0)
		}
		for range rapid.IntRange(1, 4).Draw(t, "ids") {
			es := append(actuals(t), event{prediction: true, at: -10})
			own := map[string]record.Value{}
			if rapid.Bool().Draw(t, "the prediction has an actual") {
				own["p"] = record.Int(int64(rapid.IntRange(0, 2).Draw(t, "own")))
			}
			es[len(es)-1].labels = own
			b := newBench(t)
			passed := 0
			again := rapid.SliceOfN(rapid.SampledFrom(es), 0, 3).Draw(t, "again")
			whole := record.Record{} // a prediction that knows everything
			for i, k := range sh.Keys {
				whole.Append(k.Group, k.Name, values[i])
			}
			before := slices.Clone(whole.Fields)
			for name, v := range own {
				before = append(before, record.Field{Group: record.Actuals, Name: name, Value: v})
			}
			for _, e := range rapid.Permutation(append(slices.Clone(es), again...)).Draw(t, "order") {
				b.offer(sh, e)
				if b.passed > passed { // before what is said of it
					passed = b.passed
					count(said, &record.Record{Fields: before})
				}
				for i := range b.heard {
					count(said, &b.heard[i])
				}
				if e.prediction {
					continue
				}
				for name, v := range e.inputs {
					late := name != "known" && !(name == "site" && sh == shape)
					if k := (record.Key{Group: record.RawInputs, Name: name}); late && whole.Get(k).Kind() == record.Missing {
						whole.Append(k.Group, k.Name, v)
					}
				}
			}
			for name, v := range want(es) {
				whole.Append(record.Actuals, name, v)
			}
			count(known, &whole)
		}
		net := said.Net()
		same(t, l, net.Whole, known.Whole)
		for _, seg := range known.Segments() {
			w, _ := known.Slice(seg)
			g, ok := net.Slice(seg)
			switch {
			case seg.Name == "raw_inputs.region" || seg.Name == "raw_inputs.site" || seg.Name == "actuals.p" || seg.Name == "actuals.q":
				// The label is there; the prediction is, if it knew.
				if w.Actuals > 0 && (!ok || g.Actuals != w.Actuals || !g.Outputs[0].Multiclass.Equal(w.Outputs[0].Multiclass) || g.Outputs[0].Invalid != w.Outputs[0].Invalid) {
					t.Fatalf("slice %v: labels %+v, want %+v", seg, g, w)
				}
			case !ok:
				t.Fatalf("slice %v is not there", seg)
			default:
				same(t, l, g, w)
			}
		}
		for _, seg := range net.Segments() {
			if g, _ := net.Slice(seg); g.Unsettled {
				t.Fatalf("slice %v is unsettled", seg)
			}
		}
	})
}

// same compares slices but for ids that came again, which a prediction that knows
// everything does not have.
func same(t tester, l *profile.Layout, got, want *profile.Slice) {
	t.Helper()
	if got.Unsettled || got.Predictions != want.Predictions || got.Actuals != want.Actuals {
		t.Fatalf("%d predictions, %d labelled, unsettled %v; want %d and %d", got.Predictions, got.Actuals, got.Unsettled, want.Predictions, want.Actuals)
	}
	for i := range l.Fields {
		g, w := &got.Fields[i], &want.Fields[i]
		a, _ := g.Counts.MarshalBinary()
		b, _ := w.Counts.MarshalBinary()
		if string(a) != string(b) || g.Count != w.Count || g.Missing != w.Missing {
			t.Fatalf("%s: %d of %v, %d missing; want %d of %v, %d missing", l.Fields[i].Key, g.Count, g.Counts.NewValues(), g.Missing, w.Count, w.Counts.NewValues(), w.Missing)
		}
	}
	if g, w := &got.Outputs[0], &want.Outputs[0]; !g.Multiclass.Equal(w.Multiclass) || g.Invalid != w.Invalid {
		t.Fatalf("matrix %v and %d invalid, want %v and %d", g.Multiclass.Matrix, g.Invalid, w.Multiclass.Matrix, w.Invalid)
	}
}
