// Package newrelicexporter sends model metrics, evaluations, predictions, alerts
// and logs to New Relic through its Metric, Event and Log API.
//
// Queue and retry are the exporterhelper's. What is ours is the mapping, the
// cutting into requests, and the memory of what was delivered: of a batch of
// which a part was taken only the rest is tried again.
package newrelicexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/driftmeter/driftmeter/exporter/newrelicexporter/internal/metadata"
)

// NewFactory returns the exporter factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, func() component.Config { return defaultConfig() },
		exporter.WithMetrics(newMetrics, metadata.MetricsStability),
		exporter.WithLogs(newLogs, metadata.LogsStability))
}

func newMetrics(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Metrics, error) {
	c := cfg.(*Config)
	s, err := newSender(set, c)
	if err != nil {
		return nil, err
	}
	m := newMetricsPusher(s, c)
	return exporterhelper.NewMetrics(ctx, set, cfg, m.push, options(c, m.start, m.shutdown)...)
}

func newLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	c := cfg.(*Config)
	s, err := newSender(set, c)
	if err != nil {
		return nil, err
	}
	l := newLogsPusher(s, c)
	return exporterhelper.NewLogs(ctx, set, cfg, l.push, options(c, s.start, nil)...)
}

func options(c *Config, start component.StartFunc, shutdown component.ShutdownFunc) []exporterhelper.Option {
	return []exporterhelper.Option{
		exporterhelper.WithStart(start),
		exporterhelper.WithShutdown(shutdown),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}), // the HTTP client's is of one request, and a batch may need several
		exporterhelper.WithRetry(c.RetryConfig),
		exporterhelper.WithQueue(c.QueueConfig),
	}
}
