package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Noise holds what sampling noise depends on. Its methods are the noise floors:
// values that a measure exceeds in no more than about Alpha of the windows
// without drift.
//
// Binned divergences are, for small drift, one number S = Σ (p−q)²/p in other
// units, and without drift S/h follows a chi-square distribution with B−1
// degrees of freedom. With k its 1−Alpha quantile the floor of S is k·h.
// [Yurdakul 2018]
type Noise struct {
	N, M  uint64  // usable values of the reference and of the current side
	Bins  int     // B
	Alpha float64 // rate of false alarms
	// Unseen is the largest share of new categories that is no news, see
	// [Unseen]. Every floor allows for it.
	Unseen float64
}

// DefaultSignificance is the rate of false alarms per question, and the level
// of the tests: small, because a service asks thousands of questions a day.
const DefaultSignificance = 0.001

// H is the noise scale h = 1/n + 1/m.
func (x Noise) H() float64 { return 1/float64(x.N) + 1/float64(x.M) }

// K is the quantile k.
func (x Noise) K() float64 {
	if x.Bins < 2 {
		return 0
	}
	return num.ChiSquaredQuantile(1-x.Alpha, float64(x.Bins-1))
}

// s is the floor of S without new categories.
func (x Noise) s() float64 { return x.K() * x.H() }

// PSI is S, and what new categories add: (u−p) ln(u/p), where p is the treated
// share of a bin that the reference does not have.
func (x Noise) PSI(z Zero) float64 { return x.s() + x.news(z, 1) }

// KL is S/2, and u ln(u/p).
func (x Noise) KL(z Zero) float64 { return x.s()/2 + x.news(z, 0) }

func (x Noise) news(z Zero, less float64) float64 {
	p := z.empty(float64(x.N), x.Bins)
	if x.Unseen <= p {
		return 0
	}
	return (x.Unseen - less*p) * math.Log(x.Unseen/p)
}

// JSDivergence is S/(8 ln 2), and u/2.
func (x Noise) JSDivergence() float64 { return x.s()/(8*math.Ln2) + x.Unseen/2 }

// JS is the root of JSDivergence.
func (x Noise) JS() float64 { return math.Sqrt(x.JSDivergence()) }

// TotalVariation is at most √S/2, and u.
func (x Noise) TotalVariation() float64 { return math.Sqrt(x.s())/2 + x.Unseen }

// ChiSquared is k, and n·u: what a column of u·m new values contributes.
func (x Noise) ChiSquared() float64 { return x.K() + float64(x.N)*x.Unseen }

// G is k, and 2mu ln(N/m), for the same reason.
func (x Noise) G() float64 {
	return x.K() + 2*float64(x.M)*x.Unseen*math.Log1p(float64(x.N)/float64(x.M))
}

// CramersV is the V of the floor of the chi-square statistic.
func (x Noise) CramersV() float64 {
	return math.Sqrt(x.ChiSquared() / (float64(x.N) + float64(x.M)))
}

// KS is √(−ln(alpha/2)/2)·√h, 1.95 √h at alpha = .001.
func (x Noise) KS() float64 {
	return math.Sqrt(-math.Log(x.Alpha/2)/2) * math.Sqrt(x.H())
}

// RobustC is the factor of √h that deequ's robust distances subtract when no
// level is given.
const RobustC = 1.8

// Robust is c·√h, the floor of deequ's robust distances, with c = 1.8, or the c
// of [Noise.KS] when a level is given.
func (x Noise) Robust() float64 {
	if x.Alpha == 0 {
		return RobustC * math.Sqrt(x.H())
	}
	return x.KS()
}

// LInfinity is z·max √(P(1−P)h) over the pooled shares P of the bins, with z the
// 1−alpha/(2B) quantile of the normal distribution, and u.
func (x Noise) LInfinity(ref, cur []uint64) float64 {
	if x.Bins < 2 {
		return 0
	}
	widest, all := 0.0, float64(x.N)+float64(x.M)
	for i := range ref {
		share := (float64(ref[i]) + float64(cur[i])) / all
		widest = max(widest, share*(1-share))
	}
	return num.NormalQuantile(1-x.Alpha/(2*float64(x.Bins)))*math.Sqrt(widest*x.H()) + x.Unseen
}

// MeanShift is z·√(1/n + v/m), v the variance of the current side by that of the
// reference.
func (x Noise) MeanShift(v float64) float64 {
	return num.NormalQuantile(1-x.Alpha/2) * math.Sqrt(1/float64(x.N)+v/float64(x.M))
}

// Wasserstein is 3√(2h/π)·J, J = ∫ √(F(1−F)) dx over the reference (1.615 sd for
// a normal distribution): three times the distance expected without drift.
// Values of ref lie in [lo, hi].
func (x Noise) Wasserstein(g *grid.Grid, ref *grid.Hist, lo, hi float64) float64 {
	j := integrate(g, ref, lo, hi, func(a, b float64) float64 {
		if a == b {
			return math.Sqrt(a * (1 - a))
		}
		return (rootArea(b) - rootArea(a)) / (b - a)
	})
	return 3 * math.Sqrt(2*x.H()/math.Pi) * j
}

// rootArea is the integral of √(F(1−F)) from 0 to f.
func rootArea(f float64) float64 {
	return (float64((2*f-1)*math.Sqrt(f*(1-f))) + math.Asin(2*f-1)/2 + math.Pi/4) / 4
}

// Energy is √(14·h·Q), Q = ∫ F(1−F) dx over the reference (.564 sd for a normal
// distribution): the squared distance at seven times its expected value.
func (x Noise) Energy(g *grid.Grid, ref *grid.Hist, lo, hi float64) float64 {
	q := integrate(g, ref, lo, hi, func(a, b float64) float64 {
		return (a*(1-a)+b*(1-b))/2 + (b-a)*(b-a)/6
	})
	return math.Sqrt(14 * x.H() * q)
}

// integrate adds up width × mean over the bins of a histogram, where mean
// averages a function of F over a bin in which F rises evenly from a to b.
func integrate(g *grid.Grid, h *grid.Hist, lo, hi float64, mean func(a, b float64) float64) float64 {
	s := sides{ref: h.Counts, cur: h.Counts, n: h.Total(), m: h.Total()}
	sum, r := 0.0, uint64(0)
	for i := range s.ref {
		a := float64(r) / float64(s.n)
		r += s.ref[i]
		if g.IsAtom(i) {
			continue
		}
		l, u := g.Bounds(i)
		if width := min(u, hi) - max(l, lo); width > 0 {
			sum += float64(width * mean(a, float64(r)/float64(s.n)))
		}
	}
	return sum
}
