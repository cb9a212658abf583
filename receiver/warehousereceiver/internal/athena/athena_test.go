package athena

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// environment is that of a process which finds its credentials there.
func environment(t *testing.T, server string) {
	t.Helper()
	for key, v := range map[string]string{"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "",
		"AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": "nothing", "AWS_SHARED_CREDENTIALS_FILE": "nothing", "AWS_PROFILE": ""} {
		t.Setenv(key, v)
	}
}

// rowsOf returns the rows of a statement as text.
func rowsOf(t *testing.T, d driver.Database, page sqlpage.Page) (rows []string, err error) {
	t.Helper()
	err = d.Read(t.Context(), page, func(columns []value.Column, row []any) (bool, error) {
		rows = append(rows, fmt.Sprint(columns, row))
		return true, nil
	})
	return rows, err
}

// stand is a stand-in for Athena, which says what it was told, for each action one
// thing after the other, and the last again and again.
type stand struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string][]string
	asked   []string
}

func newStand(t *testing.T, answers map[string][]string) *stand {
	t.Helper()
	s := &stand{answers: map[string][]string{"StartQueryExecution": {`{"QueryExecutionId": "q1"}`}, "GetQueryExecution": {state("SUCCEEDED")}, "StopQueryExecution": {`{}`}}}
	for action, a := range answers {
		s.answers[action] = a
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	environment(t, s.URL)
	return s
}

func state(word string) string {
	return fmt.Sprintf(`{"QueryExecution": {"QueryExecutionId": "q1", "Status": {"State": %q, "StateChangeReason": "TABLE_NOT_FOUND: line 1:15: Table 'x' does not exist"}}}`, word)
}

func (s *stand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena.")
	s.asked = append(s.asked, action+" "+string(body))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/") {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "UnrecognizedClientException", "message": "The security token is invalid"}`)
		return
	}
	all := s.answers[action]
	if len(all) > 1 {
		s.answers[action] = all[1:]
	}
	if strings.Contains(all[0], "__type") {
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = io.WriteString(w, all[0])
}

func (s *stand) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// to opens a database of the stand-in.
func to(t *testing.T, change ...func(*driver.Connection)) *database {
	t.Helper()
	c := &driver.Connection{Database: "ml", Region: "eu-central-1"}
	for _, f := range change {
		f(c)
	}
	if errs := Driver().Check(c); len(errs) > 0 {
		t.Fatal(errs)
	}
	d, err := Driver().Open(c, driver.Options{Timeout: time.Minute})
	check(t, err)
	own := d.(*database)
	own.pause = time.Millisecond
	return own
}

// result is an answer with rows of JSON cells.
func result(next string, columns [][2]string, rows ...[]string) string {
	var info, data []any
	for _, c := range columns {
		info = append(info, map[string]any{"Name": c[0], "Label": c[0], "Type": c[1]})
	}
	for _, r := range rows {
		var cells []any
		for _, c := range r {
			cell := map[string]any{"VarCharValue": c}
			if c == "NULL" {
				cell = map[string]any{}
			}
			cells = append(cells, cell)
		}
		data = append(data, map[string]any{"Data": cells})
	}
	all := map[string]any{"ResultSet": map[string]any{"ResultSetMetadata": map[string]any{"ColumnInfo": info}, "Rows": data}}
	if next != "" {
		all["NextToken"] = next
	}
	b, _ := json.Marshal(all)
	return string(b)
}

// What is asked for a page, and what comes of it, in two parts.
func TestPage(t *testing.T) {
	columns := [][2]string{{"at", "timestamp"}, {"id", "varchar"}}
	s := newStand(t, map[string][]string{
		"GetQueryExecution": {state("QUEUED"), state("RUNNING"), state("SUCCEEDED")},
		"GetQueryResults": {result("more", columns, []string{"at", "id"}, []string{"2026-11-01 10:00:00.001", "a"}),
			result("", columns, []string{"2026-11-01 10:00:00.002", "at"}, []string{"2026-11-01 10:00:00.003", "NULL"})},
	})
	source := sqlpage.Source{Dialect: &sqlpage.Athena, Table: "scores", Keys: []string{"at", "id"}}
	page, err := source.Page(sqlpage.Position{Values: []any{time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC), "o'c"}}, 100)
	check(t, err)
	d := to(t, func(c *driver.Connection) {
		c.Workgroup, c.Catalog, c.OutputLocation = "ml", "lake", "s3://results/ml/"
	})
	rows, err := rowsOf(t, d, page)
	want := []string{
		"[{at TIMESTAMP} {id VARCHAR}] [2026-11-01 10:00:00.001 a]",
		"[{at TIMESTAMP} {id VARCHAR}] [2026-11-01 10:00:00.002 at]",
		"[{at TIMESTAMP} {id VARCHAR}] [2026-11-01 10:00:00.003 <nil>]",
	}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v\n%s", err, strings.Join(rows, "\n"))
	}
	asked := s.requests()
	var actions []string
	for _, a := range asked {
		action, _, _ := strings.Cut(a, " ")
		actions = append(actions, action)
	}
	if want := []string{"StartQueryExecution", "GetQueryExecution", "GetQueryExecution", "GetQueryExecution", "GetQueryResults", "GetQueryResults"}; !slices.Equal(actions, want) {
		t.Fatal(actions)
	}
	_, body, _ := strings.Cut(asked[0], " ")
	var said map[string]any
	check(t, json.Unmarshal([]byte(body), &said))
	if token, _ := said["ClientRequestToken"].(string); len(token) < 32 {
		t.Error("the statement has no token, by which it is known when it is sent again:", token)
	}
	delete(said, "ClientRequestToken")
	if want := map[string]any{
		"QueryString": `SELECT * FROM "scores"` + "\n" + `WHERE "at" IS NOT NULL AND "id" IS NOT NULL AND "at" >= ? AND ("at" > ? OR ("at" = ? AND "id" > ?))` +
			"\n" + `ORDER BY "at", "id"` + "\nLIMIT 100",
		"ExecutionParameters":   []any{"TIMESTAMP '2026-11-01 10:00:00.000'", "TIMESTAMP '2026-11-01 10:00:00.000'", "TIMESTAMP '2026-11-01 10:00:00.000'", "'o''c'"},
		"QueryExecutionContext": map[string]any{"Database": "ml", "Catalog": "lake"}, "WorkGroup": "ml",
		"ResultConfiguration": map[string]any{"OutputLocation": "s3://results/ml/"},
	}; !reflect.DeepEqual(said, want) {
		t.Errorf("said %v\nwant %v", said, want)
	}
	if !strings.Contains(asked[4], `"MaxResults":1000`) || !strings.Contains(asked[5], `"NextToken":"more"`) {
		t.Error(asked[4:])
	}
}

