// Package promql writes our queries in the language of Prometheus, with the names
// that its exporters make of ours.
//
// Those names are made by the library that the Collector's exporters and
// Prometheus' own OTLP endpoint use, so that they cannot come apart.
package promql

import (
	"fmt"
	"strings"

	"github.com/prometheus/otlptranslator"

	"github.com/driftmeter/driftmeter/internal/measure"
)

// Names makes names of Prometheus from ours.
type Names struct {
	// NoSuffixes is for exporters with the translation_strategy
	// UnderscoreEscapingWithoutSuffixes.
	NoSuffixes bool
	// Namespace is that of the prometheus exporter's configuration.
	Namespace string
}

// Metric returns the name of a gauge, whose unit may become a suffix:
// ml_performance_accuracy_ratio.
func (n Names) Metric(name string) (string, error) {
	unit := "{number}" // of custom metrics
	if m, ok := measure.Lookup(name); ok {
		unit = m.Unit
	}
	namer := otlptranslator.MetricNamer{Namespace: n.Namespace, WithMetricSuffixes: !n.NoSuffixes}
	got, err := namer.Build(otlptranslator.Metric{Name: name, Unit: unit, Type: otlptranslator.MetricTypeGauge})
	if err != nil {
		return "", fmt.Errorf("%s has no name in Prometheus: %w", name, err)
	}
	return got, nil
}

// Label returns the label that an attribute becomes: ml_model_name.
func Label(attribute string) string { return strings.ReplaceAll(attribute, ".", "_") }

// Labels returns the labels of attributes.
func Labels(attributes []string) []string {
	labels := make([]string, len(attributes))
	for i, a := range attributes {
		labels[i] = Label(a)
	}
	return labels
}
