package grid

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestFindAllIsFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(rapid.SliceOfN(rapid.Float64(), 0, 50).Draw(t, "sample"), Options{})
		xs := rapid.SliceOf(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN()}))).Draw(t, "xs")
		bins := make([]int32, len(xs)+1)
		bins[len(xs)] = -1
		g.FindAll(xs, bins)
		for i, x := range xs {
			if want := g.Find(x); int(bins[i]) != want {
				t.Fatalf("%v is in bin %d, want %d", x, bins[i], want)
			}
		}
		if bins[len(xs)] != -1 {
			t.Fatal("a bin more was set")
		}
	})
}

func BenchmarkFindAll(b *testing.B) {
	xs := normal(mask + 1)
	bins := make([]int32, len(xs))
	for name, g := range grids(xs) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.FindAll(xs, bins)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(xs)), "ns/value")
		})
	}
}
