package num

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ChiSquaredSurvival returns the probability that a chi-squared variable with df
// degrees of freedom exceeds x: Q(df/2, x/2), the upper regularised incomplete
// gamma function. It is 1 for x ≤ 0, and NaN unless df > 0.
func ChiSquaredSurvival(x, df float64) float64 {
	switch {
	case math.IsNaN(x) || !(df > 0) || math.IsInf(df, 1):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}

// ChiSquaredQuantile returns the x that a chi-squared variable with df degrees
// of freedom does not exceed with probability p: 0 for p = 0, +Inf for p = 1,
// NaN for p outside [0, 1] and unless df > 0.
func ChiSquaredQuantile(p, df float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !(df > 0) || math.IsInf(df, 1):
		return math.NaN()
	case p == 0:
		return 0
	case p == 1:
		return math.Inf(1)
	}
	// The library's search ends at 0 for tiny quantiles. There P(a, x) is the
	// leading term of its series, xᵃ/Γ(a+1)·(1 − ax/(a+1) + …).
	a := df / 2
	lg, _ := math.Lgamma(a + 1)
	if x := math.Exp((math.Log(p) + lg) / a); x < 1e-6 {
		return 2 * x * (1 + x/(a+1))
	}
	return 2 * mathext.GammaIncRegInv(a, p)
}

// NormalQuantile returns the x that a standard normal variable does not exceed
// with probability p: ∓Inf for p = 0 and 1, NaN for p outside [0, 1].
func NormalQuantile(p float64) float64 {
	if !(p >= 0 && p <= 1) {
		return math.NaN()
	}
	return mathext.NormalQuantile(p)
}

// KolmogorovSurvival returns the probability that the limit of √n·D, D the
// two-sided Kolmogorov–Smirnov distance, exceeds t:
//
//	Q(t) = 2 Σ_{k≥1} (−1)^(k−1) exp(−2k²t²)
//
// It falls from 1 at t ≤ 0 to 0, and is NaN for NaN. The alternating series
// loses its digits as t goes to 0; below t = 1 the other form of the same theta
// function is used (Marsaglia, Tsang, Wang 2003):
//
//	Q(t) = 1 − √(2π)/t Σ_{k≥1} exp(−(2k−1)²π²/(8t²))
//
// Either way the terms that are left out are below 10⁻¹⁸ of the first.
func KolmogorovSurvival(t float64) float64 {
	switch {
	case math.IsNaN(t):
		return t
	case t < 0.04: // 1 − Q is below 10⁻³³⁰
		return 1
	case t < 1:
		// a = exp(−π²/(8t²)); the terms are a, a⁹, a²⁵, a⁴⁹, …
		sum, b := 0.0, -math.Pi*math.Pi/(8*t*t)
		for _, k := range [...]float64{49, 25, 9, 1} {
			sum += math.Exp(k * b)
		}
		return 1 - float64(math.Sqrt(2*math.Pi)/t*sum)
	}
	b := -2 * t * t
	return 2 * (math.Exp(b) - math.Exp(4*b) + math.Exp(9*b) - math.Exp(16*b) + math.Exp(25*b))
}
