package season

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// hourly returns n buckets of an hour from a Monday on, by a function of the
// hour since then.
func hourly(n int, value func(h int) float64) []Point {
	points := make([]Point, n)
	for h := range points {
		points[h] = Point{At: monday + int64(h)*hour, Value: value(h), N: 500}
	}
	return points
}

const monday = 4 * day // 5 January 1970

func fit(t *testing.T, points []Point, k Kind) *Model {
	t.Helper()
	m, err := Fit(points, Options{Kind: k, Bucket: hour})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Each component is used where the history shows it, and expects what it showed.
func TestPartsThatTheSeriesHas(t *testing.T) {
	daily := func(h int) float64 { return 10 * math.Sin(2*math.Pi*float64(h)/24) }
	weekly := func(h int) float64 {
		if h/24%7 >= 5 {
			return -20
		}
		return 0
	}
	trend := func(h int) float64 { return 0.05 * float64(h) }
	sum := func(parts ...func(int) float64) func(int) float64 {
		return func(h int) float64 {
			v := 100.0
			for _, f := range parts {
				v += f(h)
			}
			return v
		}
	}
	for _, c := range []struct {
		name  string
		hours int
		truth func(int) float64
		parts int
	}{
		{"nothing", 672, sum(), 0},
		{"an hour of the day", 96, sum(daily), 1},
		{"hours and weekdays", 336, sum(daily, weekly), 2},
		{"weekdays alone", 336, sum(weekly), 1},
		{"a trend", 336, sum(trend), 1},
		{"all of it", 672, sum(daily, weekly, trend), 3},
		{"too short for hours", 71, sum(daily), 0},
		{"too short for weekdays", 335, sum(daily, weekly), 1},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		m := fit(t, hourly(c.hours, func(h int) float64 { return c.truth(h) + rng.NormFloat64() }), Real)
		if got := m.Parts(); len(got) != c.parts {
			t.Errorf("%s: parts %q, want %d of them", c.name, got, c.parts)
		}
		if c.name[:3] == "too" {
			continue
		}
		for h := c.hours; h < c.hours+24; h++ {
			b := m.Expect(monday+int64(h)*hour, 0, 0.5, false)
			if math.Abs(b.Centre-c.truth(h)) > 2 || !b.Contains(c.truth(h)) || b.Scale > 2 {
				t.Errorf("%s: at %d h expects %+v, the truth is %.2f ± 1", c.name, h, b, c.truth(h))
			}
		}
	}
}

// Adding a number to a series adds it to the band, a factor stretches it; the
// order of the points is nobody's business.
func TestEquivariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(MinPoints, 500).Draw(t, "n")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		shift, factor := rapid.Float64Range(-1e3, 1e3).Draw(t, "shift"), rapid.Float64Range(0.01, 100).Draw(t, "factor")
		if rapid.Bool().Draw(t, "negative") {
			factor = -factor
		}
		points := hourly(n, func(h int) float64 { return 5*math.Sin(float64(h)*math.Pi/12) + rng.NormFloat64() })
		moved := make([]Point, n)
		for i, j := range rng.Perm(n) {
			moved[i] = points[j]
			moved[i].Value = shift + factor*points[j].Value
		}
		a, errA := Fit(points, Options{Bucket: hour})
		b, errB := Fit(moved, Options{Bucket: hour})
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		at := monday + int64(n+3)*hour
		x, y := a.Expect(at, 0, 0.5, false), b.Expect(at, 0, 0.5, false)
		lower, upper := shift+factor*x.Lower, shift+factor*x.Upper
		if factor < 0 {
			lower, upper = upper, lower
		}
		tolerance := 1e-6 * (1 + math.Abs(shift) + math.Abs(factor)*10) // of the rounding that tiny allows for
		if math.Abs(y.Lower-lower) > tolerance || math.Abs(y.Upper-upper) > tolerance {
			t.Fatalf("%+v became %+v by %g + %g·x", x, y, shift, factor)
		}
	})
}

