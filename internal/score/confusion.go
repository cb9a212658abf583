package score

import "math"

// Confusion counts decisions by their truth: the sufficient statistic of every
// metric of a binary decision. A class of many, taken against the rest, has one
// too.
type Confusion struct {
	TP, FP, FN, TN uint64
}

// Add counts one decision.
func (c *Confusion) Add(predicted, actual bool) {
	switch {
	case predicted && actual:
		c.TP++
	case predicted:
		c.FP++
	case actual:
		c.FN++
	default:
		c.TN++
	}
}

// Merge adds the counts of o.
func (c *Confusion) Merge(o Confusion) {
	c.TP += o.TP
	c.FP += o.FP
	c.FN += o.FN
	c.TN += o.TN
}

// N returns the number of decisions.
func (c Confusion) N() uint64 { return c.TP + c.FP + c.FN + c.TN }

func (c Confusion) positives() uint64 { return c.TP + c.FN }
func (c Confusion) negatives() uint64 { return c.FP + c.TN }
func (c Confusion) predicted() uint64 { return c.TP + c.FP }

// Metric returns a metric that the counts alone decide; ErrMetric for others.
func (c Confusion) Metric(name string) Value {
	if f, ok := decisionMetrics[name]; ok {
		v := f(c)
		v.Metric, v.N = name, c.N()
		return v
	}
	return unknown(name, KindBinary)
}

// decisionMetrics compute metrics from counts. Metric fills in name and N.
var decisionMetrics = map[string]func(Confusion) Value{
	"true_positives":          func(c Confusion) Value { return c.count(c.TP) },
	"false_positives":         func(c Confusion) Value { return c.count(c.FP) },
	"false_negatives":         func(c Confusion) Value { return c.count(c.FN) },
	"true_negatives":          func(c Confusion) Value { return c.count(c.TN) },
	"accuracy":                func(c Confusion) Value { return c.share(c.TP+c.TN, c.N(), NoLabels) },
	"precision":               func(c Confusion) Value { return c.share(c.TP, c.predicted(), NoPredictedPositive) },
	"recall":                  func(c Confusion) Value { return c.share(c.TP, c.positives(), SingleClass) },
	"specificity":             func(c Confusion) Value { return c.share(c.TN, c.negatives(), SingleClass) },
	"fpr":                     func(c Confusion) Value { return c.share(c.FP, c.negatives(), SingleClass) },
	"miss_rate":               func(c Confusion) Value { return c.share(c.FN, c.positives(), SingleClass) },
	"npv":                     func(c Confusion) Value { return c.share(c.TN, c.TN+c.FN, NoPredictedNegative) },
	"jaccard":                 func(c Confusion) Value { return c.share(c.TP, c.TP+c.FP+c.FN, SingleClass) },
	"positive_rate":           func(c Confusion) Value { return c.share(c.positives(), c.N(), NoLabels) },
	"predicted_positive_rate": func(c Confusion) Value { return c.share(c.predicted(), c.N(), NoLabels) },
	"f1":                      func(c Confusion) Value { return c.fBeta(1) },
	"balanced_accuracy":       Confusion.balancedAccuracy,
	"mcc":                     Confusion.mcc,
	"kappa":                   Confusion.kappa,
}

// count answers with a count, which is defined as soon as there are labels.
func (c Confusion) count(k uint64) Value {
	if c.N() == 0 {
		return absent("", 0, NoLabels)
	}
	return Value{Value: float64(k)}
}

// share answers with k/of, or with the reason if there is nothing to divide by.
func (c Confusion) share(k, of uint64, r Reason) Value {
	if of == 0 {
		return absent("", c.N(), r)
	}
	return Value{Value: ratio(k, of)}
}

// FBeta returns (1+β²)tp / ((1+β²)tp + β²fn + fp) for β ≥ 0: recall weighs β
// times as much as precision. Named f_beta; β = 1 is f1.
func (c Confusion) FBeta(beta float64) Value {
	v := c.fBeta(beta)
	v.Metric, v.N = "f_beta", c.N()
	return v
}

