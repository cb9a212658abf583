package score_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
	"pgregory.net/rapid"
)

// reason returns why a value is absent.
func reason(v score.Value) score.Reason {
	e, _ := errors.AsType[score.NotComputable](v.Err)
	return e.Reason
}

// Without labels everything is absent for that reason, on the zero value too.
func TestNothingWithoutLabels(t *testing.T) {
	g := score.ScoreGrid(nil, .5, 0)
	var b score.Binary
	var m score.Multiclass
	var r score.Regression
	sets := map[string][]score.Value{
		"binary, zero":     b.All(nil),
		"binary, empty":    score.NewBinary(g).All(g),
		"multiclass, zero": m.All(nil),
		"multiclass":       score.NewMulticlass(4).All([]string{"a", "b", "c", "other"}),
		"regression":       r.All(),
		"questions": {
			b.FBeta(2), b.BusinessValue(score.Worth{}, score.OfOne), b.PRTrapezoid(g), b.PartialAUC(g, .1),
			b.EqualMassECE(g), m.WeightedKappa(true), r.ErrorStd(0),
		},
	}
	for kind, values := range sets {
		if len(values) < 7 {
			t.Errorf("%s: only %d values", kind, len(values))
		}
		for _, v := range values {
			if reason(v) != score.NoLabels || v.Value != 0 || v.N != 0 || v.Metric == "" {
				t.Errorf("%s: %+v, want it absent: no_labels", kind, v)
			}
		}
	}
}

// The words that dashboards and rules are written with.
func TestMetricNames(t *testing.T) {
	want := map[score.Kind]string{
		score.KindBinary: "true_positives false_positives false_negatives true_negatives " +
			"accuracy precision recall f1 specificity fpr miss_rate npv balanced_accuracy jaccard mcc kappa " +
			"positive_rate predicted_positive_rate roc_auc gini ks pr_auc log_loss brier ece mce mean_score",
		score.KindMulticlass: "accuracy precision recall f1 specificity balanced_accuracy mcc kappa log_loss",
		score.KindRegression: "mae mse rmse mape wape smape msle rmsle r2 explained_variance bias error_std max_error nrmse " +
			"mean_actual mean_prediction",
	}
	names := map[score.Kind][]string{}
	seen := map[string]bool{}
	for _, m := range score.Metrics() {
		if m.Unit == "" || !strings.HasSuffix(m.Description, ".") || len(m.Kinds) == 0 || !(m.Low < m.High) || seen[m.Name] {
			t.Errorf("%+v lacks something, or is there twice", m)
		}
		seen[m.Name] = true
		for _, k := range m.Kinds {
			names[k] = append(names[k], m.Name)
		}
		if found, ok := score.Lookup(m.Name); !ok || found.Description != m.Description {
			t.Errorf("Lookup(%q) = %+v, %v", m.Name, found, ok)
		}
	}
	for k, w := range want {
		if got := strings.Join(names[k], " "); got != w {
			t.Errorf("%s metrics:\n%s, want\n%s", k, got, w)
		}
	}
	if _, ok := score.Lookup("auc"); ok {
		t.Error("Lookup finds a metric that there is not")
	}
}

