// Package warehousereceiver reads predictions, labels and reference sets from
// databases with SQL: page by page in the order of an incremental column, each row
// once, and again what may have changed since. A mapping says what the columns
// are; what comes out is the prediction log of every other source.
package warehousereceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/metadata"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/postgres"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/redshift"
)

// NewFactory returns the receiver factory with the drivers of the default build.
func NewFactory() receiver.Factory { return NewFactoryWith() }

// NewFactoryWith returns one with more drivers. The package full has all.
func NewFactoryWith(more ...*driver.Driver) receiver.Factory {
	drivers := append([]*driver.Driver{postgres.Driver(), redshift.Driver()}, more...)
	return receiver.NewFactory(metadata.Type, func() component.Config { return defaultConfig(drivers) },
		receiver.WithLogs(create, metadata.LogsStability))
}

func create(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newSource(cfg.(*Config), set, next, tel)
}
