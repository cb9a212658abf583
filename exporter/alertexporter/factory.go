// Package alertexporter delivers alerts: to Slack, JIRA, e-mail and the rest,
// through Alertmanager's own grouping, silences and repeats.
package alertexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/metadata"
)

// NewFactory returns the exporter factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, func() component.Config { return defaultConfig() },
		exporter.WithLogs(create, metadata.LogsStability))
}

func create(_ context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &deliverer{cfg: cfg.(*Config), set: set, tel: tel}, nil
}