func (c Confusion) fBeta(beta float64) Value {
	if c.TP+c.FP+c.FN == 0 {
		return absent("", c.N(), SingleClass)
	}
	if c.TP == 0 {
		return Value{} // also for β = 0 without a predicted positive
	}
	b2 := float64(beta * beta) // the conversions forbid fused multiply-adds
	tp := float64((1 + b2) * float64(c.TP))
	return Value{Value: tp / (tp + float64(b2*float64(c.FN)) + float64(c.FP))}.finite()
}

// balancedAccuracy is the mean of recall and specificity, or the one of them
// that is defined.
func (c Confusion) balancedAccuracy() Value {
	p, n := c.positives(), c.negatives()
	switch {
	case p == 0 && n == 0:
		return absent("", 0, NoLabels)
	case p == 0:
		return Value{Value: ratio(c.TN, n), Warnings: []Warning{{Kind: WarnSingleClass}}}
	case n == 0:
		return Value{Value: ratio(c.TP, p), Warnings: []Warning{{Kind: WarnSingleClass}}}
	}
	return Value{Value: (ratio(c.TP, p) + ratio(c.TN, n)) / 2}
}

// mcc is (tp·tn − fp·fn)/√((tp+fp)(tp+fn)(tn+fp)(tn+fn)), and 0 with a warning
// where that divides by 0, as sklearn.metrics.matthews_corrcoef.
func (c Confusion) mcc() Value {
	if c.N() == 0 {
		return absent("", 0, NoLabels)
	}
	rows := product(c.positives(), c.negatives()).float()
	columns := product(c.predicted(), c.TN+c.FN).float()
	if rows == 0 || columns == 0 {
		return Value{Warnings: []Warning{{Kind: WarnSingleClass}}}
	}
	return Value{Value: product(c.TP, c.TN).minus(product(c.FP, c.FN)) / (math.Sqrt(rows) * math.Sqrt(columns))}
}

// kappa is (po−pe)/(1−pe) = 2(tp·tn − fp·fn)/((tp+fp)(fp+tn) + (tp+fn)(fn+tn)).
func (c Confusion) kappa() Value {
	d := product(c.predicted(), c.negatives())
	d.addProduct(c.positives(), c.TN+c.FN)
	if d == (wide{}) {
		return absent("", c.N(), SingleClass)
	}
	return Value{Value: 2 * product(c.TP, c.TN).minus(product(c.FP, c.FN)) / d.float()}
}

// Worth is what one decision of each kind is worth to the business.
type Worth struct{ TP, FP, FN, TN float64 }

// Share says what a business value is a value of.
type Share int

const (
	OfAll           Share = iota // all decisions together
	OfOne                        // one decision: the total divided by their number
	OfEachPredicted              // NannyML's "per prediction": the predicted positives' mean plus the predicted negatives'
)

// BusinessValue returns what the decisions are worth: named business_value.
func (c Confusion) BusinessValue(w Worth, of Share) Value {
	v := c.businessValue(w, of)
	v.Metric, v.N = "business_value", c.N()
	return v.finite()
}

func (c Confusion) businessValue(w Worth, of Share) Value {
	if c.N() == 0 {
		return absent("", 0, NoLabels)
	}
	return counts{float64(c.TP), float64(c.FP), float64(c.FN), float64(c.TN)}.businessValue(w, of)
}

// businessValue is that of some decisions.
func (c counts) businessValue(w Worth, of Share) Value {
	positive := float64(w.TP*c.tp) + float64(w.FP*c.fp)
	negative := float64(w.FN*c.fn) + float64(w.TN*c.tn)
	p, n := c.tp+c.fp, c.tn+c.fn
	switch {
	case of == OfAll:
		return Value{Value: positive + negative}
	case of == OfOne:
		return Value{Value: (positive + negative) / (p + n)}
	case p == 0:
		return Value{Err: NotComputable{NoPredictedPositive}}
	case n == 0:
		return Value{Err: NotComputable{NoPredictedNegative}}
	}
	return Value{Value: positive/p + negative/n}
}

// finite returns v, or that it cannot be computed if its value is not finite.
func (v Value) finite() Value {
	if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
		v.Value, v.Bound, v.Err = 0, 0, NotComputable{NotFinite}
	}
	return v
}
