package grid

import "math"

// The quantiles and equal-width rules of NumPy 1.24 (numpy.quantile with method
// linear, numpy.histogram_bin_edges with bins doane, sturges and auto) for
// float64 data, to the same rounding. Convert integers to float64 first: newer
// releases of NumPy treat integer arrays differently.
//
// Where NumPy adds up the values for Doane's rule, the last digits depend on
// their order; here they are added in ascending order, so that a grid does not
// depend on the order of its reference. It can show in two ways: when the number
// of bins, before it is rounded up, is an integer to fifteen digits, as for data
// that are symmetric about their mean and number a power of 2; and when the
// spread of the data is so small beside their offset, 10⁻¹⁵ of it, that the mean
// is uncertain by a fair part of the spread.

// quantile returns the q-quantile of the ascending values, by linear
// interpolation between the order statistics at (n−1)q.
func quantile(sorted []float64, q float64) float64 {
	v := float64(float64(len(sorted)-1) * q)
	i := int(v)
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return lerp(sorted[i], sorted[i+1], v-float64(i))
}

// lerp returns a + (b−a)t for a ≤ b, as NumPy computes it: from the nearer end,
// and never outside [a, b].
func lerp(a, b, t float64) float64 {
	d := b - a
	if math.IsInf(d, 0) { // NumPy fails here; interpolate halves
		return 2 * (float64(a/2*(1-t)) + float64(b/2*t))
	}
	x := a + float64(d*t)
	if t >= 0.5 {
		x = b - float64(d*(1-t))
	}
	return min(max(x, a), b)
}

// equalWidth returns the edges of k bins of equal width over the range of the
// ascending values, as numpy.linspace does. Their number is k+1.
func equalWidth(sorted []float64, k int) []float64 {
	lo, hi := sorted[0], sorted[len(sorted)-1]
	step := (hi - lo) / float64(k) // not 0, since no width of a rule is below 5e-324
	edges := make([]float64, k+1)
	for i := range edges {
		edges[i] = min(float64(float64(i)*step)+lo, hi)
	}
	edges[k] = hi
	return edges
}

// binsOf returns the number of bins of a width over the range: 1 for the width
// 0, and 0 where NumPy would fail, because the number is not finite.
func binsOf(sorted []float64, width float64) float64 {
	if width == 0 {
		return 1
	}
	k := math.Ceil(ptp(sorted) / width)
	if !(k >= 1) || math.IsInf(k, 0) {
		return 0
	}
	return k
}

func ptp(sorted []float64) float64 { return sorted[len(sorted)-1] - sorted[0] }

// sturgesWidth is (max−min)/(log₂n + 1).
func sturgesWidth(sorted []float64) float64 {
	return ptp(sorted) / (math.Log2(float64(len(sorted))) + 1)
}

// doaneWidth is (max−min)/(1 + log₂n + log₂(1 + |g₁|/s)), with the skewness g₁
// (divisor n) and its standard error s = √(6(n−2)/((n+1)(n+3))). It is 0 for
// fewer than three values or no spread.
func doaneWidth(sorted []float64) float64 {
	n := float64(len(sorted))
	if n <= 2 {
		return 0
	}
	s := math.Sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
	mean := pairwise(sorted, func(x float64) float64 { return x }) / n
	sd := math.Sqrt(pairwise(sorted, func(x float64) float64 { return float64((x - mean) * (x - mean)) }) / n)
	if !(sd > 0) {
		return 0
	}
	g1 := pairwise(sorted, func(x float64) float64 { return cube((x - mean) / sd) }) / n
	return ptp(sorted) / (1 + math.Log2(n) + math.Log2(1+math.Abs(g1)/s))
}

// autoWidth is the smaller of the widths of Sturges and of Freedman and
// Diaconis, 2·IQR·n^(−1/3); Sturges if the IQR is 0.
func autoWidth(sorted []float64) float64 {
	iqr := quantile(sorted, 0.75) - quantile(sorted, 0.25)
	fd := 2 * iqr * inverseCubeRoot(float64(len(sorted)))
	if fd == 0 {
		return sturgesWidth(sorted)
	}
	return min(fd, sturgesWidth(sorted))
}

// pairwise adds up f of the values in the order that numpy.add.reduce uses:
// blocks of up to 128 with eight accumulators, then pairs of halves.
func pairwise(xs []float64, f func(float64) float64) float64 {
	n := len(xs)
	switch {
	case n < 8:
		sum := math.Copysign(0, -1) // NumPy starts there, so that −0 stays
		for _, x := range xs {
			sum += f(x)
		}
		return sum
	case n <= 128:
		var r [8]float64
		for j := range r {
			r[j] = f(xs[j])
		}
		i := 8
		for ; i < n-n%8; i += 8 {
			for j := range r {
				r[j] += f(xs[i+j])
			}
		}
		sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			sum += f(xs[i])
		}
		return sum
	}
	half := n / 2
	half -= half % 8
	return pairwise(xs[:half], f) + pairwise(xs[half:], f)
}

// cube returns t³ rounded once, as the C library's pow does; t*t*t rounds twice.
func cube(t float64) float64 {
	p := float64(t * t)
	pe := math.FMA(t, t, -p)
	q := float64(p * t)
	return q + (math.FMA(p, t, -q) + float64(pe*t))
}

// inverseCubeRoot returns n^y rounded once, where y is the float64 next to −1/3,
// which is what NumPy computes. It starts from the library's cube root r and
// adds the first-order correction r(1−nr³)/3 + r(y+1/3)·ln n. A width that is
// off by one unit can add a bin when the range is a multiple of the width.
func inverseCubeRoot(n float64) float64 {
	const thirdError = 0x1p-54 / 3 // 1/3 less the float64 next to it
	r := 1 / math.Cbrt(n)
	p := float64(r * r)
	pe := math.FMA(r, r, -p)
	q := float64(p * r)
	qe := math.FMA(p, r, -q) + float64(pe*r)
	s := float64(q * n)
	se := math.FMA(q, n, -s) + float64(qe*n)
	return r + float64(r*(((1-s)-se)/3+float64(thirdError*math.Log(n))))
}
