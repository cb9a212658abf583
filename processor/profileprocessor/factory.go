// Package profileprocessor condenses prediction logs into profiles. It takes
// logs in, and sends one ml.profile log on for each profile that has changed.
package profileprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/driftmeter/driftmeter/processor/profileprocessor/internal/metadata"
)

// NewFactory returns the processor factory.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, defaults, processor.WithLogs(create, metadata.LogsStability))
}

func defaults() component.Config { return &Config{} }

func create(context.Context, processor.Settings, component.Config, consumer.Logs) (processor.Logs, error) {
	return &profiler{}, nil
}

type profiler struct {
	component.StartFunc
	component.ShutdownFunc
}

// Capabilities says that batches are only read.
func (*profiler) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: false} }

// ConsumeLogs takes a batch.
func (*profiler) ConsumeLogs(context.Context, plog.Logs) error { return nil }
