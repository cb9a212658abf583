package num_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/driftmeter/driftmeter/internal/num"
	"pgregory.net/rapid"
)

// functions by their names in testdata/ref/special.json, with the relative error
// that is allowed against SciPy. Both sides are within some 10⁻¹⁴ of the truth,
// but the upper tail of chi-squared is an exponential of up to 700, whose
// rounding it multiplies.
var functions = map[string]struct {
	f         func(args []float64) float64
	tolerance float64
}{
	"chi_squared_survival": {func(a []float64) float64 { return num.ChiSquaredSurvival(a[0], a[1]) }, 1e-12},
	"chi_squared_quantile": {func(a []float64) float64 { return num.ChiSquaredQuantile(a[0], a[1]) }, 1e-12},
	"normal_quantile":      {func(a []float64) float64 { return num.NormalQuantile(a[0]) }, 1e-14},
	"kolmogorov_survival":  {func(a []float64) float64 { return num.KolmogorovSurvival(a[0]) }, 1e-13},
}

func TestSpecialFunctionsAgreeWithSciPy(t *testing.T) {
	raw, err := os.ReadFile("testdata/ref/special.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Rows []struct {
			Function string
			Args     []string
			Want     string
		}
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Rows) < 300 {
		t.Fatalf("%d rows, want at least 300", len(golden.Rows))
	}
	for _, row := range golden.Rows {
		f, ok := functions[row.Function]
		if !ok {
			t.Fatalf("unknown function %q", row.Function)
		}
		args := make([]float64, len(row.Args))
		for i, a := range row.Args {
			args[i] = parse(t, a)
		}
		want := parse(t, row.Want)
		got := f.f(args)
		if got != want && !(math.Abs(got-want) <= f.tolerance*math.Abs(want)) {
			t.Errorf("%s(%v) = %v, want %v, off by %.2g", row.Function, args, got, want, math.Abs(got-want)/want)
		}
	}
}

func parse(t *testing.T, s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSpecialFunctionsOutsideTheirDomain(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, got := range map[string]float64{
		"survival of NaN":      num.ChiSquaredSurvival(nan, 3),
		"survival, df 0":       num.ChiSquaredSurvival(1, 0),
		"survival, df NaN":     num.ChiSquaredSurvival(1, nan),
		"survival, df Inf":     num.ChiSquaredSurvival(1, inf),
		"quantile of NaN":      num.ChiSquaredQuantile(nan, 3),
		"quantile of 1.1":      num.ChiSquaredQuantile(1.1, 3),
		"quantile, df -1":      num.ChiSquaredQuantile(0.5, -1),
		"normal of -0.1":       num.NormalQuantile(-0.1),
		"normal of NaN":        num.NormalQuantile(nan),
		"Kolmogorov of NaN":    num.KolmogorovSurvival(nan),
		"quantile, df Inf":     num.ChiSquaredQuantile(0.5, inf),
		"normal of 1 and more": num.NormalQuantile(1 + 0x1p-52),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
	}
	if got := num.ChiSquaredSurvival(inf, 3); got != 0 {
		t.Errorf("survival of Inf: %v", got)
	}
	if got := num.ChiSquaredSurvival(-inf, 3); got != 1 {
		t.Errorf("survival of -Inf: %v", got)
	}
	if got := num.KolmogorovSurvival(inf); got != 0 {
		t.Errorf("Kolmogorov of Inf: %v", got)
	}
	if got := num.KolmogorovSurvival(math.SmallestNonzeroFloat64); got != 1 {
		t.Errorf("Kolmogorov of the least number: %v", got)
	}
}

// Survival functions fall, from 1 to 0; the two forms of Kolmogorov's meet.
func TestSurvivalFunctionsFall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64Range(0, 5).Draw(t, "a")
		b := a + rapid.Float64Range(0, 1).Draw(t, "step")
		if x, y := num.KolmogorovSurvival(a), num.KolmogorovSurvival(b); !(0 <= y && y <= x+1e-15 && x <= 1) {
			t.Fatalf("Kolmogorov: %v at %v, %v at %v", x, a, y, b)
		}
		df := rapid.Float64Range(0.5, 1000).Draw(t, "df")
		if x, y := num.ChiSquaredSurvival(a*df, df), num.ChiSquaredSurvival(b*df, df); !(0 <= y && y <= x+1e-12 && x <= 1) {
			t.Fatalf("chi-squared with %v: %v at %v, %v at %v", df, x, a*df, y, b*df)
		}
	})
}