// All answers for every metric of the registry, in its order, and in its range.
func TestAllFollowsTheRegistry(t *testing.T) {
	g := score.ScoreGrid([]float64{.1, .5, .9}, .5, 0)
	rapid.Check(t, func(t *rapid.T) {
		b, m, r := score.NewBinary(g), score.NewMulticlass(4), new(score.Regression)
		for _, x := range rapid.SliceOfN(rows(), 1, 30).Draw(t, "rows") {
			if x.scoreless {
				b.AddDecision(x.predicted, x.positive)
			} else {
				add(b, g, x.score, x.positive, x.predicted)
			}
			m.AddClass(int(math.Abs(math.Mod(x.score, 4))), rapid.IntRange(0, 3).Draw(t, "actual"))
			m.AddLogLoss(math.Abs(x.score))
			r.Add(x.score, finite().Draw(t, "actual"))
		}
		for kind, values := range map[score.Kind][]score.Value{
			score.KindBinary:     b.All(g),
			score.KindMulticlass: m.All([]string{"a", "b", "c", "other"}),
			score.KindRegression: r.All(),
		} {
			var got, want []string
			for _, v := range values {
				got = append(got, v.Metric)
				d, _ := score.Lookup(v.Metric)
				if _, ok := errors.AsType[score.NotComputable](v.Err); v.Err != nil && (!ok || v.Value != 0 || v.Bound != 0) {
					t.Fatalf("%+v", v)
				}
				const slack = 1e-12
				if v.Err == nil && !(v.Value >= d.Low-slack && v.Value <= d.High+slack && !math.IsInf(v.Value, 0)) {
					t.Fatalf("%s = %v, want it in [%v, %v]", v.Metric, v.Value, d.Low, d.High)
				}
				if !(v.Bound >= 0) || v.Err == nil && v.N == 0 {
					t.Fatalf("%+v", v)
				}
			}
			for _, d := range score.Metrics() {
				if d.Of(kind) {
					want = append(want, d.Name)
				}
			}
			if !slices.Equal(slices.Compact(got), want) {
				t.Fatalf("%s: %v, want %v", kind, got, want)
			}
		}
	})
}

func TestQuestionsWithoutAnAnswer(t *testing.T) {
	g := score.ScoreGrid([]float64{.1, .9}, .5, 0)
	b := scored(g, []float64{.2, .8}, func(i int) bool { return i == 1 }, .5)
	m := score.NewMulticlass(3)
	m.AddClass(0, 0)
	var r score.Regression
	r.Add(1, 2)
	for what, v := range map[string]score.Value{
		"binary mae":         b.Metric("mae", g),
		"confusion roc_auc":  b.Confusion.Metric("roc_auc"),
		"multiclass roc_auc": m.Metric("roc_auc", ""),
		"multiclass fpr":     m.Metric("fpr", "macro"),
		"average samples":    m.Metric("f1", "samples"),
		"class 3 of 3":       m.ClassMetric("f1", 3, "x"),
		"class -1":           m.ClassMetric("f1", -1, "x"),
		"accuracy of class":  m.ClassMetric("accuracy", 0, "x"),
		"regression f1":      r.Metric("f1"),
		"partial up to 0":    b.PartialAUC(g, 0),
		"partial up to 2":    b.PartialAUC(g, 2),
		"partial up to NaN":  b.PartialAUC(g, math.NaN()),
	} {
		if !errors.Is(v.Err, score.ErrMetric) || v.Metric == "" {
			t.Errorf("%s: %+v, want ErrMetric", what, v)
		}
	}
}

// Decisions without scores answer what counts decide, and say why not the rest.
func TestDecisionsWithoutScores(t *testing.T) {
	var b score.Binary
	b.AddDecision(true, true)
	b.AddDecision(false, true)
	b.AddDecision(false, false)
	for _, v := range b.All(nil) {
		switch v.Metric {
		case "roc_auc", "gini", "ks", "pr_auc", "log_loss", "brier", "ece", "mce", "mean_score":
			if reason(v) != score.NoScores {
				t.Errorf("%s: %v, want no_scores", v.Metric, v.Err)
			}
		default:
			if v.Err != nil {
				t.Errorf("%s: %v", v.Metric, v.Err)
			}
		}
	}
	// With scores but without histograms, sums answer.
	b.AddScore(.75, 3, 9, true, true)
	if v := b.Metric("brier", nil); v.Value != .0625 || v.N != 1 {
		t.Errorf("brier of one score: %+v, want .0625 of 1", v)
	}
	if v := b.Metric("roc_auc", score.ScoreGrid(nil, .5, 0)); reason(v) != score.NoScores {
		t.Errorf("roc_auc without histograms: %v", v.Err)
	}
	if v := b.Metric("accuracy", nil); v.Value != .75 || v.N != 4 {
		t.Errorf("accuracy: %+v, want .75 of 4", v)
	}
}