// One bucket, whatever stands in it, moves neither centre nor bounds by much.
func TestOneOutlierMovesLittle(t *testing.T) {
	series, moved := 0, 0
	for _, n := range []int{20, 48, 100, 400} {
		for seed := range uint64(100) {
			for _, outlier := range []float64{-1e12, 0, 1e3, 1e15} {
				rng := rand.New(rand.NewPCG(seed, uint64(n)))
				points := hourly(n, func(int) float64 { return 50 + rng.NormFloat64() })
				clean, _ := Fit(points, Options{Bucket: hour})
				points[rng.IntN(n)].Value = outlier
				dirty, _ := Fit(points, Options{Bucket: hour})
				at := monday + int64(n)*hour
				a, b := clean.Expect(at, 0, 0.5, false), dirty.Expect(at, 0, 0.5, false)
				if series++; math.Abs(a.Centre-b.Centre) > 1 || b.Scale > 1.6*a.Scale || b.Scale < a.Scale/1.6 {
					moved++ // such as where a trend is seen that was not
				}
				if math.Abs(a.Centre-b.Centre) > 3 || b.Scale > 3*a.Scale || b.Scale < a.Scale/3 {
					t.Errorf("n %d, seed %d, outlier %g: %+v became %+v", n, seed, outlier, a, b)
				}
			}
		}
	}
	if 100*moved > series {
		t.Errorf("%d of %d series are moved", moved, series)
	}
}

// A day of nonsense in two weeks hides nothing.
func TestADayOfNonsense(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	m := fit(t, hourly(336, func(h int) float64 {
		if h >= 200 && h < 224 {
			return 1000
		}
		return 50 + 10*math.Sin(float64(h)*math.Pi/12) + rng.NormFloat64()
	}), Real)
	if b := m.Expect(monday+336*hour, 0, 0.5, false); math.Abs(b.Centre-50) > 2 || b.Upper > 62 || b.Lower < 38 {
		t.Errorf("%+v", b)
	}
}

func TestTooFew(t *testing.T) {
	for _, n := range []int{0, 1, MinPoints - 1} {
		points := append(hourly(n, func(int) float64 { return 1 }), Point{Value: math.NaN()}, Point{Value: math.Inf(1)})
		_, err := Fit(points, Options{Bucket: hour})
		var few TooFew
		if !errors.As(err, &few) || few.Have != n || few.Reason() != "too_few" {
			t.Errorf("%d points: %v", n, err)
		}
	}
}

// A series that never moved takes rounding for rounding and all else for news.
func TestConstantSeries(t *testing.T) {
	for _, v := range []float64{0, 1, -7.25, 1e9} {
		m := fit(t, hourly(100, func(int) float64 { return v }), Real)
		at := monday + 100*hour
		b := m.Expect(at, 0, 0.5, false)
		if b.Centre != v || !b.Contains(v) || !b.Contains(v*(1+1e-12)) || b.Contains(v+1e-3*(1+math.Abs(v))) {
			t.Errorf("%g: %+v", v, b)
		}
	}
}

// Shares at their ends: what was never seen in half a million events may come
// once; not thirty times in five hundred. Nothing lies outside [0, 1].
func TestRatiosAtTheirEnds(t *testing.T) {
	at := monday + 336*hour
	zero := fit(t, hourly(336, func(int) float64 { return 0 }), Ratio).Expect(at, 500, 0.5, false)
	if zero.Lower != 0 || !zero.Contains(1/500.0) || zero.Contains(30/500.0) {
		t.Errorf("always 0: %+v", zero)
	}
	one := fit(t, hourly(336, func(int) float64 { return 1 }), Ratio).Expect(at, 500, 0.5, false)
	if one.Upper != 1 || !one.Contains(499/500.0) || one.Contains(470/500.0) {
		t.Errorf("always 1: %+v", one)
	}
	few := fit(t, hourly(336, func(int) float64 { return 0.5 }), Ratio).Expect(at, 10, 0.5, false)
	if few.Lower > 0.1 || few.Upper < 0.9 {
		t.Errorf("a half of ten events: %+v", few)
	}
}

// Counts: an hour of three predictions may be empty; one of two hundred not.
// The night's band is narrower than the day's.
func TestCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	quiet := fit(t, hourly(336, func(int) float64 { return float64(poisson(rng, 3)) }), Count)
	if b := quiet.Expect(monday+336*hour, 0, 0.5, false); !b.Contains(0) || !b.Contains(10) || b.Contains(30) {
		t.Errorf("three an hour: %+v", b)
	}
	busy := fit(t, hourly(336, func(h int) float64 {
		return float64(poisson(rng, 500*math.Exp(math.Sin(float64(h)*math.Pi/12))))
	}), Count)
	noon, night := busy.Expect(monday+(336+6)*hour, 0, 0.5, false), busy.Expect(monday+(336+18)*hour, 0, 0.5, false)
	if noon.Contains(0) || night.Contains(0) || noon.Upper-noon.Lower < 2*(night.Upper-night.Lower) {
		t.Errorf("day %+v, night %+v", noon, night)
	}
	if b := busy.Expect(monday+342*hour, 0, 0.5, true); !math.IsInf(b.Lower, -1) || b.Upper >= noon.Upper {
		t.Errorf("increase only: %+v, both sides: %+v", b, noon)
	}
}

