package alert

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

const hour = time.Hour

// sample returns what was observed of a monitor: v now, b before.
func sample(m *model.Monitor, v, b float64) monitor.Observation {
	end := begin.Add(12 * hour)
	at := func(end time.Time, x float64) monitor.Point {
		return monitor.Point{From: end.Add(-m.Focal.Std()).UnixNano(), To: end.UnixNano(), Value: x, High: x + 10, N: 1000}
	}
	o := monitor.Observation{Metric: m.MetricName(), Focal: at(end, v)}
	switch m.Method {
	case model.Absolute:
	case model.Percentage, model.Anomaly:
		for i := 72; i > 0; i-- {
			o.Baseline = append(o.Baseline, at(end.Add(-time.Duration(i)*m.Focal.Std()), b*(1+0.001*float64(i%7-3))))
		}
	default:
		o.Baseline = []monitor.Point{at(end, b)}
	}
	switch m.Condition() {
	case model.ConditionDrift:
		o.Metric, o.Drift = "ml.drift.psi", monitor.Drift{Threshold: 0.2, Floor: 0.03}
		o.Evidence = []monitor.Evidence{{Name: "20000 to 30000", Value: 0.42, Baseline: 0.18}}
	case model.ConditionNew:
		o.New = monitor.New{Count: uint64(v), Known: 7}
		for i := range int(v) {
			o.New.Values = append(o.New.Values, monitor.Evidence{Name: fmt.Sprintf("purpose %d", i), Value: 0.01})
		}
	case model.ConditionMaxAge:
		o.Age = monitor.Age{Since: end.Add(-time.Duration(v) * 24 * hour), Age: time.Duration(v) * 24 * hour}
	}
	return o
}

// described judges and describes, as the evaluator does.
func described(m model.Monitor, v, b float64, change func(*Alert)) Alert {
	m = m.Filled(hour)
	o := sample(&m, v, b)
	verdict := monitor.Judge(&m, o)
	a := Alert{
		State: Firing, Severity: m.Severity, Model: "loans", Version: "v1", Started: begin.Add(10*hour + time.Minute),
		WindowStart: begin.Add(12*hour - m.Focal.Std()), WindowEnd: begin.Add(12 * hour), Reason: verdict.Says,
	}
	if len(m.Fields) > 0 {
		a.FieldGroup, a.Field, _ = strings.Cut(m.Fields[0], ".")
	}
	if m.Segment.Name != "" {
		a.Segment, a.SegmentValue = m.Segment.Name, "EU"
	}
	if m.Type == model.PerformanceDegradation {
		a.Output = "proba"
	}
	if change != nil {
		change(&a)
	}
	if verdict.Outcome == monitor.OK {
		a.State, a.Ended = Resolved, begin.Add(12*hour+time.Minute)
	}
	a.Describe(&m, o, verdict, begin.Add(10*hour))
	if verdict.Outcome == monitor.NotEvaluated {
		a.Text = "not evaluated: " + verdict.Reason
	}
	return a
}

// texts are of every kind under every method, violated and in order again.
func texts() string {
	var out strings.Builder
	for _, kind := range model.MonitorTypes() {
		for _, method := range kind.Methods() {
			m := model.Monitor{Name: "x", Type: kind, Method: method}
			ok, bad, before := 100.0, 40.0, 100.0
			switch kind {
			case model.DataDrift, model.PredictionDrift:
				ok, bad, m.Fields = 0.05, 0.41, []string{"features.income"}
				if kind == model.PredictionDrift {
					m.Fields = []string{"predictions.proba"}
				}
			case model.MissingValues:
				ok, bad, before, m.Fields = 0.1, 0.5, 0.1, []string{"features.income"}
			case model.NewValues:
				ok, bad, m.Fields = 0, 2, []string{"features.purpose"}
			case model.ValueRange:
				ok, bad, m.Fields = 100, 130, []string{"features.age"}
			case model.MetricChange:
				m.Metric.Name, m.Fields = "mean", []string{"features.income"}
			case model.PerformanceDegradation:
				ok, bad, before, m.Metric.Name = 0.9, 0.4, 0.9, "estimated.accuracy"
			case model.CustomMetric:
				m.Metric.Name = "revenue"
			case model.ModelStaleness:
				ok, bad, m.MaxAge = 3, 47, model.Duration(30*24*hour)
			}
			if method == model.AgainstSegment {
				m.Segment.Name, m.Baseline.Segment = "region", model.SegmentValue{Name: "region", Value: "US"}
			}
			switch m.Condition() {
			case model.ConditionRange, model.ConditionValues:
				m.Threshold = model.Range{Min: new(min(ok, before) * 0.5), Max: new(max(ok, before)*1.2 + 0.01)}
			case model.ConditionRatio:
				m.Percentage = new(20.0)
			case model.ConditionDistance:
				m.Distance = new(5.0)
			}
			fired, over := described(m, bad, before, nil), described(m, ok, before, nil)
			fmt.Fprintf(&out, "%s %s\n  %s\n  %s\n  %s\n", kind, m.Filled(hour).Method, fired.Text, over.Text, fired.Recommendation)
		}
	}
	return out.String()
}

