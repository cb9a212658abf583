package score_test

import (
	"math"
	"testing"

	"github.com/driftmeter/driftmeter/internal/score"
)

// What a stream does for each row must not allocate.
func TestAddsDoNotAllocate(t *testing.T) {
	scores := uniform(5000)
	g := score.ScoreGrid(scores, .5, score.PRBins)
	b, m, list := score.NewBinary(g), score.NewMulticlass(4), score.ClassesOf([]string{"a", "b", "c"})
	var r score.Regression
	i := 0
	for what, f := range map[string]func(){
		"AddDecision":  func() { b.AddDecision(true, false) },
		"AddScore":     func() { add(b, g, scores[i%5000], i%2 == 0, true) },
		"out of range": func() { add(b, g, 1+scores[i%5000], i%2 == 0, true) },
		"AddClass":     func() { m.AddClass(list.Index("b"), list.Index("z")) },
		"AddOther":     func() { m.AddOther(false) },
		"AddLogLoss":   func() { m.AddLogLoss(scores[i%5000]) },
		"Add":          func() { r.Add(scores[i%5000], 3) },
		"Add, huge":    func() { r.Add(math.MaxFloat64, -math.MaxFloat64) },
	} {
		if n := testing.AllocsPerRun(3000, func() { f(); i++ }); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}

func uniform(n int) []float64 {
	scores := make([]float64, n)
	for i := range scores {
		scores[i] = math.Mod(float64(i)*.6180339887498949, 1)
	}
	return scores
}

func BenchmarkAddScore(b *testing.B) {
	scores := uniform(1 << 14)
	g := score.ScoreGrid(scores, .5, score.PRBins)
	s := score.NewBinary(g)
	bins, scaled := make([]int, len(scores)), make([]uint64, len(scores))
	for i, x := range scores { // once a row, for all slices
		bins[i] = g.Find(x)
		scaled[i] = g.Scaled(bins[i], x)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := i & (1<<14 - 1)
		s.AddScore(scores[k], bins[k], scaled[k], k%3 == 0, scores[k] >= .5)
		i++
	}
}

// What a row costs in every slice but the first.
func BenchmarkAddScoreRow(b *testing.B) {
	scores := uniform(1 << 14)
	g := score.ScoreGrid(scores, .5, score.PRBins)
	s := score.NewBinary(g)
	rows := make([]score.ScoreRow, len(scores))
	for i, x := range scores {
		bin := g.Find(x)
		rows[i] = score.NewScoreRow(x, bin, g.Scaled(bin, x), i%3 == 0, x >= .5)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.AddRow(&rows[i&(1<<14-1)])
		i++
	}
}

func BenchmarkAddDecision(b *testing.B) {
	var s score.Binary
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.AddDecision(i%3 == 0, i%2 == 0)
		i++
	}
}

func BenchmarkAddClass(b *testing.B) {
	m := score.NewMulticlass(51)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.AddClass(i%51, i%7)
		i++
	}
}

func BenchmarkRegressionAdd(b *testing.B) {
	ys := uniform(1 << 14)
	var r score.Regression
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := i & (1<<14 - 1)
		r.Add(100*ys[k], 100*ys[k^1]+1)
		i++
	}
}

func BenchmarkAddErrorRow(b *testing.B) {
	ys := uniform(1 << 14)
	var r score.Regression
	rows := make([]score.ErrorRow, len(ys))
	for i := range ys {
		rows[i] = score.NewErrorRow(100*ys[i], 100*ys[i^1]+1)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.AddRow(&rows[i&(1<<14-1)])
		i++
	}
}

func BenchmarkBinaryMerge(b *testing.B) {
	scores := uniform(1 << 14)
	g := score.ScoreGrid(scores, .5, score.PRBins)
	s := scored(g, scores, func(i int) bool { return i%3 == 0 }, .5)
	into := score.NewBinary(g)
	b.ReportAllocs()
	for b.Loop() {
		if err := into.Merge(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBinaryAll(b *testing.B) {
	scores := uniform(1 << 14)
	g := score.ScoreGrid(scores, .5, score.PRBins)
	s := scored(g, scores, func(i int) bool { return i%3 == 0 }, .5)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.All(g)
	}
}

func BenchmarkRegressionAll(b *testing.B) {
	ys := uniform(1 << 10)
	var r score.Regression
	for i := range ys {
		r.Add(ys[i], ys[i^1])
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = r.All()
	}
}
