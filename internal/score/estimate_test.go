package score_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

type guessed struct {
	score, q  float64
	predicted bool
	state     int // 0 unusable, 1 out of range, else fine
}

func TestEstimateLaws(t *testing.T) {
	g := score.ScoreGrid([]float64{.05, .2, .21, .4, .45, .6, .62, .9, .99}, .5, 0)
	monoid[*score.Estimate, guessed]{
		empty: func() *score.Estimate { return score.NewEstimate(g, nil) },
		row: rapid.Custom(func(t *rapid.T) guessed {
			return guessed{
				score:     finite().Draw(t, "score"),
				q:         rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, 1, .5, 1e-300})).Draw(t, "q"),
				predicted: rapid.Bool().Draw(t, "predicted"), state: rapid.IntRange(0, 9).Draw(t, "state"),
			}
		}),
		add: func(e *score.Estimate, r guessed) {
			if r.state == 0 {
				e.Unusable++
				return
			}
			e.Rows++
			if r.state == 1 {
				e.OutOfRange++
			}
			e.Classes[0].Add(r.predicted, score.ChanceOf(r.q), int32(g.Find(r.score)))
			e.Classes[1].Add(!r.predicted, score.ChanceOf(1-r.q), 0)
			if err := e.Check(); err != nil {
				t.Fatal(err)
			}
		},
		merge: (*score.Estimate).Merge,
		same:  (*score.Estimate).Equal,
	}.laws(t)
}

func TestEstimatesOfOtherShapesDoNotMerge(t *testing.T) {
	g, h := score.ScoreGrid(nil, .5, 0), score.ScoreGrid(nil, .25, 0)
	e := estimate(new(score.Calibrator), g, []float64{.2, .7}, .5)
	for _, o := range []*score.Estimate{score.NewEstimate(), score.NewEstimate(nil), score.NewEstimate(h), score.NewEstimate(g, g)} {
		o.Rows = 5
		if err := e.Merge(o); !errors.Is(err, score.ErrMerge) || e.Rows != 2 {
			t.Errorf("merged: %v, %d rows", err, e.Rows)
		}
	}
}

// Masses do not lose small chances beside large ones, nor overflow.
func TestMass(t *testing.T) {
	var m score.Mass
	for range 9 {
		m.Add(score.Certain)
	}
	for range 1000 {
		m.Add(score.ChanceOf(1e-12))
	}
	if got, want := m.Float(), 9+1e-9; math.Abs(got-want) > 1e-15 {
		t.Errorf("%v, want %v", got, want)
	}
	if !m.AtMost(1009) || m.AtMost(9) || !(score.Mass{}).AtMost(0) {
		t.Error("AtMost")
	}
	if c := score.ChanceOf(1); c != score.Certain || score.ChanceOf(0) != 0 {
		t.Errorf("chance %d of 1", c)
	}
}

