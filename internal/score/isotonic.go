package score

import (
	"math"
	"slices"
)

// Labelled is a score with its truth: what a calibration is fitted to.
type Labelled struct {
	Score    float64
	Positive bool
}

// A Calibrator turns scores into the probability that the actual is positive.
// The zero value takes scores as probabilities.
//
// It is an isotonic regression: the increasing function that is nearest to the
// truths (0 and 1) by least squares, constant over blocks of scores and linear
// between them. Scores beyond the first and the last knot get their values.
// Equal to sklearn.isotonic.IsotonicRegression(out_of_bounds="clip") up to
// rounding, unless there are more than MostKnots knots.
//
// It is immutable, so goroutines may share it.
type Calibrator struct {
	scores        []float64 // of the knots, ascending
	probabilities []float64
	slopes        []float64 // from knot i to knot i+1
}

// MostKnots bounds a Calibrator to 48 kB. A block has two knots at most, and a
// million rows with as many different scores have some hundred blocks.
const MostKnots = 2048

// duplicate is how near two scores are taken to be one: the resolution that
// scikit-learn takes for float64.
const duplicate = 1e-15

// A block is the rows of consecutive scores that share a probability.
type block struct {
	first, last float64
	pos, n      uint64
}

// below reports whether b has a smaller share of positives than o.
func (b block) below(o block) bool {
	l, r := product(b.pos, o.n), product(o.pos, b.n)
	return l.hi < r.hi || l.hi == r.hi && l.lo < r.lo
}

func (b block) join(o block) block { return block{b.first, o.last, b.pos + o.pos, b.n + o.n} }

// Isotonic fits a calibrator to labelled scores, which are finite and ascending;
// there is at least one. The pool-adjacent-violators algorithm runs on counts,
// so nothing is rounded before the last division.
func Isotonic(sorted []Labelled) *Calibrator { return isotonic(slices.Values(sorted)) }

func isotonic(sorted func(yield func(Labelled) bool)) *Calibrator {
	var blocks []block
	push := func(b block) {
		for len(blocks) > 0 && !blocks[len(blocks)-1].below(b) {
			b = blocks[len(blocks)-1].join(b)
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	var point block // the rows of one score
	for l := range sorted {
		if point.n > 0 && l.Score-point.first >= duplicate {
			push(point)
			point = block{}
		}
		if point.n == 0 {
			point.first, point.last = l.Score, l.Score
		}
		point.n++
		if l.Positive {
			point.pos++
		}
	}
	push(point)
	return calibratorOf(coarsen(blocks, MostKnots/2))
}

// coarsen joins neighbours into at most so many blocks of like numbers of rows.
func coarsen(blocks []block, most int) []block {
	if len(blocks) <= most {
		return blocks
	}
	var all uint64
	for _, b := range blocks {
		all += b.n
	}
	coarse := blocks[:0]
	var before uint64 // rows of blocks that are done
	for i, b := range blocks {
		slot := before * uint64(most) / all
		if before += b.n; i > 0 && slot == (before-b.n-blocks[i-1].n)*uint64(most)/all {
			coarse[len(coarse)-1] = coarse[len(coarse)-1].join(b)
			continue
		}
		coarse = append(coarse, b)
	}
	return coarse
}

// calibratorOf keeps both ends of each block.
func calibratorOf(blocks []block) *Calibrator {
	var scores, probabilities []float64
	for _, b := range blocks {
		p := ratio(b.pos, b.n)
		scores, probabilities = append(scores, b.first), append(probabilities, p)
		if b.last > b.first {
			scores, probabilities = append(scores, b.last), append(probabilities, p)
		}
	}
	return newCalibrator(scores, probabilities)
}

func newCalibrator(scores, probabilities []float64) *Calibrator {
	c := &Calibrator{scores: scores, probabilities: probabilities, slopes: make([]float64, max(len(scores)-1, 0))}
	for i := range c.slopes {
		c.slopes[i] = (probabilities[i+1] - probabilities[i]) / (scores[i+1] - scores[i])
	}
	return c
}

// CalibratorOf returns the calibrator with these knots, as Knots returned them.
// It reports false unless scores ascend, probabilities do not descend and lie in
// [0, 1], and there are as many of both, at most MostKnots.
func CalibratorOf(scores, probabilities []float64) (*Calibrator, bool) {
	if len(scores) != len(probabilities) || len(scores) > MostKnots {
		return nil, false
	}
	for i, x := range scores {
		p := probabilities[i]
		if math.IsNaN(x) || math.IsInf(x, 0) || !(p >= 0 && p <= 1) ||
			i > 0 && !(x > scores[i-1] && p >= probabilities[i-1]) {
			return nil, false
		}
	}
	return newCalibrator(slices.Clone(scores), slices.Clone(probabilities)), true
}

// Knots returns the scores of the knots and their probabilities, none if scores
// are taken as probabilities. The slices belong to the calibrator: read only.
func (c *Calibrator) Knots() (scores, probabilities []float64) { return c.scores, c.probabilities }

// Equal reports whether both calibrators are the same function by the same knots.
func (c *Calibrator) Equal(o *Calibrator) bool {
	return slices.Equal(c.scores, o.scores) && slices.Equal(c.probabilities, o.probabilities)
}

// Probability returns the probability of a finite score. A score that is taken
// as a probability counts as the nearest one, if it is none.
func (c *Calibrator) Probability(score float64) float64 {
	return c.ProbabilityFrom(0, len(c.scores), score)
}

// From returns how many knots lie at or below x: where a search for scores above
// x may begin.
func (c *Calibrator) From(x float64) int {
	n, _ := slices.BinarySearchFunc(c.scores, x, func(knot, x float64) int {
		if knot <= x {
			return -1
		}
		return 1
	})
	return n
}

// ProbabilityFrom is Probability for a score of which it is known that the first
// knot at or above it is one of those from number lo to number hi.
func (c *Calibrator) ProbabilityFrom(lo, hi int, score float64) float64 {
	n := len(c.scores)
	if n == 0 {
		return min(max(score, 0), 1)
	}
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); c.scores[mid] < score {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	switch {
	case lo == 0:
		return c.probabilities[0]
	case lo == n:
		return c.probabilities[n-1]
	case c.scores[lo] == score:
		return c.probabilities[lo]
	}
	low, high := c.probabilities[lo-1], c.probabilities[lo]
	// The conversion forbids a fused multiply-add: shards of any processor agree.
	if p := low + float64(c.slopes[lo-1]*(score-c.scores[lo-1])); p < high {
		return p
	}
	return high // also where the distance of the knots is beyond float64
}