// Reading ends where it is told to, and asks for nothing more.
func TestStop(t *testing.T) {
	s := newStand(t, map[string][]string{"GetQueryResults": {result("more", [][2]string{{"a", "integer"}}, []string{"a"}, []string{"1"}, []string{"2"})}})
	n := 0
	if err := to(t).Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, func([]value.Column, []any) (bool, error) { n++; return n < 2, nil }); err != nil || n != 2 || len(s.requests()) != 3 {
		t.Error(err, n, s.requests())
	}
}

// Each type, as Athena writes it.
func TestTypes(t *testing.T) {
	for _, c := range []struct {
		kind, cell string
		want       tree.Node
	}{
		{"integer", "-5", tree.Node{Kind: tree.Integer, Int: -5}},
		{"bigint", "9007199254740993", tree.Node{Kind: tree.Integer, Int: 9007199254740993}},
		{"decimal", "0.10", tree.Node{Kind: tree.Number, Num: 0.1}},
		{"double", "1.0E10", tree.Node{Kind: tree.Number, Num: 1e10}},
		{"double", "NaN", tree.Node{}},
		{"float", "0.1", tree.Node{Kind: tree.Number, Num: 0.1}},
		{"boolean", "true", tree.Node{Kind: tree.Boolean, Int: 1}},
		{"varchar", "1.5", tree.Node{Kind: tree.Text, Text: "1.5"}},
		{"varchar", "", tree.Node{Kind: tree.Text}},
		{"varchar", "NULL", tree.Node{}},
		{"date", "2026-11-01", tree.Node{Kind: tree.Wall, Int: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixNano()}},
		{"timestamp", "2026-11-01 10:00:00.500", tree.Node{Kind: tree.Wall, Int: time.Date(2026, 11, 1, 10, 0, 0, 5e8, time.UTC).UnixNano()}},
		{"timestamp with time zone", "2026-11-01 10:00:00.500 UTC", tree.Node{Kind: tree.Time, Int: time.Date(2026, 11, 1, 10, 0, 0, 5e8, time.UTC).UnixNano()}},
		{"timestamp with time zone", "2026-11-01 10:00:00.500 +01:00", tree.Node{Kind: tree.Time, Int: time.Date(2026, 11, 1, 9, 0, 0, 5e8, time.UTC).UnixNano()}},
		{"timestamp with time zone", "2026-11-01 10:00:00.500 Europe/Berlin", tree.Node{Kind: tree.Time, Int: time.Date(2026, 11, 1, 9, 0, 0, 5e8, time.UTC).UnixNano()}},
		{"timestamp with time zone", "2026-11-01 10:00:00.500 Nowhere/Else", tree.Node{Kind: tree.Unusable}},
		{"time", "01:00:00.000", tree.Node{Kind: tree.Number, Num: 3600}},
		{"varbinary", "0a ff", tree.Node{Kind: tree.Text, Text: "0aff"}},
		{"array", "[0.5, 1.0E-5]", tree.Node{Kind: tree.Array, Sub: []tree.Node{{Kind: tree.Number, Num: 0.5}, {Kind: tree.Number, Num: 1e-5}}}},
		{"array", "[a, b]", tree.Node{Kind: tree.Unusable}},
		{"row", "{a=1, b=x}", tree.Node{Kind: tree.Unusable}},
		{"map", "{a=1}", tree.Node{Kind: tree.Unusable}},
		{"json", `{"a":1}`, tree.Node{Kind: tree.Object, Sub: []tree.Node{{Name: "a", Kind: tree.Integer, Int: 1}}}},
	} {
		newStand(t, map[string][]string{"GetQueryResults": {result("", [][2]string{{"v", c.kind}}, []string{"v"}, []string{c.cell})}})
		var got tree.Node
		err := to(t).Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, func(columns []value.Column, row []any) (bool, error) {
			got = value.NewReader().Row(columns, row).Sub[0]
			return true, nil
		})
		c.want.Name = "v"
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s %s is %+v, %v; want %+v", c.kind, c.cell, got, err, c.want)
		}
	}
}

