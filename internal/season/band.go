package season

import "math"

// Band is what is expected of a value.
type Band struct {
	Centre float64
	// Lower and Upper bound what is no anomaly, both inclusive. Lower is −∞ where
	// only an increase counts.
	Lower, Upper float64
	// Scale is a standard deviation: of the value, of its logarithm for counts.
	Scale float64
}

// Contains reports whether x lies within.
func (b Band) Contains(x float64) bool { return x >= b.Lower && x <= b.Upper }

// FalseAlarms returns the share of healthy values that lie outside the band of
// a sensitivity from 0 to 1, if the noise is normal:
//
//	10^(4s − 6)
//
// which is one in a million at 0, one in ten thousand at 0.5 (about one a year
// of hourly windows), one in a hundred at 1. Beyond 0 and 1 it stays as there.
func FalseAlarms(sensitivity float64) float64 {
	return math.Pow(10, 4*min(max(sensitivity, 0), 1)-6)
}

// Expect returns the band at the start of a bucket that has n events (0 if not
// known: then as many as usual). With increaseOnly the whole false-alarm rate is
// spent on the upper side.
//
// The band is centre ± t·√(τ² + known), widened by the uncertainty of the trend, t the quantile
// of Student's distribution for the history's length, on the scale on which the
// components add up. For counts and ratios it is at least as wide as the exact
// quantiles of the Poisson or binomial variable with that centre, which are
// skewed and jump where events are few.
func (m *Model) Expect(at int64, n uint64, sensitivity float64, increaseOnly bool) Band {
	tail := FalseAlarms(sensitivity)
	if !increaseOnly {
		tail /= 2
	}
	events := float64(n)
	if n == 0 {
		events = m.n
	}
	c, gap := m.centre(at)
	ahead := float64(at - m.middle)
	scale := math.Sqrt(gap + (m.tau2+m.known(c, events))*(1+m.slopeV*ahead*ahead))
	reach := studentQuantile(tail, m.df)*scale + m.tiny
	b := Band{
		Centre: m.kind.back(c),
		Lower:  m.kind.back(c - reach),
		Upper:  m.kind.back(c + reach),
		Scale:  scale,
	}
	switch {
	case m.kind == Count:
		low, high := poissonQuantiles(tail, max(b.Centre, 0.5/float64(m.buckets())))
		b.Lower, b.Upper = min(b.Lower, low), max(b.Upper, high)
	case m.kind == Ratio && events > 0:
		low, high := binomialQuantiles(tail, events, m.share(c))
		b.Lower, b.Upper = min(b.Lower, low/events), max(b.Upper, high/events)
	}
	if increaseOnly {
		b.Lower = math.Inf(-1)
	}
	return b
}

// buckets is about how many the history has.
func (m *Model) buckets() float64 { return max(1, m.df/0.37) }
