package full

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/bigquery"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

func TestBigQueryErrors(t *testing.T) {
	c := newCloud(t)
	c.run = func(sql string, _ map[string]string) result {
		kind, _, _ := strings.Cut(sql, " ")
		return result{statement: kind, schema: `[{"name": "v", "type": "INTEGER"}]`, cells: [][]any{{"1"}, {"2"}}}
	}
	c.rows = 1
	for _, x := range []struct {
		route, reason string
		status        int
		message, want string
	}{
		{"insert", "accessDenied", 403, "Access Denied: Table own:ml.scores", "Access Denied: Table own:ml.scores (accessDenied, 403); grant the role BigQuery Data Viewer"},
		{"insert", "notFound", 404, "Not found: Table own:ml.scores was not found in location EU", "check table or query, connection.project and connection.location"},
		{"insert", "invalidQuery", 400, "Unrecognized name: `at` at [2:7]", "check incremental.column and incremental.keys"},
		{"insert", "invalidQuery", 400, "Syntax error: Unexpected end of script", "check query"},
		{"query", "quotaExceeded", 403, "Quota exceeded", "(quotaExceeded, 403); a quota of the project is used up"},
		{"query", "bytesBilledLimitExceeded", 400, "Query exceeded limit for bytes billed", "raise connection.max_bytes_billed"},
		{"results", "stopped", 400, "Job execution was cancelled: User requested cancellation", "the job was cancelled, or took longer than timeout"},
		{"results", "weird", 418, "I am", "the database says: I am (weird, 418)"},
		{"query", "rateLimitExceeded", 429, "Exceeded rate limits", "(rateLimitExceeded, 429)"},
	} {
		c.fail = func(route string, _ int) (int, string, string) {
			if route != x.route {
				return 0, "", ""
			}
			return x.status, x.reason, x.message
		}
		if _, err := first(t.Context(), open(t, bigquery.Driver(), c.connection()), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s at %s: %v, want %s", x.reason, x.route, err, x.want)
		}
	}
	if c.calls["query"] != 1+1+1+1+6 {
		t.Errorf("%v: only what passes is asked again, and not for ever", c.calls)
	}
	// What only comes too fast passes, wherever it is said and by whichever status.
	for _, reason := range []string{"rateLimitExceeded", "backendError"} {
		for _, status := range []int{403, 429, 503} {
			before := map[string]int{}
			for route, n := range c.calls {
				before[route] = n
			}
			c.fail = func(route string, n int) (int, string, string) {
				if n-before[route] > 2 {
					return 0, "", ""
				}
				return status, reason, "Exceeded rate limits"
			}
			if got, err := first(t.Context(), open(t, bigquery.Driver(), c.connection()), sqlpage.Page{SQL: "SELECT 1"}); err != nil || fmt.Sprint(got) != "[1 2]" {
				t.Errorf("%s %d: %v, %v", reason, status, got, err)
			}
			if last := c.queries[len(c.queries)-1]; last.RequestID == "" {
				t.Errorf("%+v", last)
			}
		}
	}
	c.fail = nil
	// What writes is never run.
	asked := c.calls["query"]
	for _, kind := range []string{"INSERT", "SCRIPT", "CREATE_TABLE_AS_SELECT"} {
		if _, err := first(t.Context(), open(t, bigquery.Driver(), c.connection()), sqlpage.Page{SQL: kind + " x"}); err == nil || !strings.Contains(err.Error(), "the query is a "+kind+"; it may only read") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if c.calls["query"] != asked {
		t.Error("a statement that writes was run")
	}
	nobody := c.connection()
	nobody.Endpoint = "localhost:1"
	if _, err := first(t.Context(), open(t, bigquery.Driver(), nobody), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "check connection.endpoint") {
		t.Errorf("nobody there: %v", err)
	}
}

// A job that nobody waits for any more is cancelled.
func TestBigQueryTimeout(t *testing.T) {
	c := newCloud(t)
	c.pending = -1
	c.run = func(string, map[string]string) result { return result{schema: `[]`} }
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-c.waiting
		cancel()
	}()
	_, err := first(ctx, open(t, bigquery.Driver(), c.connection()), sqlpage.Page{SQL: "SELECT 1"})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || !slices.Equal(c.canceled, []string{"job_1 in EU"}) {
		t.Errorf("%v; cancelled: %v", err, c.canceled)
	}
}

// Keys come from a file, the configuration, or where Google's own tools look.
func TestBigQueryCredentials(t *testing.T) {
	c := newCloud(t)
	c.run = func(string, map[string]string) result {
		return result{schema: `[{"name": "v", "type": "INTEGER"}]`, cells: [][]any{{"1"}}}
	}
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, []byte(c.account), 0o600); err != nil {
		t.Fatal(err)
	}
	own := c.connection()
	own.Credentials, own.CredentialsFile = "", file
	if _, err := first(t.Context(), open(t, bigquery.Driver(), own), sqlpage.Page{SQL: "SELECT 1"}); err != nil {
		t.Error(err)
	}
	own.CredentialsFile = ""
	if _, err := first(t.Context(), open(t, bigquery.Driver(), own), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "(authError, 401); check connection.credentials_file") {
		t.Errorf("an emulator is sent no key: %v", err)
	}
	own.Credentials = configopaque.String(strings.Replace(c.account, c.URL+"/token", c.URL+"/nothing", 1))
	if _, err := first(t.Context(), open(t, bigquery.Driver(), own), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "no token from Google Cloud; check connection.credentials_file") {
		t.Errorf("no token: %v", err)
	}
	own.TLS, own.Credentials = nil, ""
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	if _, err := first(t.Context(), open(t, bigquery.Driver(), own), sqlpage.Page{SQL: "SELECT 1"}); err == nil || strings.Contains(err.Error(), "credentials") || !strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		t.Errorf("the usual key, and TLS: %v", err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file+".not")
	if _, err := first(t.Context(), open(t, bigquery.Driver(), own), sqlpage.Page{SQL: "SELECT 1"}); err == nil || !strings.Contains(err.Error(), "set connection.credentials_file") {
		t.Errorf("no key: %v", err)
	}
	for change, want := range map[*driver.Connection]string{
		{Project: "p", Credentials: "secret"}:                                             "connection.credentials: is neither the JSON of a key nor base64 of it",
		{Project: "p", Credentials: "{}"}:                                                 "is no JSON with a type",
		{Project: "p", Credentials: configopaque.String(c.account), CredentialsFile: "x"}: "are both there",
		{Project: "p", MaxBytesBilled: -1}:                                                "must not be negative",
		{Project: "p", Endpoint: "https://bigquery.googleapis.com/bigquery/v2/"}:          "write the host alone",
		{}:                        "connection.project is missing",
		{Project: "p", User: "x"}: "connection.user is no key of driver bigquery",
	} {
		if errs := bigquery.Driver().Check(change); len(errs) != 1 || !strings.Contains(errs[0].Error(), want) || strings.Contains(fmt.Sprint(errs), "secret") {
			t.Errorf("%v, want %s", errs, want)
		}
	}
	for _, bad := range []string{`a\`, "`a``b`", "a`b"} {
		if q, err := sqlpage.BigQuery.Quote(bad); err == nil {
			t.Errorf("%s is quoted as %s", bad, q)
		}
	}
}