// What has been read is given back such that Athena finds the same row.
func TestArguments(t *testing.T) {
	for _, c := range []struct{ kind, cell, want string }{
		{"BIGINT", "-7", "-7"},
		{"DECIMAL", "7.25", "DECIMAL '7.25'"},
		{"DOUBLE", "7.5", "7.5E+00"},
		{"VARCHAR", `it's \' "x" ?`, `'it''s \'' "x" ?'`},
		{"BOOLEAN", "true", "true"},
		{"DATE", "2026-11-01", "TIMESTAMP '2026-11-01 00:00:00.000'"},
		{"TIMESTAMP", "2026-11-01 10:00:00.123456", "TIMESTAMP '2026-11-01 10:00:00.123456'"},
		{"TIMESTAMP WITH TIME ZONE", "2026-11-01 10:00:00.120 +01:00", "TIMESTAMP '2026-11-01 09:00:00.120'"},
		{"VARBINARY", "0a ff", "X'0aff'"},
	} {
		k, err := value.NewKey(c.kind, read(c.kind, &c.cell))
		if err != nil {
			t.Error(c.kind, err)
			continue
		}
		if got, err := literals([]any{k.Typed()}); err != nil || got[0] != c.want {
			t.Errorf("%s %s is given as %s, %v; want %s", c.kind, c.cell, got, err, c.want)
		}
	}
	if _, err := literals([]any{struct{}{}}); err == nil {
		t.Error("a struct is an argument")
	}
}

// Errors say what Athena does, and what would be right.
func TestErrors(t *testing.T) {
	columns := [][2]string{{"a", "integer"}}
	for want, answers := range map[string]map[string][]string{
		"the statement has failed: TABLE_NOT_FOUND":    {"GetQueryExecution": {state("RUNNING"), state("FAILED")}},
		"does not exist; check table or query":         {"GetQueryExecution": {state("FAILED")}},
		"the statement has cancelled":                  {"GetQueryExecution": {state("CANCELLED")}},
		"without a status":                             {"GetQueryExecution": {`{}`}},
		"write connection.output_location":             {"StartQueryExecution": {`{"__type": "InvalidRequestException", "message": "No output location provided."}`}},
		"check connection.workgroup":                   {"StartQueryExecution": {`{"__type": "InvalidRequestException", "message": "WorkGroup x is not found."}`}},
		"athena:StartQueryExecution, GetQueryExecutio": {"StartQueryExecution": {`{"__type": "AccessDeniedException", "message": "no"}`}},
		"a result without columns":                     {"GetQueryResults": {`{}`}},
		"a row of 2 values in 1 columns":               {"GetQueryResults": {result("", columns, []string{"a", "b"})}},
	} {
		newStand(t, answers)
		if _, err := rowsOf(t, to(t), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	newStand(t, nil)
	if _, err := rowsOf(t, to(t, func(c *driver.Connection) { c.Region = "" }), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "connection.region is missing") {
		t.Error(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "other")
	if _, err := rowsOf(t, to(t), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "check the credentials of AWS") {
		t.Error(err)
	}
	for want, c := range map[string]driver.Connection{
		"connection.database is missing":                                  {},
		"is no place; write s3://bucket/folder/":                          {Database: "ml", OutputLocation: "results"},
		"connection.password is no key of driver athena; its keys: datab": {Database: "ml", Password: "p"},
	} {
		if err := errors.Join(Driver().Check(&c)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A statement that nobody waits for any longer is stopped.
func TestTimeout(t *testing.T) {
	s := newStand(t, map[string][]string{"GetQueryExecution": {state("RUNNING")}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := to(t)
	go func() {
		for len(s.requests()) < 3 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if err := d.Read(ctx, sqlpage.Page{SQL: "SELECT 1"}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if all := s.requests(); all[len(all)-1] != `StopQueryExecution {"QueryExecutionId":"q1"}` {
		t.Error(all)
	}
}
