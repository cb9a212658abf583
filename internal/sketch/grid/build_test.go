package grid

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// value draws numbers over the whole range, with the corners, and with repetition.
func value() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.Float64Range(-1, 1),
		rapid.Map(rapid.IntRange(-5, 5), func(i int) float64 { return float64(i) }),
		rapid.Map(rapid.Float64Range(-3, 3), func(x float64) float64 { return 1e9 + x }),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64,
			math.MaxFloat64, -math.MaxFloat64, 1e300, -1e300, 1e-300, 0x1p53,
		}),
	)
}

func sample(t *rapid.T) []float64 {
	n := rapid.SampledFrom([]int{1, 2, 3, 10, 50, 300}).Draw(t, "at most")
	return rapid.SliceOfN(value(), 1, n).Draw(t, "sample")
}

func options(t *rapid.T) Options {
	return Options{
		Bins:         rapid.SampledFrom([]int{0, 10, 20, 100, 120, 400}).Draw(t, "bins"),
		MaxEdges:     rapid.SampledFrom([]int{0, 15, 63, 1023}).Draw(t, "edges"),
		Closed:       rapid.SliceOfN(value(), 0, 5).Draw(t, "closed"),
		Open:         rapid.SliceOfN(value(), 0, 5).Draw(t, "open"),
		NoEqualWidth: rapid.Bool().Draw(t, "no equal width"),
	}
}

// Find is the lower bound: the number of edges below x.
func TestFindIsLowerBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(nil, Options{Closed: rapid.SliceOfN(value(), 0, 600).Draw(t, "edges")})
		if !slices.IsSorted(g.Edges()) {
			t.Fatal("edges are not ascending")
		}
		xs := around(rapid.SliceOfN(value(), 1, 20).Draw(t, "xs"), g.Edges())
		for _, x := range append(xs, math.Inf(1), math.Inf(-1)) {
			if got, want := g.Find(x), sort.SearchFloat64s(g.Edges(), x); got != want {
				t.Fatalf("%v is in bin %d, want %d of %v", x, got, want, g.Edges())
			}
		}
		if g.Find(math.Copysign(0, -1)) != g.Find(0) {
			t.Fatal("the zeros fall into different bins")
		}
		if i := g.Find(math.NaN()); i < 0 || i >= g.Bins() {
			t.Fatalf("NaN falls into bin %d of %d", i, g.Bins())
		}
	})
}

// Every number of edges around the powers of two, where the tree grows a level.
func TestFindAtEveryDepth(t *testing.T) {
	for n := range 1100 {
		edges := make([]float64, n)
		for i := range edges {
			edges[i] = float64(2 * i)
		}
		g, err := FromParts(edges)
		if err != nil {
			t.Fatal(err)
		}
		for x := -1; x <= 2*n; x++ {
			if got, want := g.Find(float64(x)), max(0, (x+1)/2); got != min(want, n) {
				t.Fatalf("%d edges: %d is in bin %d, want %d", n, x, got, min(want, n))
			}
		}
	}
}

// What every grid promises, whatever it was built from.
func TestBuildLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs, o := sample(t), options(t)
		before := slices.Clone(xs)
		g := Build(xs, o)
		if !slices.EqualFunc(xs, before, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
			t.Fatal("Build modified the sample")
		}
		if again := Build(rapid.Permutation(xs).Draw(t, "order"), o); again.ID() != g.ID() {
			t.Fatalf("another order, another grid: %v and %v", again.Edges(), g.Edges())
		}
		if err := checkEdges(g.Edges()); err != nil {
			t.Fatal(err)
		}
		edges := g.Edges()
		for _, e := range o.Closed {
			if !slices.Contains(edges, e) {
				t.Fatalf("closed extra edge %v is missing", e)
			}
		}
		for _, e := range o.Open {
			if p := prev(e); !math.IsInf(p, 0) && !slices.Contains(edges, p) {
				t.Fatalf("open extra edge %v is missing", e)
			}
		}
		lo, hi := slices.Min(xs), slices.Max(xs)
		if !math.IsInf(prev(lo), 0) && !slices.Contains(edges, prev(lo)) || !slices.Contains(edges, hi) {
			t.Fatal("a guard is missing")
		}
		limit := o.MaxEdges
		if limit == 0 {
			limit = defaultMaxEdges
		}
		if fixed := len(o.Closed) + len(o.Open) + 2 + 9; len(edges) > max(limit, fixed) {
			t.Fatalf("%d edges, at most %d", len(edges), limit)
		}
		for _, p := range append(slices.Clone(g.Partitions()), every(g.Bins())) {
			checkUnion(t, g, p)
		}
		if _, ok := g.Partition(Deciles); !ok {
			t.Fatal("no deciles")
		}
	})
}