// What cannot be expected is absent with its reason, never 0 or NaN.
func TestEstimatesOfNothing(t *testing.T) {
	g := score.ScoreGrid([]float64{.1, .4, .8}, .5, 0)
	always := func(p float64) *score.Calibrator {
		c, ok := score.CalibratorOf([]float64{0}, []float64{p})
		if !ok {
			t.Fatal(p)
		}
		return c
	}
	scores, low := []float64{.1, .4, .8}, []float64{.1, .4}
	for name, c := range map[string]struct {
		e    *score.Estimate
		want map[string]score.Reason
	}{
		"no rows": {score.NewEstimate(g), map[string]score.Reason{
			"true_positives": score.NoScores, "accuracy": score.NoScores, "precision": score.NoScores, "recall": score.NoScores,
			"f1": score.NoScores, "specificity": score.NoScores, "positive_rate": score.NoScores, "roc_auc": score.NoScores, "pr_auc": score.NoScores,
		}},
		"none is positive": {estimate(always(0), g, scores, .5), map[string]score.Reason{
			"accuracy": "", "precision": "", "recall": score.SingleClass, "f1": "", "specificity": "", "positive_rate": "",
			"roc_auc": score.SingleClass, "pr_auc": score.SingleClass,
		}},
		"all are positive": {estimate(always(1), g, scores, .5), map[string]score.Reason{
			"precision": "", "recall": "", "specificity": score.SingleClass, "roc_auc": score.SingleClass, "pr_auc": "",
		}},
		"none is predicted": {estimate(always(.5), g, low, .5), map[string]score.Reason{
			"precision": score.NoPredictedPositive, "recall": "", "f1": "", "true_positives": "", "roc_auc": "",
		}},
		"none is predicted or positive": {estimate(always(0), g, low, .5), map[string]score.Reason{"f1": score.SingleClass, "specificity": ""}},
		"no ranks":                      {estimateOf(always(.5), scores, .5), map[string]score.Reason{"roc_auc": score.NoScores, "pr_auc": score.NoScores, "f1": ""}},
	} {
		for metric, want := range c.want {
			v := c.e.Binary(metric, g)
			if want != "" {
				n, ok := errors.AsType[score.NotComputable](v.Err)
				if !ok || n.Reason != want || v.Value != 0 {
					t.Errorf("%s: %s is %v (%v), want it absent: %s", name, metric, v.Value, v.Err, want)
				}
			} else if v.Err != nil || math.IsNaN(v.Value) {
				t.Errorf("%s: %s is %v (%v)", name, metric, v.Value, v.Err)
			}
		}
	}
	e := estimate(always(.5), g, scores, .5)
	if v := e.Binary("pr_auc", score.ScoreGrid(nil, .25, 0)); !errors.Is(v.Err, score.NotComputable{Reason: score.BinsNotKept}) {
		t.Errorf("on another grid: %v", v.Err)
	}
	for _, v := range []score.Value{e.Binary("mae", g), e.Binary("log_loss", g), e.Multiclass("pr_auc", nil), e.Multiclass("nothing", nil), e.Class("accuracy", 0, "x", nil), e.Class("recall", 7, "x", nil)} {
		if !errors.Is(v.Err, score.ErrMetric) {
			t.Errorf("%s: %v", v.Metric, v.Err)
		}
	}
	e.OutOfRange = 1
	if v := e.Binary("recall", g); len(v.Warnings) != 1 || v.Warnings[0].Word() != "score_out_of_range" {
		t.Errorf("warnings %v", v.Warnings)
	}
}

// estimateOf keeps no ranks.
func estimateOf(c *score.Calibrator, scores []float64, threshold float64) *score.Estimate {
	e := score.NewEstimate(nil)
	for _, s := range scores {
		e.Rows++
		e.Classes[0].Add(s >= threshold, score.ChanceOf(c.Probability(s)), 0)
	}
	return e
}

// A class that is neither predicted nor expected is left out of the mean; one that
// is never predicted counts as 0.
func TestEstimatedClassesThatDoNotOccur(t *testing.T) {
	e := score.NewEstimate(nil, nil, nil, nil)
	for range 10 {
		e.Rows++
		e.Classes[0].Add(true, score.ChanceOf(.75), 0)
		e.Classes[1].Add(false, score.ChanceOf(.25), 0)
		e.Classes[2].Add(false, 0, 0)
		e.Classes[3].Add(false, 0, 0)
	}
	if v := e.Multiclass("accuracy", nil); v.Value != .75 || v.N != 10 {
		t.Errorf("accuracy %v of %d", v.Value, v.N)
	}
	v := e.Multiclass("precision", nil)
	if v.Value != .375 || len(v.Warnings) != 1 || v.Warnings[0] != (score.Warning{Kind: score.WarnUndefined, Have: 1}) || v.Average != score.Macro {
		t.Errorf("precision %+v", v)
	}
	if v := e.Multiclass("recall", nil); v.Value != .5 {
		t.Errorf("recall %v", v.Value)
	}
	if e.Occurs(2) || !e.Occurs(1) {
		t.Error("Occurs")
	}
	if v := e.Multiclass("roc_auc", make([]*grid.Grid, 4)); !errors.Is(v.Err, score.NotComputable{Reason: score.NoScores}) {
		t.Errorf("roc_auc %v", v.Err)
	}
}

