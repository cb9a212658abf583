package drift

import "math"

// CramerVonMises returns the two-sample Cramér-von Mises test
//
//	T = U/(nmN) − (4nm−1)/(6N),
//	U = n Σᵢ (rank of ref₍ᵢ₎ − i)² + m Σⱼ (rank of cur₍ⱼ₎ − j)²,
//
// with mid-ranks in the pooled sample, N = n+m [Anderson 1962]. Symmetric; above
// 0 but for sides with the same shares, where T = −(n−m)²/(12nmN). The p-value is the asymptotic one of
// scipy.stats.cramervonmises_2samp(method='asymptotic').
//
// On ordered bins the value is that of scipy when every bin is one atom. Of a
// bin that is no atom (atom returns false; a nil atom means all are) the values
// are taken to be distinct and evenly mixed.
//
// For tied data the definition is not a distance: with n ≠ m it contains
// (n−m)/12·((n/m) Σ pᵢ³ − (m/n) Σ qᵢ³), which does not vanish without drift; six
// values, 50 000 against 200 rows: T is about 29 000, always. Here the p-value is
// taken without that part. All values equal on both sides: statistic 0, p = 1.
func CramerVonMises(ref, cur []uint64, atom func(bin int) bool) (Test, error) {
	s, err := open(ref, cur)
	if err != nil {
		return Test{}, err
	}
	b := s.bins()
	if b == 1 && (atom == nil || atom(s.only())) {
		return Test{P: 1, Columns: 1}, nil
	}
	n, m := float64(s.n), float64(s.m)
	statistic, ties := cramerVonMises(s, n, m, atom)
	return Test{Statistic: statistic, P: cramerVonMisesPValue(statistic-ties, n, m), Columns: b}, nil
}

// cramerVonMises sums the definition by parts, which leaves three terms without
// the cancellation of U: over the inner edges, with D = F−G,
//
//	T = nm/(4N) Σ Dᵢ²(pᵢ+pᵢ₊₁+qᵢ+qᵢ₊₁) + ties − (n−m)²/(12nmN).
//
// The sum is taken bin by bin: D² at both edges times p+q. A distinct value has
// p = 1/n, so a bin of r and c distinct values adds r/(n²m) − c/(nm²) to the
// bracket of the ties. Inside a bin of both sides the squares at its edges stand
// for those between, which without drift is right in the mean.
func cramerVonMises(s sides, n, m float64, atom func(int) bool) (statistic, ties float64) {
	var (
		r, c         uint64
		edges, cubes float64
		before       float64 // D at the lower edge of the bin
	)
	for i := range s.ref {
		p, q := s.at(i)
		r += s.ref[i]
		c += s.cur[i]
		d := float64(r)/n - float64(c)/m
		squares := float64(before*before) + float64(d*d)
		if atom == nil || atom(i) {
			cubes += float64(n/m*p*p*p) - float64(m/n*q*q*q)
		} else {
			cubes += (p - q) / (n * m)
			if size := float64(s.ref[i]) + float64(s.cur[i]); min(p, q) == 0 && size > 0 {
				// Only one side: D runs evenly from one edge to the other.
				step := (d - before) / size
				squares = 2*(squares+float64(before*d))/3 + float64(step*step)/3
			}
		}
		edges += float64(squares * (p + q))
		before = d
	}
	all := n + m
	ties = (n - m) / 12 * cubes
	return n*m/(4*all)*edges + ties - (n-m)*(n-m)/(12*n*m*all), ties
}

// only is the index of the one bin that is not empty.
func (s sides) only() int {
	for i := range s.ref {
		if s.ref[i] > 0 || s.cur[i] > 0 {
			return i
		}
	}
	return -1
}

// cramerVonMisesPValue standardises T by its mean and variance without ties and
// takes the limiting distribution. [Anderson 1962, (11), (14), (15)]
func cramerVonMisesPValue(t, n, m float64) float64 {
	all := n + m
	mean := (1 + 1/all) / 6
	variance := (all + 1) * (4*n*m*all - 3*(n*n+m*m) - 2*n*m) / (180 * all * all * n * m)
	if !(variance > 0) {
		return 1 // one value on each side
	}
	return smirnovSurvival(1./6 + (t-mean)/math.Sqrt(45*variance))
}

// smirnovSurvival is P(ω² > x) of the limiting Cramér-von Mises distribution,
//
//	(2/π) Σₖ (−1)ᵏ⁺¹ ∫ exp(−xu²/2)/√(−u sin u) du  over ((2k−1)π, 2kπ)   [Smirnov 1936]
//
// Unlike 1 − the series of Anderson and Darling, which scipy takes, it keeps its
// relative precision in the tail: 1e-14.
func smirnovSurvival(x float64) float64 {
	const nodes = 128
	if x < 0.003 {
		return 1 // the lower tail is below 2e-18
	}
	sum, sign := 0.0, 1.0
	for k := 1; k < 64; k++ { // 22 terms at x = 0.003
		term := 0.0
		for i := range nodes {
			// Gauss-Chebyshev takes care of both ends, where −sin u is 0: it
			// integrates f(y)/√(y(π−y)) over (0, π), u = (2k−1)π + y.
			y := math.Pi / 2 * (1 + math.Cos(math.Pi*(float64(i)+0.5)/nodes))
			u := float64(2*k-1)*math.Pi + y
			term += float64(math.Exp(-x*u*u/2) * math.Sqrt(y*(math.Pi-y)/(u*math.Sin(y))))
		}
		term *= 2.0 / nodes
		if term <= 1e-17*sum {
			break
		}
		sum += float64(sign * term)
		sign = -sign
	}
	return min(1, max(0, sum))
}

var cramerVonMisesMeasure = Measure{
	Name: "cramer_von_mises", Unit: "{score}",
	Description: "Cramér-von Mises statistic of two samples.",
	Numeric:     true, Symmetric: true, Test: true,
	Binning: Grid, Binnings: []string{Grid}, Options: []string{optSignificance},
	Upper: infinity, least: 10,
	run: func(in input, out *Result) error {
		t, err := CramerVonMises(in.sides.ref, in.sides.cur, in.atom)
		if err != nil {
			return err
		}
		in.takeRank(t, out)
		return nil
	},
}

// takeRank fills a result from a test whose size is judged by ks: the statistic
// grows with the samples.
func (in input) takeRank(t Test, out *Result) {
	out.Value, out.HasP, out.P, out.Clipped = t.Statistic, true, t.P, t.Clipped
	out.Effect = Effect{Name: "ks", Value: ks(in.sides), Threshold: 0.1}
}
