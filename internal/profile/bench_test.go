package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// A typical model: 20 numeric features, a score that is judged at once, and a
// number that is not.
const features = 20

// typical returns the layout of a typical model with that many segments: the
// region, a band of a feature, a condition and a category that is mostly one.
func typical(segments int) *Layout {
	rng := rand.New(rand.NewPCG(1, 1))
	normals := func(scale float64) []float64 {
		xs := make([]float64, 10_000)
		for i := range xs {
			xs[i] = scale * rng.NormFloat64()
		}
		return xs
	}
	uniform := make([]float64, 10_000)
	for i := range uniform {
		uniform[i] = rng.Float64()
	}
	l := &Layout{Limits: DefaultLimits}
	for i := range features {
		xs := normals(float64(i + 1))
		l.Fields = append(l.Fields, FieldLayout{
			Key: record.Key{Group: record.Features, Name: fmt.Sprintf("f%02d", i)}, Type: model.Numeric,
			Grid: grid.Build(xs, grid.Options{}), Min: -3 * float64(i+1), Max: 3 * float64(i+1),
		})
	}
	add := func(g record.Group, name string, t model.FieldType, xs []float64, categories ...string) {
		f := FieldLayout{Key: record.Key{Group: g, Name: name}, Type: t, Min: -1e9, Max: 1e9}
		if t == model.Numeric {
			f.Grid = grid.Build(xs, grid.Options{})
		} else {
			f.Categories = counts.NewDictionary(categories)
		}
		l.Fields = append(l.Fields, f)
	}
	if segments > 0 {
		add(record.Features, "region", model.Categorical, nil, "AP", "EU", "US")
	}
	add(record.Predictions, "amount", model.Numeric, normals(1000))
	add(record.Predictions, "proba", model.Numeric, uniform)
	add(record.Actuals, "fraud", model.Boolean, nil, "false", "true")
	l.Outputs = []OutputLayout{{
		Prediction: "proba", Actual: "fraud", Kind: Score, Threshold: 0.5, Grid: score.ScoreGrid(uniform, 0.5, score.PRBins),
	}}
	l.Segments = []SegmentLayout{
		{Name: "region", Field: record.Key{Group: record.Features, Name: "region"}},
		{Name: "band", Field: record.Key{Group: record.Features, Name: "f00"}, Boundaries: []float64{-1, 0, 1}},
		{Name: "high", Where: `features.f01 > 0 and features.region == "EU"`},
		{Name: "decision", Field: record.Key{Group: record.Actuals, Name: "fraud"}},
	}[:segments]
	sealed, err := l.Seal()
	if err != nil {
		panic(err)
	}
	return sealed
}

// estimating returns a layout whose score has a calibration of as many knots as a
// reference of some ten thousand rows gives.
func estimating(l *Layout) *Layout {
	scores, values := make([]float64, 80), make([]float64, 80)
	for i := range scores {
		scores[i], values[i] = (float64(i)+0.5)/80, float64(i/2)/40
	}
	knots, ok := score.CalibratorOf(scores, values)
	if !ok {
		panic("knots")
	}
	c := &Layout{Fields: l.Fields, Outputs: slices.Clone(l.Outputs), Segments: l.Segments, Limits: l.Limits}
	c.Outputs[0].Calibration = &Calibration{Classes: []ClassCalibration{{Calibrator: knots}}}
	sealed, err := c.Seal()
	if err != nil {
		panic(err)
	}
	return sealed
}

// stream returns records of a typical model.
func stream(n int, region bool) []record.Record {
	rng := rand.New(rand.NewPCG(2, 2))
	rs := make([]record.Record, n)
	for k := range rs {
		r := &rs[k]
		r.Model, r.Version, r.Time, r.Stamped = "fraud", "1", int64(k), true
		for i := range features {
			r.Append(record.Features, fmt.Sprintf("f%02d", i), record.Num(float64(i+1)*(rng.NormFloat64()+0.1)))
		}
		if region {
			r.Append(record.Features, "region", record.Str([]string{"EU", "US", "AP"}[rng.IntN(3)]))
		}
		p := rng.Float64()
		r.Append(record.Predictions, "proba", record.Num(p))
		r.Append(record.Predictions, "amount", record.Num(1000*rng.NormFloat64()))
		r.Append(record.Actuals, "fraud", record.Bool(rng.Float64() < p))
	}
	return rs
}

func mustPlan(l *Layout) *Plan {
	p, err := NewPlan(l)
	if err != nil {
		panic(err)
	}
	return p
}

// Neither resolving nor counting allocates, once the summaries have their final
// form and every slice is there.
func TestCountingDoesNotAllocate(t *testing.T) {
	for _, segments := range []int{0, 4} {
		l := estimating(typical(segments))
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

// A batch of 1000 records is resolved and counted; ns/record is what capacity
// planning needs.
func BenchmarkBatch(b *testing.B) {
	for name, l := range map[string]*Layout{
		"0 segments": typical(0), "0 segments, estimated": estimating(typical(0)),
		"4 segments": typical(4), "4 segments, estimated": estimating(typical(4)),
	} {
		b.Run(name, func(b *testing.B) {
			segments := len(l.Segments)
			rows, p, rs := mustPlan(l).NewRows(), New(l), stream(1000, segments > 0)
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

func BenchmarkResolve(b *testing.B) {
	for _, segments := range []int{0, 4} {
		b.Run(fmt.Sprintf("%d segments", segments), func(b *testing.B) {
			rows, rs := mustPlan(typical(segments)).NewRows(), stream(1000, segments > 0)
			b.ReportAllocs()
			for b.Loop() {
				rows.Reset()
				for i := range rs {
					rows.Add(&rs[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rs)), "ns/record")
		})
	}
}