// Rows that the calibration was fitted to are expected to be what they are: the
// sum of positives among those that share a probability is their number.
func TestEstimatesOfTheReferenceItself(t *testing.T) {
	rows := simulated(4000, 9, func(s float64) float64 { return s * s })
	fit := score.Calibrate(rows)
	scores := make([]float64, len(rows))
	positives := 0.0
	for i, r := range rows {
		scores[i] = r.Score
		if r.Positive {
			positives++
		}
	}
	g := score.ScoreGrid(scores, .5, 0)
	e := estimate(fit, g, scores, .5)
	if v := e.Binary("positive_rate", g); math.Abs(v.Value*4000-positives) > 1e-9 {
		t.Errorf("%v positives are expected, %v are there", v.Value*4000, positives)
	}
	b := score.NewBinary(g)
	for _, r := range rows {
		add(b, g, r.Score, r.Positive, r.Score >= .5)
	}
	for _, metric := range []string{"accuracy", "precision", "recall", "f1", "specificity", "roc_auc", "pr_auc"} {
		was, sd := b.Metric(metric, g), 0.0
		sd, _ = b.SamplingError(metric, g, 4000)
		if v := e.Binary(metric, g); math.Abs(v.Value-was.Value) > 3*sd+v.Bound+was.Bound {
			t.Errorf("%s is expected to be %v, is %v ± %v", metric, v.Value, was.Value, sd)
		}
	}
}

// Of sums of errors the sampling error is how much samples differ, too; of what is
// made of squares it is not known.
func TestSamplingErrorsOfNumbers(t *testing.T) {
	const rows, samples = 100, 2000
	rng := rand.New(rand.NewPCG(5, 1))
	var ref score.Regression
	draw := func(into *score.Regression, n int) {
		for range n {
			y := 10 * rng.ExpFloat64()
			into.Add(y+rng.NormFloat64()*(1+y/5)+.5, y)
		}
	}
	draw(&ref, 20_000)
	for _, m := range []string{"mae", "bias", "mean_actual"} {
		var sum, square float64
		for range samples {
			var s score.Regression
			draw(&s, rows)
			v := s.Metric(m).Value
			sum, square = sum+v, square+v*v
		}
		found := math.Sqrt(square/samples - (sum/samples)*(sum/samples))
		if got, ok := ref.SamplingError(m, rows); !ok || got < .9*found || got > 1.1*found {
			t.Errorf("%s: %v, samples differ by %v", m, got, found)
		}
	}
	for _, m := range []string{"rmse", "r2", "nothing"} {
		if sd, ok := ref.SamplingError(m, rows); ok {
			t.Errorf("%s has the sampling error %v", m, sd)
		}
	}
	if _, ok := ref.SamplingError("mae", 0); ok {
		t.Error("of no rows")
	}
	if _, ok := new(score.Regression).SamplingError("mae", rows); ok {
		t.Error("of nothing")
	}
	huge := ref
	huge.Add(1e300, -1e300)
	if sd, ok := huge.SamplingError("mae", rows); ok {
		t.Errorf("errors beyond float64: %v", sd)
	}
}

// Metrics that are listed have a sampling error of some kind of output.
func TestSampled(t *testing.T) {
	g := score.ScoreGrid([]float64{.1, .3, .5, .7, .9}, .5, 0)
	b, r := score.NewBinary(g), new(score.Regression)
	for i := range 100 {
		s := float64(i%10) / 10
		add(b, g, s, i%3 == 0, s >= .5)
		r.Add(float64(i%7), float64(i%5))
	}
	for _, name := range score.Sampled() {
		_, binary := b.StandardError(name, g, 10)
		_, number := r.SamplingError(name, 10)
		if _, ok := score.Lookup(name); !ok || !binary && !number {
			t.Errorf("%s has none", name)
		}
	}
}

