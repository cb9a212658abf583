package promrules

import (
	"fmt"
	"slices"

	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// general are the rules for every model, whether it is defined or not: sums that
// dashboards of many models read, and two alerts that need no monitor.
func general(names promql.Names) (group, error) {
	g := group{Name: "driftmeter"}
	var failed error
	whole := func(metric string) string {
		name, err := names.Metric(metric)
		if err != nil && failed == nil {
			failed = err
		}
		return promql.Selector(name, promql.Matcher{Label: promql.Label(measure.AttrSegment), Op: "=", Value: ""})
	}
	model := []string{measure.AttrModel}
	version := []string{measure.AttrModel, measure.AttrVersion}
	against := slices.Concat(version, []string{measure.AttrBaseline})
	field := slices.Concat(against, []string{measure.AttrGroup, measure.AttrField})
	predictions := join("max", version, whole(measure.MetricPredictions))
	g.Rules = []rule{
		{
			comment: "# Predictions of the latest window, all versions.",
			Record:  "ml_model:predictions:sum", Expr: "sum by (" + labels(model) + ") (" + predictions + ")",
		},
		{
			comment: "# Fields in drift.",
			Record:  "ml_model:drift_detected:sum", Expr: "sum by (" + labels(against) + ") (" + join("max", field, whole(measure.MetricDetected)) + ")",
		},
		{
			comment: "# The field that drifts most.",
			Record:  "ml_model:drift_psi:max", Expr: join("max", against, whole(measure.PrefixDrift+"psi")),
		},
		{
			comment: "# The field that misses most values.",
			Record:  "ml_model:missing_ratio:max", Expr: join("max", version, whole("ml.integrity.missing_ratio")),
		},
		{
			comment: "# Noticed when modelmetrics has ceased to repeat the last window: repeat_for, 24h, after its end.",
			Alert:   "DriftmeterModelSilent",
			Expr: fmt.Sprintf("count by (%s) (%s offset 1d)\nunless\ncount by (%s) (%s)",
				labels(model), whole(measure.MetricPredictions), labels(model), whole(measure.MetricPredictions)),
			For:    "15m",
			Labels: map[string]string{"severity": "medium", "monitor_type": "model_activity"},
			Annotations: map[string]string{
				"summary":     "{{ $labels.ml_model_name }} has had no predictions, or nobody has measured them, for a day",
				"description": "There are no metrics of any version of the model, and there were a day ago. It may have been taken out of service; its predictions may no longer reach Driftmeter; or Driftmeter may not be scraped.",
			},
		},
		{
			Alert: "DriftmeterManyFieldsDrift",
			Expr:  join("max", against, whole(measure.MetricShare)) + " >= 0.5",
			Labels: map[string]string{
				"severity": "medium", "monitor_type": "data_drift",
			},
			Annotations: map[string]string{
				"summary":     subject + ": {{ $value | humanizePercentage }} of the fields have drifted against {{ $labels.ml_baseline }}",
				"description": "Half of the fields or more differ from the baseline by more than chance and by enough to matter. That is seldom the world: look for a change in what fills the fields.",
			},
		},
	}
	return g, failed
}
