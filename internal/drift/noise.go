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

// Floors of the binned divergences: S, S/2, S/(8 ln 2) and its root, √(S/8), and
// at most √S/2.
func (x Noise) PSI() float64            { return x.K() * x.H() }
func (x Noise) KL() float64             { return x.PSI() / 2 }
func (x Noise) JSDivergence() float64   { return x.PSI() / (8 * math.Ln2) }
func (x Noise) JS() float64             { return math.Sqrt(x.JSDivergence()) }
func (x Noise) Hellinger() float64      { return math.Sqrt(x.PSI() / 8) }
func (x Noise) TotalVariation() float64 { return math.Sqrt(x.PSI()) / 2 }

// CramersV is √(k/N), the V of a chi-square statistic of k.
func (x Noise) CramersV() float64 {
	return math.Sqrt(x.K() / (float64(x.N) + float64(x.M)))
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
// 1−alpha/(2B) quantile of the normal distribution.
func (x Noise) LInfinity(ref, cur []uint64) float64 {
	if x.Bins < 2 {
		return 0
	}
	widest, all := 0.0, float64(x.N)+float64(x.M)
	for i := range ref {
		share := (float64(ref[i]) + float64(cur[i])) / all
		widest = max(widest, share*(1-share))
	}
	return num.NormalQuantile(1-x.Alpha/(2*float64(x.Bins))) * math.Sqrt(widest*x.H())
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
