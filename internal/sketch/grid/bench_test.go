package grid

import (
	"fmt"
	"testing"
)

const mask = 1<<16 - 1

// grids returns a grid as Build makes it by default, and others of 240 and 1000
// edges, the sizes that capacity planning goes by.
func grids(xs []float64) map[string]*Grid {
	return map[string]*Grid{
		"default":    Build(xs, Options{}),
		"240 edges":  Build(xs, Options{MaxEdges: 240}),
		"1000 edges": Build(xs, Options{Bins: 980, MaxEdges: 1023}),
	}
}

func BenchmarkFind(b *testing.B) {
	xs := normal(mask + 1)
	for name, g := range grids(xs) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.Find(xs[i&mask])
				i++
			}
			b.ReportMetric(float64(len(g.Edges())), "edges")
		})
	}
}

// Search, scaling and counting of one value in one slice.
func BenchmarkHistAdd(b *testing.B) {
	xs := normal(mask + 1)
	for name, g := range grids(xs) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			h := g.NewHist()
			i := 0
			for b.Loop() {
				x := xs[i&mask]
				h.Add(g, g.Find(x), x)
				i++
			}
		})
	}
}

// A further slice of the same row: the bin and the position are known.
func BenchmarkHistAddScaled(b *testing.B) {
	xs := normal(mask + 1)
	g := Build(xs, Options{})
	bins, scaled := make([]int, len(xs)), make([]uint64, len(xs))
	for i, x := range xs {
		bins[i] = g.Find(x)
		scaled[i] = g.Scaled(bins[i], x)
	}
	h := g.NewHist()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		h.AddScaled(bins[i&mask], scaled[i&mask])
		i++
	}
}

func BenchmarkHistMerge(b *testing.B) {
	xs := normal(10_000)
	g := Build(xs, Options{})
	h, o := histOf(g, xs), histOf(g, xs)
	b.ReportAllocs()
	for b.Loop() {
		_ = h.Merge(o)
	}
}

func BenchmarkHistAppendBinary(b *testing.B) {
	xs := normal(10_000)
	h := histOf(Build(xs, Options{}), xs)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = h.AppendBinary(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "B/hist")
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{5_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			xs := normal(n)
			b.ReportAllocs()
			for b.Loop() {
				Build(xs, Options{})
			}
		})
	}
}
