// Package predictionreceiver takes predictions by HTTP from whoever does not
// speak OTLP: rows by REST, files, and what inference servers log. A mapping says
// what their columns and paths are; what comes out is the prediction log of every
// other source.
package predictionreceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/driftmeter/driftmeter/receiver/predictionreceiver/internal/metadata"
)

// NewFactory returns the receiver factory.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, func() component.Config { return defaultConfig() },
		receiver.WithLogs(create, metadata.LogsStability))
}

func create(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newServer(cfg.(*Config), set, next, tel)
}
