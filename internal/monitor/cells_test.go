package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/model"
)

const (
	window = time.Hour
	now    = int64(1_764_000_000_000_000_000) / int64(window) * int64(window) // the focal period begins
)

// focal is a point of the focal period.
func focal(value float64, n uint64) Point {
	return Point{From: now, To: now + int64(window), Value: value, N: n}
}

// past is a series of hourly buckets just before it.
func past(n uint64, values ...float64) []Point {
	var ps []Point
	for i, v := range values {
		from := now - int64(len(values)-i)*int64(window)
		ps = append(ps, Point{From: from, To: from + int64(window), Value: v, N: n})
	}
	return ps
}

// steady is a history of so many hours around a value.
func steady(hours int, n uint64, value, swing float64) []Point {
	var vs []float64
	for i := range hours {
		vs = append(vs, value+swing*float64(i*7919%11-5)/5)
	}
	return past(n, vs...)
}

func one(value float64, n uint64) []Point { return []Point{{Value: value, N: n}} }

// span is a point of the least and the greatest value.
func span(lo, hi float64, n uint64) Point {
	p := focal(lo, n)
	p.High = hi
	return p
}

func spans(lo, hi float64) []Point { return []Point{{Value: lo, High: hi, N: 1000}} }

// of returns a monitor with its defaults.
func of(t model.MonitorType, method model.Method, set func(*model.Monitor)) *model.Monitor {
	m := model.Monitor{Name: "x", Type: t, Method: method}
	if method == model.AgainstSegment {
		m.Segment = model.SegmentValue{Name: "region", Value: "EU"}
	}
	if set != nil {
		set(&m)
	}
	m = m.Filled(window)
	return &m
}

func within(lo, hi *float64) func(*model.Monitor) {
	return func(m *model.Monitor) { m.Threshold = model.Range{Min: lo, Max: hi} }
}

func percent(p float64, metric string) func(*model.Monitor) {
	return func(m *model.Monitor) { m.Percentage, m.Metric.Name = &p, metric }
}

func metric(name string, set func(*model.Monitor)) func(*model.Monitor) {
	return func(m *model.Monitor) {
		m.Metric.Name = name
		if set != nil {
			set(m)
		}
	}
}

func far(d float64) func(*model.Monitor) { return func(m *model.Monitor) { m.Distance = &d } }

func scored(score, threshold, floor float64, v drift.Verdict) Observation {
	return Observation{Metric: "ml.drift.psi", Focal: focal(score, 500), Baseline: one(0, 5000), Drift: Drift{threshold, floor, v}}
}

func unseen(count, known uint64, names ...string) Observation {
	o := Observation{Metric: "ml.integrity.new_values", Focal: focal(0, 500), Baseline: one(0, 5000), New: New{Count: count, Known: known}}
	for _, n := range names {
		o.New.Values = append(o.New.Values, Evidence{Name: n, Value: 0.1})
	}
	return o
}

func measured(metric string, f Point, b []Point) Observation {
	return Observation{Metric: metric, Focal: f, Baseline: b}
}

const (
	predictions = "ml.model.predictions"
	missing     = "ml.integrity.missing_ratio"
	average     = "ml.field.mean"
	accuracy    = "ml.performance.accuracy"
	rmse        = "ml.performance.rmse"
	revenue     = "ml.custom.revenue"
	greatest    = "ml.field.max"
)

// A cell is judged in order once and violated once, each with what it says.
type cell struct {
	m        *model.Monitor
	ok, bad  Observation
	okSays   string
	badSays  string
	badValue float64
}

