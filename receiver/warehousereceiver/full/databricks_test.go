package full

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/config/configtls"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/databricks"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// connection is one to the stand-in.
func (s *workspace) connection() *driver.Connection {
	return &driver.Connection{Endpoint: strings.TrimPrefix(s.URL, "http://"), TLS: &configtls.ClientConfig{Insecure: true}, Warehouse: "abc", Token: "let-me-in",
		Catalog: "main", Schema: "ml"}
}

const brickColumns = `{"name": "id", "type_name": "LONG", "type_text": "BIGINT", "position": 0}, {"name": "at", "type_name": "TIMESTAMP", "type_text": "TIMESTAMP"},
	{"name": "amount", "type_name": "DECIMAL", "type_text": "DECIMAL(10,2)"}, {"name": "proba", "type_name": "DOUBLE", "type_text": "DOUBLE"}, {"name": "fraud", "type_name": "BOOLEAN", "type_text": "BOOLEAN"}`

// The whole receiver: pages by keys, each row once, and labels when they come.
func TestDatabricks(t *testing.T) {
	s := newWorkspace(t)
	table := [][]any{{"1", "2026-11-01T10:00:00.000001Z", "1.50", "0.9", nil}, {"2", "2026-11-01T10:00:00.000001Z", "2.00", "0.1", "true"}, {"3", "2026-11-01T10:00:01.000000Z", nil, "NaN", nil}}
	const page = "SELECT * FROM `main`.`ml`.`scores`\nWHERE `at` IS NOT NULL AND `id` IS NOT NULL%s\nORDER BY `at`, `id`\nLIMIT 1"
	asked := map[string]bool{}
	s.run = func(sql string, args map[string]string) bricks {
		asked[sql] = true
		res := bricks{columns: brickColumns}
		for _, row := range table {
			at, id := fmt.Sprint("TIMESTAMP ", row[1]), fmt.Sprint("BIGINT ", row[0])
			behind := at > args["p2"] || at == args["p3"] && id > args["p4"]
			if at >= args["p1"] && (args["p2"] == "" || behind) && len(res.cells) == 0 {
				res.cells = append(res.cells, row)
			}
		}
		return res
	}
	to := &sink{}
	begin(t, map[string]any{"driver": "databricks", "table": "main.ml.scores", "incremental": map[string]any{"column": "at"}, "page_size": 1, "mapping": scores(),
		"connection": map[string]any{"warehouse": "abc", "endpoint": strings.TrimPrefix(s.URL, "http://"), "tls": map[string]any{"insecure": true},
			"client_id": "reader", "client_secret": "hush"}}, to)
	want := []string{
		"ml.prediction actuals.proba=true features.amount=2 model.name=fraud model.version=default prediction.id=2 predictions.proba=0.1",
		"ml.prediction features.amount= model.name=fraud model.version=default prediction.id=3 predictions.proba=",
		"ml.prediction features.amount=1.5 model.name=fraud model.version=default prediction.id=1 predictions.proba=0.9",
	}
	to.comes(t, want...)
	s.mu.Lock()
	table[0][4] = "false"
	s.mu.Unlock()
	to.comes(t, append(want, "ml.actual actuals.proba=false model.name=fraud model.version=default prediction.id=1")...)
	s.mu.Lock()
	defer s.mu.Unlock()
	onlyAsked(t, asked, page, "", " AND `at` >= :p1", " AND `at` >= :p1 AND (`at` > :p2 OR (`at` = :p3 AND `id` > :p4))")
}

