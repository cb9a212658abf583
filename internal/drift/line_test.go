package drift

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
	"pgregory.net/rapid"
)

func floats(rs []real) []float64 {
	xs := make([]float64, len(rs))
	for i, r := range rs {
		xs[i] = float64(r)
	}
	return xs
}

// On fields with few distinct values every value has its own bin, and all
// measures of the real line are those of SciPy. On continuous fields KS and
// Wasserstein lie within the bound they report, the others within the errors
// that their doc comments state.
func TestLineAgreesWithSciPy(t *testing.T) {
	c := &check{TB: t}
	for _, row := range readReferences(t).Values {
		ref, cur := both(floats(row.Ref), floats(row.Cur))
		value := func(name string) Result { return compute(t, name, Params{}, ref, cur) }

		d, w := value("ks"), value("wasserstein")
		if row.Discrete {
			c.near(row.Name+": ks", d.Value, nil, float64(row.KS), 1e-14, 1e-15)
			// The fixed point of the sums is never used between atoms.
			c.near(row.Name+": wasserstein", w.Value, nil, float64(row.Wasserstein), 1e-13, 1e-15)
		}
		if !row.Discrete && (d.Value > float64(row.KS)+1e-15 || d.Value+d.Bound < float64(row.KS)-1e-15) {
			t.Errorf("%s: ks = %v + at most %v, SciPy has %v", row.Name, d.Value, d.Bound, float64(row.KS))
		}
		if !row.Discrete && (w.Value > float64(row.Wasserstein)*(1+1e-9) || w.Value+w.Bound < float64(row.Wasserstein)) {
			t.Errorf("%s: wasserstein = %v + at most %v, SciPy has %v", row.Name, w.Value, w.Bound, float64(row.Wasserstein))
		}
		tolerance := 1e-11
		if !row.Discrete {
			tolerance = 0.06 // grids of 10 to 20 bins: these samples are small
		}
		c.near(row.Name+": energy", value("energy").Value, nil, float64(row.Energy), tolerance, 1e-12)
		if row.MeanShift != nil && row.Name != "huge values" { // whose variance is infinite in NumPy too
			// Each mean is rounded to a float64 of its own size.
			rounding := 4 * 0x1p-52 * math.Abs(ref.Mean) / math.Sqrt(ref.Variance)
			c.near(row.Name+": mean_shift", value("mean_shift").Value, nil, float64(*row.MeanShift), 1e-12, 1e-14+rounding)
		}
		if row.CVM != nil && !math.IsNaN(float64(*row.CVM)) && row.Discrete {
			c.near(row.Name+": cvm", value("cramer_von_mises").Value, nil, float64(*row.CVM), 1e-10, 1e-10)
			c.near(row.Name+": ad", value("anderson_darling").Value, nil, float64(*row.AD), 1e-10, 1e-10)
		}
	}
	if want := 66; c.n != want {
		t.Errorf("%d comparisons, want %d", c.n, want)
	}
}

// Whatever the values, KS and Wasserstein of the grid lie below those of the raw
// values by no more than the bound.
func TestLineStaysWithinItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.Float64Range(-1e3, 1e3),
			rapid.Map(rapid.IntRange(-5, 5), func(i int) float64 { return float64(i) }),
			rapid.Map(rapid.Float64Range(0, 12), math.Exp),
		)
		x := rapid.SliceOfN(value, 1, 300).Draw(t, "ref")
		y := rapid.SliceOfN(value, 1, 300).Draw(t, "cur")
		ref, cur := both(x, y)

		d, err := Compute("ks", Params{}, ref, cur)
		if want := rawKS(x, y); err != nil || d.Value > want+1e-12 || d.Value+d.Bound < want-1e-12 {
			t.Fatalf("ks = %v + at most %v, %v; the values have %v", d.Value, d.Bound, err, want)
		}
		w, err := Compute("wasserstein", Params{}, ref, cur)
		want := rawWasserstein(x, y)
		slack := 1e-12 * (1 + max(math.Abs(slices.Max(x)), math.Abs(slices.Max(y))))
		// The fixed point of the sums may add its own part of the bound.
		fixed := 0x1p-31 * (ref.Max - ref.Min + cur.Max - cur.Min)
		if err != nil || w.Value > want+fixed+slack || w.Value+w.Bound < want-slack {
			t.Fatalf("wasserstein = %v + at most %v, %v; the values have %v", w.Value, w.Bound, err, want)
		}
	})
}

// A normal distribution's J and Q are 1.615 and .564 of its standard deviation.
func TestNoiseOfTheLine(t *testing.T) {
	xs := make([]float64, 20000)
	for i := range xs {
		xs[i] = 10 + 3*math.Sqrt2*math.Erfinv(2*(float64(i)+0.5)/float64(len(xs))-1)
	}
	ref, _ := both(xs, nil)
	x := Noise{N: 20000, M: 500, Alpha: 0.001}
	if got, want := x.Wasserstein(ref.Grid, ref.Hist, ref.Min, ref.Max), 3*math.Sqrt(2*x.H()/math.Pi)*1.615*3; !within(got, want, 0.01, 0) {
		t.Errorf("wasserstein %v, want %v", got, want)
	}
	if got, want := x.Energy(ref.Grid, ref.Hist, ref.Min, ref.Max), math.Sqrt(14*x.H()*0.5642*3); !within(got, want, 0.002, 0) {
		t.Errorf("energy %v, want %v", got, want)
	}
}

// Values whose widths, sums or squares leave float64 are not computable, never
// infinite, and do not disturb the measures on counts.
func TestLineBeyondFloat64(t *testing.T) {
	x := []float64{-math.MaxFloat64, -1, 0, 1, math.MaxFloat64}
	y := []float64{-math.MaxFloat64, -math.MaxFloat64, 0, math.MaxFloat64, 2}
	ref, cur := both(x, y)
	ref.Variance, cur.Variance = math.NaN(), math.NaN()
	for _, m := range Measures() {
		r, err := Compute(m.Name, Params{}, ref, cur)
		if err != nil && !errors.Is(err, NotComputable{NotFinite}) {
			t.Errorf("%s: %v", m.Name, err)
		}
		if err == nil && (!finite(r.Value) || !finite(r.Floor) || !finite(r.Bound)) {
			t.Errorf("%s = %+v", m.Name, r)
		}
	}
	if r := compute(t, "ks", Params{}, ref, cur); r.Value != 0.2 && !within(r.Value, 0.2, 1e-15, 0) {
		t.Errorf("ks = %v", r.Value)
	}
}

// A window counted on another grid is re-binned, and the answer says so.
func TestForeignGrid(t *testing.T) {
	x, y := normals(5000, 0, 1, 1), normals(4000, 0.3, 1, 2)
	ref, cur := both(x, y)
	foreign := numeric(grid.Build(y, grid.Options{}), y)
	for _, name := range []string{"psi", "js", "ks", "wasserstein", "energy"} {
		want, got := compute(t, name, Params{}, ref, cur), compute(t, name, Params{}, ref, foreign)
		if !within(got.Value, want.Value, 0.03, 0) {
			t.Errorf("%s = %v across grids, %v on one", name, got.Value, want.Value)
		}
		if !slices.Contains(words(got), "regridded") || slices.Contains(words(want), "regridded") {
			t.Errorf("%s: warnings %v across grids, %v on one", name, words(got), words(want))
		}
	}
}
