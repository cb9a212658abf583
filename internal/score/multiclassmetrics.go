package score

import (
	"fmt"
	"math"
)

// The ways to join the values of the classes into one.
const (
	Macro    = "macro"    // unweighted mean over the classes that occur in actuals or predictions
	Micro    = "micro"    // from the counts of those classes, added up
	Weighted = "weighted" // mean weighted by the number of actuals of the class
)

// Averages are all of them, in the order of All.
var Averages = []string{Macro, Micro, Weighted}

// All returns every metric of a multiclass output, in the order of Metrics:
// those with averages as macro, micro, weighted, then for each class that
// occurs. names are Classes.Names.
func (m *Multiclass) All(names []string) []Value {
	s := newMargins(m)
	var values []Value
	for _, d := range metrics {
		switch {
		case !d.Of(KindMulticlass):
		case len(d.Labels) == 0:
			values = append(values, m.overall(s, d.Name))
		default:
			for _, a := range Averages {
				values = append(values, s.average(d.Name, a))
			}
			for i, name := range names {
				if i < m.Len() && s.occurs(i) {
					values = append(values, s.class(d.Name, i, name))
				}
			}
		}
	}
	return values
}

// Metric returns a metric of the whole output, that is without average for
// accuracy, balanced_accuracy, mcc, kappa and log_loss, and with one for the
// others, macro if it is empty. Unknown names and averages yield ErrMetric.
func (m *Multiclass) Metric(name, average string) Value {
	d, ok := Lookup(name)
	if !ok || !d.Of(KindMulticlass) {
		return unknown(name, KindMulticlass)
	}
	s := newMargins(m)
	if len(d.Labels) == 0 {
		return m.overall(s, name)
	}
	if average == "" {
		average = Macro
	}
	return s.average(name, average)
}

// ClassMetric returns a metric of one class against the rest: of precision,
// recall, f1 and specificity. class is its number in the list, name what it is
// called.
func (m *Multiclass) ClassMetric(name string, class int, className string) Value {
	d, ok := Lookup(name)
	if !ok || !d.Of(KindMulticlass) || len(d.Labels) == 0 || uint(class) >= uint(m.Len()) {
		v := unknown(name, KindMulticlass)
		v.Class = className
		return v
	}
	return newMargins(m).class(name, class, className)
}

// overall computes the metrics that have no average.
func (m *Multiclass) overall(s margins, name string) Value {
	if name == "log_loss" {
		return m.logLoss(s.n)
	}
	if s.n == 0 {
		return absent(name, 0, NoLabels)
	}
	v := Value{Metric: name, N: s.n}
	switch name {
	case "accuracy":
		v.Value = ratio(s.correct, s.n)
		return v
	case "balanced_accuracy":
		v = s.balancedAccuracy()
	case "mcc":
		v = s.mcc()
	case "kappa":
		v = s.kappa()
	}
	v.Metric, v.N = name, s.n
	return s.mark(v)
}

func (m *Multiclass) logLoss(n uint64) Value {
	switch {
	case m.LogLossN == 0 && n > 0:
		return absent("log_loss", n, NoScores)
	case m.LogLossN == 0:
		return absent("log_loss", 0, NoLabels)
	case m.OutOfRange > 0:
		return absent("log_loss", m.LogLossN, ScoreOutOfRange)
	}
	return Value{Metric: "log_loss", N: m.LogLossN, Value: m.LogLoss.Mean(m.LogLossN)}
}

// mark warns of values in which classes beyond the list count as one.
func (s margins) mark(v Value) Value {
	if s.other > 0 && v.Err == nil {
		v.Warnings = append(v.Warnings, Warning{Kind: WarnOtherClass, Have: s.other})
	}
	return v
}

// class returns the metric of one class against the rest.
func (s margins) class(name string, class int, className string) Value {
	v := s.confusion(class).Metric(name)
	v.Class = className
	if class == len(s.actual)-1 {
		v = s.mark(v)
	}
	return v
}

// average joins the values of the classes that occur. Where a class was never
// predicted, or has no actuals, its precision, recall and f1 count as 0, as with
// zero_division=0 in scikit-learn; its specificity, when nothing else occurs, is
// left out.
func (s margins) average(name, average string) Value {
	v := Value{Metric: name, Average: average, N: s.n}
	if s.n == 0 {
		v.Err = NotComputable{NoLabels}
		return v
	}
	switch average {
	case Micro:
		v = s.micro(v)
	case Macro:
		v = s.mean(v, func(int) uint64 { return 1 })
	case Weighted:
		v = s.mean(v, func(class int) uint64 { return s.actual[class] })
	default:
		v.Err = fmt.Errorf("%w: %q averaged as %q", ErrMetric, name, average)
	}
	return s.mark(v)
}

