package grid

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/num"
)

func histOf(g *Grid, xs []float64) *Hist {
	h := g.NewHist()
	for _, x := range xs {
		h.Add(g, g.Find(x), x)
	}
	return h
}

func encode(t interface{ Fatal(...any) }, h *Hist) []byte {
	b, err := h.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Any order, any split, and a detour through bytes give the same bytes.
func TestHistLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(sample(t), options(t))
		xs := rapid.SliceOfN(value(), 0, 100).Draw(t, "xs")
		whole := histOf(g, xs)
		want := encode(t, whole)

		parts := make([]*Hist, rapid.IntRange(1, 4).Draw(t, "parts"))
		for i := range parts {
			parts[i] = g.NewHist()
		}
		for _, x := range rapid.Permutation(xs).Draw(t, "order") {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add(g, g.Find(x), x)
		}
		merged := g.NewHist()
		for _, p := range parts {
			before := encode(t, p)
			if rapid.Bool().Draw(t, "store") {
				stored := new(Hist)
				if err := stored.UnmarshalBinary(before); err != nil {
					t.Fatal(err)
				}
				p = stored
			}
			if err := merged.Merge(p); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(encode(t, p), before) {
				t.Fatal("Merge modified its argument")
			}
		}
		if !bytes.Equal(encode(t, merged), want) {
			t.Fatalf("merged parts are %v, the whole is %v", merged, whole)
		}
		if err := merged.Check(g); err != nil {
			t.Fatal(err)
		}
		if merged.Total() != uint64(len(xs)) {
			t.Fatalf("%d values, want %d", merged.Total(), len(xs))
		}
	})
}

// What is left has the bytes of the rest; what was never there is refused and
// changes nothing.
func TestHistSub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(sample(t), options(t))
		xs, ys := rapid.SliceOfN(value(), 0, 60).Draw(t, "xs"), rapid.SliceOfN(value(), 0, 60).Draw(t, "ys")
		h, some, rest := histOf(g, slices.Concat(xs, ys)), histOf(g, ys), histOf(g, xs)
		full, before := histOf(g, slices.Concat(xs, ys)), encode(t, some)
		if err := h.Sub(some); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, h), encode(t, rest)) || !bytes.Equal(encode(t, some), before) {
			t.Fatalf("%v is left, want %v", h, rest)
		}
		if len(ys) > 0 {
			if err := h.Sub(full); !errors.Is(err, num.ErrSub) || !bytes.Equal(encode(t, h), encode(t, rest)) {
				t.Fatalf("%d values of %d: %v", full.Total(), h.Total(), err)
			}
		}
	})
	g := must(FromParts([]float64{0, 1, 2, 3}))
	for name, c := range map[string][2][]float64{
		"another bin":     {{0.5}, {1.5}},
		"further right":   {{0.25}, {0.75}},
		"further left":    {{0.75, 1.5}, {0.25}},
		"another far one": {{-7}, {-8}},
		"far up":          {{7}, {8}},
	} {
		h := histOf(g, c[0])
		if err := h.Sub(histOf(g, c[1])); !errors.Is(err, num.ErrSub) || !bytes.Equal(encode(t, h), encode(t, histOf(g, c[0]))) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := g.NewHist().Sub(Build([]float64{0, 1}, Options{}).NewHist()); !errors.Is(err, ErrBins) {
		t.Errorf("another grid: %v", err)
	}
}

// Sums of more values than they have room for wrap, and unwrap.
func TestHistSubUnwraps(t *testing.T) {
	g := Build([]float64{0, 1, 2, 3}, Options{})
	bin := g.Find(0.75)
	h, more := histOf(g, []float64{0.75}), g.NewHist()
	want := encode(t, h)
	more.Counts[bin], more.Sums[bin] = 1<<33, 1<<63
	for range 2 {
		if err := h.Merge(more); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.Sub(more); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(encode(t, h), want) {
		t.Errorf("%v", h)
	}
}

// The oracle: counts and sums of each bin from the sorted values.
func TestHistAgreesWithExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(sample(t), options(t))
		xs := rapid.SliceOfN(value(), 1, 100).Draw(t, "xs")
		xs = around(xs, g.Edges()[:min(len(g.Edges()), 20)])
		h := histOf(g, xs)
		sort.Float64s(xs)
		for bin := range g.Bins() {
			lo, hi := math.Inf(-1), math.Inf(1)
			if bin > 0 {
				lo = g.Edges()[bin-1]
			}
			if bin < len(g.Edges()) {
				hi = g.Edges()[bin]
			}
			var in []float64
			for _, x := range xs {
				if lo < x && x <= hi {
					in = append(in, x)
				}
			}
			if h.Counts[bin] != uint64(len(in)) {
				t.Fatalf("bin (%v, %v] counts %d, want %v", lo, hi, h.Counts[bin], in)
			}
			checkSums(t, g, h, bin, in)
		}
	})
}

// checkSums compares Sum and Excess with the exact ones.
func checkSums(t *rapid.T, g *Grid, h *Hist, bin int, in []float64) {
	exact := func(anchor float64) float64 {
		sum := new(big.Float).SetPrec(2300)
		for _, x := range in {
			sum.Add(sum, big.NewFloat(x))
			sum.Sub(sum, big.NewFloat(anchor))
		}
		v, _ := sum.Float64()
		return v
	}
	n := float64(len(in))
	allowed := 0.0 // tails are exact
	if !g.IsOuter(bin) {
		// Half a unit of the fixed point a value, and the rounding of x−lo, of the
		// width and of the final product.
		lo, hi := g.Bounds(bin)
		allowed = n*(hi/2-lo/2)*2*(0.5000001/scale) + n*math.SmallestNonzeroFloat64
		if math.IsInf(allowed, 0) {
			return
		}
	}
	if got, want := g.Excess(h, bin), exact(g.Anchor(bin)); got != want && !(math.Abs(got-want) <= allowed) {
		t.Fatalf("bin %d: excess %v, want %v ± %v of %v", bin, got, want, allowed, in)
	}
	want := exact(0)
	allowed += 4 * 0x1p-53 * n * max(math.Abs(g.Anchor(bin)), math.Abs(want)/max(n, 1))
	if g.IsOuter(bin) {
		allowed = 0
	}
	if got := g.Sum(h, bin); got != want && !(math.Abs(got-want) <= allowed) {
		t.Fatalf("bin %d: sum %v, want %v ± %v of %v", bin, got, want, allowed, in)
	}
}