// What people read is compared with a file; UPDATE=1 writes it.
func TestTexts(t *testing.T) {
	const file = "testdata/texts.txt"
	got := texts()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	is, should := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range is {
		if i >= len(should) || is[i] != should[i] {
			t.Fatalf("line %d is\n%s\nwant\n%s", i+1, is[i], should[min(i, len(should)-1)])
		}
	}
	if len(is) != len(should) || strings.Contains(got, "not evaluated") || strings.Contains(got, "%!") {
		t.Errorf("%d lines, want %d", len(is), len(should))
	}
}

// What began in the period that was measured is not said to be older; and what is
// held against another version names the slice that is.
func TestSentences(t *testing.T) {
	m := model.Monitor{Name: "x", Type: model.ModelActivity, Method: model.Absolute, Threshold: model.Range{Min: new(50.0)}}.Filled(hour)
	for since, want := range map[time.Time]string{
		begin.Add(12 * hour):  "Model loans (all versions) made no predictions in 1h, below 50. Measured 2026-11-01 11:00 to 12:00 UTC.",
		begin.Add(11 * hour):  "Model loans (all versions) made no predictions in 1h, below 50. Measured 2026-11-01 11:00 to 12:00 UTC, not in order since 2026-11-01 10:00 UTC.",
		begin.Add(-12 * hour): "Model loans (all versions) made no predictions in 1h, below 50. Measured 2026-11-01 11:00 to 12:00 UTC, not in order since 2026-10-31 11:00 UTC.",
	} {
		a := Alert{State: Firing, Model: "loans", WindowStart: begin.Add(11 * hour), WindowEnd: begin.Add(12 * hour)}
		o := sample(&m, 0, 0)
		if a.Describe(&m, o, monitor.Judge(&m, o), since); a.Text != want {
			t.Errorf("%s\nwant\n%s", a.Text, want)
		}
	}
	for version, want := range map[string]string{"v0": "region EU of version v0", model.AllVersions: "region EU of all versions", model.LatestVersion: "region EU of the latest version"} {
		m := model.Monitor{
			Name: "x", Type: model.PerformanceDegradation, Method: model.AgainstSegment, Metric: model.MonitorMetric{Name: "accuracy"}, Percentage: new(5.0),
			Segment: model.SegmentValue{Name: "region"}, Baseline: model.MonitorBaseline{Version: version},
		}
		if got := described(m, 0.5, 1, nil).Text; !strings.HasPrefix(got, "The accuracy of output proba of loans v1 (region EU) is 0.5, below 0.95 (50 % less than the 1 of "+want+").") {
			t.Error(got)
		}
	}
	m = model.Monitor{Name: "x", Type: model.MetricChange, Method: model.AgainstSegment, Metric: model.MonitorMetric{Name: "mean"}, Percentage: new(5.0), Fields: []string{"features.income"}, Segment: model.SegmentValue{Name: "region"}}
	if got := described(m, 0, 0.00001, nil).Text; !strings.HasPrefix(got, "The mean of features.income of loans v1 (region EU) is 0, below 9.5e-06 (100 % less than the 1e-05 of the whole model).") {
		t.Error(got)
	}
}

