// Package profileprocessor condenses prediction logs into profiles. It takes
// logs in, answers when they are safe, and sends ml.profile logs on at
// intervals.
package profileprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/driftmeter/driftmeter/processor/profileprocessor/internal/metadata"
)

// NewFactory returns the processor factory.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, func() component.Config { return defaultConfig() },
		processor.WithLogs(create, metadata.LogsStability))
}

func create(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newProfiler(cfg.(*Config), set, next, tel), nil
}
