package season

import (
	"math"
	"slices"
)

// series is a history on the scale of transform, in order of time.
type series struct {
	kind        Kind
	bucket      int64
	at          []int64
	y           []float64
	raw         []float64
	n           []float64
	first, last int64 // start of the first bucket, end of the last
	total       float64
}

func newSeries(points []Point, o Options) *series {
	var kept []Point
	for _, p := range points {
		if o.Kind.possible(p.Value) {
			kept = append(kept, p)
		}
	}
	// Equal times are ordered by value, so that the order of the points is nobody's business.
	slices.SortFunc(kept, func(a, b Point) int {
		switch {
		case a.At != b.At:
			return cmpInt(a.At, b.At)
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	s := &series{kind: o.Kind, bucket: max(1, o.Bucket)}
	for _, p := range kept {
		s.at = append(s.at, p.At)
		s.raw = append(s.raw, p.Value)
		s.y = append(s.y, o.Kind.transform(p.Value))
		s.n = append(s.n, float64(p.N))
		s.total += float64(p.N)
	}
	if len(kept) > 0 {
		s.first, s.last = s.at[0], s.at[len(s.at)-1]+s.bucket
	}
	return s
}

func cmpInt(a, b int64) int {
	if a < b {
		return -1
	}
	return 1
}

// medianN returns how many events a bucket has, 0 if that is not known.
func (s *series) medianN() float64 {
	n := slices.Sorted(slices.Values(s.n))
	if len(n) == 0 {
		return 0
	}
	return median(n)
}

// tiny is the difference that rounding alone can make of such values.
func (s *series) tiny() float64 {
	sizes := make([]float64, len(s.y))
	for i, y := range s.y {
		sizes[i] = math.Abs(y)
	}
	slices.Sort(sizes)
	return 1e-9 * median(sizes)
}

// trend returns the slope per nanosecond and its variance in units of that of a
// value; both 0 where there is no trend, or too little history for one.
//
// The slope is the median of the slopes between pairs of buckets that are a
// whole number of weeks apart, about half of the history: Theil's incomplete
// method [1950], whose pairs share the hour and the weekday, so that no season
// disturbs it. A trend is believed when the signs of the differences do not look
// like coins at 1 % (the test of Cox and Stuart [1955]).
func (s *series) trend() (slope, variance float64) {
	span := s.last - s.first
	if span < MinTrend || week%s.bucket != 0 {
		return 0, 0
	}
	lag := max(week, span/2/week*week)
	values := make(map[int64]float64, len(s.at))
	for i, at := range s.at {
		values[at] = s.y[i]
	}
	var slopes []float64
	ups, downs := 0, 0
	for i, at := range s.at {
		later, ok := values[at+lag]
		if !ok {
			continue
		}
		d := later - s.y[i]
		slopes = append(slopes, d/float64(lag))
		switch {
		case d > 0:
			ups++
		case d < 0:
			downs++
		}
	}
	pairs := float64(len(slopes))
	const z99 = 2.576 // the standard normal's quantile of .995
	if pairs < MinPoints || math.Abs(float64(ups-downs)) <= z99*math.Sqrt(pairs) {
		return 0, 0
	}
	slices.Sort(slopes)
	// A difference has twice the variance of a value, and a median of m of them
	// π/2 of that of their mean.
	return median(slopes), math.Pi / pairs / square(float64(lag))
}

// detrend takes the trend away, turning about the middle of the history.
func (s *series) detrend(middle int64, slope float64) {
	if slope == 0 {
		return
	}
	for i, at := range s.at {
		s.y[i] -= float64(slope * float64(at-middle))
	}
}

// median returns the median of sorted values, of which there is at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return midway(sorted[n/2-1], sorted[n/2])
}

// midway does not overflow where a+b would.
func midway(a, b float64) float64 { return a/2 + b/2 }

func square(x float64) float64 { return x * x }