// The sampling error is how much samples differ.
func TestSamplingErrors(t *testing.T) {
	const rows, samples = 400, 600
	pool := simulated(20_000, 11, func(s float64) float64 { return .2 + .7*s*s })
	scores := make([]float64, len(pool))
	for i, r := range pool {
		scores[i] = r.Score
	}
	g := score.ScoreGrid(scores, .5, score.PRBins)
	sample := func(n int, pick func(i int) score.Labelled) *score.Binary {
		b := score.NewBinary(g)
		for i := range n {
			r := pick(i)
			add(b, g, r.Score, r.Positive, r.Score >= .5)
		}
		return b
	}
	ref := sample(len(pool), func(i int) score.Labelled { return pool[i] })
	rng := rand.New(rand.NewPCG(12, 1))
	metrics := []string{"true_positives", "false_negatives", "accuracy", "positive_rate", "predicted_positive_rate", "precision", "npv", "recall", "miss_rate",
		"specificity", "fpr", "balanced_accuracy", "jaccard", "f1", "roc_auc", "pr_auc"}
	sums, squares := map[string]float64{}, map[string]float64{}
	for range samples {
		b := sample(rows, func(int) score.Labelled { return pool[rng.IntN(len(pool))] })
		for _, m := range metrics {
			v := b.Metric(m, g).Value
			sums[m] += v
			squares[m] += v * v
		}
	}
	for _, m := range metrics {
		mean := sums[m] / samples
		found := math.Sqrt(squares[m]/samples - mean*mean)
		got, ok := ref.SamplingError(m, g, rows)
		// NannyML's rules are rough for two: of roc_auc the rarer class alone counts,
		// and f1 is taken for a share of the rows that it is about.
		low, high := .9, 1.1
		if m == "roc_auc" {
			low = .6
		}
		if m == "f1" {
			high = 1.6
		}
		if !ok || got < low*found || got > high*found {
			t.Errorf("%s: sampling error %v, samples differ by %v (%.2f)", m, got, found, got/found)
		}
		if sure, ok := ref.StandardError(m, g, rows); !ok || sure < .9*found || sure > high*found {
			t.Errorf("%s: standard error %v, samples differ by %v (%.2f)", m, sure, found, sure/found)
		}
		four, _ := ref.SamplingError(m, g, 4*rows)
		if scale := map[bool]float64{true: 2, false: .5}[m == "true_positives" || m == "false_negatives"]; math.Abs(four-scale*got) > 1e-12*four {
			t.Errorf("%s: %v of four times the rows, %v of these", m, four, got)
		}
	}
	for _, m := range []string{"mcc", "log_loss", "nothing"} {
		if sd, ok := ref.SamplingError(m, g, rows); ok {
			t.Errorf("%s has the sampling error %v", m, sd)
		}
	}
	one, _ := ref.StandardError("roc_auc", g, rows)
	if two, ok := ref.StandardError("gini", g, rows); !ok || two != 2*one {
		t.Errorf("gini: %v, twice %v", two, one)
	}
	if _, ok := ref.StandardError("roc_auc", nil, rows); ok {
		t.Error("a standard error of ranks without a grid")
	}
	if _, ok := ref.SamplingError("roc_auc", nil, rows); ok {
		t.Error("a sampling error of ranks without a grid")
	}
	if _, ok := ref.SamplingError("accuracy", g, 0); ok {
		t.Error("a sampling error of no rows")
	}
}

func TestSamplingErrorsOfClasses(t *testing.T) {
	m := score.NewMulticlass(3)
	for i := range 900 {
		m.AddClass(i%2, min(i%3, 1))
	}
	c := m.Confusion(0)
	one, _ := m.ClassSamplingError("recall", 0, 100)
	if want, _ := c.SamplingError("recall", 100); one != want || one == 0 {
		t.Errorf("recall of a class: %v, want %v", one, want)
	}
	other, _ := m.ClassSamplingError("recall", 1, 100)
	if mean, ok := m.SamplingError("recall", 100); !ok || math.Abs(mean-math.Hypot(one, other)/2) > 1e-15 {
		t.Errorf("recall of both: %v of %v and %v", mean, one, other)
	}
	recall, _ := m.SamplingError("recall", 100)
	if sd, ok := m.SamplingError("balanced_accuracy", 100); !ok || sd != recall {
		t.Errorf("balanced accuracy: %v, want that of recall, %v", sd, recall)
	}
	if sd, ok := m.SamplingError("accuracy", 100); !ok || math.Abs(sd-.05) > 2e-4 {
		t.Errorf("accuracy: %v", sd)
	}
	if _, ok := m.ClassSamplingError("recall", 5, 100); ok {
		t.Error("a class that there is not")
	}
	if _, ok := new(score.Multiclass).SamplingError("recall", 100); ok {
		t.Error("of nothing")
	}
}
