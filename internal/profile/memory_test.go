package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// estimatedScore and estimatedClasses are outputs with calibrations.
func estimatedScore(xs []float64) OutputLayout {
	return OutputLayout{Prediction: "p", Kind: Score, Grid: score.ScoreGrid(xs, 0.5, score.PRBins), Calibration: &Calibration{
		Classes: []ClassCalibration{{Calibrator: new(score.Calibrator)}},
	}}
}

func estimatedClasses(xs []float64) OutputLayout {
	o := OutputLayout{Prediction: "p", Kind: Probabilities, Classes: score.ClassesOf([]string{"a", "b", "c"}), Calibration: new(Calibration)}
	for range o.Classes.Len() {
		o.Calibration.Classes = append(o.Calibration.Classes, ClassCalibration{new(score.Calibrator), score.ScoreGrid(xs, math.NaN(), 0)})
	}
	return o
}

// tallyingColumns returns a layout with several tallies of each kind of a field.
func tallyingColumns(xs []float64) *Layout {
	l := columnsOf(2, FieldLayout{Type: model.Numeric, Grid: grid.Build(xs, grid.Options{})})
	var expressions []string
	for i := range 4 {
		for _, f := range []string{"missing_count", "sum", "median", "absolute_sum", "unique_count"} {
			expressions = append(expressions, fmt.Sprintf("%s(features.f000[features.f001 > -%d])", f, i))
		}
	}
	return customised(l, expressions...)
}

// heap returns the memory that what f returns holds.
func heap(f func() any) (held int64, kept any) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept = f()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc), kept
}

// columnsOf returns a layout of n fields of a kind, with as many segments by
// region as there are names.
func columnsOf(n int, f FieldLayout, outputs ...OutputLayout) *Layout {
	l := &Layout{Limits: DefaultLimits, Outputs: outputs}
	for i := range n {
		f.Key, f.Min, f.Max = key(fmt.Sprintf("features.f%03d", i)), math.Inf(-1), math.Inf(1)
		l.Fields = append(l.Fields, f)
	}
	l.Fields = append(l.Fields, FieldLayout{Key: key("features.region"), Type: model.Categorical, Categories: counts.NewDictionary(nil)})
	l.Segments = []SegmentLayout{{Name: "region", Field: key("features.region")}}
	if _, err := l.Seal(); err != nil {
		panic(err)
	}
	return l
}

// The estimate of a profile's memory agrees with the heap, for layouts of every
// kind, few rows and many.
func TestBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	xs := make([]float64, 5000)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	words := make([]string, 50)
	for i := range words {
		words[i] = fmt.Sprint("category ", i)
	}
	number := func(int) record.Value { return record.Num(rng.NormFloat64()) }
	few := func(i int) record.Value { return record.Int(int64(i % 12)) }
	word := func(int) record.Value { return record.Str(words[rng.IntN(len(words))]) }
	unheard := func(i int) record.Value { return record.Str(fmt.Sprint("nobody has heard of ", rng.IntN(500))) }
	classes := score.ClassesOf(words)
	for name, c := range map[string]struct {
		layout *Layout
		value  func(int) record.Value
		rows   int
		slices int
	}{
		"numbers":              {columnsOf(20, FieldLayout{Type: model.Numeric, Grid: grid.Build(xs, grid.Options{})}), number, 20_000, 10},
		"numbers, few rows":    {columnsOf(20, FieldLayout{Type: model.Numeric, Grid: grid.Build(xs, grid.Options{})}), number, 200, 100},
		"few numbers":          {columnsOf(20, FieldLayout{Type: model.Numeric, Grid: grid.Build([]float64{0, 1, 2, 3}, grid.Options{})}), few, 5000, 10},
		"numbers without grid": {columnsOf(20, FieldLayout{Type: model.Numeric}), number, 5000, 10},
		"categories":           {columnsOf(20, FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary(words)}), word, 5000, 100},
		"new categories":       {columnsOf(20, FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary(nil)}), unheard, 5000, 10},
		"truth values":         {columnsOf(20, FieldLayout{Type: model.Boolean, Categories: counts.NewDictionary([]string{"false", "true"})}), few, 5000, 100},
		"texts":                {columnsOf(20, FieldLayout{Type: model.Text}), word, 5000, 100},
		"a score":              {columnsOf(1, FieldLayout{Type: model.Text}, OutputLayout{Prediction: "p", Kind: Score, Grid: score.ScoreGrid(xs, 0.5, score.PRBins)}), word, 500, 100},
		"a regression":         {columnsOf(1, FieldLayout{Type: model.Text}, OutputLayout{Prediction: "p", Kind: Quantity}), word, 500, 100},
		"classes":              {columnsOf(1, FieldLayout{Type: model.Text}, OutputLayout{Prediction: "p", Kind: Class, Classes: classes}), word, 500, 100},
		"an estimated score":   {columnsOf(1, FieldLayout{Type: model.Text}, estimatedScore(xs)), word, 500, 100},
		"estimated classes":    {columnsOf(1, FieldLayout{Type: model.Text}, estimatedClasses(xs)), word, 500, 100},
		"a decision":           {columnsOf(1, FieldLayout{Type: model.Text}, OutputLayout{Prediction: "p", Kind: Decision}), word, 500, 100},
		"tallies":              {tallyingColumns(xs), number, 5000, 20},
	} {
		rows := mustPlan(c.layout).NewRows()
		held, kept := heap(func() any {
			p := New(c.layout)
			for i := range c.rows {
				var r record.Record
				for _, f := range c.layout.Fields[:len(c.layout.Fields)-1] {
					r.Append(f.Key.Group, f.Key.Name, c.value(i))
				}
				r.Append(record.Features, "region", record.Int(int64(i%c.slices)))
				rows.Reset()
				rows.Add(&r)
				p.Add(rows, 0)
			}
			rows.Reset()
			return p
		})
		p := kept.(*Profile)
		if n := len(p.Segments()); n != c.slices {
			t.Fatalf("%s: %d slices", name, n)
		}
		got := p.Bytes()
		t.Logf("%s: %d slices of %d B hold %d B, %d are estimated (%+.1f %%)", name, c.slices, c.layout.SliceBytes(), held, got, 100*float64(got-held)/float64(held))
		if float64(got) < 0.85*float64(held) || float64(got) > 1.15*float64(held) {
			t.Errorf("%s: %d B are held, %d estimated", name, held, got)
		}
		if again := New(c.layout); again.Merge(p) != nil || again.Bytes() != got {
			t.Errorf("%s: %d B, merged into an empty profile %d", name, got, again.Bytes())
		}
	}
}

