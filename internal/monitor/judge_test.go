package monitor

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
)

// Each precondition that is not met keeps a verdict that would be a violation from
// being taken; met at its limit, it does not.
func TestPreconditions(t *testing.T) {
	bad := measured(average, focal(50, 100), past(10, 0, 10, 10, 0, 10, 0))
	for _, c := range []struct {
		name   string
		p      model.Preconditions
		reason string
	}{
		{"focal at the limit", model.Preconditions{MinFocal: new(uint64(100))}, ""},
		{"focal below", model.Preconditions{MinFocal: new(uint64(101))}, TooFewFocal},
		{"baseline at the limit", model.Preconditions{MinBaseline: new(uint64(60))}, ""},
		{"baseline below", model.Preconditions{MinBaseline: new(uint64(61))}, TooFewBaseline},
		{"focal range at its end", model.Preconditions{FocalRange: []float64{0, 50}}, ""},
		{"focal range passed", model.Preconditions{FocalRange: []float64{0, 49.9}}, FocalOutOfRange},
		{"baseline range at its end", model.Preconditions{BaselineRange: []float64{5, 9}}, ""},
		{"baseline range passed", model.Preconditions{BaselineRange: []float64{5.1, 9}}, BaselineOutOfRange},
		{"buckets at the limit", model.Preconditions{BaselineBuckets: new(6)}, ""},
		{"buckets below", model.Preconditions{BaselineBuckets: new(7)}, TooFewBuckets},
		{"zeros at both ends left out", model.Preconditions{TrailingZeros: new(4)}, ""},
		{"too few without them", model.Preconditions{TrailingZeros: new(5)}, TooFewBuckets},
	} {
		m := of(model.MetricChange, model.Percentage, func(m *model.Monitor) {
			m.Metric.Name, m.Percentage, m.Preconditions = "mean", new(20.0), c.p
		})
		v := Judge(m, bad)
		if c.reason == "" && v.Outcome != Violated || c.reason != "" && (v.Outcome != NotEvaluated || v.Reason != c.reason) {
			t.Errorf("%s: %s %s", c.name, v.Outcome, v.Reason)
		}
		if v.Value == nil || *v.Value != 50 {
			t.Errorf("%s: the value is not told", c.name)
		}
	}
	// Zeros inside count: only those at the ends are left out.
	m := of(model.MetricChange, model.Percentage, func(m *model.Monitor) {
		m.Metric.Name, m.Percentage, m.Preconditions.TrailingZeros = "mean", new(20.0), new(1)
	})
	if v := Judge(m, bad); *v.Baseline != 7.5 {
		t.Errorf("mean of the baseline %g, want 7.5", *v.Baseline)
	}
}

// Buckets without a value are no history, and count in nothing.
func TestBucketsWithoutAValue(t *testing.T) {
	m := of(model.MetricChange, model.Percentage, func(m *model.Monitor) { m.Metric.Name, m.Percentage = "mean", new(20.0) })
	b := past(100, 10, 10, 99, 10)
	b[2].Reason = measure.NoData
	b = append(b, Point{Value: math.NaN(), N: 100}, Point{Value: math.Inf(1), N: 100})
	if v := Judge(m, measured(average, focal(10, 100), b)); v.Outcome != OK || *v.Baseline != 10 {
		t.Errorf("%s %v", v.Outcome, v.Baseline)
	}
	// For the activity of a model, an hour without data is an hour without predictions.
	m = of(model.ModelActivity, model.Percentage, func(m *model.Monitor) { m.Percentage = new(20.0) })
	b = past(100, 100, 0, 100)
	b[1] = Point{From: b[1].From, To: b[1].To, Reason: measure.NoData}
	if v := Judge(m, measured(predictions, focal(100, 100), b)); math.Abs(*v.Baseline-200.0/3) > 1e-9 {
		t.Errorf("baseline %g, want 66.7", *v.Baseline)
	}
	// Before the first of them there was no model.
	b = append([]Point{{Reason: measure.NoData}, {Reason: measure.NoData}}, past(100, 100, 100)...)
	if v := Judge(m, measured(predictions, focal(100, 100), b)); v.Outcome != OK || *v.Baseline != 100 {
		t.Errorf("a new model: %s, baseline %v", v.Outcome, v.Baseline)
	}
	b = []Point{{Reason: measure.NoData}, {Reason: measure.NoData}}
	if v := Judge(m, measured(predictions, focal(100, 100), b)); v.Outcome != NotEvaluated {
		t.Errorf("its first hour: %s", v.Outcome)
	}
}

