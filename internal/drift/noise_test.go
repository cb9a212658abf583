package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// With 10 values expected in every cell the floors are the formulas of section
// 3.2, with k = 27.9 for ten bins at .001.
func TestFloorsOfTheTable(t *testing.T) {
	ref, cur := make([]uint64, 10), make([]uint64, 10)
	for i := range ref {
		ref[i], cur[i] = 5000, 100
	}
	x := Noise{N: 50000, M: 1000, Bins: 10, Alpha: 0.001}
	s := 27.877 * x.H()
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"psi", x.PSI(Zero{}), s},
		{"kl", x.KL(Zero{}), s / 2},
		{"js_divergence", x.JSDivergence(), s / 5.545},
		{"js", x.JS(), math.Sqrt(s / 5.545)},
		{"hellinger", x.Hellinger(ref, cur), math.Sqrt(s / 8)},
		{"total_variation", x.TotalVariation(), math.Sqrt(s) / 2},
		{"l_infinity", x.LInfinity(ref, cur), 3.8906 * math.Sqrt(0.09*x.H())},
		{"ks", x.KS(), 1.9495 * math.Sqrt(x.H())},
		{"robust", Noise{N: 50000, M: 1000}.Robust(), 1.8 * math.Sqrt(x.H())},
		{"chi2", x.ChiSquared(), 27.877},
		{"g", x.G(), 27.877},
		{"mean_shift", x.MeanShift(4), 3.2905 * math.Sqrt(1./50000+4./1000)},
	} {
		if !within(c.got, c.want, 1e-4, 0) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	// The table of section 3.3.
	for m, want := range map[uint64]float64{10: 2.79, 50: 0.558, 200: 0.140, 5000: 0.006} {
		if got := (Noise{N: 50000, M: m, Bins: 10, Alpha: 0.001}).PSI(Zero{}); !within(got, want, 0.005, 0.0005) {
			t.Errorf("psi of %d values: %v, want %v", m, got, want)
		}
	}
}

// The moments of a sparse cell's (√p−√q)² are those of simulation.
func TestRootMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260311, 4))
	draw := func(mean float64) float64 { // Knuth's method
		k, p := 0.0, rng.Float64()
		for p > math.Exp(-mean) {
			k, p = k+1, p*rng.Float64()
		}
		return k
	}
	for _, c := range []struct{ share, n, m float64 }{
		{0.01, 100, 100}, {0.01, 400, 30}, {0.02, 2000, 100}, {0.001, 400000, 2000}, {0.03, 40, 1500},
	} {
		var d2, d4 float64
		const times = 60000
		for range times {
			x := draw(min(c.n*c.share, 600))
			if c.n*c.share > 200 { // far beyond the precision of Knuth's
				x = c.n*c.share + math.Sqrt(c.n*c.share)*rng.NormFloat64()
			}
			d := math.Sqrt(x/c.n) - math.Sqrt(draw(c.m*c.share)/c.m)
			d2 += d * d / times
			d4 += d * d * d * d / times
		}
		got2, got4 := rootMoments(c.share, c.n, c.m)
		if !within(got2, d2, 0.02, 0) || !within(got4, d4, 0.06, 0) {
			t.Errorf("%+v: %v and %v, simulated %v and %v", c, got2, got4, d2, d4)
		}
	}
}

// The share of new categories that is no news is exceeded by about one window in
// a hundred at that level, and is 0 for a reference that knows its categories.
func TestUnseen(t *testing.T) {
	if got := Unseen([]uint64{955, 1045, 2}, 1500, 0.001); got != 0 {
		t.Errorf("%v for a reference without single values", got)
	}
	rng := rand.New(rand.NewPCG(20260311, 5))
	const categories, n, m, windows = 2000, 1500, 300, 3000
	passed := 0
	for range windows {
		ref, fresh := make([]uint64, categories), 0
		// A third of the mass on ten categories, the rest spread evenly.
		draw := func() int {
			if rng.IntN(3) == 0 {
				return rng.IntN(10)
			}
			return rng.IntN(categories)
		}
		for range n {
			ref[draw()]++
		}
		for range m {
			if ref[draw()] == 0 {
				fresh++
			}
		}
		if float64(fresh)/m > Unseen(ref, m, 0.01) {
			passed++
		}
	}
	if rate := 100 * float64(passed) / windows; rate > 1.5 || rate < 0.05 {
		t.Errorf("passed by %.2f %% of the windows", rate)
	}
}
