// Package full is the warehouse receiver with all its drivers.
package full

import (
	"go.opentelemetry.io/collector/receiver"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/athena"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/bigquery"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/databricks"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/mysql"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/snowflake"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlserver"
)

// NewFactory returns the receiver factory.
func NewFactory() receiver.Factory {
	return warehousereceiver.NewFactoryWith(athena.Driver(), bigquery.Driver(), databricks.Driver(), mysql.Driver(), snowflake.Driver(), sqlserver.Driver())
}
