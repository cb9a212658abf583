package profile

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// clone returns an unsealed copy of a layout, to be changed.
func clone(l *Layout) *Layout {
	return &Layout{Fields: slices.Clone(l.Fields), Outputs: slices.Clone(l.Outputs), Segments: slices.Clone(l.Segments), Tallies: slices.Clone(l.Tallies), Limits: l.Limits}
}

func sealed(t fataler, l *Layout) *Layout {
	t.Helper()
	l, err := l.Seal()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return l
}

func TestConvertToTheSameLayoutChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{NewCategories: rapid.SampledFrom([]int{0, 2, 1000}).Draw(t, "new"), SegmentValues: rapid.SampledFrom([]int{0, 2, 1000}).Draw(t, "slices")}
		l := layouts(limits).Draw(t, "layout")
		p := count(t, l, relabelled(streams(0, 40)).Draw(t, "stream"))
		before := encode(t, p)
		q, warnings := p.Convert(sealed(t, clone(l)))
		if len(warnings) > 0 {
			t.Fatalf("%q", warnings)
		}
		equal(t, q, p)
		if err := q.Merge(p); err != nil { // nothing is shared
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, p), before) {
			t.Fatal("the converted profile shares memory with the original")
		}
	})
}

// With other categories, classes that are among the old ones, fewer fields and
// outputs, other segments of those there were, and a range that an edge ends,
// converting is counting.
func TestConvertIsCountingByTheOtherLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := layouts(roomy).Draw(t, "layout")
		to := clone(from)
		for i := range to.Fields {
			f := &to.Fields[i]
			switch {
			case f.Type == model.Categorical && rapid.Bool().Draw(t, "change "+f.Key.String()):
				f.Categories = counts.NewDictionary(rapid.SliceOf(texts().Filter(valid)).Draw(t, "categories"))
			case f.Grid != nil && rapid.Bool().Draw(t, "range of "+f.Key.String()):
				f.Min, f.Max = 0, math.Inf(1)
			}
		}
		to.Fields = slices.DeleteFunc(to.Fields, func(f FieldLayout) bool {
			return f.Key.Group == record.RawInputs || f.Key.Group == record.Metrics
		})
		for i := range to.Outputs {
			if o := &to.Outputs[i]; o.Classes != nil {
				o.Classes = score.ClassesOf(rapid.SliceOfDistinct(rapid.SampledFrom(o.Classes.Names()), rapid.ID).Filter(func(names []string) bool {
					return !slices.Contains(names, score.OtherClass)
				}).Draw(t, "classes"))
			}
		}
		to.Outputs = to.Outputs[:rapid.IntRange(0, len(to.Outputs)).Draw(t, "outputs")]
		for i := range to.Outputs {
			if o := &to.Outputs[i]; o.Classes != nil {
				o.Calibration = nil // estimates of other classes do not carry over
			}
		}
		if len(to.Segments) > 0 {
			to.Segments = rapid.SliceOfDistinct(rapid.SampledFrom(from.Segments), func(s SegmentLayout) string { return s.Name }).Draw(t, "segments")
		}
		to.Tallies = slices.DeleteFunc(to.Tallies, func(l TallyLayout) bool {
			classes := l.Kind == TallyClass || l.Kind == TallyChances || l.Kind == TallyScore // classes and grids of outputs, else of fields
			return classes || l.Field.Group == record.RawInputs || l.Field.Group == record.Metrics || strings.Contains(l.Where, "raw_inputs")
		})
		sealed(t, to)
		rs := streams(0, 30).Draw(t, "stream")
		got, warnings := count(t, from, rs).Convert(to)
		for _, w := range warnings {
			if !strings.HasSuffix(w, "other classes") && !strings.HasSuffix(w, "estimated by another calibration") {
				t.Fatalf("%q", w)
			}
		}
		want := count(t, to, rs)
		want.Regridded = len(warnings) > 0
		equal(t, got, want)
	})
}

