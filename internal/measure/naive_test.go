package measure_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/expr"
)

// naive answers a call from the rows themselves, by definitions that are written
// down again here.
func naive(c *expr.Call, rows []raw) float64 {
	name := c.Function.Name
	labels := c.Function.Subject == expr.OfOutput || c.Mentions("actuals")
	var all, labelled []raw
	for _, r := range rows {
		if c.Filter != nil && meets(c.Filter, r) != 1 {
			continue
		}
		_, a := r["actuals.fraud"]
		_, b := r["actuals.price"]
		_, d := r["actuals.fruit"]
		if a || b || d {
			labelled = append(labelled, r)
		}
		all = append(all, r)
	}
	if labels {
		all = labelled
	}
	n := float64(len(all))
	switch name {
	case "prediction_count":
		return n
	case "actuals_count":
		return float64(len(labelled))
	case "actuals_ratio":
		return float64(len(labelled)) / n
	}
	if c.Function.Subject == expr.OfOutput {
		return naiveOutput(c, all)
	}
	field := c.Field.Group + "." + c.Field.Name
	var xs []float64
	distinct := map[any]bool{}
	equal, missing := 0.0, 0.0
	for _, r := range all {
		v, ok := r[field]
		if !ok {
			if c.Field.Group != "actuals" {
				missing++
			}
			continue
		}
		distinct[v] = true
		if x, ok := v.(float64); ok {
			xs = append(xs, x)
		}
		if c.Value != nil && (v == any(c.Value.Text) || v == any(c.Value.Num)) {
			equal++
		}
	}
	if c.Field.Group == "actuals" {
		n = float64(len(xs))
	}
	sum, square, absolute := 0.0, 0.0, 0.0
	for _, x := range xs {
		sum += x
		square += x * x
		absolute += math.Abs(x)
	}
	k := float64(len(xs))
	spread := 0.0
	for _, x := range xs {
		spread += (x - sum/k) * (x - sum/k)
	}
	slices.Sort(xs)
	switch name {
	case "sum":
		return sum
	case "absolute_sum":
		return absolute
	case "squared_sum":
		return square
	case "squared_deviation_sum":
		if k == 0 {
			return math.NaN()
		}
		return spread
	case "mean":
		return sum / k
	case "median":
		if k == 0 {
			return math.NaN()
		}
		return (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
	case "min":
		return slices.Min(append(xs, math.Inf(1)))
	case "max":
		return slices.Max(append(xs, math.Inf(-1)))
	case "std":
		return math.Sqrt(spread / k)
	case "variance":
		if k < 2 {
			return math.NaN()
		}
		return spread / (k - 1)
	case "unique_count":
		return float64(len(distinct))
	case "missing_count":
		return missing
	case "missing_ratio":
		return missing / n
	case "not_missing_count":
		return n - missing
	case "value_count":
		return equal
	case "value_percentage":
		return 100 * equal / n
	}
	return math.NaN()
}

func naiveOutput(c *expr.Call, rows []raw) float64 {
	p, a := "predictions."+c.Field.Name, "actuals."+c.Label.Name
	type pair struct{ p, a any }
	var pairs []pair
	for _, r := range rows {
		if v, ok := r[a]; ok {
			pairs = append(pairs, pair{r[p], v})
		}
	}
	n := float64(len(pairs))
	if c.Field.Name == "price" {
		e1, e2, rel, y := 0.0, 0.0, 0.0, 0.0
		for _, q := range pairs {
			e := q.p.(float64) - q.a.(float64)
			e1 += math.Abs(e)
			e2 += e * e
			rel += math.Abs(e) / math.Abs(q.a.(float64))
			y += math.Abs(q.a.(float64))
		}
		return map[string]float64{"mae": e1 / n, "mse": e2 / n, "rmse": math.Sqrt(e2 / n), "mape": rel / n, "wape": e1 / y, "absolute_error_sum": e1, "squared_error_sum": e2}[c.Function.Name]
	}
	// confusion of one class against the rest
	confusion := func(predicted, actual func(any) bool) (tp, fp, fn, tn float64) {
		for _, q := range pairs {
			switch x, y := predicted(q.p), actual(q.a); {
			case x && y:
				tp++
			case x:
				fp++
			case y:
				fn++
			default:
				tn++
			}
		}
		return tp, fp, fn, tn
	}
	if c.Field.Name == "fruit" {
		is := func(class string) func(any) bool { return func(v any) bool { return v == any(class) } }
		if c.Class != nil {
			tp, fp, fn, tn := confusion(is(c.Class.Text), is(c.Class.Text))
			return map[string]float64{"tp_per_class": tp, "fp_per_class": fp, "fn_per_class": fn, "tn_per_class": tn, "accuracy_per_class": (tp + tn) / n,
				"precision_per_class": tp / (tp + fp), "recall_per_class": tp / (tp + fn), "f1_per_class": 2 * tp / (2*tp + fp + fn)}[c.Function.Name]
		}
		right, macro, weighted, k := 0.0, 0.0, 0.0, 0.0
		for _, class := range []string{"apple", "fig", "pear"} {
			tp, fp, fn, _ := confusion(is(class), is(class))
			right += tp
			if tp+fp+fn == 0 {
				continue // the class does not occur
			}
			v := map[string]float64{"precision": tp / (tp + fp), "recall": tp / (tp + fn), "f1": 2 * tp / (2*tp + fp + fn)}[c.Function.Name]
			if math.IsNaN(v) {
				v = 0 // as scikit-learn's zero_division
			}
			macro, weighted, k = macro+v, weighted+v*(tp+fn)/n, k+1
		}
		switch {
		case c.Function.Name == "accuracy" || c.Average == "micro":
			return right / n
		case c.Average == "weighted":
			return weighted
		}
		return macro / k
	}
	cut := 0.5
	if c.Cut != nil {
		cut = *c.Cut
	}
	tp, fp, fn, tn := confusion(func(v any) bool { return v.(float64) >= cut }, func(v any) bool { return v.(bool) })
	switch c.Function.Name {
	case "auc_roc":
		wins, of := 0.0, 0.0
		for _, q := range pairs {
			for _, o := range pairs {
				if q.a.(bool) && !o.a.(bool) {
					of++
					switch x, y := q.p.(float64), o.p.(float64); {
					case x > y:
						wins++
					case x == y:
						wins += 0.5
					}
				}
			}
		}
		return wins / of
	case "logloss":
		loss := 0.0
		for _, q := range pairs {
			x := min(max(q.p.(float64), 1e-15), 1-1e-15)
			if !q.a.(bool) {
				x = 1 - x
			}
			loss -= math.Log(x)
		}
		return loss / n
	}
	return map[string]float64{"tp_count": tp, "fp_count": fp, "fn_count": fn, "tn_count": tn, "accuracy": (tp + tn) / n, "precision": tp / (tp + fp),
		"recall": tp / (tp + fn), "f1": 2 * tp / (2*tp + fp + fn), "fp_rate": fp / (fp + tn), "miss_rate": fn / (fn + tp), "specificity": tn / (tn + fp)}[c.Function.Name]
}

// meets judges a condition by the logic of SQL: 1 true, 0 unknown, -1 false.
func meets(n expr.Node, r raw) int {
	known := func(b bool) int {
		if b {
			return 1
		}
		return -1
	}
	value := func(n expr.Node) any {
		switch n := n.(type) {
		case expr.Field:
			return r[n.Group+"."+n.Name]
		case expr.Literal:
			return map[expr.Kind]any{expr.Number: n.Num, expr.Text: n.Text, expr.Boolean: n.Bool}[n.Kind]
		}
		return nil
	}
	switch n := n.(type) {
	case expr.And:
		least := 1
		for _, t := range n.Terms {
			least = min(least, meets(t, r))
		}
		return least
	case expr.Or:
		most := -1
		for _, t := range n.Terms {
			most = max(most, meets(t, r))
		}
		return most
	case expr.Not:
		return -meets(n.Term, r)
	case expr.Field:
		return meets(expr.Compare{Op: expr.Equal, Left: n, Right: expr.Literal{Kind: expr.Boolean, Bool: true}}, r)
	case expr.Compare:
		a, b := value(n.Left), value(n.Right)
		if a == nil || b == nil {
			return 0
		}
		x, _ := a.(float64)
		y, _ := b.(float64)
		return known(map[expr.Op]bool{expr.Equal: a == b, expr.NotEqual: a != b, expr.Less: x < y, expr.LessEqual: x <= y, expr.Greater: x > y, expr.GreaterEqual: x >= y}[n.Op])
	}
	panic(fmt.Sprintf("%T", n))
}