// The alarm rule: a score that matters and is beyond chance. The verdicts are those
// of drift.Compute and drift.Judge over real counts, so what is large by chance
// alone in a small window is none.
func TestDriftTakesThresholdAndFloor(t *testing.T) {
	for _, c := range []struct {
		name string
		cur  []uint64
		want Outcome
	}{
		{"the same shares", []uint64{500, 300, 200}, OK},
		{"a large shift in a large window", []uint64{200, 300, 500}, Violated},
		{"a small shift in a large window", []uint64{4500, 3100, 2400}, OK}, // beyond chance, but it does not matter
		{"a shift that chance makes in a small one", []uint64{14, 7, 14}, OK},
		{"too few to say", []uint64{2, 3, 5}, NotEvaluated},
	} {
		ref, cur := drift.Sample{Known: []uint64{5000, 3000, 2000}}, drift.Sample{Known: c.cur}
		r, err := drift.Compute("psi", drift.Params{}, ref, cur)
		if err != nil {
			t.Fatal(err)
		}
		o := scored(r.Value, r.Threshold, r.Floor, drift.Judge(r, drift.Rule{}))
		m := of(model.DataDrift, "", func(m *model.Monitor) { m.Preconditions.MinFocal = new(uint64(1)) })
		v := Judge(m, o)
		if v.Outcome != c.want {
			t.Errorf("%s: %s, %s (%s)", c.name, v.Outcome, v.Says, v.Reason)
		}
		if o.Drift.Verdict = ""; c.want != NotEvaluated && Judge(m, o).Outcome != c.want {
			t.Errorf("%s, by the numbers alone: %s", c.name, Judge(m, o).Says)
		}
	}
	for _, c := range []struct {
		score, threshold, floor float64
		want                    Outcome
	}{
		{0.3, 0.2, 0.1, Violated},
		{0.3, 0.2, 0.35, OK}, // chance reaches it
		{0.15, 0.2, 0.1, OK}, // it does not matter
		{0.2, 0.2, 0.2, Violated},
		{math.Nextafter(0.2, 0), 0.2, 0, OK},
		{-0.4, 0.3, 0.1, Violated}, // mean_shift has a sign
	} {
		o := scored(c.score, c.threshold, c.floor, "")
		v := Judge(of(model.DataDrift, model.AgainstTraining, nil), o)
		if v.Outcome != c.want || *v.Upper != max(c.threshold, c.floor) {
			t.Errorf("score %g threshold %g floor %g: %s, upper %g", c.score, c.threshold, c.floor, v.Outcome, *v.Upper)
		}
	}
	for verdict, want := range map[drift.Verdict]Verdict{
		drift.VerdictDrift:            {Outcome: Violated},
		drift.VerdictWarning:          {Outcome: OK},
		drift.VerdictOK:               {Outcome: OK},
		drift.VerdictInsufficientData: {Outcome: NotEvaluated, Reason: "insufficient_data"},
		drift.VerdictNotComputable:    {Outcome: NotEvaluated, Reason: "not_computable"},
	} {
		for _, threshold := range []float64{0, 0.2} { // tests have no threshold of their own
			v := Judge(of(model.DataDrift, model.AgainstTraining, nil), scored(0.3, threshold, 0.1, verdict))
			if v.Outcome != want.Outcome || v.Reason != want.Reason {
				t.Errorf("%s: %s %s", verdict, v.Outcome, v.Reason)
			}
		}
	}
	if v := Judge(of(model.DataDrift, model.AgainstTraining, nil), scored(0.3, 0, 0.1, "")); v.Reason != NoCondition {
		t.Errorf("without a threshold: %s %s", v.Outcome, v.Reason)
	}
	v := Judge(of(model.DataDrift, model.AgainstTraining, nil), scored(0.3, 0.2, 0.35, drift.VerdictOK))
	if v.Says != "psi 0.3, which chance alone reaches (0.35)" {
		t.Errorf("%q", v.Says)
	}
}

// A change from nothing is beyond every percentage, but where preconditions say
// from where on it matters.
func TestRatioOfNothing(t *testing.T) {
	rise := measured(missing, focal(0.01, 1000), past(1000, 0, 0, 0))
	m := of(model.MissingValues, model.Percentage, percent(50, ""))
	if v := Judge(m, rise); v.Outcome != Violated || v.Says != "missing_ratio 0.01 above 0 (on average 0)" {
		t.Errorf("%s %q", v.Outcome, v.Says)
	}
	m.Preconditions.FocalRange = []float64{0.05, 1}
	if v := Judge(m, rise); v.Reason != FocalOutOfRange {
		t.Errorf("%s %s", v.Outcome, v.Reason)
	}
	m.IncreaseOnly = true
	if v := Judge(m, rise); v.Outcome != OK || v.Says != "missing_ratio 0.01 at most 0.05" {
		t.Errorf("so few that they do not matter, where only a rise counts: %s %q", v.Outcome, v.Says)
	}
	m.Preconditions.FocalRange = []float64{0, 0.005}
	if v := Judge(m, rise); v.Reason != FocalOutOfRange {
		t.Errorf("more than is judged: %s %s", v.Outcome, v.Reason)
	}
	if v := Judge(of(model.MissingValues, model.Percentage, percent(50, "")), measured(missing, focal(0, 1000), past(1000, 0, 0))); v.Outcome != OK {
		t.Errorf("no change: %s", v.Outcome)
	}
}