func TestScoresOutOfRange(t *testing.T) {
	g := score.ScoreGrid([]float64{-1, .5, 2}, 0, 0)
	b := scored(g, []float64{-3, -1, .5, 2, 4}, func(i int) bool { return i > 1 }, 0)
	if err := errors.Join(b.Pos.Check(g), b.Neg.Check(g)); err != nil || b.Pos.Upper.Value() != 4 || b.Neg.Lower.Value() != -3 {
		t.Errorf("tails %v and %v, want -3 and 4: %v", b.Neg.Lower.Value(), b.Pos.Upper.Value(), err)
	}
	if b.OutOfRange != 4 {
		t.Errorf("%d scores out of range, want 4", b.OutOfRange)
	}
	for _, v := range b.All(g) {
		switch v.Metric {
		case "log_loss", "brier", "ece", "mce":
			if reason(v) != score.ScoreOutOfRange || v.N != 5 {
				t.Errorf("%+v, want score_out_of_range of 5", v)
			}
		default:
			if v.Err != nil {
				t.Errorf("%s: %v", v.Metric, v.Err)
			}
		}
	}
	if v := b.Metric("roc_auc", g); v.Value != 1 || v.Bound != 0 {
		t.Errorf("roc_auc = %v ± %v, want 1", v.Value, v.Bound)
	}
	if v := b.EqualMassECE(g); reason(v) != score.ScoreOutOfRange {
		t.Errorf("ece of deciles: %v", v.Err)
	}
}

func TestNotFiniteIsIgnored(t *testing.T) {
	g := score.ScoreGrid([]float64{.5}, .5, 0)
	b, r := score.NewBinary(g), new(score.Regression)
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		b.AddScore(x, 0, 0, true, true)
		r.Add(x, 1)
		r.Add(1, x)
		r.Add(x, x)
	}
	if !b.Equal(score.NewBinary(g)) || !r.Equal(new(score.Regression)) {
		t.Errorf("something was counted: %d scores, %d rows", b.Scored, r.N)
	}
}

// Only grids that keep the tenths can tell the calibration.
func TestCalibrationNeedsItsBins(t *testing.T) {
	g := grid.Build([]float64{.1, .2, .3}, grid.Options{NoEqualWidth: true})
	b := scored(g, []float64{.1, .2}, func(i int) bool { return i == 0 }, .5)
	for _, name := range []string{"ece", "mce"} {
		if v := b.Metric(name, g); reason(v) != score.BinsNotKept {
			t.Errorf("%s: %v, want bins_not_kept", name, v.Err)
		}
	}
	if v := b.Metric("roc_auc", score.ScoreGrid(nil, .5, 0)); reason(v) != score.BinsNotKept {
		t.Errorf("roc_auc on a grid of other bins: %v", v.Err)
	}
	if v := b.EqualMassECE(score.ScoreGrid(nil, .5, 0)); reason(v) != score.BinsNotKept {
		t.Errorf("ece of deciles on a grid of other bins: %v", v.Err)
	}
	bare := score.ScoreGrid(nil, .5, 0)
	if v := scored(bare, []float64{.1}, func(int) bool { return true }, .5).EqualMassECE(bare); reason(v) != score.BinsNotKept {
		t.Errorf("ece of deciles without deciles: %v", v.Err)
	}
}

