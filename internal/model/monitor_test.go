package model

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// The matrix of what a user of Aporia V1 expects, with custom metrics under all
// methods; the methods as a, p, A, s, t.
var matrix = map[MonitorType]string{
	ModelActivity: "Apa", DataDrift: "Ast", PredictionDrift: "Ast", MissingValues: "Apas", NewValues: "pst", ValueRange: "past",
	MetricChange: "Apast", PerformanceDegradation: "Apast", CustomMetric: "Apast", ModelStaleness: "a",
}

var letters = map[Method]string{Absolute: "a", Percentage: "p", Anomaly: "A", AgainstSegment: "s", AgainstTraining: "t"}

// minimal returns the shortest monitor of a cell.
func minimal(t MonitorType, method Method) Monitor {
	m := Monitor{Name: string(t) + " " + string(method), Type: t, Method: method}
	switch t {
	case MetricChange:
		m.Metric.Name = "mean"
	case PerformanceDegradation:
		m.Metric.Name = "accuracy"
	case CustomMetric:
		m.Metric.Name = "revenue"
	}
	if method == AgainstSegment {
		m.Segment.Name = "region" // held against the whole
	}
	switch m.Condition() {
	case ConditionRange, ConditionValues:
		m.Threshold.Max = new(0.5)
	case ConditionRatio:
		m.Percentage = new(20.0)
	case ConditionDistance:
		m.Distance = new(1.0)
	case ConditionMaxAge:
		m.MaxAge = Duration(30 * 24 * time.Hour)
	}
	return m
}

func base(ms ...Monitor) *Definition {
	return &Definition{Name: "m", Monitors: ms, Metrics: []Metric{{Name: "revenue", Expression: "prediction_count()"}}, Segments: []Segment{{Name: "region", Field: "features.region"}, {Name: "old", Where: "features.age > 60"}}}
}

// Each cell of the matrix is taken, each other refused with the methods that there
// are, and none takes a key that it does not use.
func TestMatrix(t *testing.T) {
	if len(MonitorTypes()) != 10 {
		t.Errorf("%d types", len(MonitorTypes()))
	}
	for _, kind := range MonitorTypes() {
		for method, letter := range letters {
			m := minimal(kind, method)
			err := base(m).Validate("models[0]", time.Hour)
			if strings.Contains(matrix[kind], letter) {
				if err != nil || m.Condition() == "" {
					t.Errorf("%s %s is refused: %v", kind, method, err)
				}
				continue
			}
			var all []string
			for _, there := range kind.Methods() {
				all = append(all, string(there))
			}
			want := fmt.Sprintf(`models[0].monitors[0].method=%q is not for type=%s; its methods: %s`, method, kind, strings.Join(all, ", "))
			if err == nil || err.Error() != want {
				t.Errorf("%s %s: %v, want %s", kind, method, err, want)
			}
		}
	}
}

// Every key that a cell does not take is refused by its name, and only those.
func TestKeysOfOtherCells(t *testing.T) {
	full := Monitor{
		Fields: []string{"features.age"}, Metric: MonitorMetric{Name: "mean"}, Segment: SegmentValue{Name: "region"},
		Baseline:  MonitorBaseline{Dataset: Training, Period: 24 * Duration(time.Hour), Skip: Duration(time.Hour), Aggregation: Duration(time.Hour), Segment: SegmentValue{Name: "old"}, Version: "v1"},
		Threshold: Range{Min: new(0.1)}, Percentage: new(1.0), StandardErrors: new(3.0), Sensitivity: new(0.1), Drift: DriftThresholds{Numeric: new(0.1)}, Distance: new(1.0),
		NewValues: new(uint64(1)), NewValuesRatio: new(0.1), Allowed: []string{"x"}, MaxAge: Duration(time.Hour), IncreaseOnly: true,
		Preconditions: Preconditions{MinFocal: new(uint64(1)), MinBaseline: new(uint64(1)), FocalRange: []float64{0, 1}, BaselineRange: []float64{0, 1}, BaselineBuckets: new(1), TrailingZeros: new(1)},
	}
	cells := 0
	for _, kind := range MonitorTypes() {
		for _, method := range kind.Methods() {
			m := full
			m.Name, m.Type, m.Method = "x", kind, method
			err := base(m).Validate("models[0]", time.Hour)
			for _, g := range m.keys() {
				if !g.there {
					t.Fatalf("%s is not there", g.key)
				}
				told := err != nil && strings.Contains(err.Error(), "."+g.key+"=") && strings.Contains(err.Error(), "is not for type="+string(kind))
				if g.taken && slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(l string) bool {
					return strings.HasPrefix(l, "models[0].monitors[0]."+g.key+"=") && strings.Contains(l, "is not for type=")
				}) {
					t.Errorf("%s %s takes %s and refuses it: %v", kind, method, g.key, err)
				}
				if !g.taken && !told {
					t.Errorf("%s %s does not take %s and says nothing", kind, method, g.key)
				}
			}
			cells++
		}
	}
	if cells != 36 {
		t.Errorf("%d cells", cells)
	}
}