// Only a rise counts with increase_only, and of performance only the worse side.
func TestOneSide(t *testing.T) {
	b := past(100, 10, 10)
	m := of(model.MetricChange, model.Percentage, func(m *model.Monitor) { m.Metric.Name, m.Percentage, m.IncreaseOnly = "mean", new(20.0), true })
	if v := Judge(m, measured(average, focal(1, 100), b)); v.Outcome != OK || v.Lower != nil {
		t.Errorf("a fall: %s, lower %v", v.Outcome, v.Lower)
	}
	if v := Judge(m, measured(average, focal(13, 100), b)); v.Outcome != Violated {
		t.Errorf("a rise: %s", v.Outcome)
	}
	history := steady(72, 1000, 0.9, 0.01)
	m = of(model.MissingValues, model.Anomaly, func(m *model.Monitor) { m.IncreaseOnly = true })
	if v := Judge(m, measured(missing, focal(0.1, 1000), history)); v.Outcome != OK || v.Lower != nil {
		t.Errorf("a fall: %s, lower %v", v.Outcome, v.Lower)
	}
	for name, better := range map[string]float64{"accuracy": 1, "rmse": 0.01} {
		m = of(model.PerformanceDegradation, model.Anomaly, metric(name, nil))
		if v := Judge(m, measured("ml.performance."+name, focal(better, 1000), history)); v.Outcome != OK {
			t.Errorf("%s improved: %s %s", name, v.Outcome, v.Says)
		}
		if v := Judge(m, measured("ml.performance."+name, focal(1.9-better*1.5, 1000), history)); v.Outcome != Violated {
			t.Errorf("%s fell: %s %s", name, v.Outcome, v.Says)
		}
	}
	m = of(model.PerformanceDegradation, model.Percentage, percent(10, "bias"))
	for _, x := range []float64{0.5, 1.5} { // no side of it is better
		if v := Judge(m, measured("ml.performance.bias", focal(x, 100), past(100, 1, 1))); v.Outcome != Violated {
			t.Errorf("bias %g: %s", x, v.Outcome)
		}
	}
}

// A change that chance alone could have made is none, however few labels there are;
// of many of them a small one counts. Where it is not known how far chance goes,
// nothing is judged.
func TestStandardErrors(t *testing.T) {
	judge := func(value, sd float64, n, reference uint64) Verdict {
		m := of(model.PerformanceDegradation, model.AgainstTraining, percent(10, "accuracy"))
		m.StandardErrors = new(3.0)
		o := measured(accuracy, focal(value, n), one(0.9, reference))
		if sd >= 0 {
			o.StdErr = &sd
		}
		return Judge(m, o)
	}
	few, many := math.Sqrt(.09/40), math.Sqrt(.09/4000) // of so many labels
	for what, c := range map[string]struct {
		v     Verdict
		want  Outcome
		lower float64
	}{
		"few, a little": {judge(.79, few, 40, 1e9), OK, .9 - 3*few},
		"few, a lot":    {judge(.7, few, 40, 1e9), Violated, .9 - 3*few},
		"many":          {judge(.8, many, 4000, 1e9), Violated, .81},
		"many, slight":  {judge(.82, many, 4000, 1e9), OK, .81},
		"few there too": {judge(.7, few, 40, 40), OK, .9 - 3*math.Sqrt2*few},
	} {
		if c.v.Outcome != c.want || math.Abs(*c.v.Lower-c.lower) > 1e-6 || c.v.Upper != nil {
			t.Errorf("%s: %s at %v, want %s at %v", what, c.v.Outcome, *c.v.Lower, c.want, c.lower)
		}
	}
	if v := judge(0, -1, 40, 1e9); v.Reason != NoSamplingError {
		t.Errorf("unknown: %s %s", v.Outcome, v.Reason)
	}
	m := of(model.PerformanceDegradation, model.Absolute, within(new(.85), new(.95)))
	m.Metric.Name, m.StandardErrors = "accuracy", new(2.0)
	o := measured(accuracy, focal(.8, 40), nil)
	if v := Judge(m, o); v.Reason != NoSamplingError {
		t.Errorf("unknown: %s %s", v.Outcome, v.Reason)
	}
	o.StdErr = new(.03)
	if v := Judge(m, o); v.Outcome != OK || math.Abs(*v.Lower-.79) > 1e-12 || math.Abs(*v.Upper-1.01) > 1e-12 {
		t.Errorf("%s between %v and %v", v.Outcome, *v.Lower, *v.Upper)
	}
}

