package score

import "math"

// ScoreRow is what a row with a score adds to every summary that it belongs to:
// computed once a row, shared by all slices.
type ScoreRow struct {
	score              float64
	bin                int
	scaled             uint64
	positive, decision bool
	valid, inRange     bool
	logLoss, brier     float64
}

// NewScoreRow returns a row; for the arguments see Binary.AddScore.
func NewScoreRow(score float64, bin int, scaled uint64, positive, decision bool) ScoreRow {
	r := ScoreRow{score: score, bin: bin, scaled: scaled, positive: positive, decision: decision}
	r.valid = !math.IsNaN(score) && !math.IsInf(score, 0)
	if r.inRange = score >= 0 && score <= 1; r.inRange {
		y, p := 0.0, 1-clip(score)
		if positive {
			y, p = 1, clip(score)
		}
		r.logLoss = -math.Log(p)
		r.brier = (score - y) * (score - y)
	}
	return r
}

// smallest is how far from 0 and 1 a probability is taken to be at least, so
// that one confident mistake does not make log_loss infinite.
const smallest = 1e-15

func clip(p float64) float64 { return min(max(p, smallest), 1-smallest) }