func cells() []cell {
	var (
		abs, pct, ano, seg, tra = model.Absolute, model.Percentage, model.Anomaly, model.AgainstSegment, model.AgainstTraining
		half, ten               = new(0.5), new(10.0)
		fl                      = focal
		drifted                 = scored(0.41, 0.2, 0.03, drift.VerdictDrift)
		still                   = scored(0.05, 0.2, 0.03, drift.VerdictOK)
	)
	all := []cell{
		{of(model.ModelActivity, abs, within(ten, nil)), measured(predictions, fl(12, 12), nil), measured(predictions, fl(9, 9), nil), "predictions 12 at least 10", "predictions 9 below 10", 9},
		{of(model.ModelActivity, pct, percent(20, "")), measured(predictions, fl(90, 90), past(1, 90, 100, 110)), measured(predictions, fl(79, 79), past(1, 90, 100, 110)), "predictions 90 between 80 and 120 (on average 100)", "predictions 79 below 80 (on average 100)", 79},
		{of(model.ModelActivity, ano, nil), measured(predictions, fl(1010, 1010), steady(72, 1, 1000, 20)), measured(predictions, fl(200, 200), steady(72, 1, 1000, 20)), "", "", 200},

		{of(model.DataDrift, tra, nil), still, drifted, "psi 0.05 below 0.2", "psi 0.41 above 0.2", 0.41},
		{of(model.DataDrift, ano, nil), still, drifted, "psi 0.05 below 0.2", "psi 0.41 above 0.2", 0.41},
		{of(model.DataDrift, seg, nil), still, drifted, "psi 0.05 below 0.2", "psi 0.41 above 0.2", 0.41},
		{of(model.PredictionDrift, tra, nil), still, drifted, "psi 0.05 below 0.2", "psi 0.41 above 0.2", 0.41},
		{of(model.PredictionDrift, ano, nil), still, drifted, "psi 0.05 below 0.2", "psi 0.41 above 0.2", 0.41},
		{of(model.PredictionDrift, seg, nil), still, drifted, "psi 0.05 below 0.2", "psi 0.41 above 0.2", 0.41},

		{of(model.MissingValues, abs, within(nil, half)), measured(missing, fl(0.5, 100), nil), measured(missing, fl(0.51, 100), nil), "missing_ratio 0.5 at most 0.5", "missing_ratio 0.51 above 0.5", 0.51},
		{of(model.MissingValues, pct, percent(20, "")), measured(missing, fl(0.11, 100), past(100, 0.1, 0.1)), measured(missing, fl(0.13, 100), past(100, 0.1, 0.1)), "missing_ratio 0.11 between 0.08 and 0.12 (on average 0.1)", "missing_ratio 0.13 above 0.12 (on average 0.1)", 0.13},
		{of(model.MissingValues, ano, nil), measured(missing, fl(0.1, 1000), steady(72, 1000, 0.1, 0.01)), measured(missing, fl(0.4, 1000), steady(72, 1000, 0.1, 0.01)), "", "", 0.4},
		{of(model.MissingValues, seg, percent(20, "")), measured(missing, fl(0.11, 100), one(0.1, 100)), measured(missing, fl(0.05, 100), one(0.1, 100)), "missing_ratio 0.11 between 0.08 and 0.12 (there 0.1)", "missing_ratio 0.05 below 0.08 (there 0.1)", 0.05},

		{of(model.NewValues, pct, nil), unseen(0, 9), unseen(1, 9, "crypto"), "0 new values", "1 new value: “crypto”", 1},
		{of(model.NewValues, seg, func(m *model.Monitor) { m.NewValues = new(uint64(2)) }), unseen(2, 9, "a", "b"), unseen(3, 9, "a", "b", "c"), "2 new values, at most 2", "3 new values, more than 2: “a”, “b”, “c”", 3},
		{of(model.NewValues, tra, func(m *model.Monitor) { m.NewValuesRatio, m.Allowed = new(0.1), []string{"b"} }), unseen(2, 10, "a", "b"), unseen(3, 10, "a", "b", "c"), "1 new value, at most 1", "2 new values, more than 1: “a”, “c”", 2},

		{of(model.ValueRange, abs, within(new(0.0), new(120.0))), measured(greatest, span(0, 120, 100), nil), measured(greatest, span(-3, 130, 100), nil), "values from 0 to 120, between 0 and 120", "max 130 above 120 and min -3 below 0", 130},
		{of(model.ValueRange, pct, far(5)), measured(greatest, span(-5, 105, 100), spans(0, 100)), measured(greatest, span(-6, 100, 100), spans(0, 100)), "values from -5 to 105, between -5 and 105", "min -6 below -5", -6},
		{of(model.ValueRange, seg, far(0)), measured(greatest, span(0, 100, 100), spans(0, 100)), measured(greatest, span(0, 100.5, 100), spans(0, 100)), "values from 0 to 100, between 0 and 100", "max 100.5 above 100", 100.5},
		{of(model.ValueRange, tra, percent(10, "")), measured(greatest, span(-10, 110, 100), spans(0, 100)), measured(greatest, span(0, 111, 100), spans(0, 100)), "values from -10 to 110, between -10 and 110", "max 111 above 110", 111},

		{of(model.PerformanceDegradation, abs, metric("accuracy", within(half, nil))), measured(accuracy, fl(0.9, 100), nil), measured(accuracy, fl(0.41234, 100), nil), "accuracy 0.9 at least 0.5", "accuracy 0.4123 below 0.5", 0.41234},
		{of(model.PerformanceDegradation, pct, percent(10, "rmse")), measured(rmse, fl(1, 100), past(100, 2, 2)), measured(rmse, fl(2.3, 100), past(100, 2, 2)), "rmse 1 at most 2.2 (on average 2)", "rmse 2.3 above 2.2 (on average 2)", 2.3},
		{of(model.PerformanceDegradation, ano, metric("accuracy", nil)), measured(accuracy, fl(1, 1000), steady(72, 1000, 0.9, 0.01)), measured(accuracy, fl(0.5, 1000), steady(72, 1000, 0.9, 0.01)), "", "", 0.5},
		{of(model.PerformanceDegradation, seg, percent(10, "accuracy")), measured(accuracy, fl(0.99, 100), one(0.8, 100)), measured(accuracy, fl(0.7, 100), one(0.8, 100)), "accuracy 0.99 at least 0.72 (there 0.8)", "accuracy 0.7 below 0.72 (there 0.8)", 0.7},
		{of(model.PerformanceDegradation, tra, percent(10, "accuracy")), measured(accuracy, fl(0.99, 100), one(0.8, 100)), measured(accuracy, fl(0.7, 100), one(0.8, 100)), "accuracy 0.99 at least 0.72 (in training 0.8)", "accuracy 0.7 below 0.72 (in training 0.8)", 0.7},

		{of(model.ModelStaleness, abs, func(m *model.Monitor) { m.MaxAge = model.Duration(30 * 24 * time.Hour) }), aged(30), aged(47), "30 days old, at most 30 days", "47 days old, more than 30 days", 47 * 86400},
	}
	for kind, name := range map[model.MonitorType]string{model.MetricChange: average, model.CustomMetric: revenue} {
		short := map[string]string{average: "mean", revenue: "revenue"}[name]
		all = append(all,
			cell{of(kind, abs, metric(short, within(ten, new(20.0)))), measured(name, fl(15, 100), nil), measured(name, fl(21, 100), nil), short + " 15 between 10 and 20", short + " 21 above 20", 21},
			cell{of(kind, pct, percent(20, short)), measured(name, fl(-9, 100), past(100, -10, -10)), measured(name, fl(-7.9, 100), past(100, -10, -10)), short + " -9 between -12 and -8 (on average -10)", short + " -7.9 above -8 (on average -10)", -7.9},
			cell{of(kind, ano, metric(short, nil)), measured(name, fl(50, 1000), steady(72, 1000, 50, 1)), measured(name, fl(70, 1000), steady(72, 1000, 50, 1)), "", "", 70},
			cell{of(kind, seg, percent(20, short)), measured(name, fl(9, 100), one(10, 100)), measured(name, fl(7, 100), one(10, 100)), short + " 9 between 8 and 12 (there 10)", short + " 7 below 8 (there 10)", 7},
			cell{of(kind, tra, percent(20, short)), measured(name, fl(9, 100), one(10, 100)), measured(name, fl(7, 100), one(10, 100)), short + " 9 between 8 and 12 (in training 10)", short + " 7 below 8 (in training 10)", 7},
		)
	}
	return all
}

