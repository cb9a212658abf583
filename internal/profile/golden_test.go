package profile

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// evenly returns a grid with n+1 edges, written down rather than built, so that
// nothing of how grids are built is in the bytes.
func evenly(lo, step float64, n int) *grid.Grid {
	var edges []float64
	for i := range n + 1 {
		edges = append(edges, lo+step*float64(i))
	}
	g, err := grid.FromParts(edges)
	if err != nil {
		panic(err)
	}
	return g
}

// recorded is a profile of 3000 records with values of every kind. Everything in
// it is made from integers by exact operations.
func recorded(t *testing.T) *Profile {
	l := &Layout{Limits: Limits{NewCategories: 20, SegmentValues: 5}}
	add := func(name string, f FieldLayout) {
		f.Key, f.Min, f.Max = key(name), -500, 500
		l.Fields = append(l.Fields, f)
	}
	add("features.cat", FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary([]string{"a", "b", "c", "1", "2"})})
	add("features.note", FieldLayout{Type: model.Text})
	for i := range 6 {
		add(fmt.Sprint("features.x", i), FieldLayout{Type: model.Numeric, Grid: evenly(-400, 8, 100+i)})
	}
	add("predictions.number", FieldLayout{Type: model.Numeric})
	add("predictions.score", FieldLayout{Type: model.Numeric, Grid: evenly(0, 1.0/64, 64)})
	add("predictions.word", FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary([]string{"a", "b", "c"})})
	add("actuals.number", FieldLayout{Type: model.Numeric})
	add("actuals.truth", FieldLayout{Type: model.Boolean, Categories: counts.NewDictionary([]string{"false", "true"})})
	add("actuals.word", FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary([]string{"a", "b", "c"})})
	l.Outputs = []OutputLayout{
		{Prediction: "score", Actual: "truth", Kind: Score, Threshold: 0.5, Grid: evenly(0, 1.0/128, 128)},
		{Prediction: "number", Actual: "number", Kind: Quantity},
		{Prediction: "word", Actual: "word", Kind: Class, Classes: score.ClassesOf([]string{"a", "b"})},
	}
	l.Segments = []SegmentLayout{
		{Name: "cat", Field: key("features.cat")}, {Name: "band", Field: key("features.x0"), Boundaries: []float64{-100, 0, 100}},
		{Name: "where", Where: `features.x1 > 0 and features.cat in ("a", "b")`},
	}
	sealed(t, l)

	rng := rand.New(rand.NewPCG(7, 7))
	numbers := func() record.Value {
		switch rng.IntN(40) {
		case 0:
			return record.Num(math.Inf(1))
		case 1:
			return record.Str("?")
		case 2:
			return record.Value{}
		case 3:
			return record.Num(0)
		case 4:
			return record.Num(math.Ldexp(float64(rng.IntN(1000)), rng.IntN(2000)-1000))
		case 5:
			return record.Int(int64(rng.IntN(1000)))
		}
		return record.Num(float64(rng.IntN(1<<20)-1<<19) / 1024)
	}
	words := func() record.Value {
		if n := rng.IntN(60); n > 30 {
			return record.Str(fmt.Sprint("new", n))
		}
		return record.Str([]string{"a", "b", "c", "1", "2", ""}[rng.IntN(6)])
	}
	var rs []record.Record
	for range 3000 {
		r := record.Record{Event: []record.Event{record.Prediction, record.Prediction, record.Reference, record.Labelled}[rng.IntN(4)]}
		for i := range 6 {
			r.Append(record.Features, fmt.Sprint("x", i), numbers())
		}
		r.Append(record.Features, "cat", words())
		r.Append(record.Features, "note", words())
		r.Append(record.Predictions, "score", record.Num(float64(rng.IntN(1025))/1024))
		r.Append(record.Predictions, "number", numbers())
		r.Append(record.Predictions, "word", words())
		if rng.IntN(3) > 0 {
			r.Append(record.Actuals, "truth", record.Bool(rng.IntN(2) == 0))
			r.Append(record.Actuals, "number", numbers())
			r.Append(record.Actuals, "word", words())
		}
		rs = append(rs, r)
	}
	return count(t, l, rs)
}

// The bytes of a profile are the same today as when this hash was taken, in
// November 2026, before counting was made faster for the first time. Sums of
// logarithms are left out: processor families round them differently.
func TestBytesAreAsRecorded(t *testing.T) {
	p := recorded(t)
	for _, seg := range append(p.Segments(), Segment{}) {
		s, _ := p.Slice(seg)
		s.Outputs[0].Binary.LogLoss = num.Sum{}
		s.Outputs[1].Regression.SquaredLog = num.Sum{}
	}
	h := xxh3.Hash128(encode(t, p)).Bytes()
	if got, want := hex.EncodeToString(h[:]), "12b0ba33f68fa991be237a8c17f86c23"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}
