package profile

import (
	"math"
	"slices"

	"pgregory.net/rapid"

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
