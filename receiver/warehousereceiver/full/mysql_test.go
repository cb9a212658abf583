package full

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/mysql"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
	"github.com/driftmeter/driftmeter/testbed/servers"
)

// A MariaDB that really runs, with the driver of MySQL.
func TestMariaDB(t *testing.T) {
	db, err := servers.StartMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Stop()
	t.Run("rows once and labels later", func(t *testing.T) {
		if err := db.Exec(t.Context(), "CREATE TABLE scores (id BIGINT UNSIGNED PRIMARY KEY, at DATETIME(6) NOT NULL, amount DECIMAL(10,2), country VARCHAR(10), proba DOUBLE, fraud TINYINT)",
			"INSERT INTO scores VALUES (1, '2026-11-01 10:00:00.000001', 1.5, 'DE', 0.9, NULL), (2, '2026-11-01 10:00:00.000001', 2, 'FR', 0.1, 1), (3, '2026-11-01 10:00:01', NULL, '', 0.2, NULL)"); err != nil {
			t.Fatal(err)
		}
		to := &sink{}
		begin(t, map[string]any{"driver": "mysql", "connection": map[string]any{"endpoint": db.Socket, "user": "driftmeter", "database": "test"}, "table": "test.scores",
			"incremental": map[string]any{"column": "at"}, "page_size": 1, "mapping": scores()}, to)
		want := []string{
			"ml.prediction features.amount= features.country= model.name=fraud model.version=default prediction.id=3 predictions.proba=0.2",
			"ml.prediction actuals.proba=true features.amount=2 features.country=FR model.name=fraud model.version=default prediction.id=2 predictions.proba=0.1",
			"ml.prediction features.amount=1.5 features.country=DE model.name=fraud model.version=default prediction.id=1 predictions.proba=0.9",
		}
		to.comes(t, want...)
		if err := db.Exec(t.Context(), "UPDATE scores SET fraud = 0 WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		to.comes(t, append(want, "ml.actual actuals.proba=false model.name=fraud model.version=default prediction.id=1")...)
	})
	t.Run("types", func(t *testing.T) {
		d := open(t, mysql.Driver(), &driver.Connection{Endpoint: db.Socket, User: "driftmeter", Database: "test"})
		read := func(expression string) (n tree.Node, err error) {
			err = d.Read(t.Context(), sqlpage.Page{SQL: "SELECT " + expression + " AS v"}, func(columns []value.Column, row []any) (bool, error) {
				n = value.NewReader().Row(columns, row).Sub[0]
				return true, nil
			})
			return n, err
		}
		line := filepath.Join(t.TempDir(), "line")
		if err := servers.OnDeadLine(line, db.Socket, func(die func()) error {
			d, err := mysql.Driver().Open(&driver.Connection{Endpoint: line, User: "driftmeter", Database: "test"}, driver.Options{Timeout: time.Minute})
			if err != nil {
				return err
			}
			defer d.Close()
			return d.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1 AS v"}, func([]value.Column, []any) (bool, error) { die(); return true, nil })
		}); err != nil {
			t.Errorf("on a line that went dead behind the last row: %v", err)
		}
		for expression, want := range map[string]tree.Node{
			"NULL":                              {},
			"-5":                                {Kind: tree.Integer, Int: -5},
			"18446744073709551615":              {Kind: tree.Number, Num: 1 << 64},
			"CAST(0.10 AS DECIMAL(5,2))":        {Kind: tree.Number, Num: 0.1},
			"0.1e0":                             {Kind: tree.Number, Num: 0.1},
			"'x'":                               {Kind: tree.Text, Text: "x"},
			"DATE '2026-11-01'":                 {Kind: tree.Wall, Int: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixNano()},
			"TIMESTAMP '2026-11-01 10:00:00.5'": {Kind: tree.Wall, Int: time.Date(2026, 11, 1, 10, 0, 0, 5e8, time.UTC).UnixNano()},
			"TIME '01:00:00'":                   {Kind: tree.Number, Num: 3600},
			"X'0102'":                           {Kind: tree.Text, Text: "0102"},
		} {
			n, err := read(expression)
			if n.Kind != want.Kind || n.Num != want.Num || n.Int != want.Int || n.Text != want.Text || err != nil {
				t.Errorf("%s is %+v, %v, want %+v", expression, n, err, want)
			}
		}
		if err := d.Read(t.Context(), sqlpage.Page{SQL: "DELETE FROM scores"}, nil); err == nil || !strings.Contains(err.Error(), "it may only read") {
			t.Errorf("a statement that writes: %v", err)
		}
		if err := d.Read(t.Context(), sqlpage.Page{SQL: "SELECT * FROM nothing"}, nil); err == nil || !strings.Contains(err.Error(), "check table or query") {
			t.Errorf("no table: %v", err)
		}
	})
}