// Whatever is sent, a profile stays within its limits: a million categories that
// nobody knows, and 100 000 values of a segment.
func TestMemoryIsBounded(t *testing.T) {
	l := &Layout{Limits: DefaultLimits, Fields: []FieldLayout{
		{Key: key("features.id"), Type: model.Categorical, Categories: counts.NewDictionary(nil), Min: math.Inf(-1), Max: math.Inf(1)},
		{Key: key("features.x"), Type: model.Numeric, Grid: grid.Build([]float64{1, 2, 3}, grid.Options{}), Min: math.Inf(-1), Max: math.Inf(1)},
	}, Segments: []SegmentLayout{{Name: "id", Field: key("features.id")}, {Name: "x", Field: key("features.x")}}}
	sealed(t, l)
	const n = 1_000_000
	held, kept := heap(func() any {
		p, rows := New(l), mustPlan(l).NewRows()
		var r record.Record
		for i := range n {
			r.Reset()
			r.Append(record.Features, "id", record.Str(fmt.Sprintf("%032x", i))) // 32 B each: 32 MB of text
			r.Append(record.Features, "x", record.Num(float64(i%100_000)+0.5))
			if rows.Add(&r); rows.Len() == 1000 {
				p.AddRange(rows, 0, rows.Len())
				rows.Reset()
			}
		}
		return p
	})
	p := kept.(*Profile)
	whole := &p.Whole.Fields[0]
	if p.Whole.Predictions != n || whole.Counts.Total() != n || len(whole.Counts.NewValues()) != DefaultLimits.NewCategories {
		t.Errorf("%d predictions, %d categories, %d with a count", p.Whole.Predictions, whole.Counts.Total(), len(whole.Counts.NewValues()))
	}
	if got := len(p.Segments()); got != 2*(DefaultLimits.SegmentValues+1) {
		t.Errorf("%d slices", got)
	}
	// The first 100 values of each segment have slices: of id once each, of x ten times.
	if want := uint64(2*n - 100 - 100*n/100_000); p.Overflow != want {
		t.Errorf("%d predictions without a slice, want %d", p.Overflow, want)
	}
	if unique, exact := whole.Unique(); exact || math.Abs(float64(unique)-n) > 0.05*n {
		t.Errorf("%d different categories", unique)
	}
	// Whole and Other, of id and of x, remember 1000 new categories and 1024 frequent ones each.
	most := 2*(int64(DefaultLimits.SegmentValues)+1)*l.SliceBytes() + 4*2024*150
	t.Logf("%d B are held, %d estimated, %d allowed", held, p.Bytes(), most)
	if held > most || p.Bytes() > most {
		t.Errorf("%d B are held, %d estimated, %d allowed", held, p.Bytes(), most)
	}
	if float64(p.Bytes()) < 0.85*float64(held) || float64(p.Bytes()) > 1.15*float64(held) {
		t.Errorf("%d B are held, %d estimated", held, p.Bytes())
	}
	if b := encode(t, p); int64(len(b)) > most {
		t.Errorf("%d bytes encoded", len(b))
	}
}
