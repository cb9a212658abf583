package measure

import (
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
)

// What monitors may watch of a field is what is measured of fields, and every name
// that a monitor's metric has is that of a metric.
func TestMonitorsWatchWhatIsMeasured(t *testing.T) {
	var watched []string
	for _, f := range model.FieldMetrics {
		watched = append(watched, f.Metric)
	}
	measured := FieldMetrics()
	slices.Sort(watched)
	slices.Sort(measured)
	if !slices.Equal(watched, measured) {
		t.Errorf("monitors watch %v, measured are %v", watched, measured)
	}
	for _, kind := range model.MonitorTypes() {
		m := model.Monitor{Type: kind, Metric: model.MonitorMetric{Name: "estimated.accuracy"}}
		if kind == model.MetricChange {
			m.Metric.Name = "mean"
		}
		name := m.MetricName()
		if _, ok := Lookup(name); !ok && kind != model.DataDrift && kind != model.PredictionDrift && kind != model.CustomMetric && kind != model.ModelStaleness {
			t.Errorf("%s watches %q, which is no metric", kind, name)
		}
	}
}
