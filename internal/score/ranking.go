package score

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// A ranking is the counts of actual positives and negatives by ascending bin of
// the score. Rows of different bins are in a known order, those of one bin are
// not, unless the bin is an atom: then their scores are equal.
//
// Each metric below is exact if all rows lie in atoms. Otherwise it answers with
// an estimate and with the limits within which every order of the rows in their
// bins keeps the metric.
type ranking struct {
	pos, neg []uint64
	tied     func(bin int) bool
	p, n     uint64 // totals
}

// rocAUC is the area under the ROC curve by the trapezoid rule, equal scores as
// one step: the probability that a positive scores higher than a negative, ties
// counting half,
//
//	Σ_b n_b (positives in higher bins + p_b/2) / (P·N)
//
// The order within bins can move it by ± Σ p_b·n_b/(2·P·N) over the bins that
// are not atoms.
func (r ranking) rocAUC() (auc, bound float64) {
	var area, loose wide // both doubled
	higher := r.p
	for b, p := range r.pos {
		n := r.neg[b]
		higher -= p
		area.addProduct(n, higher)
		area.addProduct(n, higher)
		area.addProduct(n, p)
		if !r.tied(b) {
			loose.addProduct(n, p)
		}
	}
	all := 2 * product(r.p, r.n).float()
	return area.float() / all, loose.float() / all
}

// ks is the largest |tpr − fpr| over all thresholds. Between the edges of a bin
// the difference cannot go further than if all its rows of one class came first.
func (r ranking) ks() (ks, bound float64) {
	var tn, fn uint64 // negatives and positives not above the bin
	var gap, farthest float64
	for b := range r.pos {
		if !r.tied(b) {
			farthest = math.Max(farthest, ratio(r.pos[b], r.p)+gap)
			farthest = math.Max(farthest, ratio(r.neg[b], r.n)-gap)
		}
		fn += r.pos[b]
		tn += r.neg[b]
		gap = ratio(fn, r.p) - ratio(tn, r.n)
		ks = math.Max(ks, math.Abs(gap))
	}
	return ks, math.Max(0, farthest-ks)
}

// averagePrecision is Σ (R_k − R_(k−1))·P_k over descending thresholds, equal
// scores as one step: the mean over positives of the precision at their score.
//
// In a bin that is not an atom the negatives are taken to lie evenly among the
// positives. At worst they all come before them; at best they all come after
// positives that are tied.
func (r ranking) averagePrecision() (ap, bound float64) {
	var lowest, highest float64
	var tp, fp uint64 // in higher bins
	for b := len(r.pos) - 1; b >= 0; b-- {
		p, n := r.pos[b], r.neg[b]
		t, f := float64(tp), float64(fp)
		tp += p
		fp += n
		switch {
		case p == 0:
		case r.tied(b):
			s := float64(float64(p) * ratio(tp, tp+fp))
			ap += s
			lowest += s
			highest += s
		default:
			ap += precisions(t, f, p, 1+float64(n)/(float64(p)+1))
			lowest += precisions(t, f+float64(n), p, 1)
			highest += float64(float64(p) * (float64(tp) / (float64(tp) + f)))
		}
	}
	all := float64(r.p)
	ap /= all
	return ap, math.Max(0, math.Max(ap-lowest/all, highest/all-ap))
}

// precisions returns Σ (t+j)/(t+f+s·j) for j = 1 … p: the precisions at p
// positives of which each one comes with s−1 negatives, after t positives and f
// negatives. With a = (t+f)/s the terms are (1 + (t−a)/(a+j))/s, and the sum of
// 1/(a+j) is a difference of digamma functions.
func precisions(t, f float64, p uint64, s float64) float64 {
	a := (t + f) / s
	if p <= 64 {
		sum := 0.0
		for j := 1.0; j <= float64(p); j++ {
			sum += (t + j) / (t + f + float64(s*j))
		}
		return sum
	}
	harmonic := mathext.Digamma(a+float64(p)+1) - mathext.Digamma(a+1)
	return (float64(p) + float64((t-a)*harmonic)) / s
}

// prTrapezoid is the area under the precision-recall curve by the trapezoid
// rule, through the points at bin edges, as sklearn.metrics.auc of
// precision_recall_curve, which starts at recall 0 with precision 1.
func (r ranking) prTrapezoid() float64 {
	var tp, fp uint64
	area, precision := 0.0, 1.0
	for b := len(r.pos) - 1; b >= 0; b-- {
		if r.pos[b]+r.neg[b] == 0 {
			continue
		}
		tp += r.pos[b]
		fp += r.neg[b]
		last := precision
		precision = ratio(tp, tp+fp)
		area += float64(ratio(r.pos[b], r.p) * (last + precision) / 2)
	}
	return area
}

// partialAUC is the area under the ROC curve up to the false positive rate
// limit; in the bin that the limit cuts, the curve is taken to be straight. The
// curve may be anywhere in the rectangles that the bins span.
func (r ranking) partialAUC(limit float64) (area, bound float64) {
	var tp, fp uint64
	for b := len(r.pos) - 1; b >= 0; b-- {
		x0, y0 := ratio(fp, r.n), ratio(tp, r.p)
		tp += r.pos[b]
		fp += r.neg[b]
		x1, y1 := ratio(fp, r.n), ratio(tp, r.p)
		if x1 > limit {
			w, y := limit-x0, y0+float64((y1-y0)*((limit-x0)/(x1-x0)))
			area += float64(w * (y0 + y) / 2)
			if !r.tied(b) {
				bound += float64(w * (y1 - (y0+y)/2))
			}
			return area, bound
		}
		area += float64((x1 - x0) * (y0 + y1) / 2)
		if !r.tied(b) {
			bound += float64((x1 - x0) * (y1 - y0) / 2)
		}
	}
	return area, bound
}