func aged(days int) Observation {
	return Observation{Metric: "ml.model.age", Focal: focal(0, 0), Age: Age{Since: time.Unix(0, now), Age: time.Duration(days) * 24 * time.Hour}}
}

func TestEveryCell(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cells() {
		name := fmt.Sprint(c.m.Type, " ", c.m.Method)
		seen[name] = true
		ok, bad := Judge(c.m, c.ok), Judge(c.m, c.bad)
		if ok.Outcome != OK || c.okSays != "" && ok.Says != c.okSays {
			t.Errorf("%s: %s %q (%s), want %q", name, ok.Outcome, ok.Says, ok.Reason, c.okSays)
		}
		if bad.Outcome != Violated || c.badSays != "" && bad.Says != c.badSays || *bad.Value != c.badValue || bad.Says == "" {
			t.Errorf("%s: %s %q (%s), want %q", name, bad.Outcome, bad.Says, bad.Reason, c.badSays)
		}
		if ok.Lower == nil && ok.Upper == nil || bad.Lower == nil && bad.Upper == nil {
			t.Errorf("%s tells no bounds", name)
		}
		// What was passed is a bound that is told.
		if v := *bad.Value; !(bad.Lower != nil && v < *bad.Lower || bad.Upper != nil && v > *bad.Upper) {
			t.Errorf("%s: %g is within %v and %v", name, v, bad.Lower, bad.Upper)
		}
	}
	for _, kind := range model.MonitorTypes() {
		for _, method := range kind.Methods() {
			if !seen[fmt.Sprint(kind, " ", method)] {
				t.Errorf("no case for %s %s", kind, method)
			}
		}
	}
}

