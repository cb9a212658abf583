package warehousereceiver

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/postgres"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
	"github.com/driftmeter/driftmeter/testbed/servers"
)

// A network that goes silent behind the last row of a page holds nobody up.
func deadLine(t *testing.T) {
	at := filepath.Join(t.TempDir(), filepath.Base(socket(t)))
	if err := servers.OnDeadLine(at, socket(t), func(die func()) error {
		db, err := postgres.Driver().Open(&driver.Connection{Endpoint: at, User: "driftmeter", Database: "postgres"}, driver.Options{Timeout: time.Minute})
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1 AS v"}, func([]value.Column, []any) (bool, error) { die(); return true, nil })
	}); err != nil {
		t.Error(err)
	}
}
