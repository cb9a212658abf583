package drift

import (
	"slices"
	"testing"
)

func TestJudge(t *testing.T) {
	enough := Result{N: 1000, M: 1000, Significance: 0.001}
	with := func(change func(*Result)) Result {
		r := enough
		change(&r)
		return r
	}
	psi := func(value, floor float64) Result {
		return with(func(r *Result) { r.Value, r.Floor, r.Threshold, r.Warn = value, floor, 0.2, 0.1 })
	}
	test := func(p float64, clipped bool) Result {
		return with(func(r *Result) {
			r.Value, r.Floor, r.HasP, r.P, r.Clipped = 50, 28, true, p, clipped
			r.Effect = Effect{Name: "w", Value: 0.5, Threshold: 0.45, Warn: 0.32}
		})
	}
	substitute := with(func(r *Result) {
		r.Value, r.Floor, r.Threshold, r.Warn = 0.4, 0.1, 0.1, 0.05 // kl in a small window
		r.Effect = Effect{Name: "psi_smoothed", Value: 0.15, Threshold: 0.2, Warn: 0.1, Floor: 0.05, Scale: 2}
	})
	for _, c := range []struct {
		name string
		r    Result
		rule Rule
		want Verdict
	}{
		{"large and beyond chance", psi(0.2, 0.03), Rule{}, VerdictDrift},
		{"between the levels", psi(0.19, 0.03), Rule{}, VerdictWarning},
		{"small", psi(0.09, 0.03), Rule{}, VerdictOK},
		{"large but no more than chance", psi(0.4, 0.5), Rule{}, VerdictOK},
		{"at the floor", psi(0.5, 0.5), Rule{}, VerdictDrift},
		{"a warning that is chance", psi(0.15, 0.16), Rule{}, VerdictOK},
		{"negative", with(func(r *Result) { r.Value, r.Threshold = -0.4, 0.3 }), Rule{}, VerdictDrift},
		{"own threshold", psi(0.25, 0.03), Rule{Threshold: pointer(0.3)}, VerdictOK},
		{"own levels", psi(0.25, 0.03), Rule{Threshold: pointer(0.3), Warn: pointer(0.25)}, VerdictWarning},
		{"no threshold at all", with(func(r *Result) { r.Value = 7 }), Rule{}, VerdictOK},
		{"a threshold where there was none", with(func(r *Result) { r.Value = 7 }), Rule{Threshold: pointer(5.0)}, VerdictDrift},
		{"reference too small", with(func(r *Result) { r.N, r.Value, r.Threshold = 29, 9, 1 }), Rule{}, VerdictInsufficientData},
		{"window too small", with(func(r *Result) { r.M, r.Value, r.Threshold = 29, 9, 1 }), Rule{}, VerdictInsufficientData},
		{"thirty will do", with(func(r *Result) { r.M, r.Value, r.Threshold = 30, 9, 1 }), Rule{}, VerdictDrift},
		{"own minimum", with(func(r *Result) { r.M, r.Value, r.Threshold = 20, 9, 1 }), Rule{MinCount: 20}, VerdictDrift},
		{"no value", with(func(r *Result) { r.Reason, r.Threshold = ConstantReference, 1 }), Rule{}, VerdictNotComputable},
		{"no value of too few", Result{N: 3, Reason: EmptyCurrent}, Rule{}, VerdictNotComputable},
		{"significant", test(0.0001, false), Rule{}, VerdictDrift},
		{"at the level", test(0.001, false), Rule{}, VerdictOK},
		{"clipped at the level", test(0.001, true), Rule{}, VerdictDrift},
		{"clipped at the other end", test(0.25, true), Rule{}, VerdictOK},
		{"own threshold on the statistic", test(0.0001, false), Rule{Threshold: pointer(60.0)}, VerdictOK},
		{"psi_smoothed in place of kl", substitute, Rule{}, VerdictWarning},
		{"a level of kl is half of psi's", substitute, Rule{Threshold: pointer(0.07)}, VerdictDrift},
		{"and not the same", substitute, Rule{Threshold: pointer(0.08)}, VerdictOK},
	} {
		if got := Judge(c.r, c.rule); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Below ten values a bin, on either side, the verdicts on psi and kl are those
// on psi_smoothed; the value shown stays the plain measure.
func TestSmallSamplesAreJudgedSmoothed(t *testing.T) {
	even := func(n uint64) []uint64 { return slices.Repeat([]uint64{n}, 10) }
	gap := []uint64{0, 11, 11, 11, 11, 11, 11, 11, 11, 11} // 99 values, one decile empty
	for _, name := range []string{"psi", "kl"} {
		r := compute(t, name, Params{}, Sample{Known: even(5000)}, Sample{Known: gap})
		if r.Effect.Name != "psi_smoothed" || r.Value == r.Effect.Value {
			t.Errorf("%s of 99 values: %+v", name, r)
		}
		if want := compute(t, "psi_smoothed", Params{}, Sample{Known: even(5000)}, Sample{Known: gap}); Judge(r, Rule{}) != Judge(want, Rule{}) || r.Effect.Value != want.Value {
			t.Errorf("%s: %s, psi_smoothed: %s", name, Judge(r, Rule{}), Judge(want, Rule{}))
		}
		gap := append([]uint64{1}, gap[1:]...)
		if r := compute(t, name, Params{}, Sample{Known: even(5000)}, Sample{Known: gap}); r.Effect.Name != "" {
			t.Errorf("%s of 100 values: %+v", name, r.Effect)
		}
		if r := compute(t, name, Params{}, Sample{Known: gap}, Sample{Known: even(5000)}); r.Effect.Name != "" {
			t.Errorf("%s of a reference of 100 values: %+v", name, r.Effect)
		}
		if r := compute(t, name, Params{}, Sample{Known: gap[1:]}, Sample{Known: even(5000)[1:]}); r.Effect.Name != "" {
			t.Errorf("%s of 9 bins and 99 values: %+v", name, r.Effect)
		}
	}
}

// Nor are psi and kl trusted when the average is high enough but the rarest bin
// expects fewer than five values.
func TestRareBinsAreJudgedSmoothed(t *testing.T) {
	ref := Sample{Known: []uint64{5000, 4000, 500}}
	for m, want := range map[uint64]string{50: "psi_smoothed", 200: ""} {
		cur := Sample{Known: []uint64{m / 2, m/2 - m/20, m / 20}}
		if r := compute(t, "psi", Params{}, ref, cur); r.Effect.Name != want {
			t.Errorf("%d values: judged on %q, want %q", m, r.Effect.Name, want)
		}
	}
}

// The effect behind a statistic is the quantity of section 3.
func TestEffects(t *testing.T) {
	ref, cur := Sample{Known: []uint64{5000, 5000}}, Sample{Known: []uint64{900, 100}}
	r := compute(t, "chi2", Params{}, ref, cur)
	if want := r.Value * (1./10000 + 1./1000); !within(r.Effect.Value*r.Effect.Value, want, 1e-12, 0) || Judge(r, Rule{}) != VerdictDrift {
		t.Errorf("%+v is %s", r, Judge(r, Rule{}))
	}
	// Far beyond chance, too small to matter.
	r = compute(t, "chi2", Params{}, Sample{Known: []uint64{5e7, 5e7}}, Sample{Known: []uint64{51e6, 49e6}})
	if r.P > 1e-100 || Judge(r, Rule{}) != VerdictOK {
		t.Errorf("%+v is %s", r, Judge(r, Rule{}))
	}
	numRef, numCur := both(normals(4000, 0, 2, 11), normals(2000, 1.4, 2, 12))
	for _, name := range []string{"cramer_von_mises", "anderson_darling", "energy", "ks", "wasserstein_normalised", "mean_shift", "psi", "js"} {
		if r := compute(t, name, Params{}, numRef, numCur); Judge(r, Rule{}) != VerdictDrift {
			t.Errorf("%s of a shift by .7 sd: %s: %+v", name, Judge(r, Rule{}), r)
		}
		same, again := both(normals(4000, 0, 2, 11), normals(2000, 0, 2, 13))
		if r := compute(t, name, Params{}, same, again); Judge(r, Rule{}) != VerdictOK {
			t.Errorf("%s without drift: %s: %+v", name, Judge(r, Rule{}), r)
		}
	}
}