func TestMergeRefusesOtherShapes(t *testing.T) {
	g, other := score.ScoreGrid(nil, .5, 0), score.ScoreGrid(nil, .55, 0)
	b := scored(g, []float64{.2}, func(int) bool { return true }, .5)
	scoreless, bare := scored(other, []float64{.2}, func(int) bool { return true }, .5), new(score.Binary)
	bare.AddScore(.5, 0, 0, true, true)
	for what, o := range map[string]*score.Binary{"another grid": scoreless, "no histograms": bare} {
		kept := scored(g, []float64{.2}, func(int) bool { return true }, .5)
		if err := kept.Merge(o); !errors.Is(err, score.ErrMerge) || !kept.Equal(b) {
			t.Errorf("%s: %v, and the receiver is unchanged: %v", what, err, kept.Equal(b))
		}
		if err := o.Merge(kept); !errors.Is(err, score.ErrMerge) {
			t.Errorf("the other way, %s: %v", what, err)
		}
	}
	m, wide := score.NewMulticlass(2), score.NewMulticlass(3)
	if err := m.Merge(wide); !errors.Is(err, score.ErrMerge) || m.Len() != 2 {
		t.Errorf("other classes: %v", err)
	}

	scoreless.Regrid(other, g)
	if err := scoreless.Merge(b); err != nil || scoreless.Pos.Total() != 2 {
		t.Errorf("after Regrid: %v, %d scores", err, scoreless.Pos.Total())
	}
}

// Regrid keeps the rows, and what both grids have edges for.
func TestRegridKeepsWhatEdgesKeep(t *testing.T) {
	scores := make([]float64, 500)
	for i := range scores {
		scores[i] = math.Mod(float64(i)*.6180339887498949, 1)
	}
	from, to := score.ScoreGrid(scores, .5, 0), score.ScoreGrid(scores[:40], .5, 0)
	positive := func(i int) bool { return i%3 == 0 }
	b := scored(from, scores, positive, .5)
	before := b.Metric("ece", from)
	b.Regrid(from, to)
	after := b.Metric("ece", to)
	if b.Pos.Total()+b.Neg.Total() != 500 || math.Abs(after.Value-before.Value) > .01 {
		t.Errorf("%d scores, ece %v, want 500 and about %v", b.Pos.Total()+b.Neg.Total(), after.Value, before.Value)
	}
	direct := scored(to, scores, positive, .5).Metric("roc_auc", to)
	if v := b.Metric("roc_auc", to); math.Abs(v.Value-direct.Value) > v.Bound+direct.Bound {
		t.Errorf("roc_auc %v ± %v, counted there %v", v.Value, v.Bound, direct.Value)
	}
}

// Differences of products of counts cancel; they are right for any counts.
func TestHugeCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1<<60)
		c := score.Confusion{TP: n.Draw(t, "tp"), FP: n.Draw(t, "fp"), FN: n.Draw(t, "fn"), TN: n.Draw(t, "tn")}
		if rapid.Bool().Draw(t, "independent") { // so nearly that float64 sees no difference
			c.FP, c.TN = c.TP, c.FN+rapid.Uint64Range(0, 3).Draw(t, "more")
		}
		mul := func(a, b uint64) *big.Float {
			return new(big.Float).SetPrec(300).SetInt(new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b)))
		}
		det := new(big.Float).SetPrec(300).Sub(mul(c.TP, c.TN), mul(c.FP, c.FN))
		d := new(big.Float).SetPrec(300).Add(mul(c.TP+c.FP, c.FP+c.TN), mul(c.TP+c.FN, c.FN+c.TN))
		kappa, _ := new(big.Float).SetPrec(300).Quo(new(big.Float).SetPrec(300).Add(det, det), d).Float64()
		root := new(big.Float).SetPrec(300).Mul(mul(c.TP+c.FP, c.TP+c.FN), mul(c.TN+c.FP, c.TN+c.FN))
		mcc, _ := new(big.Float).SetPrec(300).Quo(det, root.Sqrt(root)).Float64()
		m := score.NewMulticlass(3) // two of which occur
		m.Matrix = []uint64{c.TP, c.FN, 0, c.FP, c.TN, 0, 0, 0, 0}
		for name, w := range map[string]float64{"kappa": kappa, "mcc": mcc} {
			for kind, v := range map[string]score.Value{"binary": c.Metric(name), "multiclass": m.Metric(name, "")} {
				if v.Err != nil || math.Abs(v.Value-w) > 1e-14*math.Abs(w) {
					t.Fatalf("%s %s = %v (%v), want %v", kind, name, v.Value, v.Err, w)
				}
			}
		}
	})
}