// Whatever the other layout is, nothing is lost of what both have, and the
// answer can be written, read and merged with profiles that were counted by it.
func TestConvertToAnyLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := func() Limits {
			return Limits{NewCategories: rapid.SampledFrom([]int{0, 2, 1000}).Draw(t, "new"), SegmentValues: rapid.SampledFrom([]int{0, 2, 1000}).Draw(t, "slices")}
		}
		from, to := layouts(limits()).Draw(t, "from"), layouts(limits()).Draw(t, "to")
		s := streams(0, 30)
		p := count(t, from, s.Draw(t, "stream"))
		q, _ := p.Convert(to)
		for i := range to.Fields {
			j, ok := from.Field(to.Fields[i].Key)
			if !ok {
				continue
			}
			a, b := &p.Whole.Fields[j], &q.Whole.Fields[i]
			if a.Rows() != b.Rows() || a.Count != b.Count {
				t.Fatalf("%s: %d rows became %d", to.Fields[i].Key, a.Rows(), b.Rows())
			}
		}
		for i := range to.Outputs {
			j, ok := from.Output(to.Outputs[i].Prediction)
			if !ok {
				continue
			}
			if a, b := rowsOf(&p.Whole.Outputs[j]), rowsOf(&q.Whole.Outputs[i]); a != b {
				t.Fatalf("output %s: %d rows became %d", to.Outputs[i].Prediction, a, b)
			}
		}
		for _, sl := range to.Segments {
			if !slices.ContainsFunc(from.Segments, sl.same) {
				continue
			}
			if a, b := inSegment(p, sl.Name), inSegment(q, sl.Name); a != b {
				t.Fatalf("segment %s: %d predictions became %d", sl.Name, a, b)
			}
		}
		back, err := Decode(encode(t, q), to)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, back, q)
		if err := back.Merge(count(t, to, s.Draw(t, "more"))); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(encode(t, back), to); err != nil {
			t.Fatal(err)
		}
	})
}

func rowsOf(o *Output) uint64 {
	switch {
	case o.Binary != nil:
		return o.Invalid + o.Binary.N()
	case o.Multiclass != nil:
		return o.Invalid + o.Multiclass.N()
	}
	return o.Invalid + o.Regression.N
}

func inSegment(p *Profile, name string) (n uint64) {
	for _, seg := range p.Segments() {
		if seg.Name == name {
			s, _ := p.Slice(seg)
			n += s.Predictions
		}
	}
	return n
}

