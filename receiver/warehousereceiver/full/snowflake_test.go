package full

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A stand-in for Snowflake with a table of its own, which it searches as the
// statements say: all, from a time on, or behind a row.
type snowTable struct {
	mu   sync.Mutex
	rows [][]any // of seconds, id, score and label
}

func (s *snowTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var asked struct {
		Statement string
		Bindings  map[string]struct{ Type, Value string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer a-token" {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	seconds := strings.TrimSuffix(asked.Bindings["1"].Value, "000000000")
	var found [][]any
	for _, row := range s.rows {
		behind := row[0].(string) > seconds || row[0].(string) == seconds && row[1].(string) > asked.Bindings["4"].Value
		if len(asked.Bindings) == 0 || len(asked.Bindings) == 1 && row[0].(string) >= seconds || len(asked.Bindings) == 4 && behind {
			found = append(found, row)
		}
	}
	found = found[:min(2, len(found))] // the page of the test
	name := func(name, kind string) map[string]string { return map[string]string{"name": name, "type": kind} }
	meta := map[string]any{"numRows": len(found), "partitionInfo": []any{map[string]any{"rowCount": len(found)}},
		"rowType": []any{name("AT", "timestamp_ltz"), name("ID", "text"), name("PROBA", "real"), name("FRAUD", "boolean")}}
	_ = json.NewEncoder(w).Encode(map[string]any{"statementHandle": "h", "resultSetMetaData": meta, "data": append([][]any{}, found...)})
}

// Rows come once, page after page, and the label that is filled in later.
func TestSnowflake(t *testing.T) {
	table := &snowTable{rows: [][]any{{"1793527200", "a", "0.9", nil}, {"1793527200", "b", "0.1", "true"}, {"1793527201", "c", "0.2", nil}}}
	server := httptest.NewServer(table)
	defer server.Close()
	threeRows(t, map[string]any{"driver": "snowflake", "table": "ml.scores", "connection": map[string]any{"account": "acme-prod", "token": "a-token",
		"endpoint": strings.TrimPrefix(server.URL, "http://"), "tls": map[string]any{"insecure": true}}}, func() {
		table.mu.Lock()
		defer table.mu.Unlock()
		table.rows[0][3] = "false"
	})
}
