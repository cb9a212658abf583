package model

import (
	"strings"
	"testing"
	"time"
)

func TestCustomMetrics(t *testing.T) {
	d, err := decode(t, whole+`
metrics:
  - {name: revenue, expression: '5 * tp_count(predictions.proba, actuals.fraud, 0.5)'}
  - name: seniors
    expression: |
      all = prediction_count()  // of the window
      prediction_count(filter="age > 60") / all
`)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate("models[0]", time.Hour); err != nil {
		t.Fatal(err)
	}
	if m, ok := d.Metric("revenue"); !ok || m.Expression == "" {
		t.Error("revenue is not there")
	}
	if _, ok := d.Metric("profit"); ok {
		t.Error("profit is there")
	}
}

// Every mistake in custom metrics is told, with the key, the place and what would
// be right; what only data can tell is left to them.
func TestMistakesInCustomMetrics(t *testing.T) {
	d, err := decode(t, whole+`
metrics:
  - {name: revenue, expression: '5 * tp_cont(predictions.proba)'}
  - {name: revenue, expression: '1'}
  - {name: 'lost money', expression: ''}
  - {expression: 'mean(features.home.dest) + sum(features.age, filter="age == ''a''")'}
  - {name: unseen, expression: 'mean(features.income[features.city == "x"])'}
`)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Validate("models[0]", time.Hour)
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		`models[0].metrics[0].expression="5 * tp_cont(predictions.proba)" column 5: "tp_cont" is no function; did you mean tp_count?` + "\n    5 * tp_cont(predictions.proba)\n        ^",
		`models[0].metrics[1].name="revenue" is the name of another metric`,
		`models[0].metrics[2].name="lost money" must begin with a letter and have up to 100 letters, digits and underscores`,
		`models[0].metrics[2].expression="" must not be empty`,
		`models[0].metrics[3].name="" must not be empty`,
		`column 6: "features.home.dest" is an embedding, array or dict; mean needs a numeric field`,
		`column 61: 'a' is text, but features.age is numeric; compare it with a number`,
	} {
		if !strings.Contains(strings.ReplaceAll(err.Error(), `"a"`, "'a'"), want) {
			t.Errorf("lacks %s:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "metrics[4]") {
		t.Errorf("fields that come with the data are refused: %v", err)
	}
}

// A monitor of a custom metric names one that is there, whatever it is called.
func TestMonitorsOfCustomMetrics(t *testing.T) {
	d, err := decode(t, whole+`
metrics: [{name: average, expression: mean(features.age)}]
monitors:
  - {name: known, type: custom_metric, method: absolute, metric: average, threshold: {max: 9}}
  - {name: unknown, type: custom_metric, method: absolute, metric: mean, threshold: {max: 9}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Monitors[0].MetricName(); got != "ml.custom.average" {
		t.Errorf("asks for %s", got)
	}
	err = d.Validate("models[0]", time.Hour)
	if err == nil || strings.Contains(err.Error(), "monitors[0]") ||
		!strings.Contains(err.Error(), `models[0].monitors[1].metric="mean" is unknown; known metrics: average`) {
		t.Errorf("%v", err)
	}
}
