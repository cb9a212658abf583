package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExport(t *testing.T) {
	work := t.TempDir()
	for name, text := range map[string]string{
		"good.yaml":  "extensions: {modelstore: {models: [{name: churn, type: binary, monitors: [{name: Quiet, type: model_activity, method: absolute, threshold: {min: 5}}]}, {name: a b}]}}",
		"empty.yaml": "extensions: {healthcheckv2: {}}",
		"wrong.yaml": "extensions: {modelstore: {models: [{name: churn, typ: binary}]}}",
		"twins.yaml": "extensions: {modelstore: {models: [{name: a_b}, {name: a b}]}}",
		"file":       "",
	} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, args := range map[string][]string{
		"export":                      {"export"},
		"export-dashboards-help":      {"export", "dashboards", "--help"},
		"export-dashboards-grafana":   {"export", "dashboards", "--for", "grafana", "--config", "$WORK/good.yaml", "--output", "$WORK/out"},
		"export-dashboards-general":   {"export", "dashboards", "--for", "grafana", "--output", "$WORK/general"},
		"export-dashboards-undefined": {"export", "dashboards", "--for", "grafana", "--config", "$WORK/empty.yaml", "--output", "$WORK/undefined"},
		"export-rules-help":           {"export", "rules", "--help"},
		"export-rules-prometheus":     {"export", "rules", "--for", "prometheus", "--config", "$WORK/good.yaml", "--output", "$WORK/out"},
		"export-dashboards-newrelic":  {"export", "dashboards", "--for", "newrelic", "--config", "$WORK/good.yaml", "--output", "$WORK/nr", "--aporia"},
		"export-rules-newrelic":       {"export", "rules", "--for", "newrelic", "--config", "$WORK/good.yaml", "--output", "$WORK/nr"},
		"export-error-nothing":        {"export", "rules", "--for", "newrelic", "--output", "$WORK/nr"},
		"export-error-unknown":        {"export", "rules", "--for", "datadog"},
		"export-error-rules-kind":     {"export", "rules", "--for", "grafana"},
		"export-error-missing":        {"export", "dashboards"},
		"export-error-kind":           {"export", "dashboards", "--for", "prometheus"},
		"export-error-config":         {"export", "dashboards", "--for", "grafana", "--config", "$WORK/gone.yaml"},
		"export-error-definition":     {"export", "dashboards", "--for", "grafana", "--config", "$WORK/wrong.yaml"},
		"export-error-twins":          {"export", "dashboards", "--for", "grafana", "--config", "$WORK/twins.yaml"},
		"export-error-output":         {"export", "dashboards", "--for", "grafana", "--output", "$WORK/file"},
		"export-error-misspelt":       {"export", "dashboard"},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, work, args...) })
	}
}