// micro adds up the counts of the classes. For one class a row that makes
// precision, recall and f1 the same as accuracy.
func (s margins) micro(v Value) Value {
	if v.Metric != "specificity" {
		v.Value = ratio(s.correct, s.n)
		return v
	}
	var sum Confusion
	for i := range s.actual {
		if s.occurs(i) {
			sum.Merge(s.confusion(i))
		}
	}
	w := sum.Metric(v.Metric)
	v.Value, v.Err = w.Value, w.Err
	return v
}

func (s margins) mean(v Value, weight func(class int) uint64) Value {
	var sum float64
	var all, undefined uint64
	for i := range s.actual {
		if !s.occurs(i) {
			continue
		}
		w := s.confusion(i).Metric(v.Metric)
		if w.Err != nil {
			undefined++
			if v.Metric == "specificity" {
				continue
			}
		}
		sum += float64(float64(weight(i)) * w.Value)
		all += weight(i)
	}
	if all == 0 {
		v.Err = NotComputable{SingleClass}
		return v
	}
	v.Value = sum / float64(all)
	if undefined > 0 {
		v.Warnings = append(v.Warnings, Warning{Kind: WarnUndefined, Have: undefined})
	}
	return v
}

// balancedAccuracy is the mean of recall over the classes with actuals, as
// sklearn.metrics.balanced_accuracy_score.
func (s margins) balancedAccuracy() Value {
	var sum float64
	var classes uint64
	for i, n := range s.actual {
		if n > 0 {
			sum += ratio(s.hits[i], n)
			classes++
		}
	}
	v := Value{Value: sum / float64(classes)}
	if classes == 1 {
		v.Warnings = []Warning{{Kind: WarnSingleClass}}
	}
	return v
}

// agreement returns n·c − Σ p_k·t_k, n² − Σ p_k², n² − Σ t_k² and Σ p_k·t_k, with
// c rows correct, p_k predicted to be and t_k truly of class k.
func (s margins) agreement() (both, predicted, actual float64, chance wide) {
	var pt, pp, tt wide
	for i := range s.actual {
		pt.addProduct(s.predicted[i], s.actual[i])
		pp.addProduct(s.predicted[i], s.predicted[i])
		tt.addProduct(s.actual[i], s.actual[i])
	}
	all := product(s.n, s.n)
	return product(s.correct, s.n).minus(pt), all.minus(pp), all.minus(tt), pt
}

// mcc is (c·n − Σ p_k·t_k)/√((n²−Σ p_k²)(n²−Σ t_k²)), and 0 with a warning where
// that divides by 0, as sklearn.metrics.matthews_corrcoef. [Gorodkin 2004]
func (s margins) mcc() Value {
	both, predicted, actual, _ := s.agreement()
	if predicted == 0 || actual == 0 {
		return Value{Warnings: []Warning{{Kind: WarnSingleClass}}}
	}
	return Value{Value: both / (math.Sqrt(predicted) * math.Sqrt(actual))}
}

// kappa is (po−pe)/(1−pe) = (c·n − Σ p_k·t_k)/(n² − Σ p_k·t_k).
func (s margins) kappa() Value {
	both, _, _, chance := s.agreement()
	rest := product(s.n, s.n).minus(chance)
	if rest == 0 {
		return absent("", s.n, SingleClass)
	}
	return Value{Value: both / rest}
}

// WeightedKappa returns Cohen's kappa for classes whose order in the list has a
// meaning: a disagreement by d places weighs d, or d² if squared. Named kappa.
// OtherClass, which has no place in an order, is left out with its rows. It is
// sklearn.metrics.cohen_kappa_score with weights linear or quadratic.
func (m *Multiclass) WeightedKappa(squared bool) Value {
	k := max(m.Len()-1, 0)
	t := Multiclass{Matrix: make([]uint64, k*k)}
	for i := range k {
		copy(t.Matrix[i*k:(i+1)*k], m.Matrix[i*(k+1):])
	}
	s := newMargins(&t)
	if s.n == 0 {
		return absent("kappa", 0, NoLabels)
	}
	observed, expected := 0.0, 0.0
	for i := range k {
		for j := range k {
			w := math.Abs(float64(i - j))
			if squared {
				w *= w
			}
			observed += float64(w * float64(t.Matrix[i*k+j]))
			expected += float64(w * (float64(s.actual[i]) * ratio(s.predicted[j], s.n)))
		}
	}
	if expected == 0 {
		return absent("kappa", s.n, SingleClass)
	}
	v := Value{Metric: "kappa", N: s.n, Value: 1 - observed/expected}
	if left := m.N() - s.n; left > 0 {
		v.Warnings = []Warning{{Kind: WarnOtherClass, Have: left}}
	}
	return v
}