// poisson draws by counting exponential gaps; for large means by the normal.
func poisson(rng *rand.Rand, mean float64) int {
	if mean > 200 {
		return int(math.Round(mean + math.Sqrt(mean)*rng.NormFloat64()))
	}
	n := -1
	for sum := 0.0; sum <= mean; n++ {
		sum += rng.ExpFloat64()
	}
	return n
}

// The more sensitive, the narrower; and never empty.
func TestSensitivityNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		kind := rapid.SampledFrom([]Kind{Real, Count, Ratio}).Draw(t, "kind")
		points := hourly(rapid.IntRange(MinPoints, 400).Draw(t, "n"), func(int) float64 { return math.Abs(math.Sin(rng.NormFloat64())) })
		m, err := Fit(points, Options{Kind: kind, Bucket: hour})
		if err != nil {
			t.Fatal(err)
		}
		last := Band{Lower: math.Inf(-1), Upper: math.Inf(1)}
		for _, s := range []float64{-1, 0, 0.25, 0.5, 0.75, 1, 2} {
			b := m.Expect(monday+1000*hour, 500, s, false)
			if b.Lower < last.Lower || b.Upper > last.Upper || b.Lower > b.Centre || b.Upper < b.Centre || math.IsNaN(b.Scale) {
				t.Fatalf("sensitivity %g: %+v after %+v", s, b, last)
			}
			last = b
		}
	})
}

// An hour that the history never saw is expected where other hours are, within
// their spread.
func TestHourWithoutHistory(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var points []Point
	for _, p := range hourly(240, func(h int) float64 { return 10*math.Sin(float64(h)*math.Pi/12) + rng.NormFloat64() }) {
		if p.At/hour%24 != 6 {
			points = append(points, p)
		}
	}
	m := fit(t, points, Real)
	known, unknown := m.Expect(monday+245*hour, 0, 0.5, false), m.Expect(monday+246*hour, 0, 0.5, false)
	if math.Abs(unknown.Centre) > 3 || !unknown.Contains(10) || unknown.Scale < 3*known.Scale {
		t.Errorf("unknown %+v, known %+v", unknown, known)
	}
}

// Against published quantiles: tables of Student's t, and of the Poisson and
// binomial distributions (R: qt, ppois, pbinom).
func TestTails(t *testing.T) {
	for _, c := range []struct{ tail, df, want float64 }{
		{0.025, 1, 12.7062}, {0.005, 10, 3.16927}, {0.0005, 30, 3.64596}, {0.0005, 1e9, 3.29053},
	} {
		if got := studentQuantile(c.tail, c.df); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("t of %g with %g: %g, want %g", c.tail, c.df, got, c.want)
		}
	}
	// P(X ≤ 0) = .0498, P(X ≤ 1) = .199; P(X ≥ 9) = .0038, P(X ≥ 8) = .0119
	if low, high := poissonQuantiles(0.01, 3); low != 0 || high != 8 {
		t.Errorf("Poisson of 3 at 1 %%: %g to %g", low, high)
	}
	// 10 of p = .5: P(X ≤ 0) = .00098, P(X ≤ 1) = .0107
	if low, high := binomialQuantiles(0.01, 10, 0.5); low != 1 || high != 9 {
		t.Errorf("binomial of 10 at 1 %%: %g to %g", low, high)
	}
}

func BenchmarkFit(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	points := hourly(672, func(h int) float64 { return 10*math.Sin(float64(h)*math.Pi/12) + rng.NormFloat64() })
	b.ReportAllocs()
	for b.Loop() {
		m, _ := Fit(points, Options{Bucket: hour})
		m.Expect(monday+672*hour, 0, 0.5, false)
	}
}

// Values whose squares are no numbers are no history.
func TestValuesBeyondMeasure(t *testing.T) {
	var points []Point
	for i := range 40 {
		points = append(points, Point{At: monday + int64(i)*hour, Value: 1, N: 1000})
		if i > 9 && i < 14 {
			points[i].Value = math.MaxFloat64
		}
	}
	m, err := Fit(points, Options{Bucket: hour})
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Expect(monday+40*hour, 1000, 0.5, false); !b.Contains(1) || b.Contains(2) {
		t.Errorf("%+v", b)
	}
}
