package score

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Binary summarises the labelled rows of a binary output: decisions, and scores
// where the model gives them.
//
// The zero value is the summary of no rows and ready to use; it keeps no
// histograms, so it answers for scores only what sums can. NewBinary makes one
// with them. Binary is not safe for concurrent use.
type Binary struct {
	Confusion

	// Scored counts the rows that came with a score. The fields below are about
	// them.
	Scored uint64
	// OutOfRange counts the scores outside [0, 1]. They are no probabilities:
	// LogLoss and Brier leave them out, and cannot be read while there are any.
	OutOfRange uint64
	Score      num.Sum // Σ s
	LogLoss    num.Sum // −Σ ln p(actual), s clipped to [1e-15, 1−1e-15]
	Brier      num.Sum // Σ (s−y)²
	// Pos and Neg are the scores of actual positives and negatives on the score
	// grid of the model; both are nil if there is none.
	Pos, Neg *grid.Hist
}

// NewBinary returns an empty summary that keeps histograms of scores on g.
func NewBinary(g *grid.Grid) *Binary { return &Binary{Pos: g.NewHist(), Neg: g.NewHist()} }

// AddDecision counts a row that has no score.
func (b *Binary) AddDecision(predicted, actual bool) { b.Confusion.Add(predicted, actual) }

// AddScore counts a row with a finite score. bin and scaled are its g.Find and
// g.Scaled on the summary's grid; a summary without histograms ignores them.
// positive is the actual; decision is what was decided, which is
// score ≥ threshold unless the model said otherwise. A score of NaN or ±Inf is
// the caller's mistake and is ignored.
func (b *Binary) AddScore(score float64, bin int, scaled uint64, positive, decision bool) {
	r := NewScoreRow(score, bin, scaled, positive, decision)
	b.AddRow(&r)
}

// AddRow counts a row with a score, as AddScore does. It does not keep r.
func (b *Binary) AddRow(r *ScoreRow) {
	if !r.valid {
		return
	}
	b.Confusion.Add(r.decision, r.positive)
	b.Scored++
	b.Score.Add(r.score)
	if r.inRange {
		b.LogLoss.Add(r.logLoss)
		b.Brier.Add(r.brier)
	} else {
		b.OutOfRange++
	}
	h := b.Neg
	if r.positive {
		h = b.Pos
	}
	switch {
	case h == nil:
	case r.bin == 0 || r.bin == len(h.Counts)-1:
		h.AddTail(r.bin, r.score)
	default:
		h.AddScaled(r.bin, r.scaled)
	}
}

// ErrMerge is wrapped by the errors of Merge for summaries of different shapes:
// another score grid, another list of classes, another center.
var ErrMerge = errors.New("score: summaries of different shapes")

// Merge adds the rows of o, whose scores were counted on the same grid. It does
// not modify o. Regrid first where the grids differ; with different numbers of
// bins Merge changes nothing and returns an error that wraps ErrMerge.
//
// A summary without histograms merges into one with them only while it holds no
// scores: those could not be counted.
func (b *Binary) Merge(o *Binary) error {
	if err := b.mergeScores(o); err != nil {
		return err
	}
	b.Confusion.Merge(o.Confusion)
	b.Scored += o.Scored
	b.OutOfRange += o.OutOfRange
	b.Score.Merge(&o.Score)
	b.LogLoss.Merge(&o.LogLoss)
	b.Brier.Merge(&o.Brier)
	return nil
}

func (b *Binary) mergeScores(o *Binary) error {
	switch {
	case b.Pos == nil && o.Pos == nil:
		return nil
	case o.Pos == nil && o.Scored > 0, b.Pos == nil && b.Scored > 0:
		return fmt.Errorf("%w: scores without histograms", ErrMerge)
	case o.Pos == nil:
		return nil
	case b.Pos == nil:
		b.Pos, b.Neg = clone(o.Pos), clone(o.Neg)
		return nil
	}
	if len(b.Pos.Counts) != len(o.Pos.Counts) || len(b.Neg.Counts) != len(o.Neg.Counts) {
		return fmt.Errorf("%w: score grids of %d and %d bins", ErrMerge, len(b.Pos.Counts), len(o.Pos.Counts))
	}
	if err := b.Pos.Merge(o.Pos); err != nil { // not reached: the lengths are equal
		return err
	}
	return b.Neg.Merge(o.Neg)
}

func clone(h *grid.Hist) *grid.Hist {
	c := *h
	c.Counts, c.Sums = slices.Clone(h.Counts), slices.Clone(h.Sums)
	return &c
}

// Regrid moves the scores from the grid they were counted on to another one, by
// grid.Regrid: counts become estimates wherever the new grid has other edges.
func (b *Binary) Regrid(from, to *grid.Grid) {
	if b.Pos == nil || from.ID() == to.ID() {
		return
	}
	lo, hi := math.Inf(-1), math.Inf(1)
	if b.OutOfRange == 0 {
		lo, hi = 0, 1
	}
	b.Pos = grid.Regrid(from, b.Pos, to, lo, hi)
	b.Neg = grid.Regrid(from, b.Neg, to, lo, hi)
}

// Equal reports whether both summaries are the same in every bit that matters.
func (b *Binary) Equal(o *Binary) bool {
	return b.Confusion == o.Confusion && b.Scored == o.Scored && b.OutOfRange == o.OutOfRange &&
		b.Score.Equal(&o.Score) && b.LogLoss.Equal(&o.LogLoss) && b.Brier.Equal(&o.Brier) &&
		sameHist(b.Pos, o.Pos) && sameHist(b.Neg, o.Neg)
}

func sameHist(a, b *grid.Hist) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Counts, b.Counts) && slices.Equal(a.Sums, b.Sums) &&
		a.Lower.Equal(&b.Lower) && a.Upper.Equal(&b.Upper)
}
