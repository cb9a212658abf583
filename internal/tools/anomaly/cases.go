package main

import (
	"math"
	"math/rand/v2"

	"github.com/driftmeter/driftmeter/internal/season"
)

// world is a healthy series of hourly values.
type world struct {
	name  string
	kind  season.Kind
	least int // hours of history from which on it can be known at all
	// make returns a series from its first hour on.
	make func(rng *rand.Rand) func(hour int) season.Point
}

const hourNS = int64(3600e9)

// start is a Monday, midnight.
const start = 4 * 24 * hourNS

func point(h int, v float64, n uint64) season.Point {
	return season.Point{At: start + int64(h)*hourNS, Value: v, N: n}
}

// daily and weekly are the seasons of all worlds that have them: the day in
// standard deviations of the noise, the weekend below it.
func daily(h int) float64 { return 5 * math.Sin(2*math.Pi*float64(h-8)/24) }

func weekly(h int) float64 {
	if h/24%7 >= 5 {
		return -4
	}
	return 0
}

// noise makes worlds of a shape and independent noise.
func noise(name string, least int, shape func(h int) float64, draw func(*rand.Rand) float64) world {
	return world{name, season.Real, least, func(rng *rand.Rand) func(int) season.Point {
		return func(h int) season.Point { return point(h, 100+shape(h)+draw(rng), 0) }
	}}
}

var worlds = []world{
	noise("normal noise", 0, func(int) float64 { return 0 }, (*rand.Rand).NormFloat64),
	noise("daily season", 72, daily, (*rand.Rand).NormFloat64),
	noise("daily and weekly season", 336, func(h int) float64 { return daily(h) + weekly(h) }, (*rand.Rand).NormFloat64),
	noise("both, and a trend of 3 sd a week", 336, func(h int) float64 { return daily(h) + weekly(h) + float64(h)/56 }, (*rand.Rand).NormFloat64),
	noise("weekends without a daily shape", 336, func(h int) float64 {
		if h/24%7 >= 5 {
			return -4
		}
		return daily(h)
	}, (*rand.Rand).NormFloat64),
	noise("heavy tails: Student's t, 4 degrees", 0, func(int) float64 { return 0 }, func(rng *rand.Rand) float64 { return student(rng, 4) }),
	noise("skewed: log-normal, σ 0.5", 0, func(int) float64 { return 0 }, func(rng *rand.Rand) float64 { return math.Exp(0.5 * rng.NormFloat64()) }),
	{"autocorrelated: AR(1), ρ 0.7", season.Real, 0, func(rng *rand.Rand) func(int) season.Point {
		last := rng.NormFloat64()
		return func(h int) season.Point {
			last = 0.7*last + math.Sqrt(1-0.49)*rng.NormFloat64()
			return point(h, 100+last, 0)
		}
	}},
	{"a mean of 20 to 400 values", season.Real, 72, func(rng *rand.Rand) func(int) season.Point {
		return func(h int) season.Point {
			n := math.Round(90 * math.Exp(0.3*daily(h)))
			return point(h, 50+10*rng.NormFloat64()/math.Sqrt(n), uint64(n))
		}
	}},
	counts("counts: 3 an hour", 0, 3, 0, 0),
	counts("counts: 300 an hour, both seasons", 336, 300, 0.2, 0),
	counts("the same, and 10 % more or less by chance", 336, 300, 0.2, 0.1),
	ratios("ratios: 0.2 % of 500", 0.002, 500),
	ratios("ratios: 95 % of 200", 0.95, 200),
	ratios("ratios: never, of 1000", 0, 1000),
}

func counts(name string, least int, mean, seasons, factor float64) world {
	return world{name, season.Count, least, func(rng *rand.Rand) func(int) season.Point {
		return func(h int) season.Point {
			m := mean * math.Exp(seasons*(daily(h)+weekly(h))+factor*rng.NormFloat64())
			return point(h, float64(poisson(rng, m)), 0)
		}
	}}
}

func ratios(name string, p float64, n int) world {
	return world{name, season.Ratio, 0, func(rng *rand.Rand) func(int) season.Point {
		return func(h int) season.Point {
			k := 0
			for range n {
				if rng.Float64() < p {
					k++
				}
			}
			return point(h, float64(k)/float64(n), uint64(n))
		}
	}}
}

// poisson counts exponential gaps.
func poisson(rng *rand.Rand, mean float64) int {
	n := -1
	for sum := 0.0; sum <= mean; n++ {
		sum += rng.ExpFloat64()
	}
	return n
}

// student draws from Student's distribution with few whole degrees of freedom.
func student(rng *rand.Rand, df int) float64 {
	var chi2 float64
	for range df {
		z := rng.NormFloat64()
		chi2 += z * z
	}
	return rng.NormFloat64() / math.Sqrt(chi2/float64(df))
}
