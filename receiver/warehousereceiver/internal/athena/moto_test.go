package athena

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/testbed/servers"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The interface of AWS as moto has it. It runs no SQL: it gives rows that it was told.
func TestMoto(t *testing.T) {
	server, err := servers.StartMoto("../../../../dist/moto")
	check(t, err)
	defer server.Stop()
	environment(t, server.URL)
	cell := func(s string) map[string]string { return map[string]string{"VarCharValue": s} }
	data := func(cells ...any) map[string]any { return map[string]any{"Data": cells} }
	column := func(name, kind string) map[string]any { return map[string]any{"Name": name, "Type": kind} }
	told, err := json.Marshal(map[string]any{"region": "eu-central-1", "results": []any{map[string]any{
		"rows":        []any{data(cell("at"), cell("id"), cell("score")), data(cell("2026-11-01 10:00:00.000"), cell("1"), cell("0.5")), data(cell("2026-11-01 10:00:00.000"), cell("2"), map[string]any{})},
		"column_info": []any{column("at", "timestamp"), column("id", "bigint"), column("score", "double")},
	}}})
	check(t, err)
	answer, err := http.Post(server.URL+"/moto-api/static/athena/query-results", "application/json", bytes.NewReader(told))
	check(t, err)
	check(t, answer.Body.Close())
	d, err := Driver().Open(&driver.Connection{Database: "ml", OutputLocation: "s3://results/", Region: "eu-central-1"}, driver.Options{Timeout: time.Minute})
	check(t, err)
	defer d.Close()
	rows, err := rowsOf(t, d, sqlpage.Page{SQL: "SELECT * FROM scores WHERE id >= ?", Args: []any{int64(1)}})
	want := []string{
		"[{at TIMESTAMP} {id BIGINT} {score DOUBLE}] [2026-11-01 10:00:00.000 1 0.5]",
		"[{at TIMESTAMP} {id BIGINT} {score DOUBLE}] [2026-11-01 10:00:00.000 2 <nil>]",
	}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v\n%s", err, strings.Join(rows, "\n"))
	}
}
