// Package groundtruthprocessor joins actuals to the predictions that they are
// about. It takes logs in, answers when what was decided is safe, and sends
// predictions and labelled records on.
package groundtruthprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/driftmeter/driftmeter/processor/groundtruthprocessor/internal/metadata"
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
	return newJoiner(cfg.(*Config), set, next, tel), nil
}
