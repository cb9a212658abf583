package examples_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// What `driftmeter export` writes for a configuration is asked of a real Prometheus
// that scrapes a Driftmeter with that configuration: each panel has an answer, and
// each rule is evaluated.
func TestExportedDashboards(t *testing.T) {
	dir := t.TempDir()
	config := []string{"--config", "backends/base.yaml", "--config", "backends/prometheus-scrape.yaml", "--output", dir}
	run(t, exec.Command(binary(t), append([]string{"export", "dashboards", "--for", "grafana"}, config...)...))
	run(t, exec.Command(binary(t), append([]string{"export", "rules", "--for", "prometheus"}, config...)...))

	c := startBackend(t, "prometheus-scrape.yaml")
	text, err := os.ReadFile("backends/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := startPrometheus(t, strings.NewReplacer("localhost:8889", c.prometheus, "scrape_interval: 15s", "scrape_interval: 1s").Replace(string(text))+
		"\nrule_files: ['"+dir+"/*.rules.yml']\n")
	sendLoans(t, c)
	p.answers(t, `ml_model_predictions{ml_model_name="loans",ml_segment_name=""}`, "1000")

	panels := 0
	for _, file := range []string{"driftmeter-overview.json", "driftmeter-model.json", "driftmeter-model-loans.json"} {
		for title, queries := range panelsOf(t, filepath.Join(dir, file)) {
			panels++
			answered := func() bool { return slices.ContainsFunc(queries, func(q string) bool { return p.hasAnswer(t, q) }) }
			if !rightlyEmpty.MatchString(title) && !wait.For(answered) {
				t.Errorf("%s: the panel %q has no answer to any of %q", file, title, queries)
			}
		}
	}
	if panels < 60 {
		t.Errorf("%d panels: the test proves nothing", panels)
	}
	p.evaluatesRules(t)
}

// rightlyEmpty names the panels that a sound binary model does not fill.
var rightlyEmpty = regexp.MustCompile(`^(mae|rmse|mape|r2|bias|Mean prediction and mean actual|Mean absolute error.*|Repeated predictions that were dropped)$`)

// chosen replaces Grafana's variables by what a user would choose: the whole of
// the model loans.
var chosen = strings.NewReplacer("$model", "loans", "$version", ".*", "$segment_value", "", "$segment", "", "$baseline", ".*", "$field", ".*", "$measure", "ml_drift_psi")

// panelsOf returns the queries of a dashboard by the title of their panel.
func panelsOf(t *testing.T, file string) map[string][]string {
	t.Helper()
	type panel struct {
		Title   string
		Targets []struct{ Expr string }
		Panels  []json.RawMessage
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	var walk func(json.RawMessage)
	walk = func(raw json.RawMessage) {
		var p panel
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		for _, target := range p.Targets {
			out[p.Title] = append(out[p.Title], chosen.Replace(target.Expr))
		}
		for _, child := range p.Panels {
			walk(child)
		}
	}
	walk(text)
	return out
}

func (p prometheus) hasAnswer(t *testing.T, query string) bool {
	t.Helper()
	got, _ := p.ask(t, query)
	return len(got) > 0
}

// evaluatesRules waits until Prometheus has evaluated each of its rules.
func (p prometheus) evaluatesRules(t *testing.T) {
	t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if !wait.For(func() bool {
		text := get(t.Context(), (&url.URL{Scheme: "http", Host: p.address, Path: "/api/v1/rules"}).String())
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		rules, waiting := 0, 0
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				rules++
				switch r.Health {
				case "ok":
				case "unknown":
					waiting++
				default:
					t.Fatalf("%s: %s %s", r.Name, r.Health, r.LastError)
				}
			}
		}
		return rules > 0 && waiting == 0
	}) {
		t.Errorf("rules are not evaluated: %+v", answer)
	}
}
