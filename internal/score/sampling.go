package score

import (
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// The sampling error of a metric is by how much it varies from window to window
// by chance alone, as one standard deviation: what a single labelled row adds to
// the metric, its standard deviation over the rows of the reference, divided by
// the root of the rows of the window. The summaries below are those of the
// reference. The formulas are NannyML's but where a comment says otherwise; they
// hold for realised and for estimated metrics. ok is false for metrics, and for
// references, that have none.

// sampled are the metrics that have a sampling error, of any kind of output.
var sampled = []string{
	"accuracy", "precision", "recall", "f1", "specificity", "fpr", "miss_rate", "npv", "balanced_accuracy", "jaccard",
	"positive_rate", "predicted_positive_rate", "roc_auc", "gini", "pr_auc", "mae", "bias", "mean_actual",
}

// Sampled returns the metrics that have a sampling error and are no counts.
func Sampled() []string { return slices.Clone(sampled) }

// SamplingError returns the sampling error of a metric of decisions over a number
// of rows.
func (c Confusion) SamplingError(name string, rows uint64) (sd float64, ok bool) {
	all, n := float64(c.N()), float64(rows)
	if all == 0 || n == 0 {
		return 0, false
	}
	// of is the error of a share of the rows that it is about.
	of := func(k, about uint64) (float64, bool) {
		if about == 0 {
			return 0, false
		}
		p := ratio(k, about)
		return math.Sqrt(p*(1-p)) / math.Sqrt(n*float64(about)/all), true
	}
	count := func(k uint64) (float64, bool) {
		sd, ok := of(k, c.N())
		return sd * n, ok
	}
	switch name {
	case "true_positives":
		return count(c.TP)
	case "false_positives":
		return count(c.FP)
	case "false_negatives":
		return count(c.FN)
	case "true_negatives":
		return count(c.TN)
	case "accuracy":
		return of(c.TP+c.TN, c.N())
	case "positive_rate":
		return of(c.positives(), c.N())
	case "precision":
		return of(c.TP, c.predicted())
	case "predicted_positive_rate":
		return of(c.predicted(), c.N())
	case "recall", "miss_rate":
		return of(c.TP, c.positives())
	case "specificity", "fpr":
		return of(c.TN, c.negatives())
	case "npv":
		return of(c.TN, c.N()-c.predicted())
	case "jaccard":
		return of(c.TP, c.TP+c.FP+c.FN)
	case "balanced_accuracy": // of two kinds of rows, so of independent ones
		one, ok := of(c.TP, c.positives())
		other, too := of(c.TN, c.negatives())
		return math.Hypot(one, other) / 2, ok && too
	case "f1": // a share of the positives and predicted positives, scaled to be f1
		about := c.TP + c.FP + c.FN
		sd, ok := of(c.TP, about)
		if !ok || c.TP == 0 {
			return 0, ok
		}
		return sd * float64(about) / (float64(c.TP) + float64(c.FP+c.FN)/2), true
	}
	return 0, false
}

// SamplingError returns the sampling error of a metric over a number of rows. g
// is the grid of the scores, nil if there is none.
func (b *Binary) SamplingError(name string, g *grid.Grid, rows uint64) (sd float64, ok bool) {
	if name != "roc_auc" && name != "pr_auc" {
		return b.Confusion.SamplingError(name, rows)
	}
	r, absence := b.twoClasses(g)
	if absence != nil || rows == 0 {
		return 0, false
	}
	if name == "roc_auc" {
		return r.aucDeviation() / math.Sqrt(float64(rows)), true
	}
	return r.precisionDeviation() / math.Sqrt(float64(rows)), true
}

// StandardError is SamplingError where a verdict depends on it: of roc_auc, and gini,
// the rows of both classes count (DeLong), which NannyML's rule leaves out.
func (b *Binary) StandardError(name string, g *grid.Grid, rows uint64) (sd float64, ok bool) {
	if name != "roc_auc" && name != "gini" {
		return b.SamplingError(name, g, rows)
	}
	r, absence := b.twoClasses(g)
	if absence != nil || rows == 0 {
		return 0, false
	}
	p, n := float64(r.p), float64(r.n)
	sd = math.Hypot(placeDeviation(r.pos, r.neg, p, n), placeDeviation(r.neg, r.pos, n, p)) / math.Sqrt(float64(rows))
	if name == "gini" {
		sd *= 2
	}
	return sd, true
}

// aucDeviation is the standard deviation of the places of the rarer class among
// the other one (what share of it scores lower, or higher), over the root of its
// share of the rows. Rows of one bin are taken to come in any order.
func (r ranking) aucDeviation() float64 {
	if r.p > r.n {
		return placeDeviation(r.neg, r.pos, float64(r.n), float64(r.p))
	}
	return placeDeviation(r.pos, r.neg, float64(r.p), float64(r.n))
}

// placeDeviation is that of a class of n rows among one of m.
func placeDeviation(rare, other []uint64, n, m float64) float64 {
	var lower, mean, square float64
	for b, k := range rare {
		w, half := float64(other[b]), (lower+float64(other[b])/2)/m
		mean += float64(float64(k) * half)
		square += float64(float64(k) * (float64(half*half) + float64(w/m*w/m)/12))
		lower += w
	}
	mean /= n
	return math.Sqrt(max(square/n-mean*mean, 0)) / math.Sqrt(n/(n+m))
}

// precisionDeviation is the standard deviation of the influence of a row on
// average precision (the delta method, to which NannyML's 50 resamples come
// near). With T and A the shares of positives, and of all rows, that score at
// least s, a row of score s₀ and label y adds
//
//	(1/π)·(y·T/A(s₀) + y·∫ dT/A − ∫ T/A² dT − y·AP)
//
// where the integrals go over s ≤ s₀ and π is the share of positives.
func (r ranking) precisionDeviation() float64 {
	all := float64(r.p) + float64(r.n)
	share, ap := float64(r.p)/all, 0.0
	t, a := share, 1.0
	precision := make([]float64, len(r.pos))
	first, second := make([]float64, len(r.pos)), make([]float64, len(r.pos)) // the integrals
	var u, v float64
	for b := range r.pos {
		dt := float64(r.pos[b]) / all
		if a > 0 {
			precision[b] = t / a
			u += dt / a
			v += dt * t / a / a
		}
		ap += dt * precision[b]
		first[b], second[b] = u, v
		t, a = t-dt, a-dt-float64(r.neg[b])/all
	}
	ap /= share
	var sum, square float64
	for b := range r.pos {
		yes := (precision[b] + first[b] - second[b] - ap) / share
		no := -second[b] / share
		p, n := float64(r.pos[b])/all, float64(r.neg[b])/all
		sum += p*yes + n*no
		square += p*yes*yes + n*no*no
	}
	return math.Sqrt(max(square-sum*sum, 0))
}

// SamplingError returns the sampling error of accuracy, or of the mean of the
// classes that occur: that of independent classes.
func (m *Multiclass) SamplingError(name string, rows uint64) (sd float64, ok bool) {
	s := newMargins(m)
	if s.n == 0 || rows == 0 {
		return 0, false
	}
	if name == "accuracy" {
		p := ratio(s.correct, s.n)
		return math.Sqrt(p * (1 - p) / float64(rows)), true
	}
	if name == "balanced_accuracy" { // of classes it is the mean recall
		name = "recall"
	}
	sum, n := 0.0, 0
	for i := range s.actual {
		if !s.occurs(i) {
			continue
		}
		sd, ok := s.confusion(i).SamplingError(name, rows)
		if !ok {
			return 0, false
		}
		sum += sd * sd
		n++
	}
	return math.Sqrt(sum) / float64(n), true
}

// ClassSamplingError returns the sampling error of a metric of one class against
// the rest.
func (m *Multiclass) ClassSamplingError(name string, class int, rows uint64) (sd float64, ok bool) {
	if uint(class) >= uint(m.Len()) {
		return 0, false
	}
	return newMargins(m).confusion(class).SamplingError(name, rows)
}

// SamplingError returns the sampling error of a mean over a number of rows. What is
// made of squares has none: fourth powers are not kept.
func (r *Regression) SamplingError(name string, rows uint64) (sd float64, ok bool) {
	if r.N == 0 || rows == 0 {
		return 0, false
	}
	var v float64
	switch name {
	case "mae": // Var |e| = mean e² − mae²
		if r.Huge > 0 {
			return 0, false
		}
		mean := r.Absolute.Mean(r.N)
		v = math.Max(r.Square.Mean(r.N)-float64(mean*mean), 0)
	case "bias":
		v, ok = r.errors().Variance(0, 0)
	case "mean_actual":
		v, ok = r.Actual.Variance(0, 0)
	}
	if ok = (ok || name == "mae") && !math.IsInf(v, 0) && !math.IsNaN(v); !ok {
		return 0, false
	}
	return math.Sqrt(v / float64(rows)), true
}