// An anomaly wants history; the bounds that are told are those of the season.
func TestAnomalyWantsHistory(t *testing.T) {
	m := of(model.ModelActivity, model.Anomaly, nil)
	if v := Judge(m, measured(predictions, focal(5, 5), steady(13, 1, 1000, 20))); v.Reason != TooFewBuckets {
		t.Errorf("13 buckets: %s %s", v.Outcome, v.Reason)
	}
	m.Preconditions.BaselineBuckets = new(1)
	if v := Judge(m, measured(predictions, focal(5, 5), steady(9, 1, 1000, 20))); v.Reason != TooFewBuckets {
		t.Errorf("9 buckets: %s %s", v.Outcome, v.Reason)
	}
	v := Judge(m, measured(predictions, focal(1000, 1000), steady(72, 1, 1000, 20)))
	if v.Outcome != OK || *v.Lower >= 1000 || *v.Upper <= 1000 || *v.Lower < 500 || *v.Upper > 1500 || math.Abs(*v.Baseline-1000) > 20 {
		t.Errorf("%+v", v)
	}
}

// The first new value is a violation unless it is allowed; a ratio is one of the
// values that were known.
func TestNewValuesAreCounted(t *testing.T) {
	m := of(model.NewValues, model.AgainstTraining, func(m *model.Monitor) { m.Allowed = []string{"a", "b"} })
	if v := Judge(m, unseen(2, 9, "a", "b")); v.Outcome != OK || *v.Value != 0 || len(v.Evidence) != 0 {
		t.Errorf("%+v", v)
	}
	if v := Judge(m, unseen(300, 9, "a", "c")); v.Outcome != Violated || *v.Value != 299 || len(v.Evidence) != 1 {
		t.Errorf("%+v", v)
	}
	m = of(model.NewValues, model.AgainstTraining, func(m *model.Monitor) { m.NewValuesRatio = new(0.5) })
	if v := Judge(m, unseen(1, 0, "a")); v.Reason != NoBaseline {
		t.Errorf("a ratio of nothing: %s %s", v.Outcome, v.Reason)
	}
	if v := Judge(m, unseen(9, 9)); !strings.HasPrefix(v.Says, "9 new values, more than 4.5") {
		t.Errorf("%q", v.Says)
	}
	m.NewValues = new(uint64(2))
	if v := Judge(m, unseen(3, 9)); v.Outcome != Violated || *v.Upper != 2 {
		t.Errorf("the smaller bound: %s %v", v.Outcome, *v.Upper)
	}
	if v := Judge(m, unseen(8, 9, "a", "b", "c", "d", "e", "f")); !strings.HasSuffix(v.Says, "“e”, …") {
		t.Errorf("%q", v.Says)
	}
}

func TestStaleness(t *testing.T) {
	m := of(model.ModelStaleness, "", func(m *model.Monitor) { m.MaxAge = model.Duration(time.Hour) })
	o := aged(0)
	o.Age.Age = time.Hour
	if v := Judge(m, o); v.Outcome != OK {
		t.Errorf("at the limit: %s", v.Outcome)
	}
	o.Age.Age++
	if v := Judge(m, o); v.Outcome != Violated {
		t.Errorf("beyond: %s", v.Outcome)
	}
	for age, want := range map[time.Duration]string{
		90 * time.Minute: "90 minutes old, more than 60 minutes", 61 * time.Minute: "61 minutes old, more than 60 minutes", time.Hour + 30*time.Second: "1h0m30s old, more than 1h0m0s", 50 * time.Hour: "2 days old, more than 60 minutes",
	} {
		o.Age.Age = age
		if v := Judge(m, o); v.Says != want {
			t.Errorf("%q, want %q", v.Says, want)
		}
	}
	o.Age.Since = time.Time{}
	if v := Judge(m, o); v.Reason != UnknownAge {
		t.Errorf("%s %s", v.Outcome, v.Reason)
	}
}

// A definition that was never validated fires nothing.
func TestNoCondition(t *testing.T) {
	for _, c := range cells() {
		m := *c.m
		m.Threshold, m.Percentage, m.Sensitivity, m.Distance, m.NewValues, m.NewValuesRatio, m.MaxAge = model.Range{}, nil, nil, nil, nil, nil, 0
		if v := Judge(&m, c.bad); v.Reason != NoCondition && m.Condition() != model.ConditionDrift {
			t.Errorf("%s %s: %s %s", m.Type, m.Method, v.Outcome, v.Reason)
		}
	}
	if v := Judge(&model.Monitor{}, Observation{}); v.Outcome != NotEvaluated {
		t.Errorf("the zero monitor: %s", v.Outcome)
	}
}
