package drift

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// histograms draws k histograms over the same bins, none of them empty: small
// counts, zeros and counts near 2⁵³.
func histograms(t *rapid.T, k int) [][]uint64 {
	bins := rapid.IntRange(1, 12).Draw(t, "bins")
	count := rapid.OneOf(
		rapid.Just(uint64(0)), rapid.Uint64Range(0, 20), rapid.Uint64Range(0, 1e5), rapid.Uint64Range(1<<40, 1<<53-1),
	)
	hs := make([][]uint64, k)
	for i := range hs {
		hs[i] = rapid.SliceOfN(count, bins, bins).Draw(t, "counts")
		hs[i][rapid.IntRange(0, bins-1).Draw(t, "filled")]++
	}
	return hs
}

// value is f of two sides; a bin that is infinite without treatment has none.
func value(t *rapid.T, name string, ref, cur []uint64) (float64, bool) {
	v, err := onCounts[name](ref, cur)
	if err == (NotComputable{Infinite}) {
		return 0, false
	}
	if err != nil || !finite(v) {
		t.Fatalf("%s(%v, %v) = %v, %v", name, ref, cur, v, err)
	}
	return v, true
}

// Which laws a measure keeps, by its name in onCounts.
var (
	asymmetric = []string{"kl", "kl_reversed", "kl_raw"}
	metrics    = []string{"js", "hellinger", "total_variation", "l_infinity", "ks"}
	atMostOne  = []string{"js", "js_divergence", "hellinger", "total_variation", "l_infinity", "ks", "cramers_v", "cramers_v_corrected"}
	inOrder    = []string{"ks", "cramer_von_mises", "anderson_darling", "chi2_merged"} // the last breaks ties by place
	// Statistics grow with the samples, and smoothing weighs against them.
	bySize = []string{"psi_smoothed", "chi2", "chi2_merged", "g", "cramers_v_corrected", "cramer_von_mises", "anderson_darling"}
	// f-divergences and L1: joining two bins cannot make the sides differ more.
	shrinking = []string{"psi_raw", "kl_raw", "js", "js_divergence", "hellinger", "total_variation", "chi2", "g"}
	// The two-sample statistics of ranks are not distances: 0 is not their
	// minimum.
	statistics = []string{"cramer_von_mises", "anderson_darling"}
)

func TestLawsOfCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hs := histograms(t, 3)
		a, b, c := hs[0], hs[1], hs[2]
		keptA, keptB := slices.Clone(a), slices.Clone(b)
		order := rapid.Permutation(indices(len(a))).Draw(t, "order")
		for name := range onCounts {
			ab, ok := value(t, name, a, b)
			if !ok {
				continue
			}
			near := func(law string, got, want float64) {
				t.Helper()
				if !within(got, want, 1e-9, 1e-11) {
					t.Fatalf("%s of %v and %v: %s: %v, want %v", name, a, b, law, got, want)
				}
			}
			if ab < 0 && !slices.Contains(statistics, name) {
				t.Fatalf("%s of %v and %v = %v is negative", name, a, b, ab)
			}
			if slices.Contains(atMostOne, name) && ab > 1 {
				t.Fatalf("%s of %v and %v = %v is above 1", name, a, b, ab)
			}
			if name != "anderson_darling" {
				if aa, _ := value(t, name, a, a); aa != 0 {
					t.Fatalf("%s of %v and itself = %v", name, a, aa)
				}
			}
			if !slices.Contains(asymmetric, name) {
				ba, _ := value(t, name, b, a)
				near("symmetry", ba, ab)
			}
			if slices.Contains(metrics, name) {
				ac, _ := value(t, name, a, c)
				cb, _ := value(t, name, c, b)
				if ab > ac+cb+1e-12 {
					t.Fatalf("%s of %v, %v by way of %v: %v > %v + %v", name, a, b, c, ab, ac, cb)
				}
			}
			if !slices.Contains(bySize, name) {
				twice, _ := value(t, name, doubled(a), doubled(b))
				near("all counts doubled", twice, ab)
			}
			if !slices.Contains(inOrder, name) {
				turned, _ := value(t, name, permuted(a, order), permuted(b, order))
				near("bins relabelled", turned, ab)
			}
			padded, _ := value(t, name, slices.Insert(slices.Clone(a), 0, 0), slices.Insert(slices.Clone(b), 0, 0))
			near("an empty bin added", padded, ab)
			if slices.Contains(shrinking, name) && len(a) > 1 {
				if joined, _ := value(t, name, joinFirst(a), joinFirst(b)); joined > ab*(1+1e-9)+1e-11 {
					t.Fatalf("%s of %v and %v = %v, with two bins joined %v", name, a, b, ab, joined)
				}
			}
		}
		if !slices.Equal(a, keptA) || !slices.Equal(b, keptB) {
			t.Fatalf("arguments changed to %v and %v", a, b)
		}
	})
}

