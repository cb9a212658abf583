package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// numeric is the sample of some values on a grid.
func numeric(g *grid.Grid, xs []float64) Sample {
	s := Sample{Grid: g, Hist: g.NewHist(), Min: math.Inf(1), Max: math.Inf(-1)}
	for _, x := range xs {
		s.Hist.Add(g, g.Find(x), x)
		s.Min, s.Max = min(s.Min, x), max(s.Max, x)
	}
	s.Mean, s.Variance = moments(xs)
	return s
}

// both are the samples of a reference, which makes the grid, and of a window.
func both(ref, cur []float64) (r, c Sample) {
	g := grid.Build(ref, grid.Options{})
	return numeric(g, ref), numeric(g, cur)
}

func moments(xs []float64) (mean, variance float64) {
	for _, x := range xs {
		mean += (x - xs[0]) / float64(len(xs))
	}
	if len(xs) > 0 {
		mean += xs[0]
	}
	for _, x := range xs {
		variance += (x - mean) * (x - mean) / float64(len(xs))
	}
	return mean, variance
}

// labels are the samples of categorical values; the categories of the reference
// come first.
func labels(ref, cur []string) (r, c Sample) {
	known := slices.Clone(ref)
	slices.Sort(known)
	known = slices.Compact(known)
	index := map[string]int{}
	for i, v := range known {
		index[v] = i
	}
	r.Known, c.Known = make([]uint64, len(known)), make([]uint64, len(known))
	for _, v := range ref {
		r.Known[index[v]]++
	}
	for _, v := range cur {
		i, ok := index[v]
		if !ok {
			i = len(index)
			index[v] = i
			c.New = append(c.New, 0)
		}
		if i < len(known) {
			c.Known[i]++
		} else {
			c.New[i-len(known)]++
		}
	}
	return r, c
}

// rawKS, rawWasserstein are the exact distances of two sets of values, by
// walking both in order.
func rawKS(x, y []float64) float64 {
	d := 0.0
	walk(x, y, func(_, diff float64) { d = max(d, math.Abs(diff)) })
	return d
}

func rawWasserstein(x, y []float64) float64 {
	w := 0.0
	walk(x, y, func(width, diff float64) { w += width * math.Abs(diff) })
	return w
}

// walk visits F−G between neighbouring values of the pooled sample, with the
// distance of the two.
func walk(x, y []float64, visit func(width, diff float64)) {
	x, y = slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		v := math.Inf(1)
		if i < len(x) {
			v = x[i]
		}
		if j < len(y) {
			v = min(v, y[j])
		}
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		next := v
		if i < len(x) {
			next = x[i]
		}
		if j < len(y) && (i == len(x) || y[j] < next) {
			next = y[j]
		}
		visit(next-v, float64(i)/float64(len(x))-float64(j)/float64(len(y)))
	}
}

// compute is Compute for questions that have an answer.
func compute(t testing.TB, name string, p Params, ref, cur Sample) Result {
	t.Helper()
	r, err := Compute(name, p, ref, cur)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

func words(r Result) []string {
	var ws []string
	for _, w := range r.Warnings {
		ws = append(ws, w.Word())
	}
	return ws
}

func pointer[T any](v T) *T { return &v }

// normals are n values of a normal distribution.
func normals(n int, mean, sd float64, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 17))
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = mean + sd*rng.NormFloat64()
	}
	return xs
}
