package postgres

import (
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// A connection begins with nothing that PgBouncer refuses: it knows these settings
// only, unless it is told to ignore others.
func TestStartup(t *testing.T) {
	at := filepath.Join(t.TempDir(), ".s.PGSQL.5432")
	in, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	said := make(chan map[string]string, 1)
	go func() {
		defer close(said)
		c, err := in.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if m, err := pgproto3.NewBackend(c, c).ReceiveStartupMessage(); err == nil {
			if startup, ok := m.(*pgproto3.StartupMessage); ok {
				said <- startup.Parameters
			}
		}
	}()
	t.Setenv("PGTZ", "Asia/Tokyo")
	d, err := Driver().Open(&driver.Connection{Endpoint: at, User: "u", Database: "d"}, driver.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, nil); err == nil {
		t.Error("who hangs up is read")
	}
	parameters := <-said
	if parameters["timezone"] != "UTC" {
		t.Errorf("said %v", parameters)
	}
	for name := range parameters {
		if !slices.Contains([]string{"user", "database", "client_encoding", "datestyle", "timezone", "standard_conforming_strings", "application_name"}, name) {
			t.Errorf("%s is said, which poolers do not know", name)
		}
	}
}