// A partition is a union of bins: its groups are runs of neighbours, numbered in
// order, and folding keeps the total.
func checkUnion(t *rapid.T, g *Grid, p Partition) {
	if p.Name != Every {
		if err := p.check(g.Bins()); err != nil {
			t.Fatal(err)
		}
	}
	counts := make([]uint64, g.Bins())
	for i := range counts {
		counts[i] = uint64(i + 1)
	}
	folded := p.Fold(counts)
	if len(folded) != p.Groups || total(folded) != total(counts) {
		t.Fatalf("%s: folded %v into %v", p.Name, counts, folded)
	}
	if slices.Contains(folded, 0) && p.Name != Doane && p.Name != Sturges {
		t.Fatalf("%s: a group without bins: %v", p.Name, p.Group)
	}
}

// A value that holds more than 1/bins of the mass is alone in its bin; up to 200
// different values all are.
func TestAtoms(t *testing.T) {
	alone := func(t *testing.T, g *Grid, v float64) {
		t.Helper()
		bin := g.Find(v)
		if !g.IsAtom(bin) || g.Width(bin) != 0 || g.Find(next(v)) == bin || g.Find(prev(v)) == bin {
			t.Errorf("%v shares bin %d of width %v", v, bin, g.Width(bin))
		}
		if lo, hi := g.Bounds(bin); lo != v || hi != v {
			t.Errorf("the atom %v has the bounds %v, %v", v, lo, hi)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var inflated []float64
	for range 5000 {
		inflated = append(inflated, rng.NormFloat64())
		if rng.IntN(10) == 0 {
			inflated = append(inflated, 0, -2.5)
		}
	}
	g := Build(inflated, Options{})
	alone(t, g, 0)
	alone(t, g, -2.5)

	var discrete []float64
	for i := range 4000 {
		discrete = append(discrete, math.Pow(1.1, float64(i*i%200)))
	}
	g = Build(discrete, Options{})
	for _, v := range discrete[:200] {
		alone(t, g, v)
	}
	// One more, and only the heavy ones are atoms.
	var more []float64
	for i := range 4020 {
		more = append(more, float64(i%201))
	}
	g = Build(append(more, slices.Repeat([]float64{7.5}, 100)...), Options{NoEqualWidth: true})
	alone(t, g, 7.5)
	if bin := g.Find(100); g.IsAtom(bin) {
		t.Errorf("one of 201 light values is an atom")
	}
}

// Exactly 1/bins of the mass is not yet an atom; one value more is.
func TestAtomThreshold(t *testing.T) {
	for _, n := range []int{20, 21} {
		xs := slices.Repeat([]float64{0.123}, n)
		xs = append(xs, normal(4000-n)...)
		g := Build(xs, Options{NoEqualWidth: true})
		if got, want := g.IsAtom(g.Find(0.123)), n > 20; got != want {
			t.Errorf("%d of 4000 values alike, 200 bins: atom is %v", n, got)
		}
	}
}

func TestConstantReferenceHasThreeBins(t *testing.T) {
	for _, v := range []float64{0, 3, -1e300, 1e-320, 0x1p60} {
		g := Build(slices.Repeat([]float64{v}, 100), Options{})
		if g.Bins() != 3 || g.Find(prev(v)) != 0 || g.Find(v) != 1 || g.Find(next(v)) != 2 || !g.IsAtom(1) {
			t.Errorf("%v: %d bins, edges %v", v, g.Bins(), g.Edges())
		}
		for _, rule := range []string{Doane, Sturges} {
			p, ok := g.Partition(rule)
			if !ok || !slices.Equal(p.Group, []uint16{1, 0, 1}) {
				t.Errorf("%v: %s groups %v", v, rule, p.Group)
			}
		}
	}
}

func TestNoValues(t *testing.T) {
	g := Build([]float64{math.NaN(), math.Inf(1)}, Options{})
	if g.Bins() != 1 || g.Find(3) != 0 || len(g.Partitions()) != 0 {
		t.Errorf("%d bins, partitions %v", g.Bins(), g.Partitions())
	}
	g = Build(nil, Options{Closed: []float64{5, math.Inf(-1)}, Open: []float64{5, math.NaN(), -math.MaxFloat64}})
	if want := []float64{prev(5), 5}; !slices.Equal(g.Edges(), want) {
		t.Errorf("edges %v, want %v", g.Edges(), want)
	}
	if _, ok := g.Partition(Deciles); ok {
		t.Error("deciles of nothing")
	}
	if p, ok := g.Partition(Every); !ok || p.Groups != 3 {
		t.Errorf("grid partition %v", p)
	}
}

// The bins are halved until each holds ten reference values.
func TestBinsAreHalved(t *testing.T) {
	for _, c := range []struct{ bins, n, want int }{
		{0, 2000, 200}, {0, 1999, 100}, {0, 1000, 100}, {0, 999, 20}, {0, 200, 20}, {0, 199, 10}, {0, 5, 10},
		{400, 4000, 400}, {400, 3999, 200}, {120, 1199, 60}, {1000, 9999, 500}, {1000, 4999, 240}, {130, 1400, 140},
		{10, 1e5, 10}, {3, 1e5, 10}, {math.MaxInt, 300, 20},
	} {
		b := builder{sorted: normal(c.n), bins: roundBins(c.bins), maxEdges: EdgeLimit}
		slices.Sort(b.sorted)
		b.quantiles(nil)
		if b.bins != c.want || len(b.edges) != c.want-1 {
			t.Errorf("%d bins, %d values: %d bins, want %d", c.bins, c.n, b.bins, c.want)
		}
		if _, ok := b.grid().Partition(Ventiles); ok != (c.want%20 == 0) {
			t.Errorf("%d bins: ventiles %v", c.want, ok)
		}
	}
}

// Edges are given up in the documented order: auto, Sturges, light atoms, Doane,
// heavy atoms; never the quantiles.
func TestPruning(t *testing.T) {
	xs := normal(20_000)
	has := func(limit int) string {
		g := Build(xs, Options{MaxEdges: limit})
		s := fmt.Sprint(len(g.Edges()) <= limit)
		for _, name := range []string{Deciles, Ventiles, Doane, Sturges, Auto} {
			if _, ok := g.Partition(name); ok {
				s += " " + name
			}
		}
		return s
	}
	all := len(Build(xs, Options{}).Edges())
	for limit, want := range map[int]string{
		all:     "true deciles ventiles doane sturges auto",
		all - 1: "true deciles ventiles doane sturges",
		232:     "true deciles ventiles doane sturges",
		225:     "true deciles ventiles doane",
		202:     "true deciles ventiles",
		110:     "true deciles ventiles",                    // 100 quantile bins
		100:     "true deciles ventiles doane sturges auto", // 20 quantile bins, so there is room again
		12:      "true deciles",
	} {
		if got := has(limit); got != want {
			t.Errorf("at most %d edges: %s, want %s", limit, got, want)
		}
	}

	// At any limit, what is there is what matters most.
	for limit := range all + 1 {
		g := Build(xs[:3000], Options{MaxEdges: limit + 1})
		missing := ""
		for _, name := range []string{Doane, Sturges, Auto} {
			_, ok := g.Partition(name)
			switch {
			case !ok:
				missing = name
			case missing != "":
				t.Fatalf("at most %d edges: %s, but not %s", limit+1, name, missing)
			}
		}
	}

	// 200 values between which all quantiles lie: too much for 511 edges.
	var discrete []float64
	for i := range 2000 {
		discrete = append(discrete, float64(i/10)*float64(i/10))
	}
	g := Build(discrete, Options{})
	if len(g.Edges()) != 511 {
		t.Errorf("%d edges, want 511", len(g.Edges()))
	}
	for _, name := range []string{Deciles, Ventiles, Doane} {
		if _, ok := g.Partition(name); !ok {
			t.Errorf("no %s", name)
		}
	}
	if _, ok := g.Partition(Sturges); ok {
		t.Error("Sturges before light atoms")
	}
	for _, v := range discrete {
		if !slices.Contains(g.Edges(), v) {
			t.Fatalf("%v is not an edge", v)
		}
	}
}

func normal(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	return xs
}