// Every placeholder there is has a value where it applies, and is empty where it
// does not.
func TestPlaceholders(t *testing.T) {
	all := ""
	for _, p := range model.Placeholders {
		all += p.Name + "={" + p.Name + "}\n"
	}
	drift := model.Monitor{Name: "Income", Type: model.DataDrift, Fields: []string{"features.income"}, Severity: High, Description: all}
	change := model.Monitor{
		Name: "Mean", Type: model.MetricChange, Method: model.Percentage, Metric: model.MonitorMetric{Name: "mean"}, Percentage: new(20.0), Fields: []string{"features.income"},
		Segment: model.SegmentValue{Name: "region"}, Description: all,
	}
	bounds := model.Monitor{Name: "Age", Type: model.ValueRange, Method: model.Absolute, Threshold: model.Range{Min: new(0.0), Max: new(120.0)}, Fields: []string{"features.age"}, Description: all}
	fresh := model.Monitor{Name: "New", Type: model.NewValues, Fields: []string{"features.purpose"}, Description: all}
	stale := model.Monitor{Name: "Old", Type: model.ModelStaleness, MaxAge: model.Duration(30 * 24 * hour), Description: all}
	other := model.Monitor{
		Name: "Two", Type: model.MetricChange, Method: model.AgainstSegment, Metric: model.MonitorMetric{Name: "mean"}, Percentage: new(20.0), Fields: []string{"features.income"},
		Segment: model.SegmentValue{Name: "region", Value: "EU"}, Baseline: model.MonitorBaseline{Segment: model.SegmentValue{Name: "region", Value: "US"}}, Description: all,
	}
	pooled := func(a *Alert) { a.Version, a.Environment = "", "production" }
	got := map[string]map[string]string{}
	for name, text := range map[string]string{
		"drift": described(drift, 0.41, 0, func(a *Alert) { a.Importance = new(0.25) }).Text, "change": described(change, 40, 100, pooled).Text, "range": described(bounds, 130, 0, nil).Text,
		"new": described(fresh, 2, 0, nil).Text, "stale": described(stale, 47, 0, nil).Text, "other": described(other, 40, 100, nil).Text,
	} {
		got[name] = map[string]string{}
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			got[name][key] = value
		}
	}
	seen := map[string]bool{}
	for _, c := range []struct{ of, name, want string }{
		{"drift", "monitor", "Income"}, {"drift", "severity", "high"}, {"drift", "model", "loans"}, {"drift", "model_name", "loans"}, {"drift", "model_id", "loans"},
		{"drift", "model_version", "v1"}, {"change", "model_version", "all versions"}, {"change", "environment", "production"}, {"drift", "environment", "all environments"},
		{"drift", "field", "features.income"}, {"drift", "importance", "0.25"}, {"change", "importance", ""}, {"drift", "metric", "psi"}, {"drift", "focal_value", "0.41"}, {"drift", "baseline_value", ""},
		{"change", "baseline_value", "100"}, {"range", "min_threshold", "0"}, {"range", "max_threshold", "120"}, {"change", "max_threshold", "20 %"}, {"drift", "max_threshold", "0.2"},
		{"change", "last_lower_bound", "80"}, {"change", "last_upper_bound", "120"}, {"change", "value_thresholds", "between 80 and 120"}, {"drift", "value_thresholds", "at most 0.2"},
		{"drift", "focal_time_period", "1h"}, {"drift", "focal_times", "2026-11-01 11:00 to 12:00 UTC"}, {"change", "focal_segment", "region EU"}, {"drift", "focal_segment", ""},
		{"drift", "baseline_time_period", "training"}, {"change", "baseline_time_period", "168h"}, {"change", "baseline_times", "2026-10-25 11:00 to 2026-11-01 11:00 UTC"},
		{"drift", "baseline_times", ""}, {"other", "baseline_times", "2026-11-01 11:00 to 12:00 UTC"}, {"other", "baseline_segment", "region US"}, {"drift", "baseline_segment", ""},
		{"new", "unexpected_values", "purpose 0, purpose 1"}, {"range", "unexpected_values", "140"}, {"drift", "unexpected_values", ""},
		{"stale", "last_deployment_time", "2026-09-15 12:00 UTC"}, {"stale", "time_threshold", "30 days"}, {"drift", "last_deployment_time", ""}, {"drift", "time_threshold", ""},
		{"drift", "drift_score", "0.41"}, {"drift", "drift_score_text", "psi 0.41 above 0.2"}, {"change", "drift_score", ""},
		{"drift", "since", "2026-11-01 10:00 UTC"}, {"change", "reason", "mean 40 below 80 (on average 100)"},
	} {
		seen[c.name] = true
		if got[c.of][c.name] != c.want {
			t.Errorf("%s of %s is %q, want %q", c.name, c.of, got[c.of][c.name], c.want)
		}
	}
	for _, p := range model.Placeholders {
		if !seen[p.Name] {
			t.Errorf("%s is not tested", p.Name)
		}
	}
}

// A description is told of the end as well, and says so.
func TestDescriptionOfTheEnd(t *testing.T) {
	m := model.Monitor{Name: "x", Type: model.DataDrift, Fields: []string{"features.income"}, Description: "<@U012AB> look at {{ field }}"}
	if got := described(m, 0.41, 0, nil).Text; got != "<@U012AB> look at features.income" {
		t.Error(got)
	}
	if got := described(m, 0.05, 0, nil).Text; got != "<@U012AB> look at features.income (In order again. It had not been since 2026-11-01 09:00 UTC.)" {
		t.Error(got)
	}
}

// Whatever strangers name their models, segments, fields and values: the sentence
// has no markup, calls nobody and stays short.
func TestStrangersWriteNoMarkup(t *testing.T) {
	const evil = "<!channel> **[x](http://evil.example)** `@everyone` & <script>alert(1)</script>\r\n# heading \u202e"
	hostile := func(a *Alert) {
		a.Model, a.Version, a.Segment, a.SegmentValue, a.Environment = evil, evil, evil, evil, evil
		if a.Field != "" {
			a.Field = evil
		}
		a.Output = evil
	}
	for _, kind := range model.MonitorTypes() {
		for _, description := range []string{"", "{model}{model_version}{environment}{field}{focal_segment}{unexpected_values}{reason}"} {
			m := model.Monitor{
				Name: evil, Type: kind, Method: kind.Methods()[0], Description: description, Metric: model.MonitorMetric{Name: "mean", Class: evil},
				Threshold: model.Range{Max: new(1.0)}, MaxAge: model.Duration(hour), Fields: []string{"features.a"},
			}
			text := described(m, 40, 1, hostile).Text
			if strings.ContainsAny(text, "<>&`*[]@\r\n") || len(text) > 1500 || strings.Contains(text, "not evaluated") {
				t.Errorf("%s: %q", kind, text)
			}
		}
	}
}
