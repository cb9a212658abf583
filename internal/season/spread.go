package season

import (
	"math"
	"slices"
)

// The spread is read at two quantiles of the squared errors, and the larger
// answer counts. The median tolerates any outliers but knows nothing of tails,
// nor of a series that stands still half of the time; the 90 % quantile does,
// and still tolerates an outlier in ten.
var marks = [...]struct{ share, chi2 float64 }{
	{0.5, 0.45493642311957283}, // quantiles of chi-squared with one degree of freedom
	{0.9, 2.705543454095404},
}

// spread says how large errors are, to compare layouts by: the sum of the
// standard deviations that both marks read, so that neither hides what the
// other sees.
func spread(errors []float64) float64 {
	e2 := squares(errors)
	if len(e2) == 0 {
		return math.Inf(1)
	}
	var sum float64
	for _, m := range marks {
		sum += math.Sqrt(e2[rank(len(e2), m.share)] / m.chi2)
	}
	return sum
}

// squares returns the sorted squares of what is a number.
func squares(errors []float64) []float64 {
	var e2 []float64
	for _, e := range errors {
		if !math.IsNaN(e) {
			e2 = append(e2, e*e)
		}
	}
	slices.Sort(e2)
	return e2
}

// rank is the index of a quantile. It is never the last of more than one, so
// that a single outlier stays outside.
func rank(n int, share float64) int { return int(share * float64(n-1)) }

// learnSpread finds how far values lie from what is expected of them: variance
// = tau2 + known, where known is what chance makes of a bucket's events.
func (m *Model) learnSpread(s *series, errors []float64) {
	var e2, known []float64
	for i, e := range errors {
		if math.IsNaN(e) {
			continue
		}
		e2 = append(e2, e*e)
		known = append(known, 0)
		if m.kind != Real {
			c, _ := m.centre(s.at[i])
			known[len(known)-1] = m.known(c, s.n[i])
		}
	}
	if m.kind == Real {
		m.s2 = perEvent(e2, s, errors)
		k := 0
		for i, e := range errors {
			if !math.IsNaN(e) {
				known[k] = m.known(0, s.n[i])
				k++
			}
		}
	}
	m.tau2 = residual(e2, known)
	// The median absolute deviation has 37 % of the standard deviation's
	// efficiency at the normal; what it is a sample of is that much smaller.
	m.df = 0.37 * max(MinPoints, float64(len(e2)-m.layout.slots-m.layout.weekdays+1))
}

// known returns the variance that chance gives a bucket of n events whose
// centre is c.
func (m *Model) known(c, n float64) float64 {
	switch m.kind {
	case Count: // of the logarithm of a Poisson variable
		return 1 / (max(0, math.Exp(c)-0.5) + 0.5)
	case Ratio:
		if n == 0 {
			return 0
		}
		p := m.share(c)
		return p * (1 - p) / n
	default:
		if n == 0 {
			n = m.n
		}
		if n == 0 {
			return 0
		}
		return m.s2 / n
	}
}

// share keeps an expected ratio away from 0 and 1 by half an event of the whole
// history (Jeffreys' prior): what has never been seen may still come.
func (m *Model) share(c float64) float64 {
	least := 0.5 / (m.total + 1)
	return min(max(c, least), 1-least)
}

// residual returns the variance τ² with which errors²/(τ² + known) have the
// quantiles of chi-squared, at both marks or above: the robust counterpart of
// the variance between studies of Paule and Mandel [1982].
func residual(e2, known []float64) float64 {
	if len(e2) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(e2))
	var tau2 float64
	for _, m := range marks {
		need := rank(len(e2), m.share) + 1 // so many must lie within
		enough := func(t float64) bool {
			within := 0
			for i, e := range e2 {
				if e <= m.chi2*(t+known[i]) {
					within++
				}
			}
			return within >= need
		}
		if enough(tau2) {
			continue
		}
		low, high := tau2, sorted[need-1]/m.chi2 // enough even if nothing is known
		for range 60 {
			t := midway(low, high)
			if enough(t) {
				high = t
			} else {
				low = t
			}
		}
		tau2 = high
	}
	return tau2
}

// perEvent returns the variance of the value of one event: how much more the
// buckets of few events are spread than those of many,
//
//	(v_few − v_many) / (1/n_few − 1/n_many),
//
// and at most what makes v_many of it. It is 0 where N is not known or does not
// matter.
func perEvent(e2 []float64, s *series, errors []float64) float64 {
	type one struct{ inverse, e2 float64 }
	var all []one
	k := 0
	for i, e := range errors {
		if math.IsNaN(e) {
			continue
		}
		if s.n[i] > 0 {
			all = append(all, one{1 / s.n[i], e2[k]})
		}
		k++
	}
	if len(all) < 2*MinPoints {
		return 0
	}
	slices.SortFunc(all, func(a, b one) int {
		switch {
		case a.inverse < b.inverse || a.inverse == b.inverse && a.e2 < b.e2:
			return -1
		case a == b:
			return 0
		}
		return 1
	})
	half := func(part []one) (inverse, variance float64) {
		var es, ns []float64
		for _, p := range part {
			es, ns = append(es, p.e2), append(ns, p.inverse)
		}
		slices.Sort(es)
		return median(ns), median(es) / marks[0].chi2
	}
	nMany, vMany := half(all[:len(all)/2])
	nFew, vFew := half(all[len(all)/2:])
	if nFew < 1.25*nMany || vFew <= vMany {
		return 0
	}
	return min((vFew-vMany)/(nFew-nMany), vMany/nMany)
}
