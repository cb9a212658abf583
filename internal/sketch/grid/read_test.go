package grid

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// On atoms quantiles are NumPy's, to the last bit.
func TestQuantileIsExactOnAtoms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := sample(t)
		g := Build(ref, Options{MaxEdges: 2000})
		atoms := slices.DeleteFunc(ref, func(x float64) bool { return !g.IsAtom(g.Find(x)) })
		if len(atoms) == 0 {
			return
		}
		xs := rapid.SliceOfN(rapid.SampledFrom(atoms), 1, 60).Draw(t, "xs")
		h := histOf(g, xs)
		sorted := ascending(xs)
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		got, ok := g.Quantile(h, q, sorted[0], sorted[len(sorted)-1])
		if want := quantile(sorted, q); !ok || got != want {
			t.Fatalf("%v-quantile of %v is %v, want %v", q, sorted, got, want)
		}
	})
}

// Anywhere else a quantile lies within the bins of the order statistics beside
// it, and quantiles do not fall.
func TestQuantileIsWithinItsBins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(sample(t), options(t))
		xs := rapid.SliceOfN(value(), 1, 60).Draw(t, "xs")
		h := histOf(g, xs)
		sorted := ascending(xs)
		lowest, highest := sorted[0], sorted[len(sorted)-1]
		a := rapid.Float64Range(0, 1).Draw(t, "a")
		b := rapid.Float64Range(a, 1).Draw(t, "b")
		x, _ := g.Quantile(h, a, lowest, highest)
		y, _ := g.Quantile(h, b, lowest, highest)
		if !(lowest <= x && x <= y && y <= highest) {
			t.Fatalf("%v-quantile %v, %v-quantile %v of %v", a, x, b, y, sorted)
		}
		k := int(a * float64(len(xs)-1))
		lo, _ := g.clip(g.Find(sorted[k]), lowest, highest)
		_, hi := g.clip(g.Find(sorted[min(k+1, len(xs)-1)]), lowest, highest)
		if !(lo <= x && x <= hi) {
			t.Fatalf("%v-quantile %v is outside [%v, %v]; values %v", a, x, lo, hi, sorted)
		}
	})
}

// The j-th of c values of a bin lies at (j+½)/c of it, where the values can be.
func TestQuantileByHand(t *testing.T) {
	g := must(FromParts([]float64{0, 10, 20}))
	h := histOf(g, []float64{-4, 1, 2, 3, 4, 11, 12, 13, 26})
	for q, want := range map[float64]float64{
		0: -4, 1: 26, // the extremes
		0.125: 1.25, 0.25: 3.75, 0.375: 6.25, 0.5: 8.75, // in (0, 10]
		0.4375: 7.5,                // between two of them
		0.75:   15,                 // in (10, 20]
		0.5625: (8.75 + 35/3.) / 2, // across the edge
	} {
		if got, ok := g.Quantile(h, q, -4, 26); !ok || math.Abs(got-want) > 1e-14*math.Abs(want) {
			t.Errorf("%v-quantile %v, want %v", q, got, want)
		}
	}
	// Tails, and bins that the extremes cut, end there.
	h = histOf(g, []float64{-4, -3, -2, 12, 13, 14})
	if got, _ := g.Quantile(h, 0.2, -4, 14); got != -2 {
		t.Errorf("in the lower tail %v, want the middle of [-4, 0]", got)
	}
	if got, _ := g.Quantile(h, 0.8, -4, 14); math.Abs(got-12) > 1e-14 {
		t.Errorf("in (10, 20] up to 14: %v, want the middle of that", got)
	}
}

func TestQuantileOfNothing(t *testing.T) {
	g := Build(normal(100), Options{})
	if x, ok := g.Quantile(g.NewHist(), 0.5, 0, 0); ok {
		t.Errorf("median of nothing is %v", x)
	}
	h := histOf(g, []float64{1})
	for _, q := range []float64{-0.1, 1.1, math.NaN()} {
		if x, ok := g.Quantile(h, q, 1, 1); ok {
			t.Errorf("%v-quantile is %v", q, x)
		}
	}
	// Without extremes the tails end at their edges; without edges nothing is known.
	inf := math.Inf(1)
	h = histOf(g, []float64{-100, -100, -100, 100})
	if x, ok := g.Quantile(h, 0.4, -inf, inf); !ok || x != g.Edges()[0] {
		t.Errorf("%v, want the first edge, %v", x, g.Edges()[0])
	}
	g = Build(nil, Options{})
	if x, ok := g.Quantile(histOf(g, []float64{5, 6, 7}), 0.5, -inf, inf); !ok || x != 0 {
		t.Errorf("a grid without edges: %v, %v", x, ok)
	}
}

// At edges, open and closed, the numbers of values are exact.
func TestAtMostAndBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options(t)
		g := Build(sample(t), o)
		xs := around(rapid.SliceOfN(value(), 0, 30).Draw(t, "xs"), append(o.Closed, o.Open...))
		h := histOf(g, xs)
		var atMost, below uint64
		check := func(e float64) {
			atMost, below = 0, 0
			for _, x := range xs {
				if x <= e {
					atMost++
				}
				if x < e {
					below++
				}
			}
		}
		for _, e := range o.Closed {
			if check(e); true {
				if n, ok := g.AtMost(h, e); !ok || n != atMost {
					t.Fatalf("%d values at most %v, want %d, ok %v", n, e, atMost, ok)
				}
			}
		}
		for _, e := range o.Open {
			if math.IsInf(prev(e), 0) {
				continue
			}
			if check(e); true {
				if n, ok := g.Below(h, e); !ok || n != below {
					t.Fatalf("%d values below %v, want %d, ok %v", n, e, below, ok)
				}
			}
		}
	})
	g, _ := FromParts([]float64{1, 2})
	if _, ok := g.AtMost(g.NewHist(), 1.5); ok {
		t.Error("exact at a place that is not an edge")
	}
}

func TestMeanOfEmptyAndExtremeBins(t *testing.T) {
	g, _ := FromParts([]float64{-math.MaxFloat64, math.MaxFloat64})
	h := g.NewHist()
	if m, ok := g.Mean(h, 1); ok {
		t.Errorf("mean of nothing is %v", m)
	}
	h = histOf(g, []float64{math.MaxFloat64, math.MaxFloat64, 0, 0})
	if m, ok := g.Mean(h, 1); !ok || math.Abs(m-math.MaxFloat64/2) > 1e293 {
		t.Errorf("mean %v", m)
	}
	if s := g.Sum(h, 1); !math.IsInf(s, 1) {
		t.Errorf("sum %v, want +Inf", s)
	}
}
