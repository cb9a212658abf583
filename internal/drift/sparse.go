package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
)

// dense is the expected count from which a cell behaves as theory has it.
const dense = 10

// Hellinger is √(S/8) where every cell of ref and cur expects 10 values. Below,
// the root makes an empty cell weigh more than the theory knows, three times as
// much at one expected value, and with many rare categories every window would
// pass the floor. So the mean and the variance of (√p−√q)² are computed for each
// such cell, and the floor of the sum is the quantile of the chi-square
// distribution scaled to both. New categories add u/2 to the square.
func (x Noise) Hellinger(ref, cur []uint64) float64 {
	if x.Bins < 2 {
		return math.Sqrt(x.Unseen / 2)
	}
	h, b := x.H(), float64(x.Bins)
	unit := h / 8 // mean of a dense cell's ½(√p−√q)²; its variance is 2·unit²
	var mean, variance float64
	for i := range ref {
		share := (float64(ref[i]) + float64(cur[i])) / (float64(x.N) + float64(x.M))
		if share == 0 {
			continue
		}
		if min(share*float64(x.N), share*float64(x.M)) >= dense {
			mean, variance = mean+1, variance+1
			continue
		}
		d2, d4 := rootMoments(share, float64(x.N), float64(x.M))
		mean += d2 / 2 / unit
		variance += (d4 - d2*d2) / 4 / (2 * unit * unit)
	}
	mean, variance = mean/b, variance/b // as multiples of theory's
	df := (b - 1) * mean * mean / variance
	return math.Sqrt(unit*variance/mean*num.ChiSquaredQuantile(1-x.Alpha, df) + x.Unseen/2)
}

// rootMoments returns the second and fourth moment of √(X/n) − √(Y/m), where X
// and Y are Poisson variables with the means n·share and m·share.
func rootMoments(share, n, m float64) (d2, d4 float64) {
	if n < m {
		n, m = m, n
	}
	if n*share >= 5*dense {
		// √(X/n) is close to normal around √share, with the variance 1/(4n).
		var e2, e4 float64
		poisson(m*share, func(k, p float64) {
			d := math.Sqrt(share) - math.Sqrt(k/m)
			e2 += float64(p * d * d)
			e4 += float64(p * d * d * d * d)
		})
		v := 1 / (4 * n)
		return e2 + v, e4 + 6*e2*v + 3*v*v
	}
	type moments struct{ half, one, threeHalves, two float64 }
	of := func(size float64) (e moments) {
		poisson(size*share, func(k, p float64) {
			x := k / size
			e.half += float64(p * math.Sqrt(x))
			e.one += float64(p * x)
			e.threeHalves += float64(p * x * math.Sqrt(x))
			e.two += float64(p * x * x)
		})
		return e
	}
	x, y := of(n), of(m)
	d2 = x.one + y.one - 2*x.half*y.half
	d4 = x.two + y.two - 4*(x.threeHalves*y.half+x.half*y.threeHalves) + 6*x.one*y.one
	return d2, d4
}

// poisson visits the values of a Poisson variable with their probabilities, as
// far as they matter. The mean is at most 50.
func poisson(mean float64, visit func(k, p float64)) {
	p := math.Exp(-mean)
	for k := 0.0; k < mean || p > 1e-17; k++ {
		visit(k, p)
		p *= mean / (k + 1)
	}
}
