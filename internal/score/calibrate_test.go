package score_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/score"
)

func labelledRows() *rapid.Generator[[]score.Labelled] {
	spaced := rapid.Map(rapid.IntRange(0, 1000), func(i int) float64 { return float64(i) / 1000 }) // nearer ones are one score
	return rapid.Map(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) score.Labelled {
		return score.Labelled{
			Score:    rapid.OneOf(spaced, rapid.SampledFrom([]float64{0, .25, .5, 1, -2, 1e300, -1e300})).Draw(t, "score"),
			Positive: rapid.Bool().Draw(t, "positive"),
		}
	}), 1, 60), func(all []score.Labelled) []score.Labelled {
		slices.SortFunc(all, func(a, b score.Labelled) int {
			if a.Score < b.Score {
				return -1
			}
			if a.Score > b.Score {
				return 1
			}
			return 0
		})
		return all
	})
}

// A calibrator ascends, stays a probability, and keeps the mean of the truths: what
// makes expected positives of the reference the real ones. No other ascending
// function is nearer, here none that is shifted on one side of a score.
func TestCalibratorIsTheNearestAscendingFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := labelledRows().Draw(t, "rows")
		c := score.Isotonic(rows)
		last, sum, positives, loss := 0.0, 0.0, 0.0, 0.0
		at := make([]float64, len(rows))
		for i, r := range rows {
			p := c.Probability(r.Score)
			if !(p >= last && p <= 1) {
				t.Fatalf("%v at %v, after %v", p, r.Score, last)
			}
			y := 0.0
			if r.Positive {
				y = 1
			}
			last, at[i] = p, p
			sum += p
			positives += y
			loss += (p - y) * (p - y)
		}
		if math.Abs(sum-positives) > 1e-9 {
			t.Fatalf("%v positives are expected of the rows themselves, there are %v", sum, positives)
		}
		from := rapid.IntRange(0, len(rows)-1).Draw(t, "from")
		shift := rapid.SampledFrom([]float64{1e-3, .1}).Draw(t, "shift")
		other := 0.0
		for i, r := range rows {
			p, y := at[i], 0.0
			if r.Score >= rows[from].Score { // equal scores go together
				p = min(p+shift, 1)
			} else {
				p = max(p-shift, 0)
			}
			if r.Positive {
				y = 1
			}
			other += (p - y) * (p - y)
		}
		if other < loss-1e-9 {
			t.Fatalf("an ascending function has the loss %v, the calibrator %v", other, loss)
		}
		knots, values := c.Knots()
		again, ok := score.CalibratorOf(knots, values)
		if !ok || !again.Equal(c) {
			t.Fatalf("knots %v %v do not come back", knots, values)
		}
		x := rapid.Float64Range(-3, 3).Draw(t, "x")
		n := c.From(x)
		if got := c.ProbabilityFrom(min(n, len(knots)), len(knots), x+1e-9); got != c.Probability(x+1e-9) {
			t.Fatalf("searched from knot %d: %v, want %v", n, got, c.Probability(x+1e-9))
		}
	})
}

// However many blocks there are, the knots are bounded, and the mean stays.
func TestCalibratorIsBounded(t *testing.T) {
	var rows []score.Labelled
	const scores = 1500
	for i := range scores { // the share of positives ascends with every score
		for j := range scores {
			rows = append(rows, score.Labelled{Score: float64(i), Positive: j < i})
		}
	}
	c := score.Isotonic(rows)
	knots, values := c.Knots()
	if len(knots) > score.MostKnots || len(knots) < score.MostKnots/4 || !slices.IsSorted(values) {
		t.Errorf("%d knots, at most %d", len(knots), score.MostKnots)
	}
	for i := 0; i < scores; i += 97 {
		if got, want := c.Probability(float64(i)), float64(i)/scores; math.Abs(got-want) > 0.001 {
			t.Errorf("%v at %d, want %v", got, i, want)
		}
	}
}