// Rows of classes beyond the list are right only if the classes are the same.
func TestOtherClasses(t *testing.T) {
	list := score.NewClasses(map[string]uint64{"a": 5, "b": 9, "c": 9, "d": 1, "": 100, "other": 50}, 3)
	if got := list.Names(); !slices.Equal(got, []string{"a", "b", "c", "other"}) {
		t.Fatalf("classes %v, want the three most frequent and other", got)
	}
	if list.Index("d") != list.Other() || list.Index("unheard of") != 3 || list.Index("b") != 1 || list.Len() != 4 {
		t.Errorf("d is %d, unheard of is %d, b is %d of %d", list.Index("d"), list.Index("unheard of"), list.Index("b"), list.Len())
	}
	if again := score.ClassesOf(list.Names()); !slices.Equal(again.Names(), list.Names()) {
		t.Errorf("from its own names: %v", again.Names())
	}
	m := score.NewMulticlass(list.Len())
	m.AddClass(0, 0)
	m.AddOther(true)
	m.AddOther(false) // predicted e, was d
	m.AddClass(3, 1)
	for name, w := range map[string]float64{"accuracy": .5, "precision": .5} { // micro
		v := m.Metric(name, score.Micro)
		if v.Value != w {
			t.Errorf("%s = %v, want %v", name, v.Value, w)
		}
	}
	v := m.Metric("recall", score.Macro) // 1, 0 and 1: beyond the list, classes are one
	if math.Abs(v.Value-2./3) > 1e-15 || !slices.Contains(v.Warnings, score.Warning{Kind: score.WarnOtherClass, Have: 3}) {
		t.Errorf("recall = %+v, want 2/3 and a warning about 3 rows", v)
	}
	if v := m.ClassMetric("recall", 0, "a"); v.Value != 1 || len(v.Warnings) != 0 || v.Class != "a" {
		t.Errorf("recall of a = %+v", v)
	}
	if v := m.ClassMetric("precision", 3, "other"); len(v.Warnings) != 1 {
		t.Errorf("precision of other = %+v, want it marked", v)
	}
	if v := m.WeightedKappa(false); v.N != 1 {
		t.Errorf("weighted kappa of %d rows, want the 1 on the list", v.N)
	}
	if c, want := m.Confusion(1), (score.Confusion{FN: 1, TN: 3}); c != want {
		t.Errorf("b against the rest: %+v, want %+v", c, want)
	}
	if v, macro := m.Metric("f1", ""), m.Metric("f1", score.Macro); v.Value != macro.Value || v.Average != score.Macro {
		t.Errorf("without a word the average is %+v, want %+v", v, macro)
	}
	var zero score.Multiclass
	zero.AddOther(true)
	zero.AddClass(0, 0)
	if zero.N() != 0 {
		t.Error("rows were counted without a list")
	}
	m.AddClass(4, 0) // mistakes
	m.AddClass(0, -1)
	if m.N() != 4 {
		t.Errorf("%d rows, want 4", m.N())
	}
	many := map[string]uint64{}
	for i := range 60 {
		many[string(rune('A'+i))] = 1
	}
	if n := score.NewClasses(many, 0).Len(); n != score.DefaultClasses+1 {
		t.Errorf("%d classes by default, want %d and other", n, score.DefaultClasses)
	}
}