// A focal point without a value is not judged, whatever the cell, and says why; but
// for the activity of a model no data is no predictions.
func TestNothingToJudge(t *testing.T) {
	for _, c := range cells() {
		o := c.bad
		o.Focal = Point{From: now, To: now + int64(window), Reason: "empty_current"}
		v := Judge(c.m, o)
		switch c.m.Type {
		case model.ModelStaleness: // a version ages without data
			if v.Outcome != Violated {
				t.Errorf("%s: %s", c.m.Type, v.Outcome)
			}
		case model.ModelActivity:
			if v.Outcome != Violated || *v.Value != 0 {
				t.Errorf("%s %s: %s %v", c.m.Type, c.m.Method, v.Outcome, v.Value)
			}
		default:
			if v.Outcome != NotEvaluated || v.Reason != "empty_current" || v.Value != nil {
				t.Errorf("%s %s: %s %s", c.m.Type, c.m.Method, v.Outcome, v.Reason)
			}
		}
	}
}

// A baseline of nothing judges nothing.
func TestNothingToCompareWith(t *testing.T) {
	for _, c := range cells() {
		if c.m.Method == model.Absolute {
			continue
		}
		o := c.bad
		o.Baseline = nil
		if v := Judge(c.m, o); v.Outcome != NotEvaluated || v.Reason != NoBaseline {
			t.Errorf("%s %s without a baseline: %s %s", c.m.Type, c.m.Method, v.Outcome, v.Reason)
		}
		o.Baseline = []Point{{Reason: "empty_reference"}}
		if v := Judge(c.m, o); v.Outcome != NotEvaluated || v.Reason != "empty_reference" {
			t.Errorf("%s %s with an empty reference: %s %s", c.m.Type, c.m.Method, v.Outcome, v.Reason)
		}
	}
}
