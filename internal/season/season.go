// Package season says what value a series of buckets should have next, from its
// own past: a robust baseline with trend, hour of the day and day of the week,
// and around it the band that a healthy series leaves with a chosen probability.
//
// Everything is made of medians: one outlier, or a day of them in two weeks,
// moves the band little. What a component costs is found by leaving each bucket
// out and predicting it from the others, so a component that only learns noise
// is not used. Hours and days are those of UTC.
//
// The package judges nothing: whether a value outside the band is an alert is
// the monitor's decision. docs/anomaly.md has the method in words and its
// false-alarm rates.
package season

import (
	"fmt"
	"math"
	"slices"
)

// Kind is what is known of the values: how chance moves them.
type Kind int

const (
	// Real values may be anything. Where N is given, that part of the spread which
	// falls with N is told from the part that does not.
	Real Kind = iota
	// Count values are numbers of events, at least 0. They move by factors, and
	// chance moves them as it does a Poisson variable.
	Count
	// Ratio values lie in [0, 1] and are shares of N events.
	Ratio
)

// Point is the value of one bucket.
type Point struct {
	At    int64 // start of the bucket, unix nanoseconds
	Value float64
	N     uint64 // events behind Value; 0 if not known
}

// Options say what the series is.
type Options struct {
	Kind   Kind
	Bucket int64 // length of a bucket in nanoseconds
}

// What a component needs of history, in nanoseconds from the first bucket's
// start to the last one's end. Three days give each hour two other days to be
// predicted from; two weeks give each weekday another; and below nine days a
// trend cannot be told from the week.
const (
	MinDaily  = 3 * day
	MinWeekly = 14 * day
	MinTrend  = 9 * day
)

// MinPoints is how many buckets a baseline needs. Below ten there is no
// telling the spread from the single outlier.
const MinPoints = 10

const (
	hour int64 = 3600e9
	day        = 24 * hour
	week       = 7 * day
)

// TooFew refuses a series that is too short to know.
type TooFew struct{ Have, Need int }

func (e TooFew) Error() string {
	return fmt.Sprintf("%d buckets of history have a value; an anomaly needs %d", e.Have, e.Need)
}

// Reason is the stable word under which the refusal is counted.
func (TooFew) Reason() string { return "too_few" }

// Model is what a series is expected to do. It is a value that only its readers
// share: nothing changes it after Fit.
type Model struct {
	kind   Kind
	bucket int64
	middle int64   // time at which the trend is zero
	slope  float64 // per nanosecond, on the scale of transform
	slopeV float64 // variance of slope, in units of the residuals' variance
	layout layout
	hours  []float64 // level by slot of the day; NaN where the history has none
	days   []float64 // what a weekday adds
	gap    float64   // added variance where the slot has no history
	level  float64   // of a slot without history

	tau2  float64 // variance that the events' number does not explain
	s2    float64 // Real: variance of the value of one event
	n     float64 // events of a bucket, the median
	total float64 // events of all buckets
	df    float64 // degrees of freedom of the spread
	tiny  float64 // differences up to it are rounding
}

// Fit learns a series. The order of the points does not matter; those whose
// value is no number, or impossible for the kind, are left out. The error is a
// TooFew.
func Fit(points []Point, o Options) (*Model, error) {
	s := newSeries(points, o)
	if len(s.at) < MinPoints {
		return nil, TooFew{Have: len(s.at), Need: MinPoints}
	}
	m := &Model{kind: o.Kind, bucket: o.Bucket, n: s.medianN(), total: s.total, tiny: s.tiny()}
	m.slope, m.slopeV = s.trend()
	m.middle = s.first + (s.last-s.first)/2
	s.detrend(m.middle, m.slope)

	best := math.Inf(1)
	var errors []float64
	for _, l := range s.layouts() {
		hours, days := s.polish(l)
		e := s.leaveOneOut(l, hours, days)
		// A component must predict better, by more than chance makes it seem.
		if c := spread(e); c < 0.95*best {
			best, errors = c, e
			m.layout, m.hours, m.days = l, hours, days
		}
	}
	m.fillGaps()
	m.learnSpread(s, errors)
	return m, nil
}

// Parts names the components in use: trend, hour_of_day, day_of_week.
func (m *Model) Parts() []string {
	var parts []string
	if m.slope != 0 {
		parts = append(parts, "trend")
	}
	if m.layout.slots > 1 {
		parts = append(parts, "hour_of_day")
	}
	if m.layout.weekdays > 1 {
		parts = append(parts, "day_of_week")
	}
	return parts
}

// centre returns the expected value at a time, on the scale of transform, and
// the variance that it has beside that of the errors: because the history never
// saw the hour.
func (m *Model) centre(at int64) (c, gap float64) {
	c = float64(m.slope*float64(at-m.middle)) + m.days[m.layout.weekday(at)]
	if h := m.hours[m.layout.slot(at)]; !math.IsNaN(h) {
		return c + h, 0
	}
	return c + m.level, m.gap
}

// fillGaps decides what is expected at an hour that the history never saw.
func (m *Model) fillGaps() {
	var known []float64
	for _, h := range m.hours {
		if !math.IsNaN(h) {
			known = append(known, h)
		}
	}
	slices.Sort(known)
	m.level = median(known)
	for i := range known {
		known[i] = math.Abs(known[i] - m.level)
	}
	slices.Sort(known)
	m.gap = square(1.4826 * median(known))
}

// transform maps a value to the scale on which components add up. Counts move
// by factors. Half an event keeps an empty bucket finite and makes the
// logarithm of a Poisson variable unbiased to the first order.
func (k Kind) transform(x float64) float64 {
	if k == Count {
		return math.Log(x + 0.5)
	}
	return x
}

// back is the inverse of transform, within the range of the kind.
func (k Kind) back(y float64) float64 {
	switch k {
	case Count:
		return max(0, math.Exp(y)-0.5)
	case Ratio:
		return min(max(y, 0), 1)
	default:
		return y
	}
}

// largest is how great a value may be: a sum of squares must remain a number.
const largest = 1e150

// possible reports whether the kind can have such a value.
func (k Kind) possible(x float64) bool {
	switch {
	case math.IsNaN(x) || math.Abs(x) > largest:
		return false
	case k == Count:
		return x >= 0
	case k == Ratio:
		return x >= 0 && x <= 1
	}
	return true
}