// The fixed-point position stays in [0, 2³²] and does not fall as x grows.
func TestScaled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(sample(t), options(t))
		a, b := value().Draw(t, "a"), value().Draw(t, "b")
		for bin := range g.Bins() {
			x, y := g.Scaled(bin, min(a, b)), g.Scaled(bin, max(a, b))
			if x > y || y > scale {
				t.Fatalf("bin %d scales %v to %d and %v to %d", bin, min(a, b), x, max(a, b), y)
			}
			if (g.IsOuter(bin) || g.IsAtom(bin)) && y != 0 {
				t.Fatalf("bin %d has no width, but scales to %d", bin, y)
			}
		}
		for bin := 1; bin < g.Bins()-1; bin++ {
			if lo, hi := g.Edges()[bin-1], g.Edges()[bin]; !g.IsAtom(bin) && (g.Scaled(bin, lo) != 0 || g.Scaled(bin, hi) != scale) {
				t.Fatalf("bin (%v, %v] scales its ends to %d and %d", lo, hi, g.Scaled(bin, lo), g.Scaled(bin, hi))
			}
		}
	})
}

func TestScaledByHand(t *testing.T) {
	tiny := math.SmallestNonzeroFloat64
	for _, c := range []struct {
		name   string
		lo, hi float64
		x      float64
		want   uint64
	}{
		{"quarter", 0, 4, 1, 1 << 30},
		{"rounds to nearest", 0, 3, 1, 0x55555555},
		{"rounds up", 0, 3, 2, 0xaaaaaaab},
		{"large offset", 1e9, 1e9 + 1, 1e9 + 0.5, 1 << 31},
		{"wider than the largest number", -math.MaxFloat64, math.MaxFloat64, 0, 1 << 31},
		{"as wide as subnormals", 0, 4 * tiny, tiny, 1 << 30},
		{"just too narrow for the reciprocal", 0, 0x1p-1000, 0x1p-1001, 1 << 31},
	} {
		g, err := FromParts([]float64{c.lo, c.hi})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Scaled(1, c.x); got != c.want {
			t.Errorf("%s: %v in (%v, %v] is %#x, want %#x", c.name, c.x, c.lo, c.hi, got, c.want)
		}
	}
}

// 1e9 + N(0, 1) is no special case.
func TestLargeOffset(t *testing.T) {
	xs := normal(20_000)
	for i := range xs {
		xs[i] += 1e9
	}
	g := Build(xs, Options{})
	h := histOf(g, xs)
	if g.Bins() < 200 {
		t.Fatalf("%d bins", g.Bins())
	}
	var excess, want float64
	for bin := range g.Bins() {
		excess += g.Excess(h, bin) + float64(h.Counts[bin])*(g.Anchor(bin)-1e9)
	}
	for _, x := range xs {
		want += x - 1e9
	}
	if math.Abs(excess-want) > 1e-6 {
		t.Errorf("Σ(x−1e9) is %v, want %v", excess, want)
	}
	m, _ := g.Quantile(h, 0.5, slices.Min(xs), slices.Max(xs))
	sort.Float64s(xs)
	if want := quantile(xs, 0.5); math.Abs(m-want) > 1e-4 {
		t.Errorf("median 1e9%+v, want 1e9%+v", m-1e9, want-1e9)
	}
}

func TestMergeRefusesAnotherGrid(t *testing.T) {
	a, _ := FromParts([]float64{1})
	b, _ := FromParts([]float64{1, 2})
	h := histOf(a, []float64{0, 1, 2})
	before := encode(t, h)
	if err := h.Merge(histOf(b, []float64{1})); !errors.Is(err, ErrBins) {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(encode(t, h), before) {
		t.Error("a refused merge changed the receiver")
	}
}

// Beyond 2³² values a bin's sum says nothing, and the middle is taken.
func TestSumBeyondItsCapacity(t *testing.T) {
	g, _ := FromParts([]float64{10, 20})
	h := g.NewHist()
	h.addN(g, 1, 12.5, 1<<32)
	if got := g.Sum(h, 1); got != 12.5*(1<<32) {
		t.Errorf("2^32 values: mean %v, want 12.5", got/(1<<32))
	}
	h.addN(g, 1, 12.5, 1<<40)
	if got := g.Sum(h, 1) / float64(h.Counts[1]); got != 15 {
		t.Errorf("more: mean %v, want 15", got)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	xs := normal(10_000)
	g := Build(xs, Options{})
	h, o := g.NewHist(), g.NewHist()
	if n := testing.AllocsPerRun(2, func() { // all in one run, as the average is rounded down
		for _, x := range xs {
			x *= 1.5
			bin := g.Find(x)
			h.Add(g, bin, x)
			if s := g.Scaled(bin, x); !g.IsOuter(bin) {
				o.AddScaled(bin, s)
			} else {
				o.AddTail(bin, x)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d values", n, len(xs))
	}
	if n := testing.AllocsPerRun(100, func() { _ = h.Merge(o) }); n != 0 {
		t.Errorf("%v allocations a merge", n)
	}
}