// What is absent gets its default, and what is there is kept.
func TestFilled(t *testing.T) {
	const window, day = time.Hour, 24 * time.Hour
	m := Monitor{Name: "Income: drift (v2)", Type: DataDrift}.Filled(window)
	if m.ID != "income-drift-v2" || m.Method != AgainstTraining || m.Baseline.Dataset != Training || m.Version != EachVersion || m.Focal.Std() != window ||
		m.Hold != (Hold{Firing: 1, Resolved: 1}) || m.Severity != "medium" || !*m.Enabled || *m.Preconditions.MinFocal != 30 {
		t.Errorf("%+v", m)
	}
	m = Monitor{Name: "x", Type: ModelActivity, Method: Anomaly}.Filled(window)
	if b := m.Baseline; b.Period.Std() != 28*day || b.Skip.Std() != window || b.Aggregation.Std() != window || *m.Sensitivity != 0.5 || *m.Preconditions.MinFocal != 0 || *m.Preconditions.BaselineBuckets != 14 {
		t.Errorf("%+v", m)
	}
	m = Monitor{Name: "x", Type: MissingValues, Method: Percentage, Focal: Duration(5 * window)}.Filled(window)
	if b := m.Baseline; b.Period.Std() != 170*window || b.Aggregation != m.Focal || b.Skip != m.Focal { // 168 h are no whole number of 5 h
		t.Errorf("%+v", b)
	}
	if m = (Monitor{Name: "x", Type: MetricChange, Method: Percentage, Focal: Duration(2 * day)}).Filled(window); m.Baseline.Period.Std() != 14*day {
		t.Errorf("%+v", m.Baseline)
	}
	m = Monitor{Name: "x", Type: DataDrift, Method: AgainstSegment, Segment: SegmentValue{Name: "region", Value: "EU"}, Baseline: MonitorBaseline{Version: "v1"}}.Filled(window)
	if b := m.Baseline; b.Skip != 0 || b.Period != m.Focal || b.Segment != m.Segment {
		t.Errorf("%+v", b)
	}
	if m = (Monitor{Name: "x", Type: NewValues}).Filled(window); *m.NewValues != 0 || m.Method != AgainstTraining {
		t.Errorf("%+v", m)
	}
	again := m.Filled(2 * window)
	if fmt.Sprint(again.Focal, again.Baseline, again.Hold) != fmt.Sprint(m.Focal, m.Baseline, m.Hold) {
		t.Errorf("filled twice: %+v, was %+v", again, m)
	}
}

// What is filled in is valid itself.
func TestFilledIsValid(t *testing.T) {
	for _, window := range []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		for _, kind := range MonitorTypes() {
			for _, method := range kind.Methods() {
				m := minimal(kind, method).Filled(window)
				if again := m.Filled(window); !reflect.DeepEqual(again, m) {
					t.Errorf("%s %s is filled to %+v, then to %+v", kind, method, m, again)
				}
				if err := base(m).Validate("models[0]", window); err != nil {
					for line := range strings.Lines(err.Error()) {
						if !strings.Contains(line, "is not for type=") { // a default that the cell has no use for
							t.Errorf("%s %s: %s", kind, method, line)
						}
					}
				}
				if m.Baseline.Period%m.Baseline.Aggregation.or(1) != 0 || m.Baseline.Period.Std()%window != 0 || m.Baseline.Skip.Std()%window != 0 || m.Focal.Std() != window {
					t.Errorf("%s %s with window=%s: %+v", kind, method, window, m.Baseline)
				}
			}
		}
	}
}

func (d Duration) or(other Duration) Duration {
	if d == 0 {
		return other
	}
	return d
}

func TestMetricNames(t *testing.T) {
	for want, m := range map[string]Monitor{
		"ml.model.predictions":              {Type: ModelActivity},
		"ml.integrity.missing_ratio":        {Type: MissingValues},
		"ml.field.mean":                     {Type: MetricChange, Metric: MonitorMetric{Name: "average"}},
		"ml.field.p95":                      {Type: MetricChange, Metric: MonitorMetric{Name: "quantile", Quantile: new(0.95)}},
		"ml.field.median":                   {Type: MetricChange, Metric: MonitorMetric{Name: "ml.field.median"}},
		"ml.integrity.out_of_range_ratio":   {Type: MetricChange, Metric: MonitorMetric{Name: "out_of_range_ratio"}},
		"ml.performance.f1":                 {Type: PerformanceDegradation, Metric: MonitorMetric{Name: "f1_score"}},
		"ml.performance.estimated.roc_auc":  {Type: PerformanceDegradation, Metric: MonitorMetric{Name: "estimated.auc_roc"}},
		"ml.performance.estimated.accuracy": {Type: PerformanceDegradation, Metric: MonitorMetric{Name: "ml.performance.estimated.accuracy"}},
		"ml.custom.revenue":                 {Type: CustomMetric, Metric: MonitorMetric{Name: "revenue"}},
		"":                                  {Type: DataDrift, Metric: MonitorMetric{Name: "psi"}},
	} {
		if got := m.MetricName(); got != want {
			t.Errorf("%+v watches %q, want %q", m.Metric, got, want)
		}
	}
}

