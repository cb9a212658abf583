package full

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A stand-in for Amazon Athena with a table of its own, which it searches as the
// statements say: all, from a time on, or behind a row.
type athenaTable struct {
	mu   sync.Mutex
	rows [][4]string // time, id, score, and label or ""
	last []string    // arguments of the last statement
}

func (a *athenaTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena.") {
	case "StartQueryExecution":
		var asked struct{ ExecutionParameters []string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		a.last = asked.ExecutionParameters
		_, _ = w.Write([]byte(`{"QueryExecutionId": "q"}`))
	case "GetQueryExecution":
		_, _ = w.Write([]byte(`{"QueryExecution": {"Status": {"State": "SUCCEEDED"}}}`))
	case "GetQueryResults":
		_ = json.NewEncoder(w).Encode(map[string]any{"ResultSet": map[string]any{"Rows": a.found(), "ResultSetMetadata": map[string]any{"ColumnInfo": []map[string]string{
			{"Name": "at", "Type": "timestamp"}, {"Name": "id", "Type": "varchar"}, {"Name": "proba", "Type": "double"}, {"Name": "fraud", "Type": "boolean"}}}}})
	default:
		http.Error(w, "{}", http.StatusBadRequest)
	}
}

// found is a page of two rows, with its header.
func (a *athenaTable) found() []any {
	row := func(cells ...string) any {
		var data []any
		for _, c := range cells {
			cell := map[string]string{"VarCharValue": c}
			if c == "" {
				cell = map[string]string{}
			}
			data = append(data, cell)
		}
		return map[string]any{"Data": data}
	}
	page := []any{row("at", "id", "proba", "fraud")}
	for _, r := range a.rows {
		at := "TIMESTAMP '" + r[0] + "'"
		fits := len(a.last) == 0 || len(a.last) == 1 && at >= a.last[0] || len(a.last) == 4 && (at > a.last[1] || at == a.last[2] && "'"+r[1]+"'" > a.last[3])
		if fits && len(page) < 3 {
			page = append(page, row(r[:]...))
		}
	}
	return page
}

// Rows come once, page after page, and the label that is filled in later.
func TestAthena(t *testing.T) {
	table := &athenaTable{rows: [][4]string{{"2026-11-01 10:00:00.000", "a", "0.9", ""}, {"2026-11-01 10:00:00.000", "b", "0.1", "true"}, {"2026-11-01 10:00:01.000", "c", "0.2", ""}}}
	server := httptest.NewServer(table)
	defer server.Close()
	for key, v := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "key", "AWS_CONFIG_FILE": "nothing",
		"AWS_SHARED_CREDENTIALS_FILE": "nothing", "AWS_PROFILE": ""} {
		t.Setenv(key, v)
	}
	threeRows(t, map[string]any{"driver": "athena", "table": "scores",
		"connection": map[string]any{"database": "ml", "region": "eu-central-1", "output_location": "s3://results/"}}, func() {
		table.mu.Lock()
		defer table.mu.Unlock()
		table.rows[0][3] = "false"
	})
}
