// Package datasetreceiver reads predictions, actuals, raw inputs and reference
// sets from where batch jobs leave them: folders and buckets of Parquet, CSV and
// NDJSON files, and Delta Lake tables. Each row is counted exactly once, across
// restarts and kills.
package datasetreceiver

import (
	"context"
	"maps"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/metadata"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/s3"
)

// NewFactory returns the receiver factory, for folders and S3.
func NewFactory() receiver.Factory { return NewFactoryWith(nil) }

// NewFactoryWith returns one that knows other schemes of urls, too. Package full
// has those that are not in every build.
func NewFactoryWith(more map[string]place.Opener) receiver.Factory {
	openers := map[string]place.Opener{"s3": s3.Open}
	maps.Copy(openers, more)
	return receiver.NewFactory(metadata.Type, func() component.Config { return defaultConfig(openers) },
		receiver.WithLogs(create, metadata.LogsStability))
}

func create(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newReader(cfg.(*Config), set, next, tel)
}