func TestDriftMeasure(t *testing.T) {
	m := Monitor{Type: DataDrift, Metric: MonitorMetric{Name: "wasserstein"}, Drift: DriftThresholds{Numeric: new(0.3)}}
	if n, c := m.DriftMeasure(true), m.DriftMeasure(false); n.Name != "wasserstein" || *n.Threshold != 0.3 || c.Name != "hellinger" || c.Threshold != nil {
		t.Errorf("%+v, %+v", n, c)
	}
	m.Metric.Name = "js_distance"
	if n, c := m.DriftMeasure(true), m.DriftMeasure(false); n.Name != "js" || c.Name != "js" {
		t.Errorf("%+v, %+v", n, c)
	}
	m.Metric.Name = ""
	if c := m.DriftMeasure(false); c.Name != "hellinger" {
		t.Errorf("%+v", c)
	}
}

func TestTakes(t *testing.T) {
	age, comment, proba := record.Key{Group: record.Features, Name: "age"}, record.Key{Group: record.RawInputs, Name: "c"}, record.Key{Group: record.Predictions, Name: "p"}
	for _, c := range []struct {
		m    Monitor
		want [3]bool
	}{
		{Monitor{Type: DataDrift}, [3]bool{true, true, false}},
		{Monitor{Type: PredictionDrift}, [3]bool{false, false, true}},
		{Monitor{Type: MissingValues, Fields: []string{"features.age", "predictions.*"}}, [3]bool{true, false, true}},
		{Monitor{Type: ModelActivity}, [3]bool{}},
	} {
		if got := [3]bool{c.m.Takes(age), c.m.Takes(comment), c.m.Takes(proba)}; got != c.want {
			t.Errorf("%s %v takes %v", c.m.Type, c.m.Fields, got)
		}
	}
}

func TestAdditive(t *testing.T) {
	for name, want := range map[string]bool{"accuracy": false, "true_positives": true, "estimated.fp_count": true, "mae": false} {
		if got := (&Monitor{Type: PerformanceDegradation, Metric: MonitorMetric{Name: name}}).additive(); got != want {
			t.Errorf("%s %v", name, got)
		}
	}
}

func TestWorse(t *testing.T) {
	for name, want := range map[string]score.Direction{"accuracy": score.Higher, "estimated.f1_score": score.Higher, "rmse": score.Lower, "bias": score.Nearer, "positive_rate": score.Neither} {
		if got := (&Monitor{Type: PerformanceDegradation, Metric: MonitorMetric{Name: name}}).Worse(); got != want {
			t.Errorf("%s %v", name, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"1h": time.Hour, "90m": 90 * time.Minute, "7d": 168 * time.Hour, "2w": 336 * time.Hour, "1w2d3h": 219 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "1h30m": 90 * time.Minute, "500ms": 500 * time.Millisecond,
	} {
		got, err := ParseDuration(s)
		if err != nil || got.Std() != want {
			t.Errorf("%s is %s, %v", s, got, err)
		}
		if again, err := ParseDuration(got.String()); err != nil || again != got {
			t.Errorf("%s is written %s and read %s, %v", s, got, again, err)
		}
	}
	for _, s := range []string{"", "7", "d", "-1d", "1d-1h", "1d+1h", "-1h", "1.5d", "2w7", "1M", "1h1d", "1d1w", "99999999999999d", "292471w", "15250w2540400h", "1 d", "NaN"} {
		if d, err := ParseDuration(s); err == nil {
			t.Errorf("%s is %s", s, d)
		}
	}
}

func TestExpand(t *testing.T) {
	value := func(name string) string { return "<" + name + ">" }
	for template, want := range map[string]string{
		"{field} of {{ model }}":       "<field> of <model>",
		"{{field}}{focal_value}":       "<field><focal_value>",
		"{} { field} {a b} {1} {{}} }": "{} { field} {a b} {1} {{}} }",
		"{{field}":                     "{<field>",
	} {
		if got := Expand(template, value); got != want {
			t.Errorf("%q is %q, want %q", template, got, want)
		}
	}
}
