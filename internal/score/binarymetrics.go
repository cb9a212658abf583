package score

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// All returns every metric of a binary output, in the order of Metrics. g is the
// grid of the scores, nil if there is none.
func (b *Binary) All(g *grid.Grid) []Value {
	values := make([]Value, 0, len(metrics))
	for _, m := range metrics {
		if m.Of(KindBinary) {
			values = append(values, b.Metric(m.Name, g))
		}
	}
	return values
}

// Metric returns the metric of that name, with ErrMetric if there is none. g is
// the grid of the scores, nil if there is none.
func (b *Binary) Metric(name string, g *grid.Grid) Value {
	if f, ok := scoreMetrics[name]; ok {
		v := f(b, g)
		v.Metric, v.N = name, b.Scored
		return v.finite()
	}
	return b.Confusion.Metric(name)
}

// scoreMetrics compute metrics from scores. Metric fills in name and N.
var scoreMetrics = map[string]func(*Binary, *grid.Grid) Value{
	"mean_score": func(b *Binary, _ *grid.Grid) Value { return b.scoreMean(&b.Score) },
	"log_loss":   func(b *Binary, _ *grid.Grid) Value { return b.probabilityMean(&b.LogLoss) },
	"brier":      func(b *Binary, _ *grid.Grid) Value { return b.probabilityMean(&b.Brier) },
	"ece":        func(b *Binary, g *grid.Grid) Value { return b.calibration(g, meanGap) },
	"mce":        func(b *Binary, g *grid.Grid) Value { return b.calibration(g, maxGap) },
	"roc_auc":    (*Binary).rocAUC,
	"gini":       (*Binary).gini,
	"ks":         (*Binary).ks,
	"pr_auc":     (*Binary).prAUC,
}

// scoreMean returns the mean of a sum over all scores.
func (b *Binary) scoreMean(s interface{ Mean(uint64) float64 }) Value {
	if b.Scored == 0 {
		return b.noScores()
	}
	return Value{Value: s.Mean(b.Scored)}
}

// probabilityMean does so if all scores are probabilities.
func (b *Binary) probabilityMean(s interface{ Mean(uint64) float64 }) Value {
	if b.OutOfRange > 0 {
		return absent("", b.Scored, ScoreOutOfRange)
	}
	return b.scoreMean(s)
}

// noScores says why there is nothing to say about scores.
func (b *Binary) noScores() Value {
	if b.N() == 0 {
		return absent("", 0, NoLabels)
	}
	return absent("", b.N(), NoScores)
}

// ranked returns the counts of positives and negatives by ascending bin of the
// score, or why a metric of the order of scores cannot be computed.
func (b *Binary) ranked(g *grid.Grid) (r ranking, absence *Value) {
	missing := func(n uint64, why Reason) (ranking, *Value) {
		v := absent("", n, why)
		return ranking{}, &v
	}
	switch {
	case b.Scored == 0:
		v := b.noScores()
		return ranking{}, &v
	case b.Pos == nil || g == nil:
		return missing(b.Scored, NoScores)
	case g.Bins() != len(b.Pos.Counts) || g.Bins() != len(b.Neg.Counts):
		return missing(b.Scored, BinsNotKept)
	}
	r = ranking{pos: b.Pos.Counts, neg: b.Neg.Counts, tied: g.IsAtom, p: b.Pos.Total(), n: b.Neg.Total()}
	return r, nil
}

// twoClasses returns the ranking if both classes occur among the scored rows.
func (b *Binary) twoClasses(g *grid.Grid) (r ranking, absence *Value) {
	r, absence = b.ranked(g)
	if absence == nil && (r.p == 0 || r.n == 0) {
		v := absent("", b.Scored, SingleClass)
		absence = &v
	}
	return r, absence
}

func (b *Binary) rocAUC(g *grid.Grid) Value {
	r, absence := b.twoClasses(g)
	if absence != nil {
		return *absence
	}
	auc, bound := r.rocAUC()
	return Value{Value: auc, Bound: bound}
}

func (b *Binary) gini(g *grid.Grid) Value {
	v := b.rocAUC(g)
	if v.Err == nil {
		v.Value, v.Bound = float64(2*v.Value)-1, 2*v.Bound
	}
	return v
}

func (b *Binary) ks(g *grid.Grid) Value {
	r, absence := b.twoClasses(g)
	if absence != nil {
		return *absence
	}
	ks, bound := r.ks()
	return Value{Value: ks, Bound: bound}
}

func (b *Binary) prAUC(g *grid.Grid) Value {
	return b.precisionRecall(g, ranking.averagePrecision)
}

func (b *Binary) precisionRecall(g *grid.Grid, area func(ranking) (float64, float64)) Value {
	r, absence := b.ranked(g)
	if absence != nil {
		return *absence
	}
	if r.p == 0 {
		return absent("", b.Scored, SingleClass)
	}
	a, bound := area(r)
	v := Value{Value: a, Bound: bound}
	if r.n == 0 {
		v.Warnings = []Warning{{Kind: WarnSingleClass}}
	}
	return v
}

// PRTrapezoid returns the area under the precision-recall curve by the trapezoid
// rule, through the points at the edges of the grid, named pr_auc_trapezoid. It
// is sklearn.metrics.auc of precision_recall_curve if all scores are atoms of
// the grid; pr_auc, which is another number, is the average precision.
func (b *Binary) PRTrapezoid(g *grid.Grid) Value {
	v := b.precisionRecall(g, func(r ranking) (float64, float64) { return r.prTrapezoid(), 0 })
	v.Metric, v.N = "pr_auc_trapezoid", b.Scored
	return v.finite()
}

// PartialAUC returns the area under the ROC curve up to the false positive rate
// limit, 0 < limit ≤ 1, as McClish standardised it so that a random model has ½
// and a perfect one 1; named partial_auc. It is sklearn.metrics.roc_auc_score
// with max_fpr.
func (b *Binary) PartialAUC(g *grid.Grid, limit float64) Value {
	if !(limit > 0 && limit <= 1) {
		return Value{Metric: "partial_auc", N: b.Scored, Err: fmt.Errorf("%w: partial_auc up to %v, want a rate in (0, 1]", ErrMetric, limit)}
	}
	r, absence := b.twoClasses(g)
	if absence != nil {
		absence.Metric = "partial_auc"
		return *absence
	}
	area, bound := r.partialAUC(limit)
	least := float64(limit * limit / 2)
	return Value{
		Metric: "partial_auc",
		N:      b.Scored,
		Value:  (1 + (area-least)/(limit-least)) / 2,
		Bound:  bound / (limit - least) / 2,
	}
}
