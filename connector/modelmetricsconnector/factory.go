// Package modelmetricsconnector compares profiles with their references and
// emits what it finds as metrics.
package modelmetricsconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector/internal/metadata"
)

// NewFactory returns the connector factory.
func NewFactory() connector.Factory {
	return connector.NewFactory(metadata.Type, func() component.Config { return defaultConfig() },
		connector.WithLogsToMetrics(toMetrics, metadata.LogsToMetricsStability))
}

func toMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &evaluator{cfg: cfg.(*Config), next: next, log: set.Logger, tel: tel}, nil
}
