package grid

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the grids, the total stays, bin by bin the result is possible, and
// the arguments are not touched.
func TestRegridKeepsTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := Build(sample(t), options(t)), Build(sample(t), options(t))
		xs := rapid.SliceOfN(value(), 1, 100).Draw(t, "xs")
		h := histOf(from, xs)
		before := encode(t, h)
		lo, hi := slices.Min(xs), slices.Max(xs)
		if rapid.Bool().Draw(t, "extremes unknown") {
			lo, hi = math.Inf(-1), math.Inf(1)
		}
		got := Regrid(from, h, to, lo, hi)
		if got.Total() != h.Total() {
			t.Fatalf("%d values became %d", h.Total(), got.Total())
		}
		if err := got.Check(to); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, h), before) {
			t.Fatal("Regrid modified its argument")
		}
	})
}

// Where the old grid has all edges of the new one, counts are exact.
func TestRegridToFewerEdgesIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := Build(sample(t), options(t))
		var kept []float64
		for _, e := range from.Edges() {
			if rapid.Bool().Draw(t, "keep") {
				kept = append(kept, e)
			}
		}
		to, err := FromParts(kept)
		if err != nil {
			t.Fatal(err)
		}
		xs := rapid.SliceOfN(value(), 1, 100).Draw(t, "xs")
		want := histOf(to, xs)
		got := Regrid(from, histOf(from, xs), to, slices.Min(xs), slices.Max(xs))
		if !slices.Equal(got.Counts, want.Counts) {
			t.Fatalf("counts %v, want %v", got.Counts, want.Counts)
		}
	})
}

func TestRegridToFewerEdgesKeepsMeans(t *testing.T) {
	xs := normal(20_000)
	from, to := Build(xs, Options{}), Build(xs[:1000], Options{Bins: 10, NoEqualWidth: true})
	to, err := FromParts(slices.DeleteFunc(slices.Clone(from.Edges()), func(e float64) bool {
		return to.Find(e)%2 == 0 // any selection of from's edges
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := histOf(to, xs)
	got := Regrid(from, histOf(from, xs), to, slices.Min(xs), slices.Max(xs))
	for bin := range want.Counts {
		a, _ := to.Mean(got, bin)
		if b, _ := to.Mean(want, bin); math.Abs(a-b) > 1e-8 {
			t.Errorf("bin %d has the mean %v, want %v", bin, a, b)
		}
	}
}

func TestRegridToTheSameGrid(t *testing.T) {
	xs := normal(1000)
	g := Build(xs, Options{})
	h := histOf(g, xs)
	got := Regrid(g, h, Build(xs, Options{}), slices.Min(xs), slices.Max(xs))
	if !bytes.Equal(encode(t, got), encode(t, h)) {
		t.Error("not the same bytes")
	}
	got.Add(g, 1, -1)
	if got.Total() == h.Total() {
		t.Error("the result shares its counts with the argument")
	}
}

func TestRegridByHand(t *testing.T) {
	from, _ := FromParts([]float64{0, 8, prev(10), 10})
	to, _ := FromParts([]float64{0, 1, 4, 9, 12})
	h := from.NewHist()
	h.addN(from, 0, -5, 3)      // below: stays below
	h.addN(from, 1, 2, 11)      // (0, 8] to (0, 1], (1, 4], (4, 9]: 1.375, 4.125, 5.5 of 11
	h.addN(from, 3, 10, 5)      // an atom
	h.addN(from, 4, 13, 4)      // (10, 16] to (9, 12] and above
	h.addN(from, 2, 8.5, 1<<20) // (8, prev(10)] to (4, 9] and (9, 12], in halves
	got := Regrid(from, h, to, -7, 16)
	want := []uint64{3, 1, 4, 6 + 1<<19, 5 + 1 + 1<<19, 3}
	if !slices.Equal(got.Counts, want) {
		t.Errorf("counts %v, want %v", got.Counts, want)
	}
	if m, _ := to.Mean(got, 0); m != -5 {
		t.Errorf("the mean of the lower tail is %v, want -5", m)
	}
	if m, _ := to.Mean(got, 5); m != 14 {
		t.Errorf("the mean of the upper tail is %v, want the middle of (12, 16]", m)
	}
}
