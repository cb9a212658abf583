// Package modelmetricsconnector compares profiles with their references and
// emits what it finds as metrics.
package modelmetricsconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector/internal/metadata"
)

// NewFactory returns the connector factory.
func NewFactory() connector.Factory {
	return connector.NewFactory(metadata.Type, defaults,
		connector.WithLogsToMetrics(toMetrics, metadata.LogsToMetricsStability))
}

func defaults() component.Config { return &Config{} }

func toMetrics(context.Context, connector.Settings, component.Config, consumer.Metrics) (connector.Logs, error) {
	return &evaluator{}, nil
}

type evaluator struct {
	component.StartFunc
	component.ShutdownFunc
}

// Capabilities says that batches are only read.
func (*evaluator) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: false} }

// ConsumeLogs takes a batch of profiles.
func (*evaluator) ConsumeLogs(context.Context, plog.Logs) error { return nil }
