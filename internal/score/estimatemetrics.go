package score

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// estimated are the metrics that are estimated, in the order of their
// documentation.
var estimated = func() []Metric {
	both := []string{"accuracy", "precision", "recall", "f1", "specificity", "roc_auc"}
	var all []Metric
	for _, name := range []string{
		"true_positives", "false_positives", "false_negatives", "true_negatives",
		"accuracy", "precision", "recall", "f1", "specificity", "positive_rate", "roc_auc", "pr_auc",
	} {
		m, _ := Lookup(name)
		if m.Kinds, m.Labels = binary, nil; slices.Contains(both, name) {
			if m.Kinds = classes; name != "accuracy" {
				m.Labels = perClass
			}
		}
		all = append(all, m)
	}
	return all
}()

// EstimatedMetrics returns the metrics that an Estimate answers for, as Metrics
// describes those of labelled rows.
func EstimatedMetrics() []Metric { return slices.Clone(estimated) }

// LookupEstimated returns the estimated metric of that name.
func LookupEstimated(name string) (Metric, bool) {
	i := slices.IndexFunc(estimated, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return estimated[i], true
}

// Binary returns the estimated metric of that name of a binary output, with
// ErrMetric if there is none. g is the grid of the scores, nil if there is none.
func (e *Estimate) Binary(name string, g *grid.Grid) Value {
	if m, ok := LookupEstimated(name); !ok || !m.Of(KindBinary) || len(e.Classes) != 1 {
		return unknown(name, KindBinary)
	}
	v := e.of(name, 0, g)
	v.Metric = name
	return v
}

// Multiclass returns the estimated metric of that name of a multiclass output:
// accuracy, or the mean of the classes that are predicted or expected to occur.
// grids are those of the classes.
func (e *Estimate) Multiclass(name string, grids []*grid.Grid) Value {
	m, ok := LookupEstimated(name)
	switch {
	case !ok || !m.Of(KindMulticlass):
		return unknown(name, KindMulticlass)
	case e.Rows == 0:
		return e.mark(Value{Metric: name, Err: NotComputable{NoScores}})
	case name == "accuracy":
		hits := Mass{}
		for i := range e.Classes {
			hits.merge(e.Classes[i].Hits)
		}
		return e.mark(Value{Metric: name, Value: hits.Float() / float64(e.Rows)})
	}
	v := e.macro(name, grids)
	v.Metric, v.Average = name, Macro
	return e.mark(v)
}

// Class returns the estimated metric of one class against the rest.
func (e *Estimate) Class(name string, class int, className string, g *grid.Grid) Value {
	m, ok := LookupEstimated(name)
	if !ok || len(m.Labels) == 0 || uint(class) >= uint(len(e.Classes)) {
		v := unknown(name, KindMulticlass)
		v.Class = className
		return v
	}
	v := e.of(name, class, g)
	v.Metric, v.Class = name, className
	return v
}

// Occurs reports whether a class is predicted or expected among the rows.
func (e *Estimate) Occurs(class int) bool {
	x := &e.Classes[class]
	return x.Predicted > 0 || x.Hits != (Mass{}) || x.Missed != (Mass{})
}

// mark fills in the number of rows, and warns.
func (e *Estimate) mark(v Value) Value {
	v.N = e.Rows
	if e.OutOfRange > 0 && v.Err == nil {
		v.Warnings = append(v.Warnings, Warning{Kind: WarnOutOfRange, Have: e.OutOfRange})
	}
	return v
}

// of computes a metric of one class against the rest.
func (e *Estimate) of(name string, class int, g *grid.Grid) Value {
	if e.Rows == 0 {
		return e.mark(Value{Err: NotComputable{NoScores}})
	}
	switch name {
	case "roc_auc":
		return e.mark(e.Classes[class].rocAUC(g))
	case "pr_auc":
		return e.mark(e.Classes[class].averagePrecision(g))
	}
	c := e.counts(class)
	n := float64(e.Rows)
	share := func(k, of float64, r Reason) Value {
		if of <= 0 {
			return Value{Err: NotComputable{r}}
		}
		return Value{Value: min(k/of, 1)}
	}
	var v Value
	switch name {
	case "true_positives":
		v.Value = c.tp
	case "false_positives":
		v.Value = c.fp
	case "false_negatives":
		v.Value = c.fn
	case "true_negatives":
		v.Value = c.tn
	case "accuracy":
		v = share(c.tp+c.tn, n, NoScores)
	case "precision":
		v = share(c.tp, float64(e.Classes[class].Predicted), NoPredictedPositive)
	case "recall":
		v = share(c.tp, c.tp+c.fn, SingleClass)
	case "specificity":
		v = share(c.tn, c.tn+c.fp, SingleClass)
	case "f1":
		v = share(2*c.tp, 2*c.tp+(c.fp+c.fn), SingleClass)
	case "positive_rate":
		v = share(c.tp+c.fn, n, NoScores)
	}
	return e.mark(v)
}

// macro is the mean over the classes that occur. As in metrics of labelled rows,
// precision, recall and f1 count as 0 where they are not defined; specificity
// and roc_auc are left out.
func (e *Estimate) macro(name string, grids []*grid.Grid) Value {
	var sum, bound float64
	var n, undefined uint64
	for i := range e.Classes {
		if !e.Occurs(i) {
			continue
		}
		var g *grid.Grid
		if i < len(grids) {
			g = grids[i]
		}
		w := e.of(name, i, g)
		if err, ok := errors.AsType[NotComputable](w.Err); ok {
			if err.Reason == NoScores {
				return Value{Err: err} // ranks are not kept
			}
			undefined++
			if name == "specificity" || name == "roc_auc" {
				continue
			}
		}
		sum += w.Value
		bound += w.Bound
		n++
	}
	if n == 0 {
		return Value{Err: NotComputable{SingleClass}}
	}
	v := Value{Value: sum / float64(n), Bound: bound / float64(n)}
	if undefined > 0 {
		v.Warnings = append(v.Warnings, Warning{Kind: WarnUndefined, Have: undefined})
	}
	return v
}

// BusinessValue returns what the decisions of a binary output are expected to be
// worth, named business_value.
func (e *Estimate) BusinessValue(w Worth, of Share) Value {
	if len(e.Classes) != 1 {
		return unknown("business_value", KindBinary)
	}
	v := Value{Err: NotComputable{NoScores}}
	if e.Rows > 0 {
		v = e.counts(0).businessValue(w, of).finite()
	}
	v.Metric = "business_value"
	return e.mark(v)
}

// ranks returns what is expected of the bins of the scores, ascending: rows and
// positives among them.
func (x *Expected) ranks(g *grid.Grid) (rows, positives []float64, all, pos float64, absence *Value) {
	switch {
	case x.Ranked == nil || g == nil:
		return nil, nil, 0, 0, &Value{Err: NotComputable{NoScores}}
	case g.Bins() != len(x.Ranked.Counts):
		return nil, nil, 0, 0, &Value{Err: NotComputable{BinsNotKept}}
	}
	for b, n := range x.Ranked.Counts {
		t := math.Ldexp(float64(x.Ranked.Sums[b]), -32)
		rows, positives = append(rows, float64(n)), append(positives, t)
		all += float64(n)
		pos += t
	}
	return rows, positives, all, pos, nil
}

// rocAUC is the area under the curve of expected rates, the rows by their raw
// score, equal scores as one step:
//
//	Σ_b f_b (t of higher bins + t_b/2) / (T·F)
//
// with t_b = Σ q and f_b = Σ (1−q) of a bin. The order of the rows in a bin that
// is not an atom can move it by ± t_b·f_b/(2·T·F).
func (x *Expected) rocAUC(g *grid.Grid) Value {
	rows, positives, all, pos, absence := x.ranks(g)
	if absence != nil {
		return *absence
	}
	neg := all - pos
	if pos <= 0 || neg <= 0 {
		return Value{Err: NotComputable{SingleClass}}
	}
	var area, loose, higher float64
	for b := len(rows) - 1; b >= 0; b-- {
		t, f := positives[b], rows[b]-positives[b]
		area += float64(f * (higher + t/2))
		if higher += t; !g.IsAtom(b) {
			loose += float64(t * f / 2)
		}
	}
	return Value{Value: area / pos / neg, Bound: loose / pos / neg}
}

// averagePrecision is Σ q_k/T · t_k/k over the rows by descending raw score, with
// t_k = Σ q of the first k: the mean precision at each row, weighted by its
// chance to be positive. Rows of one score, and of one bin, are taken to have
// its mean chance. In a bin that is not an atom the positives may all come first
// or last.
func (x *Expected) averagePrecision(g *grid.Grid) Value {
	rows, positives, _, pos, absence := x.ranks(g)
	if absence != nil {
		return *absence
	}
	if pos <= 0 {
		return Value{Err: NotComputable{SingleClass}}
	}
	var ap, lowest, highest, k, t float64
	for b := len(rows) - 1; b >= 0; b-- {
		n, p := rows[b], positives[b]
		if n == 0 {
			continue
		}
		q := p / n
		s := float64(q * meanPrecision(t, k, n, q))
		ap += s
		if g.IsAtom(b) {
			lowest += s
			highest += s
		} else {
			lowest += meanPrecision(t, k+n-p, p, 1)
			highest += meanPrecision(t, k, p, 1)
		}
		t += p
		k += n
	}
	ap /= pos
	return Value{Value: min(ap, 1), Bound: max(0, ap-lowest/pos, highest/pos-ap)}
}

// meanPrecision returns Σ (t+q·j)/(k+j) for j = 1 … n, where n need not be whole:
// the terms are q + (t−q·k)/(k+j), and the sum of 1/(k+j) is a difference of
// digamma functions.
func meanPrecision(t, k, n, q float64) float64 {
	if n <= 64 && n == math.Trunc(n) {
		sum := 0.0
		for j := 1.0; j <= n; j++ {
			sum += (t + float64(q*j)) / (k + j)
		}
		return sum
	}
	harmonic := mathext.Digamma(k+n+1) - mathext.Digamma(k+1)
	return float64(q*n) + float64((t-float64(q*k))*harmonic)
}
