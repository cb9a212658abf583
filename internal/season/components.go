package season

import (
	"math"
	"slices"
)

// layout says which components a baseline has: how many slots of a day and how
// many weekdays are told apart, 1 for a component that it has not.
type layout struct {
	bucket          int64
	slots, weekdays int
}

func (l layout) slot(at int64) int {
	if l.slots == 1 {
		return 0
	}
	return int(floorMod(at, day) / l.bucket)
}

// weekday counts from that of 1 January 1970, a Thursday.
func (l layout) weekday(at int64) int {
	if l.weekdays == 1 {
		return 0
	}
	return int(floorMod(at, week) / day)
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

// layouts returns what the history is long enough for, the simplest first.
func (s *series) layouts() []layout {
	span := s.last - s.first
	all := []layout{{s.bucket, 1, 1}}
	slots := 1
	if s.bucket < day && day%s.bucket == 0 && span >= MinDaily {
		slots = int(day / s.bucket)
		all = append(all, layout{s.bucket, slots, 1})
	}
	if s.bucket <= day && day%s.bucket == 0 && span >= MinWeekly {
		all = append(all, layout{s.bucket, 1, 7})
		if slots > 1 {
			all = append(all, layout{s.bucket, slots, 7})
		}
	}
	return all
}

// rounds of the median polish. The effects are settled to a few per cent of the
// noise after two.
const rounds = 4

// polish finds the effects of hour and weekday by Tukey's median polish [1977]:
// by turns the medians of what the other leaves. The level is part of hours; an
// hour that the history never saw is NaN.
func (s *series) polish(l layout) (hours, days []float64) {
	hours, days = make([]float64, l.slots), make([]float64, l.weekdays)
	for range rounds {
		groups := s.group(l.slots, l.slot, func(i int) float64 { return s.y[i] - days[l.weekday(s.at[i])] })
		medians(groups, hours, math.NaN())
		if l.weekdays == 1 {
			break
		}
		groups = s.group(l.weekdays, l.weekday, func(i int) float64 { return s.y[i] - hours[l.slot(s.at[i])] })
		medians(groups, days, 0)
		middle := median(slices.Sorted(slices.Values(days)))
		for d := range days {
			days[d] -= middle
		}
	}
	if l.weekdays > 1 {
		medians(s.group(l.slots, l.slot, func(i int) float64 { return s.y[i] - days[l.weekday(s.at[i])] }), hours, math.NaN())
	}
	return hours, days
}

// group sorts the values of the points into n groups, each in their order.
func (s *series) group(n int, of func(at int64) int, value func(i int) float64) [][]float64 {
	ends := make([]int, n+1) // first sizes, then where each group ends
	for _, at := range s.at {
		ends[of(at)+1]++
	}
	all, groups := make([]float64, len(s.at)), make([][]float64, n)
	for g := range n {
		ends[g+1] += ends[g]
		groups[g] = all[ends[g]:ends[g]:ends[g+1]]
	}
	for i, at := range s.at {
		g := of(at)
		groups[g] = append(groups[g], value(i))
	}
	for _, g := range groups {
		slices.Sort(g)
	}
	return groups
}

func medians(groups [][]float64, to []float64, empty float64) {
	for g, all := range groups {
		to[g] = empty
		if len(all) > 0 {
			to[g] = median(all)
		}
	}
}

// leaveOneOut returns by how much each point misses what the others predict for
// it; NaN for a point alone in its group. These errors hold the uncertainty of
// the effects already, and a median of few is not flattered by the point that
// it is.
func (s *series) leaveOneOut(l layout, hours, days []float64) []float64 {
	errors := make([]float64, len(s.at))
	value := func(i int) float64 { return s.y[i] - days[l.weekday(s.at[i])] }
	groups := s.group(l.slots, l.slot, value)
	for i, at := range s.at {
		errors[i] = value(i) - medianWithout(groups[l.slot(at)], value(i))
	}
	if l.weekdays == 1 {
		return errors
	}
	// The weekday's effect without the point differs from that with it.
	value = func(i int) float64 { return s.y[i] - hours[l.slot(s.at[i])] }
	groups = s.group(l.weekdays, l.weekday, value)
	for i, at := range s.at {
		g := groups[l.weekday(at)]
		errors[i] -= medianWithout(g, value(i)) - median(g)
	}
	return errors
}

// medianWithout returns the median of a sorted group without one of its values; NaN
// if nothing is left.
func medianWithout(g []float64, x float64) float64 {
	n := len(g) - 1
	if n == 0 {
		return math.NaN()
	}
	pos, _ := slices.BinarySearch(g, x) // of equal ones any
	at := func(i int) float64 {
		if i >= pos {
			i++
		}
		return g[i]
	}
	return midway(at((n-1)/2), at(n/2))
}