func TestDatabricksTypes(t *testing.T) {
	s := newWorkspace(t)
	db := open(t, databricks.Driver(), s.connection())
	at := time.Date(2026, 11, 1, 10, 0, 0, 123456000, time.UTC)
	name := func(n string, v tree.Node) tree.Node { v.Name = n; return v }
	one := tree.Node{Kind: tree.Integer, Int: 1}
	for _, x := range []struct {
		kind string
		cell any
		want tree.Node
	}{
		{"INT", nil, tree.Node{}},
		{"BYTE", "1", one},
		{"SHORT", "1", one},
		{"INT", "1", one},
		{"LONG", "-9223372036854775808", tree.Node{Kind: tree.Integer, Int: math.MinInt64}},
		{"FLOAT", "0.5", tree.Node{Kind: tree.Number, Num: 0.5}},
		{"DOUBLE", "1.0E25", tree.Node{Kind: tree.Number, Num: 1e25}},
		{"DOUBLE", "NaN", tree.Node{}},
		{"DOUBLE", "-Infinity", tree.Node{Kind: tree.Number, Num: math.Inf(-1)}},
		{"DECIMAL", "0.10", tree.Node{Kind: tree.Number, Num: 0.1}},
		{"BOOLEAN", "true", tree.Node{Kind: tree.Boolean, Int: 1}},
		{"BOOLEAN", "false", tree.Node{Kind: tree.Boolean}},
		{"STRING", "x", tree.Node{Kind: tree.Text, Text: "x"}},
		{"BINARY", "AQI=", tree.Node{Kind: tree.Text, Text: "0102"}},
		{"TIMESTAMP", "2026-11-01T10:00:00.123456Z", tree.Node{Kind: tree.Time, Int: at.UnixNano()}},
		{"TIMESTAMP", "2026-11-01T11:00:00.123456+01:00", tree.Node{Kind: tree.Time, Int: at.UnixNano()}},
		{"TIMESTAMP_NTZ", "2026-11-01T10:00:00.123456", tree.Node{Kind: tree.Wall, Int: at.UnixNano()}},
		{"DATE", "2026-11-01", tree.Node{Kind: tree.Wall, Int: at.Truncate(24 * time.Hour).UnixNano()}},
		{"INTERVAL", "1 02:03:04.000000000", tree.Node{Kind: tree.Text, Text: "1 02:03:04.000000000"}},
		{"ARRAY", "[1,null]", tree.Node{Kind: tree.Array, Sub: []tree.Node{one, {}}}},
		{"STRUCT", `{"a":1}`, tree.Node{Kind: tree.Object, Sub: []tree.Node{name("a", one)}}},
		{"MAP", `{"a":1}`, tree.Node{Kind: tree.Object, Sub: []tree.Node{name("a", one)}}},
		{"ARRAY", `[2026-11-01 10:00:00]`, tree.Node{Kind: tree.Unusable}},
		{"NULL", nil, tree.Node{}},
	} {
		s.run = func(string, map[string]string) bricks {
			return bricks{columns: `{"name": "v", "type_name": "` + x.kind + `"}`, cells: [][]any{{x.cell}}}
		}
		var got tree.Node
		err := db.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, func(columns []value.Column, row []any) (bool, error) {
			got = value.NewReader().Row(columns, row).Sub[0]
			return true, nil
		})
		if x.want.Name = "v"; err != nil || fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%s %v is %+v, %v, want %+v", x.kind, x.cell, got, err, x.want)
		}
	}
	for want, arg := range map[string]any{
		"BIGINT 7": int64(7), "DOUBLE 0.1": 0.1, "BOOLEAN true": true, "STRING x": "x", "DECIMAL(3,2) 1.50": value.Digits("1.50"), "DECIMAL(3,2) -1.50": value.Digits("-1.50"),
		"DOUBLE 1.5e300": value.Digits("1.5e300"), "TIMESTAMP 2026-11-01T10:00:00.123456Z": at.Add(789),
	} {
		var got string
		s.run = func(_ string, args map[string]string) bricks {
			got = args["p1"]
			return bricks{columns: `{"name": "v", "type_name": "INT"}`}
		}
		if _, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT :p1", Args: []any{arg}}); err != nil || got != want {
			t.Errorf("%v is %q, %v, want %q", arg, got, err, want)
		}
	}
	if _, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT :p1", Args: []any{[]byte{1}}}); err == nil || !strings.Contains(err.Error(), "hex(column)") {
		t.Errorf("bytes: %v", err)
	}
	if last := s.asked[len(s.asked)-1]; last["catalog"] != "main" || last["schema"] != "ml" {
		t.Errorf("asked was %v", last)
	}
}