func TestProbability(t *testing.T) {
	for _, c := range []struct {
		row    []float64
		actual int
		want   float64
	}{
		{[]float64{.2, .3, .5}, 1, .3},
		{[]float64{1, 1, 2}, 1, math.NaN()},
		{[]float64{.5, 1, .5}, 1, .5}, // does not add up to 1
		{[]float64{0, 1}, 0, 1e-15},
		{[]float64{0, 0}, 0, .5},
		{[]float64{.5, math.NaN()}, 0, math.NaN()},
		{[]float64{.5, -.1}, 0, math.NaN()},
		{[]float64{.5, .5}, 2, math.NaN()}, // a class without a probability
		{nil, 0, math.NaN()},
	} {
		got := score.Probability(c.row, c.actual)
		if math.IsNaN(got) != math.IsNaN(c.want) || math.Abs(got-c.want) > 1e-15 {
			t.Errorf("Probability(%v, %d) = %v, want %v", c.row, c.actual, got, c.want)
		}
	}
	m := score.NewMulticlass(3)
	m.AddClass(0, 0)
	m.AddLogLoss(.5)
	if v := m.Metric("log_loss", ""); math.Abs(v.Value-math.Ln2) > 1e-15 {
		t.Errorf("log_loss = %v, want ln 2", v.Value)
	}
	m.AddLogLoss(math.NaN())
	if v := m.Metric("log_loss", ""); reason(v) != score.ScoreOutOfRange || v.N != 2 {
		t.Errorf("log_loss = %+v, want score_out_of_range of 2", v)
	}
}

func TestZeroDivision(t *testing.T) {
	c := score.Confusion{FN: 2, TN: 3}
	v := c.Metric("precision").OrZeroDivision(1)
	if v.Err != nil || v.Value != 1 || !slices.Equal(v.Warnings, []score.Warning{{Kind: score.WarnZeroDivided}}) {
		t.Errorf("precision with zero_division 1: %+v", v)
	}
	if v := c.Metric("recall").OrZeroDivision(1); v.Value != 0 || v.Err != nil || len(v.Warnings) != 0 {
		t.Errorf("recall is defined: %+v", v)
	}
	if v := (score.Confusion{}).Metric("precision").OrZeroDivision(1); reason(v) != score.NoLabels {
		t.Errorf("without labels: %+v", v)
	}
}

func TestBusinessValue(t *testing.T) {
	c, w := score.Confusion{TP: 3, FP: 1, FN: 2, TN: 4}, score.Worth{TP: 10, FP: -4, FN: -5, TN: 1}
	for of, want := range map[score.Share]float64{score.OfAll: 20, score.OfOne: 2, score.OfEachPredicted: 26./4 - 1} {
		if v := c.BusinessValue(w, of); v.Value != want || v.N != 10 || v.Metric != "business_value" {
			t.Errorf("%v: %+v, want %v of 10", of, v, want)
		}
	}
	if v := (score.Confusion{TP: 3}).BusinessValue(w, score.OfEachPredicted); reason(v) != score.NoPredictedNegative {
		t.Errorf("%+v", v)
	}
	if v := (score.Confusion{FN: 3}).BusinessValue(w, score.OfEachPredicted); reason(v) != score.NoPredictedPositive {
		t.Errorf("%+v", v)
	}
	if v := c.BusinessValue(score.Worth{TP: math.MaxFloat64}, score.OfAll); reason(v) != score.NotFinite {
		t.Errorf("%+v", v)
	}
}

// Every warning and reason has a sentence, and every left-out row is told.
func TestWarningsOfRegression(t *testing.T) {
	var r score.Regression
	r.Add(1, 0)
	r.Add(2, 1)
	r.Add(-3, 4)
	if v := r.Metric("mape"); v.N != 2 || !slices.Equal(v.Warnings, []score.Warning{{Kind: score.WarnZeroTarget, Have: 1}}) {
		t.Errorf("mape %+v, want 2 rows and one left out", v)
	}
	if v := r.Metric("rmsle"); v.N != 2 || !slices.Equal(v.Warnings, []score.Warning{{Kind: score.WarnOutOfDomain, Have: 1}}) {
		t.Errorf("rmsle %+v, want 2 rows and one left out", v)
	}
	for _, w := range []score.Word{score.WarnSingleClass, score.WarnZeroTarget, score.WarnOutOfDomain, score.WarnUndefined,
		score.WarnOtherClass, score.WarnZeroDivided} {
		if warning := (score.Warning{Kind: w}); warning.Word() != string(w) || !strings.Contains(warning.String(), " ") {
			t.Errorf("%s has no sentence: %q", w, warning)
		}
	}
	for _, r := range []score.Reason{score.NoLabels, score.InsufficientData, score.SingleClass, score.NoPredictedPositive,
		score.NoPredictedNegative, score.NoScores, score.ScoreOutOfRange, score.BinsNotKept, score.ZeroTarget,
		score.ConstantTarget, score.NotInDomain, score.NotFinite} {
		if text := (score.NotComputable{Reason: r}).Error(); !strings.Contains(text, " ") || strings.Contains(text, string(r)) {
			t.Errorf("%s has no sentence: %q", r, text)
		}
	}
}