// Each difference between two layouts that costs something has its warning, and
// nothing else has.
func TestConvertWarns(t *testing.T) {
	from, b := sample(t)
	p, err := Decode(b, from)
	if err != nil {
		t.Fatal(err)
	}
	finer := grid.Build([]float64{0, 1, 2, 3, 4, 5}, grid.Options{})
	const another = "output \"score\": estimated by another calibration\n"
	for want, change := range map[string]func(l *Layout){
		"":                          func(l *Layout) { l.Limits.SegmentValues = 50; l.Fields = l.Fields[:8] },
		"features.a: regridded":     func(l *Layout) { l.Fields[0].Grid = finer },
		"actuals.number: regridded": func(l *Layout) { l.Fields[7].Grid = finer },
		"features.a: was numeric, is text": func(l *Layout) {
			l.Fields[0].Type, l.Fields[0].Grid, l.Segments = model.Text, nil, nil
		},
		"features.b: the profile does not have it": func(l *Layout) {
			l.Fields = slices.Insert(l.Fields, 1, FieldLayout{Key: key("features.b"), Type: model.Text})
		},
		"features.a: out of another range": func(l *Layout) { l.Fields[0].Min = 2.5 },
		"features.cat: other categories, and more new values than have a count": func(l *Layout) {
			l.Fields[1].Categories = counts.NewDictionary([]string{"u"})
		},
		another + `output "score": regridded`:                         func(l *Layout) { l.Outputs[0].Grid = score.ScoreGrid([]float64{0.1}, 0.5, 0) },
		`output "score": was a score, is a decision`:                  func(l *Layout) { l.Outputs[0].Kind, l.Outputs[0].Grid, l.Outputs[0].Calibration = Decision, nil, nil },
		`output "score": was judged by "truth", is judged by "class"`: func(l *Layout) { l.Outputs[0].Actual = "class" },
		another + `output "score": the threshold was 0.5, is 0.55`:    func(l *Layout) { l.Outputs[0].Threshold = 0.55 },
		"output \"class\": estimated by another calibration\noutput \"class\": other classes": func(l *Layout) {
			l.Outputs[2].Classes, l.Outputs[2].Calibration = score.ClassesOf([]string{"y"}), nil
		},
		`output "class": estimated by another calibration`: func(l *Layout) { l.Outputs[2].Calibration = nil },
		strings.TrimSuffix(another, "\n"): func(l *Layout) {
			l.Outputs[0].Calibration = &Calibration{Classes: []ClassCalibration{{Calibrator: new(score.Calibrator)}}}
		},
		"output \"class\": estimated by another calibration\noutput \"probabilities\": estimated by another calibration": func(l *Layout) {
			c := *l.Outputs[3].Calibration
			c.Classes = []ClassCalibration{c.Classes[1], c.Classes[1]}
			l.Outputs[3].Calibration = &c
		},
		`output "more": the profile does not have it`: func(l *Layout) {
			l.Outputs = append(l.Outputs, OutputLayout{Prediction: "more", Actual: "truth", Kind: Decision})
		},
		`segment "a": the profile is not sliced by it`: func(l *Layout) { l.Segments[1].Boundaries = []float64{3} },
	} {
		l := clone(from)
		change(l)
		if _, warnings := p.Convert(sealed(t, l)); strings.Join(warnings, "\n") != want {
			t.Errorf("%q, want %q", warnings, want)
		}
	}
}

// The atoms of a grid move as they are: the sample counts 0, 1, 2, 3 and 4 on a
// grid of 1, 2 and 3. A field without a grid that had one value has it still.
func TestConvertToAnotherGrid(t *testing.T) {
	from, b := sample(t)
	p, err := Decode(b, from)
	if err != nil {
		t.Fatal(err)
	}
	l := clone(from)
	l.Fields[0].Grid = grid.Build([]float64{0, 1, 2, 3, 4, 5}, grid.Options{})
	l.Fields[7].Grid = l.Fields[0].Grid // actuals.number, always 2, which had no grid
	l.Outputs[0].Grid = score.ScoreGrid([]float64{0, 0.3, 0.6, 0.9}, 0.5, 0)
	q, _ := p.Convert(sealed(t, l))
	f, n := &q.Whole.Fields[0], &q.Whole.Fields[7]
	at := func(f *Field, x float64) uint64 { return f.Hist.Counts[l.Fields[0].Grid.Find(x)] }
	if at(f, 1) != 1 || at(f, 2) != 1 || at(f, 3) != 1 || f.Hist.Total() != 5 {
		t.Errorf("the atoms 1, 2 and 3 became %v", f.Hist.Counts)
	}
	if at(n, 2) != 5 {
		t.Errorf("five values of 2 became %v", n.Hist.Counts)
	}
	was, is := p.Whole.Outputs[0].Binary, q.Whole.Outputs[0].Binary
	if is.Confusion != was.Confusion || is.Pos.Total() != was.Pos.Total() || is.Neg.Total() != was.Neg.Total() {
		t.Errorf("decisions %+v became %+v", was.Confusion, is.Confusion)
	}
}

// A threshold that the grid of scores has an edge at decides as if it had been
// so from the beginning.
func TestConvertToAnotherThreshold(t *testing.T) {
	from, to := typical(0), clone(typical(0))
	to.Outputs[0].Threshold = 0.3 // an edge of ece
	rs := stream(500, false)
	got, warnings := count(t, from, rs).Convert(sealed(t, to))
	if len(warnings) > 0 {
		t.Errorf("%q", warnings)
	}
	equal(t, got, count(t, to, rs))
}