func TestDatabricksChunks(t *testing.T) {
	s := newWorkspace(t)
	s.rows, s.pending = 2, 2
	s.run = func(string, map[string]string) bricks {
		return bricks{columns: `{"name": "v", "type_name": "INT"}`, cells: [][]any{{"1"}, {"2"}, {"3"}, {"4"}, {"5"}}}
	}
	db := open(t, databricks.Driver(), s.connection())
	if got, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT 1"}); err != nil || fmt.Sprint(got) != "[1 2 3 4 5]" || s.calls["look"] != 2 || s.calls["chunk"] != 2 {
		t.Errorf("got %v, %v by %v", got, err, s.calls)
	}
	stop := errors.New("stop")
	n := 0
	err := db.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, func([]value.Column, []any) (bool, error) {
		if n++; n == 4 {
			return false, stop
		}
		return true, nil
	})
	if !errors.Is(err, stop) || s.calls["chunk"] != 3 {
		t.Errorf("%d rows, %v by %v", n, err, s.calls)
	}
	s.run = func(string, map[string]string) bricks { return bricks{columns: `{"name": "v", "type_name": "INT"}`} }
	if got, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT 1"}); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestDatabricksErrors(t *testing.T) {
	s := newWorkspace(t)
	good := bricks{columns: `{"name": "v", "type_name": "INT"}`, cells: [][]any{{"1"}, {"2"}}}
	s.rows = 1
	read := func(c *driver.Connection) ([]string, error) {
		return first(t.Context(), open(t, databricks.Driver(), c), sqlpage.Page{SQL: "SELECT 1"})
	}
	for want, res := range map[string]bricks{
		"The table or view `x` cannot be found (FAILED BAD_REQUEST); check table or query": {state: "FAILED", code: "BAD_REQUEST", message: "[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be found."},
		"check incremental.column and incremental.keys":                                    {state: "FAILED", code: "BAD_REQUEST", message: "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `at` cannot be resolved."},
		"grant SELECT on it":                                   {state: "FAILED", code: "BAD_REQUEST", message: "[INSUFFICIENT_PERMISSIONS] User does not have SELECT on Table."},
		"check incremental.start":                              {state: "FAILED", code: "BAD_REQUEST", message: "[CAST_INVALID_INPUT] The value 'then' cannot be cast."},
		"was cancelled in Databricks":                          {state: "CANCELED"},
		"lower page_size":                                      {state: "CLOSED"},
		"a page is larger than Databricks gives in one answer": {columns: good.columns, cells: good.cells, truncated: true},
		"a row of 2 cells, of 1 columns":                       {columns: good.columns, cells: [][]any{{"1", "2"}}},
	} {
		s.run = func(string, map[string]string) bricks { return res }
		if got, err := read(s.connection()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	s.run = func(string, map[string]string) bricks { return good }
	for _, x := range []struct {
		route, code string
		status      int
		want        string
	}{
		{"begin", "PERMISSION_DENIED", 403, "the database says: no (403 Forbidden PERMISSION_DENIED); grant CAN USE on the SQL warehouse"},
		{"begin", "RESOURCE_DOES_NOT_EXIST", 404, "check connection.endpoint and connection.warehouse"},
		{"chunk", "NOT_FOUND", 404, "(404 Not Found NOT_FOUND)"},
		{"begin", "REQUEST_LIMIT_EXCEEDED", 429, "(429 Too Many Requests REQUEST_LIMIT_EXCEEDED)"},
	} {
		s.calls = map[string]int{}
		s.fail = func(route string, _ int) (int, string, string) {
			if route == x.route {
				return x.status, x.code, "no."
			}
			return 0, "", ""
		}
		if got, err := read(s.connection()); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, %v, want %s", x.code, got, err, x.want)
		}
		if tries := map[bool]int{true: 6, false: 1}[x.status == 429]; s.calls[x.route] != tries {
			t.Errorf("%s: %v", x.code, s.calls)
		}
	}
	for _, status := range []int{429, 503} { // passes
		s.calls = map[string]int{}
		s.fail = func(_ string, n int) (int, string, string) {
			return map[bool]int{true: status}[n <= 2], "TEMPORARILY_UNAVAILABLE", "later"
		}
		if got, err := read(s.connection()); err != nil || fmt.Sprint(got) != "[1 2]" {
			t.Errorf("%d: %v, %v", status, got, err)
		}
	}
	s.fail = nil
	wrong := s.connection()
	wrong.Token = "wrong"
	if _, err := read(wrong); err == nil || !strings.Contains(err.Error(), "check connection.token") {
		t.Errorf("another's token: %v", err)
	}
	wrong.Token, wrong.ClientID, wrong.ClientSecret = "", "reader", "loud"
	if _, err := read(wrong); err == nil || !strings.Contains(err.Error(), "there is no token from Databricks: 401 Unauthorized; check connection.client_id") || strings.Contains(err.Error(), "loud") {
		t.Errorf("another's secret: %v", err)
	}
	wrong.ClientID, wrong.ClientSecret, wrong.TokenFile = "", "", filepath.Join(t.TempDir(), "token")
	if _, err := read(wrong); err == nil || !strings.Contains(err.Error(), "connection.token_file") {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(wrong.TokenFile, []byte("let-me-in\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(wrong); err != nil {
		t.Errorf("a token in a file: %v", err)
	}
	wrong.Endpoint = "localhost:1"
	if _, err := read(wrong); err == nil || !strings.Contains(err.Error(), "check connection.endpoint") {
		t.Errorf("nobody there: %v", err)
	}
	for want, c := range map[string]driver.Connection{
		"connection.warehouse is missing":                      {Endpoint: "h", Token: "x"},
		"no id; write what stands behind the last /":           {Endpoint: "h", Token: "x", Warehouse: "/sql/1.0/warehouses/abc"},
		"one of token, token_file, and client_id":              {Endpoint: "https://h/", Warehouse: "x"},
		"connection.client_id and connection.client_secret go": {Endpoint: "h", Warehouse: "x", ClientID: "x"},
		"write the host alone":                                 {Endpoint: "https://h/sql?o=1", Token: "x", Warehouse: "x"},
	} {
		if errs := databricks.Driver().Check(&c); len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%v, want %s", errs, want)
		}
	}
}

// A statement that nobody waits for any more is cancelled.
func TestDatabricksTimeout(t *testing.T) {
	s := newWorkspace(t)
	s.pending = -1
	s.run = func(string, map[string]string) bricks { return bricks{} }
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.polled
		<-s.polled
		cancel()
	}()
	_, err := first(ctx, open(t, databricks.Driver(), s.connection()), sqlpage.Page{SQL: "SELECT 1"})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || !slices.Equal(s.canceled, []string{"01ef-1"}) {
		t.Errorf("%v; cancelled: %v", err, s.canceled)
	}
}

// Where no token comes, a shutdown does not wait for it.
func TestDatabricksToken(t *testing.T) {
	asked, over := make(chan struct{}), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		select {
		case <-r.Context().Done(): // nobody waits for it
		case <-over:
		}
	}))
	defer silent.Close()
	defer close(over)
	c := &driver.Connection{Endpoint: strings.TrimPrefix(silent.URL, "http://"), TLS: &configtls.ClientConfig{Insecure: true}, Warehouse: "abc", ClientID: "reader", ClientSecret: "hush"}
	db := open(t, databricks.Driver(), c)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- db.Read(ctx, sqlpage.Page{SQL: "SELECT 1"}, nil) }()
	<-asked
	stop()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it still waits for a token")
	}
}
