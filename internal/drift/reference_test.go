package drift

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strconv"
	"testing"
)

// real is a float64 written by Python's float.hex(); null is NaN: the measure
// does not exist there.
type real float64

func (x *real) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil {
		*x = real(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(*s, 64)
	*x = real(v)
	return err
}

type realTest struct {
	Stat, P     real
	DF, Columns int
}

// countCase is a row of testdata/drift.json, made by testdata/ref/drift.py.
type countCase struct {
	Name              string
	Ref, Cur          []uint64
	Empty             Reason
	PSI               real
	PSINone           real     `json:"psi_none"`
	PSISmoothed       real     `json:"psi_smoothed"`
	PSILaplace        real     `json:"psi_laplace"`
	PSIKept           real     `json:"psi_kept"`
	KL                real     `json:"kl"`
	KLReversed        real     `json:"kl_reversed"`
	KLNone            real     `json:"kl_none"`
	JSDivergence      real     `json:"js_divergence"`
	JS                real     `json:"js"`
	Hellinger         real     `json:"hellinger"`
	TotalVariation    real     `json:"total_variation"`
	LInfinity         real     `json:"l_infinity"`
	KS                real     `json:"ks"`
	KSP               real     `json:"ks_p"`
	Chi2              realTest `json:"chi2"`
	Chi2Yates         realTest `json:"chi2_yates"`
	Chi2Merged        realTest `json:"chi2_merged"`
	G                 realTest `json:"g"`
	GYates            realTest `json:"g_yates"`
	CramersV          real     `json:"cramers_v"`
	CramersVCorrected real     `json:"cramers_v_corrected"`
	CVM               *real    `json:"cvm"`
	CVMP              *real    `json:"cvm_p"`
	AD                *real    `json:"ad"`
	ADP               *real    `json:"ad_p"`
}

type valueCase struct {
	Name         string
	Discrete     bool
	Ref, Cur     []real
	KS           real  `json:"ks"`
	KSExact      real  `json:"ks_p_exact"`
	KSAsymptotic real  `json:"ks_p_asymptotic"`
	Wasserstein  real  `json:"wasserstein"`
	Energy       real  `json:"energy"`
	MeanShift    *real `json:"mean_shift"`
	CVM          *real `json:"cvm"`
	AD           *real `json:"ad"`
	CVMP         *real `json:"cvm_p"`
	ADP          *real `json:"ad_p"`
}

type references struct {
	MadeBy      string `json:"made_by"`
	Counts      []countCase
	Values      []valueCase
	AndersonFit [3]real `json:"anderson_fit"`
	Quantiles   []struct {
		DF   int
		P    float64
		Chi2 real
	}
}

func readReferences(t testing.TB) references {
	t.Helper()
	b, err := os.ReadFile("testdata/drift.json")
	if err != nil {
		t.Fatal(err)
	}
	var refs references
	if err := json.Unmarshal(b, &refs); err != nil {
		t.Fatal(err)
	}
	if len(refs.Counts) != 36 || len(refs.Values) != 18 || len(refs.Quantiles) != 21 {
		t.Fatalf("%d count rows, %d value rows, %d quantiles", len(refs.Counts), len(refs.Values), len(refs.Quantiles))
	}
	return refs
}

// within reports |got−want| ≤ relative·|want| + absolute; infinities must agree.
func within(got, want, relative, absolute float64) bool {
	if math.IsInf(want, 0) {
		return got == want
	}
	return math.Abs(got-want) <= relative*math.Abs(want)+absolute
}

// check compares one number, counting the comparisons.
type check struct {
	testing.TB
	n int
}

func (c *check) near(what string, got float64, err error, want, relative, absolute float64) {
	c.Helper()
	c.n++
	if math.IsInf(want, 1) { // written so by Python, not computable here
		if !errors.Is(err, NotComputable{Infinite}) {
			c.Errorf("%s = %v, %v, want not computable: infinite", what, got, err)
		}
		return
	}
	if err != nil || !within(got, want, relative, absolute) {
		c.Errorf("%s = %v, %v, want %v", what, got, err, want)
	}
}

// The divergences are sums of terms that are computed without cancellation, so
// they agree with 60-digit decimals to a few units in the last place a bin; roots
// only lose what their argument lost. Where a share itself differs by one
// rounding from the other (nearly equal sides) that rounding, 1e-16 of a share,
// is the absolute error of a difference of shares.
func TestSharesAgreeWithDecimals(t *testing.T) {
	const relative = 2e-14
	c := &check{TB: t}
	for _, row := range readReferences(t).Counts {
		if row.Empty != "" {
			continue
		}
		// A difference d of shares has the absolute error 1e-16, so a sum of d²/p
		// has the error 2e-16·√(its value), and its root 1e-16.
		second := func(v real) float64 { return 4e-16 * math.Sqrt(math.Abs(float64(v))) }
		value := func(name string, v float64, err error, want real, absolute float64) {
			c.near(row.Name+": "+name, v, err, float64(want), relative, absolute)
		}
		v, err := PSI(row.Ref, row.Cur, Zero{})
		value("psi", v, err, row.PSI, second(row.PSI))
		v, err = PSI(row.Ref, row.Cur, Zero{Mode: ZeroNone})
		value("psi without treatment", v, err, row.PSINone, second(row.PSINone))
		v, err = PSI(row.Ref, row.Cur, Zero{Mode: ZeroSmooth})
		value("psi_smoothed", v, err, row.PSISmoothed, second(row.PSISmoothed))
		v, err = PSI(row.Ref, row.Cur, Zero{Mode: ZeroSmooth, Alpha: 1})
		value("psi with Laplace's count", v, err, row.PSILaplace, second(row.PSILaplace))
		v, err = PSI(row.Ref, row.Cur, Zero{Mode: ZeroSmooth, Alpha: 1, KeepEmpty: true})
		value("psi with Laplace's count in every bin", v, err, row.PSIKept, second(row.PSIKept))
		// The terms of kl have both signs: absolute error of a share each.
		v, err = KL(row.Ref, row.Cur, "", Zero{})
		value("kl", v, err, row.KL, 1e-15)
		v, err = KL(row.Ref, row.Cur, ReferenceCurrent, Zero{})
		value("kl reversed", v, err, row.KLReversed, 1e-15)
		v, err = KL(row.Ref, row.Cur, CurrentReference, Zero{Mode: ZeroNone})
		value("kl without treatment", v, err, row.KLNone, 1e-15)
		v, err = JSDivergence(row.Ref, row.Cur)
		value("js_divergence", v, err, row.JSDivergence, second(row.JSDivergence))
		v, err = JS(row.Ref, row.Cur)
		value("js", v, err, row.JS, 4e-16)
		v, err = Hellinger(row.Ref, row.Cur)
		value("hellinger", v, err, row.Hellinger, 4e-16)
		v, err = TotalVariation(row.Ref, row.Cur)
		value("total_variation", v, err, row.TotalVariation, 4e-16)
		v, err = LInfinity(row.Ref, row.Cur)
		value("l_infinity", v, err, row.LInfinity, 4e-16)
		v, err = KS(row.Ref, row.Cur)
		value("ks", v, err, row.KS, 4e-16)
		n, _ := total(row.Ref)
		m, _ := total(row.Cur)
		// Both sides evaluate the series at a t that inherits the error of D.
		value("p of ks", KSPValue(v, n, m), nil, row.KSP, 1e-14)
	}
	if want := 33 * 15; c.n != want {
		t.Errorf("%d comparisons, want %d", c.n, want)
	}
}

// The statistic g is computed in decimals, chi2 by SciPy. SciPy subtracts expected from observed counts, so its statistic of nearly
// equal sides has the absolute error of a count, 1e-16·N, squared and divided by
// the count; relative 1e-10 is what it keeps in the other rows.
func TestContingencyAgreesWithSciPy(t *testing.T) {
	c := &check{TB: t}
	for _, row := range readReferences(t).Counts {
		if row.Empty != "" {
			continue
		}
		compare := func(name string, got Test, err error, want realTest) {
			t.Helper()
			const relative = 1e-10
			c.near(row.Name+": "+name, got.Statistic, err, float64(want.Stat), relative, 1e-9)
			absolute := 1e-12
			if want.Stat < 1e-12 {
				absolute = 1e-7 // the root of the error of a statistic that is all rounding
			}
			c.near(row.Name+": p of "+name, got.P, err, float64(want.P), 1e-8, absolute)
			if got.DF != want.DF || got.Columns != want.Columns {
				t.Errorf("%s: %s has df %d of %d columns, want %d of %d", row.Name, name, got.DF, got.Columns, want.DF, want.Columns)
			}
		}
		got, err := ChiSquared(row.Ref, row.Cur, Contingency{})
		compare("chi2", got, err, row.Chi2)
		got, err = ChiSquared(row.Ref, row.Cur, Contingency{Yates: true})
		compare("chi2 with Yates", got, err, row.Chi2Yates)
		got, err = ChiSquared(row.Ref, row.Cur, Contingency{MinExpected: Cochran})
		compare("chi2 merged", got, err, row.Chi2Merged)
		if used := row.Chi2.Columns; got.Columns+got.Merged != max(used, 1) {
			t.Errorf("%s: %d columns and %d merged of %d", row.Name, got.Columns, got.Merged, used)
		}
		got, err = G(row.Ref, row.Cur, Contingency{})
		compare("g", got, err, row.G)
		got, err = G(row.Ref, row.Cur, Contingency{Yates: true})
		compare("g with Yates", got, err, row.GYates)
		v, err := CramersV(row.Ref, row.Cur, Contingency{}, false)
		c.near(row.Name+": cramers_v", v, err, float64(row.CramersV), 1e-10, 1e-9)
		v, err = CramersV(row.Ref, row.Cur, Contingency{}, true)
		c.near(row.Name+": cramers_v corrected", v, err, float64(row.CramersVCorrected), 1e-10, 1e-9)
	}
	if want := 33 * 12; c.n != want {
		t.Errorf("%d comparisons, want %d", c.n, want)
	}
}

// SciPy computes T as the difference of two numbers of the size nm/N. The
// p-value is that of the statistic without the part that ties alone make, by
// SciPy's series, which still subtracts from 1: its absolute error is 1e-14.
func TestRankTestsAgreeWithSciPy(t *testing.T) {
	c := &check{TB: t}
	for _, row := range readReferences(t).Counts {
		if row.CVM != nil && !math.IsNaN(float64(*row.CVM)) {
			got, err := CramerVonMises(row.Ref, row.Cur, nil)
			c.near(row.Name+": cvm", got.Statistic, err, float64(*row.CVM), 1e-11, 1e-9)
			c.near(row.Name+": p of cvm", got.P, err, float64(*row.CVMP), 1e-9, 1e-12)
		}
		if row.AD != nil && !math.IsNaN(float64(*row.AD)) {
			got, err := AndersonDarling(row.Ref, row.Cur, nil)
			c.near(row.Name+": ad", got.Statistic, err, float64(*row.AD), 1e-10, 1e-10)
			c.near(row.Name+": p of ad", got.P, err, float64(*row.ADP), 1e-9, 1e-9)
			if ends := got.P == 0.25 || got.P == 0.001; got.Clipped != ends {
				t.Errorf("%s: p = %v, clipped %v", row.Name, got.P, got.Clipped)
			}
		}
	}
	if want := 92; c.n != want {
		t.Errorf("%d comparisons, want %d", c.n, want)
	}
}

// An empty side is the same reason for every measure on counts.
func TestEmptySides(t *testing.T) {
	n := 0
	for _, row := range readReferences(t).Counts {
		if row.Empty == "" {
			continue
		}
		n++
		for name, f := range onCounts {
			if v, err := f(row.Ref, row.Cur); !errors.Is(err, NotComputable{row.Empty}) {
				t.Errorf("%s of %s = %v, %v, want %s", name, row.Name, v, err, row.Empty)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d rows", n)
	}
}

// The constants of the Anderson-Darling p-value are the fit that SciPy computes
// on every call.
func TestAndersonFitIsSciPys(t *testing.T) {
	fit := readReferences(t).AndersonFit
	for i, want := range fit {
		if got := andersonFit[2-i]; !within(got, float64(want), 1e-13, 0) {
			t.Errorf("coefficient %d = %v, want %v", 2-i, got, float64(want))
		}
	}
}

// Outside the critical values p is the end of the table, and says so.
func TestAndersonClips(t *testing.T) {
	for _, c := range []struct {
		x, p    float64
		clipped bool
	}{{-1.2, 0.25, true}, {0.324, 0.25, true}, {0.326, 0.2457, false}, {6.545, 0.00101, false}, {6.547, 0.001, true}} {
		if p, clipped := andersonPValue(c.x); clipped != c.clipped || !within(p, c.p, 0.03, 0) {
			t.Errorf("p(%v) = %v, clipped %v, want %v, %v", c.x, p, clipped, c.p, c.clipped)
		}
	}
}

// Both ways of spreading a bin out give the integral.
func TestAndersonSpreadOut(t *testing.T) {
	for _, c := range []struct{ below, size, above, before, after float64 }{
		{0, 0.5, 0.5, 0, -1}, {0.5, 0.5, 0, 0.7, 0}, {0.3, 0.4, 0.3, 0.2, -0.1}, {0, 1, 0, 0, 0},
		{0.5, 0.02, 0.48, 0.1, 0.09}, {0.4, 0.001, 0.599, -0.1, 0.2}, {0.3, 0.0187, 0.6813, 0.1, 0.2},
	} {
		const steps = 200000
		want := 0.0
		for i := range steps {
			u := (float64(i) + 0.5) / steps
			h, d := c.below+u*c.size, c.before+u*(c.after-c.before)
			want += d * d / (h * (c.above + (1-u)*c.size)) * c.size / steps
		}
		if got := spreadOut(c.below, c.size, c.above, c.before, c.after); !within(got, want, 1e-5, 1e-15) {
			t.Errorf("%+v: %v, want %v", c, got, want)
		}
	}
}

// The noise floors rest on quantiles of the chi-square distribution.
func TestNoiseQuantiles(t *testing.T) {
	for _, q := range readReferences(t).Quantiles {
		x := Noise{N: 1000, M: 1000, Bins: q.DF + 1, Alpha: 1 - q.P}
		if got := x.K(); !within(got, float64(q.Chi2), 1e-9, 0) {
			t.Errorf("%d degrees of freedom, p = %v: %v, want %v", q.DF, q.P, got, float64(q.Chi2))
		}
	}
}

// onCounts are all measures that need nothing but counts, with their defaults.
var onCounts = map[string]func(ref, cur []uint64) (float64, error){
	"psi":          func(r, c []uint64) (float64, error) { return PSI(r, c, Zero{}) },
	"psi_smoothed": func(r, c []uint64) (float64, error) { return PSI(r, c, Zero{Mode: ZeroSmooth}) },
	"psi_raw":      func(r, c []uint64) (float64, error) { return PSI(r, c, Zero{Mode: ZeroNone}) },
	"kl":           func(r, c []uint64) (float64, error) { return KL(r, c, "", Zero{}) },
	"kl_reversed":  func(r, c []uint64) (float64, error) { return KL(r, c, ReferenceCurrent, Zero{}) },
	"kl_raw":       func(r, c []uint64) (float64, error) { return KL(r, c, "", Zero{Mode: ZeroNone}) },
	"js":           JS, "js_divergence": JSDivergence, "hellinger": Hellinger,
	"total_variation": TotalVariation, "l_infinity": LInfinity, "ks": KS,
	"chi2": func(r, c []uint64) (float64, error) {
		t, err := ChiSquared(r, c, Contingency{})
		return t.Statistic, err
	},
	"chi2_merged": func(r, c []uint64) (float64, error) {
		t, err := ChiSquared(r, c, Contingency{MinExpected: Cochran})
		return t.Statistic, err
	},
	"g":                   func(r, c []uint64) (float64, error) { t, err := G(r, c, Contingency{}); return t.Statistic, err },
	"cramers_v":           func(r, c []uint64) (float64, error) { return CramersV(r, c, Contingency{}, false) },
	"cramers_v_corrected": func(r, c []uint64) (float64, error) { return CramersV(r, c, Contingency{}, true) },
	"cramer_von_mises":    func(r, c []uint64) (float64, error) { t, err := CramerVonMises(r, c, nil); return t.Statistic, err },
	"anderson_darling":    func(r, c []uint64) (float64, error) { t, err := AndersonDarling(r, c, nil); return t.Statistic, err },
}
