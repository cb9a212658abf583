package season

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// studentQuantile returns the t that a variable of Student's distribution with
// df degrees of freedom exceeds with probability tail ≤ 1/2. With
// x = df/(df + t²), twice the tail is I_x(df/2, 1/2).
func studentQuantile(tail, df float64) float64 {
	if df > 1e6 {
		return -mathext.NormalQuantile(tail)
	}
	x := mathext.InvRegIncBeta(df/2, 0.5, 2*tail)
	return math.Sqrt(df * (1 - x) / x)
}

// poissonQuantiles returns the smallest count whose lower tail exceeds tail, and
// the largest whose upper tail does: counts outside come with less than tail on
// each side.
func poissonQuantiles(tail, mean float64) (low, high float64) {
	atMost := func(k float64) float64 { return mathext.GammaIncRegComp(k+1, mean) }
	atLeast := func(k float64) float64 { return mathext.GammaIncReg(k, mean) }
	reach := 20 + 20*math.Sqrt(mean)
	return smallest(max(0, math.Floor(mean-reach)), math.Ceil(mean), func(k float64) bool { return atMost(k) > tail }),
		smallest(math.Ceil(mean), math.Ceil(mean+reach), func(k float64) bool { return atLeast(k+1) <= tail })
}

// binomialQuantiles likewise, for the number of n events of which each counts
// with probability p in (0, 1).
func binomialQuantiles(tail, n, p float64) (low, high float64) {
	// P(X ≤ k) = I_{1−p}(n−k, k+1), P(X ≥ k) = I_p(k, n−k+1)
	atMost := func(k float64) float64 {
		if k >= n {
			return 1
		}
		return mathext.RegIncBeta(n-k, k+1, 1-p)
	}
	atLeast := func(k float64) float64 {
		switch {
		case k <= 0:
			return 1
		case k > n:
			return 0
		}
		return mathext.RegIncBeta(k, n-k+1, p)
	}
	return smallest(0, n, func(k float64) bool { return atMost(k) > tail }),
		smallest(0, n, func(k float64) bool { return atLeast(k+1) <= tail })
}

// smallest returns the smallest whole number in [low, high] from which on ok
// holds, high if there is none below it.
func smallest(low, high float64, ok func(float64) bool) float64 {
	for low < high {
		k := math.Floor(midway(low, high))
		if ok(k) {
			high = k
		} else {
			low = k + 1
		}
	}
	return low
}
