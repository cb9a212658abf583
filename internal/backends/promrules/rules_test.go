package promrules

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/model"
)

// every returns a model with a monitor for every type and method there is, and
// some of them in other ways.
func every() backends.Model {
	def := &model.Definition{
		Name: `churn "x" {{ y }}`, Fields: map[string]model.Field{"features.age": {Type: model.Numeric}, "features.zip": {Type: model.Categorical}},
		Drift: model.Drift{Measures: []model.Measure{{Name: "js_divergence"}, {Name: "hellinger"}}, Baselines: []model.Baseline{{Dataset: model.Training}, {Period: 7 * 24 * time.Hour}}},
	}
	add := func(m model.Monitor) {
		m.Name = fmt.Sprint(len(def.Monitors), " ", m.Type, " ", m.Method, " {{ it's }}")
		def.Monitors = append(def.Monitors, m)
	}
	for _, kind := range model.MonitorTypes() {
		for _, method := range kind.Methods() {
			m := model.Monitor{
				Type: kind, Method: method, Threshold: model.Range{Min: new(-1.5), Max: new(120.0)}, Percentage: new(20.0),
				MaxAge: model.Duration(24 * time.Hour), Description: "{field} of {{model}} is {focal_value}, {nothing} {{ raw }} {{ $x }}",
			}
			switch kind {
			case model.MetricChange:
				m.Metric.Name = "mean"
			case model.PerformanceDegradation:
				m.Metric.Name = "rmse"
			case model.CustomMetric:
				m.Metric.Name = "revenue"
			}
			if method == model.AgainstSegment {
				m.Segment = model.SegmentValue{Name: "region", Value: "EU"}
			}
			if kind == model.DataDrift && method == model.Anomaly {
				m.Baseline.Period = model.Duration(7 * 24 * time.Hour)
			}
			add(m)
			m.Version, m.Hold.Firing, m.Hold.Resolved, m.Schedule = model.AllVersions, 3, 2, "0 * * * *"
			m.Focal = model.Duration(24 * time.Hour)
			add(m)
			m.Version, m.Focal, m.IncreaseOnly, m.Fields = "v1.2|x", 0, true, []string{"features.age", "features.zip", "raw_inputs.*"}
			add(m)
		}
	}
	return backends.Model{Definition: def, Window: time.Hour}
}

// Prometheus parses every rule, its templates are templates, and a monitor is in
// the file either as a rule or as a comment with the reason.
func TestEveryMonitor(t *testing.T) {
	m := every()
	files, err := Files([]backends.Model{m}, promql.Names{})
	if err != nil {
		t.Fatal(err)
	}
	content := string(files[1].Content)
	var doc struct{ Groups []group }
	if err := yaml.Unmarshal(files[1].Content, &doc); err != nil {
		t.Fatalf("%v in %s", err, content)
	}
	rules := doc.Groups[0].Rules
	if head, _, _ := strings.Cut(content, "\ngroups:"); len(rules)+strings.Count(head, "\n#   ") != len(m.Definition.Monitors) {
		t.Errorf("%d monitors, but %d rules and %d comments", len(m.Definition.Monitors), len(rules), strings.Count(head, "\n#   "))
	}
	for _, r := range rules {
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr); err != nil {
			t.Errorf("%s: %v in %s", r.Alert, err, r.Expr)
		}
		for name, text := range r.Annotations {
			parsed, err := template.New("").Parse("{{ $labels := .Labels }}{{ $value := .Value }}" + text + "{{ $labels }}{{ $value }}")
			if err == nil {
				err = parsed.Execute(new(bytes.Buffer), map[string]any{"Labels": map[string]string{}, "Value": 1.5})
			}
			if err != nil {
				t.Errorf("%s: %s: %v", r.Alert, name, err)
			}
		}
	}
	if len(rules) < 30 {
		t.Errorf("only %d monitors of %d have a rule", len(rules), len(m.Definition.Monitors))
	}
	check(t, "check", write(t, files)...)
}

// What is written is always the same.
func TestStable(t *testing.T) {
	first, err := Files([]backends.Model{every()}, promql.Names{})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := Files([]backends.Model{every()}, promql.Names{})
		if err != nil || !bytes.Equal(again[1].Content, first[1].Content) {
			t.Fatalf("%v: it differs", err)
		}
	}
}

// The rules of the committed example fire when they should, and only then.
func TestExample(t *testing.T) {
	examples, err := filepath.Glob("../../../dashboards/prometheus/*.yml")
	if err != nil || len(examples) < 2 {
		t.Fatalf("%d examples, %v", len(examples), err)
	}
	check(t, "check", examples...)
	check(t, "test", "testdata/example.test.yml", "testdata/staleness.test.yml")
}

func write(t *testing.T, files []backends.File) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, f.Content, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// check runs promtool, which CI has to have.
func check(t *testing.T, what string, paths ...string) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no promtool; .ci/run installs it with Debian's package prometheus")
		}
		t.Log("NOT CHECKED: there is no promtool; install Debian's package prometheus")
		return
	}
	out, err := exec.CommandContext(t.Context(), promtool, append([]string{what, "rules"}, paths...)...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s rules: %v\n%s", what, err, out)
	}
}
