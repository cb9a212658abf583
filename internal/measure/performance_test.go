package measure_test

import (
	"math"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/record"
)

func scored(s float64, truth bool) row {
	return row{"predictions.score": record.Num(s), "actuals.truth": record.Bool(truth)}
}

func classified(predicted, actual string) row {
	return row{"predictions.class": record.Str(predicted), "actuals.class": record.Str(actual)}
}

// Small matrices, computed by hand.
func TestPerformanceByHand(t *testing.T) {
	binary := slices.Concat( // tp 12, fp 4, fn 6, tn 18
		repeat(12, scored(0.75, true)), repeat(4, scored(0.75, false)), repeat(6, scored(0.25, true)), repeat(18, scored(0.25, false)))
	classes := slices.Concat( // a: 10 of 15 right, 5 called b; b: 9 of 10, 1 called c; c: 5 of 5
		repeat(10, classified("a", "a")), repeat(5, classified("b", "a")), repeat(9, classified("b", "b")), repeat(1, classified("c", "b")), repeat(5, classified("c", "c")))
	var numbers []row
	for i := range 32 { // errors 1 and −3 in turn, actuals 4 and 8
		numbers = append(numbers, row{"predictions.number": record.Num(5), "actuals.number": record.Num(4 + float64(4*(i%2)))})
	}
	cur := side(t, layout(t), slices.Concat(binary, classes, numbers)...)
	type p = measure.Performance
	for _, c := range []struct {
		p
		want   float64
		n      uint64
		reason string
	}{
		{p{Output: "score", Metric: "true_positives"}, 12, 40, ""},
		{p{Output: "score", Metric: "accuracy"}, 0.75, 40, ""},
		{p{Output: "score", Metric: "precision"}, 0.75, 40, ""},
		{p{Output: "score", Metric: "recall"}, 2.0 / 3, 40, ""},
		{p{Output: "score", Metric: "f1"}, 24.0 / 34, 40, ""},
		{p{Output: "score", Metric: "specificity"}, 18.0 / 22, 40, ""},
		{p{Output: "score", Metric: "roc_auc"}, (12*18 + 0.5*(12*4+6*18)) / (18 * 22), 40, ""}, // ties count half
		{p{Output: "score", Metric: "brier"}, (30*0.0625 + 10*0.5625) / 40, 40, ""},
		{p{Output: "score", Metric: "log_loss"}, -(30*math.Log(0.75) + 10*math.Log(0.25)) / 40, 40, ""},
		{p{Output: "class", Metric: "accuracy"}, 24.0 / 30, 30, ""},
		{p{Output: "class", Metric: "recall", Class: "a"}, 10.0 / 15, 30, ""},
		{p{Output: "class", Metric: "precision", Class: "b"}, 9.0 / 14, 30, ""},
		{p{Output: "class", Metric: "recall", Average: "macro"}, (10.0/15 + 9.0/10 + 1) / 3, 30, ""},
		{p{Output: "class", Metric: "recall", Average: "weighted"}, 24.0 / 30, 30, ""},
		{p{Output: "number", Metric: "mae"}, 2, 32, ""},
		{p{Output: "number", Metric: "mse"}, 5, 32, ""},
		{p{Output: "number", Metric: "rmse"}, math.Sqrt(5), 32, ""},
		{p{Output: "number", Metric: "bias"}, -1, 32, ""},
		{p{Output: "number", Metric: "r2"}, 1 - 5.0/4, 32, ""},
		{p{Output: "number", Metric: "accuracy"}, 0, 0, measure.NoMetric},
		{p{Output: "score", Metric: "mae"}, 0, 0, measure.NoMetric},
		{p{Output: "score", Metric: "nonsense"}, 0, 0, measure.NoMetric},
		{p{Output: "price", Metric: "mae"}, 0, 0, measure.NoOutput},
	} {
		v := measure.Perform(cur, c.p)
		check(t, c.Output+" "+c.Metric+c.Class+c.Average, v, c.want, c.reason)
		if c.reason == "" && v.Cur != c.n {
			t.Errorf("%s %s is about %d rows, want %d", c.Output, c.Metric, v.Cur, c.n)
		}
	}
	// Each of all the metrics is what it is when it is asked for alone.
	all := measure.Performances(cur)
	if len(all) < 60 {
		t.Errorf("%d metrics of performance", len(all))
	}
	for of, v := range all {
		if one := measure.Perform(cur, of); one.Value != v.Value || one.Reason != v.Reason || one.Cur != v.Cur {
			t.Errorf("%+v: %+v among all, %+v alone", of, v, one)
		}
	}
}

// Fewer than 30 labelled rows say nothing; while labels are on their way, what the
// others say comes with a warning.
func TestFewLabels(t *testing.T) {
	l, accuracy := layout(t), measure.Performance{Output: "score", Metric: "accuracy"}
	for n, reason := range map[int]string{0: "no_labels", 29: measure.TooFew, 30: ""} {
		v := measure.Perform(side(t, l, repeat(n, scored(0.75, true))...), accuracy)
		if v.Reason != reason || v.Cur != uint64(n) || len(v.Warnings) > 0 {
			t.Errorf("%d labels: %+v, want the reason %q", n, v, reason)
		}
	}
	v := measure.Perform(side(t, l, append(repeat(30, scored(0.75, true)), row{"predictions.score": record.Num(0.5)})...), accuracy)
	if v.Value != 1 || !slices.Equal(v.Warnings, []string{"labels_incomplete"}) {
		t.Errorf("one label is missing: %+v", v)
	}
	if v := measure.Perform(side(t, l, repeat(40, scored(0.75, true))...), measure.Performance{Output: "score", Metric: "specificity"}); v.Reason != "single_class" {
		t.Errorf("no negatives: %+v", v)
	}
}

func TestPerformancesAreOrdered(t *testing.T) {
	type p = measure.Performance
	ordered := []p{{"a", "x", "", ""}, {"a", "y", "", ""}, {"a", "y", "c", ""}, {"a", "y", "", "macro"}, {"b", "x", "", ""}}
	for i := range ordered {
		for j := range ordered {
			if got := ordered[i].Compare(ordered[j]); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%v and %v: %d", ordered[i], ordered[j], got)
			}
		}
	}
}