func TestCalibratorOfRefuses(t *testing.T) {
	for _, k := range [][2][]float64{
		{{0, 1}, {0}}, {{1, 0}, {0, 1}}, {{0, 0}, {0, 1}}, {{0, 1}, {.5, .4}}, {{0}, {1.5}}, {{0}, {-.1}},
		{{math.NaN()}, {0}}, {{math.Inf(1)}, {0}}, {{0}, {math.NaN()}}, {make([]float64, score.MostKnots+1), make([]float64, score.MostKnots+1)},
	} {
		if _, ok := score.CalibratorOf(k[0], k[1]); ok {
			t.Errorf("accepted %v", k)
		}
	}
}

// The zero calibrator takes scores as probabilities, and what lies beyond as the
// nearest one.
func TestScoresAsProbabilities(t *testing.T) {
	var c score.Calibrator
	for s, want := range map[float64]float64{-3: 0, 0: 0, .3: .3, 1: 1, 7: 1, 1e300: 1} {
		if got := c.Probability(s); got != want {
			t.Errorf("%v counts as %v, want %v", s, got, want)
		}
	}
}

// simulated returns scores whose chance to be positive is truth(score).
func simulated(n int, seed uint64, truth func(s float64) float64) []score.Labelled {
	rng := rand.New(rand.NewPCG(seed, 1))
	all := make([]score.Labelled, n)
	for i := range all {
		s := rng.Float64()
		all[i] = score.Labelled{Score: s, Positive: rng.Float64() < truth(s)}
	}
	return all
}

// Scores are calibrated where that helps.
func TestCalibrate(t *testing.T) {
	calibrated := func(all []score.Labelled) bool {
		knots, _ := score.Calibrate(all).Knots()
		return len(knots) > 0
	}
	beyond := simulated(500, 3, func(s float64) float64 { return s })
	for i := range beyond {
		beyond[i].Score = 4 * beyond[i].Score
	}
	perfect := simulated(500, 4, func(s float64) float64 { return math.Round(s) })
	far := slices.Clone(perfect)
	for i := range far {
		far[i].Score = 10*far[i].Score - 5
	}
	for name, c := range map[string]struct {
		rows []score.Labelled
		want bool
	}{
		"distorted":                       {simulated(2000, 1, func(s float64) float64 { return s * s * s }), true},
		"the wrong way round":             {simulated(2000, 2, func(s float64) float64 { return 1 - s }), true},
		"no probabilities":                {beyond, true},
		"only negatives":                  {simulated(200, 5, func(float64) float64 { return 0 }), false},
		"only positives":                  {simulated(200, 5, func(float64) float64 { return 1 }), false},
		"a perfect model":                 {perfect, false},
		"a perfect model without a scale": {far, true},
		"one positive":                    {append(simulated(50, 6, func(float64) float64 { return 0 }), score.Labelled{Score: .2, Positive: true}), true},
		"two rows":                        {[]score.Labelled{{Score: .4, Positive: true}, {Score: .6}}, false},
		"scores on the spot":              {calibratedScores(400), false},
	} {
		if got := calibrated(c.rows); got != c.want {
			t.Errorf("%s: calibrated %v, want %v", name, got, c.want)
		}
		slices.Reverse(c.rows)
		if name != "two rows" && name != "one positive" && calibrated(c.rows) != c.want {
			t.Errorf("%s: the order of the rows decides", name)
		}
	}
}

// The order of the rows does not decide, also among those of one score, of which the
// bins of the error take a part each.
func TestCalibrateInAnyOrder(t *testing.T) {
	for seed := range uint64(40) { // the two errors are nearly the same
		rows := simulated(600, seed, func(s float64) float64 { return math.Round(20*s)/20*.9 + .05 })
		for i := range rows {
			rows[i].Score = math.Round(20*rows[i].Score) / 20
		}
		want := score.Calibrate(slices.Clone(rows))
		rng := rand.New(rand.NewPCG(seed, 2))
		for range 5 {
			rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			if !score.Calibrate(slices.Clone(rows)).Equal(want) {
				t.Fatalf("seed %d: another order gives another calibration", seed)
			}
		}
	}
}

// calibratedScores are of ten values, each of which is exactly the share of
// positives that it has.
func calibratedScores(n int) (all []score.Labelled) {
	for i := range 9 {
		for j := range n {
			all = append(all, score.Labelled{Score: float64(i+1) / 10, Positive: j*10 < (i+1)*n})
		}
	}
	return all
}