func indices(n int) []int {
	is := make([]int, n)
	for i := range is {
		is[i] = i
	}
	return is
}

func doubled(counts []uint64) []uint64 {
	twice := make([]uint64, len(counts))
	for i, c := range counts {
		twice[i] = 2 * c
	}
	return twice
}

func permuted(counts []uint64, order []int) []uint64 {
	turned := make([]uint64, len(counts))
	for i, j := range order {
		turned[i] = counts[j]
	}
	return turned
}

func joinFirst(counts []uint64) []uint64 {
	return append([]uint64{counts[0] + counts[1]}, counts[2:]...)
}

// Without floors the two directions of KL are each other's mirror.
func TestDirectionsMirror(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hs := histograms(t, 2)
		z := Zero{Mode: ZeroSmooth, Alpha: rapid.Float64Range(0.1, 3).Draw(t, "alpha")}
		there, err1 := KL(hs[0], hs[1], ReferenceCurrent, z)
		back, err2 := KL(hs[1], hs[0], CurrentReference, z)
		if err1 != nil || err2 != nil || !within(there, back, 1e-9, 1e-12) {
			t.Fatalf("%v, %v and %v, %v", there, err1, back, err2)
		}
	})
}

// The ranges of the floored measures end where the reference says they do.
func TestEndsOfTheRange(t *testing.T) {
	two := func(f func(ref, cur []uint64) (float64, error)) float64 {
		v, err := f([]uint64{1000, 0}, []uint64{0, 1000})
		if err != nil {
			t.Error(err)
		}
		return v
	}
	for name, want := range map[string]float64{"psi": 18.4, "kl": 9.2, "kl_reversed": 9.2, "js": 1, "hellinger": 1, "total_variation": 1, "l_infinity": 1} {
		if got := two(onCounts[name]); !within(got, want, 0, 0.05) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	even := slices.Repeat([]uint64{100}, 10)
	v, err := PSI(even, []uint64{0, 0, 0, 0, 0, 0, 0, 0, 0, 500}, Zero{})
	if err != nil || !within(v, 8.3, 0, 0.05) {
		t.Errorf("psi of deciles = %v, %v", v, err)
	}
}

// Wasserstein and energy are distances of the line: they scale with it, do not
// see where it begins, are 0 on themselves and symmetric. The grid's Wasserstein
// is the L1 norm of a projection, so the triangle inequality survives.
func TestLawsOfTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []float64 {
			// Multiples of 2⁻¹⁰, so that stretching them rounds nothing.
			return rapid.SliceOfN(rapid.Map(rapid.OneOf(rapid.IntRange(-50000, 50000),
				rapid.Map(rapid.IntRange(-4, 4), func(i int) int { return i << 10 })),
				func(i int) float64 { return float64(i) / 1024 }), 1, 200).Draw(t, name)
		}
		x, y, z := draw("x"), draw("y"), draw("z")
		a, b := both(x, y)
		c := numeric(a.Grid, z)
		for name, degree := range map[string]float64{"wasserstein": 1, "energy": 0.5} {
			distance := func(p, q Sample) float64 {
				r, err := Compute(name, Params{}, p, q)
				if err != nil {
					t.Fatal(err)
				}
				return r.Value
			}
			ab := distance(a, b)
			if distance(a, a) != 0 {
				t.Fatalf("%s of %v and itself = %v", name, x, distance(a, a))
			}
			if ba := distance(b, a); ab < 0 || !within(ba, ab, 1e-9, 1e-9) {
				t.Fatalf("%s of %v and %v = %v, turned round %v", name, x, y, ab, ba)
			}
			if ac, cb := distance(a, c), distance(c, b); name == "wasserstein" && ab > ac+cb+1e-9 {
				t.Fatalf("%v > %v + %v", ab, ac, cb)
			}
			moved := func(xs []float64) []float64 {
				out := make([]float64, len(xs))
				for i, v := range xs {
					out[i] = 8*v + 1024
				}
				return out
			}
			// Every second value of x, so that a rounded edge cannot come to lie on
			// the other side of a value.
			half := make([]float64, 0, len(x))
			for i := 0; i < len(x); i += 2 {
				half = append(half, x[i])
			}
			ma, mb := both(moved(x), moved(half))
			got, want := distance(ma, mb), distance(a, numeric(a.Grid, half))*math.Pow(8, degree)
			if !within(got, want, 1e-6, 1e-6) {
				t.Fatalf("%s of %v and every second of them = %v, stretched by 8 %v", name, x, want, got)
			}
		}
	})
}