func TestScoreGrid(t *testing.T) {
	scores := make([]float64, 20000)
	for i := range scores {
		scores[i] = math.Mod(float64(i)*.6180339887498949, 1)
		switch {
		case i%50 == 0:
			scores[i] = .123456 // 2 % of the mass
		case i%400 == 1:
			scores[i] = .654321 // ¼ %: an atom of 1000 bins, not of 200
		}
	}
	kept := slices.Clone(scores)
	for _, c := range []struct{ n, bins, least, most int }{
		{20000, 0, 200, 215},
		{20000, score.PRBins, 970, 1025}, // twenty of the quantiles are the atom
		{9999, score.PRBins, 480, 620},
		{4999, score.PRBins, 200, 215},
		{1500, 0, 100, 115},
		{0, 0, 13, 13},
	} {
		g := score.ScoreGrid(scores[:c.n], .37, c.bins)
		if g.Bins() < c.least || g.Bins() > c.most {
			t.Errorf("%d scores make %d bins of %d, want %d to %d", c.n, g.Bins(), c.bins, c.least, c.most)
		}
		below := func(x float64) int { return g.Find(math.Nextafter(x, -1)) }
		for _, open := range []float64{0, .1, .2, .3, .37, .4, .5, .6, .7, .8, .9} {
			if below(open) == g.Find(open) {
				t.Errorf("%d scores: %v shares a bin with what is below it", c.n, open)
			}
		}
		if g.Find(1) == g.Find(math.Nextafter(1, 2)) || below(1) != g.Find(1) {
			t.Errorf("%d scores: the last bin up to 1 is not closed", c.n)
		}
		if c.n > 0 && !g.IsAtom(g.Find(.123456)) {
			t.Errorf("%d scores: a score of 2 %% is no atom", c.n)
		}
		if fine := c.n >= 5000 && c.bins == score.PRBins; g.IsAtom(g.Find(.654321)) != fine {
			t.Errorf("%d scores, %d bins: a score of ¼ %% is an atom: %v", c.n, c.bins, !fine)
		}
		if c.n >= 10000 {
			h := g.NewHist()
			for _, s := range scores[:c.n] {
				bin := g.Find(s)
				h.Add(g, bin, s)
			}
			for bin, n := range h.Counts {
				if !g.IsAtom(bin) && n > uint64(c.n/max(c.bins, 200)+c.n/400) {
					t.Errorf("bin %d of %d holds %d of %d scores", bin, g.Bins(), n, c.n)
				}
			}
		}
	}
	if !slices.Equal(scores, kept) {
		t.Error("ScoreGrid changed its argument")
	}
	few := score.ScoreGrid([]float64{.91, .2, math.NaN(), math.Inf(1)}, math.Inf(1), 0)
	if !few.IsAtom(few.Find(.2)) || !few.IsAtom(few.Find(.91)) {
		t.Error("few scores are not atoms")
	}
	if g := score.ScoreGrid(scores, .37, 1<<40); g.Bins() > 1025 {
		t.Errorf("%d bins, want at most about 1000", g.Bins())
	}
}
