package snowflake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

const (
	two = `200 {"code": "090001", "message": "Statement executed successfully.", "statementHandle": "01-h", "resultSetMetaData": {"numRows": 3, "format": "jsonv2",
		"rowType": [{"name": "AT", "type": "timestamp_ntz", "scale": 9}, {"name": "Odd name", "type": "text"}],
		"partitionInfo": [{"rowCount": 2, "uncompressedSize": 9}, {"rowCount": 1, "compressedSize": 9, "uncompressedSize": 9}]},
		"data": [["1793527200.000000001", "a"], ["1793527201.000000000", null]]}`
	last    = `200 {"data": [["1793527202.500000000", "c"]]}`
	running = `202 {"code": "333334", "message": "Asynchronous execution in progress.", "statementHandle": "01-h", "statementStatusUrl": "/api/v2/statements/01-h"}`
)

// read returns the rows as text.
func read(t *testing.T, d *database, page sqlpage.Page) (rows []string, err error) {
	t.Helper()
	err = d.Read(t.Context(), page, func(columns []value.Column, row []any) (bool, error) {
		rows = append(rows, fmt.Sprint(columns, row))
		return true, nil
	})
	return rows, err
}

// What is asked for a page, and what comes of it in two parts, of which the
// statement had to be waited for, and the account was busy.
func TestPage(t *testing.T) {
	a := newAccount(t, `429 {"code": "390503", "message": "Too many requests"}`, `0`, `503 <html>`, running, running, two, `504 `, last)
	d := to(t, a, func(c *driver.Connection) {
		c.Warehouse, c.Role, c.Database, c.Schema, c.Parameters = "wh", `"Ml Reader"`, "ml", "public", map[string]string{"QUERY_TAG": "scores"}
	})
	s := sqlpage.Source{Dialect: &sqlpage.Snowflake, Table: `scores."Daily"`, Keys: []string{"at", `"Odd name"`}}
	at := time.Date(2026, 11, 1, 10, 0, 0, 1, time.UTC)
	page, err := s.Page(sqlpage.Position{Values: []any{at, "o'c"}}, 100)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := read(t, d, page)
	want := []string{
		"[{at TIMESTAMP_NTZ} {Odd name TEXT}] [2026-11-01 10:00:00.000000001 +0000 UTC a]",
		"[{at TIMESTAMP_NTZ} {Odd name TEXT}] [2026-11-01 10:00:01 +0000 UTC <nil>]",
		"[{at TIMESTAMP_NTZ} {Odd name TEXT}] [2026-11-01 10:00:02.5 +0000 UTC c]",
	}
	if err != nil || !slices.Equal(rows, want) {
		t.Fatalf("%v\n%s", err, strings.Join(rows, "\n"))
	}
	asked := []string{
		"POST /api/v2/statements?async=true&requestId=ID", "POST /api/v2/statements?async=true&requestId=ID&retry=true", "POST /api/v2/statements?async=true&requestId=ID&retry=true", "POST /api/v2/statements?async=true&requestId=ID&retry=true",
		"GET /api/v2/statements/01-h?", "GET /api/v2/statements/01-h?",
		"GET /api/v2/statements/01-h?partition=1", "GET /api/v2/statements/01-h?partition=1",
	}
	if got := a.requests(); !slices.Equal(got, asked) {
		t.Errorf("asked\n%s", strings.Join(got, "\n"))
	}
	nanos := binding{"TIMESTAMP_NTZ", "1793527200000000001"}
	text := binding{"TEXT", "o'c"}
	said := request{
		Statement: `SELECT * FROM "SCORES"."Daily"` + "\n" + `WHERE "AT" IS NOT NULL AND "Odd name" IS NOT NULL AND "AT" >= ? AND ("AT" > ? OR ("AT" = ? AND "Odd name" > ?))` +
			"\n" + `ORDER BY "AT", "Odd name"` + "\nLIMIT 100",
		Timeout: 60, Warehouse: "WH", Role: "Ml Reader", Database: "ML", Schema: "PUBLIC",
		Bindings:   map[string]binding{"1": nanos, "2": nanos, "3": nanos, "4": text},
		Parameters: map[string]string{"timezone": "UTC", "binary_output_format": "HEX", "query_tag": "scores"},
	}
	for i := range 4 {
		if got := a.body(t, i); !reflect.DeepEqual(got, said) {
			t.Errorf("said %+v\nwant %+v", got, said)
		}
	}
}

// Reading ends where it is told to, and asks for nothing more.
func TestStop(t *testing.T) {
	a := newAccount(t, two, last)
	n := 0
	if err := to(t, a).Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, func([]value.Column, []any) (bool, error) { n++; return n < 2, nil }); err != nil || n != 2 || len(a.requests()) != 1 {
		t.Error(err, n, a.requests())
	}
	boom := errors.New("boom")
	if err := to(t, newAccount(t, two)).Read(t.Context(), sqlpage.Page{}, func([]value.Column, []any) (bool, error) { return true, boom }); !errors.Is(err, boom) {
		t.Error(err)
	}
}

// Each type, as the API documents how it is written.
func TestTypes(t *testing.T) {
	for _, c := range []struct {
		kind, cell string
		want       tree.Node
	}{
		{"fixed", `"-5"`, tree.Node{Kind: tree.Integer, Int: -5}},
		{"fixed", `"0.10"`, tree.Node{Kind: tree.Number, Num: 0.1}},
		{"fixed", `"99999999999999999999999999999999999999"`, tree.Node{Kind: tree.Number, Num: 1e38}},
		{"decfloat", `"1.5E-7"`, tree.Node{Kind: tree.Number, Num: 1.5e-7}},
		{"real", `"3"`, tree.Node{Kind: tree.Number, Num: 3}},
		{"real", `"NaN"`, tree.Node{}},
		{"text", `"grün"`, tree.Node{Kind: tree.Text, Text: "grün"}},
		{"text", `"1.5"`, tree.Node{Kind: tree.Text, Text: "1.5"}},
		{"text", `null`, tree.Node{}},
		{"boolean", `"true"`, tree.Node{Kind: tree.Boolean, Int: 1}},
		{"boolean", `"false"`, tree.Node{Kind: tree.Boolean}},
		{"date", `"18262"`, tree.Node{Kind: tree.Wall, Int: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()}},
		{"date", `"-1"`, tree.Node{Kind: tree.Wall, Int: time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC).UnixNano()}},
		{"date", `"2020-01-01"`, tree.Node{Kind: tree.Wall, Int: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()}},
		{"time", `"3600.500000000"`, tree.Node{Kind: tree.Number, Num: 3600.5}},
		{"timestamp_ntz", `"1616173619.123456789"`, tree.Node{Kind: tree.Wall, Int: 1616173619123456789}},
		{"timestamp_ltz", `"-1.500000000"`, tree.Node{Kind: tree.Time, Int: -1500000000}},
		{"timestamp_tz", `"1616173619.000000000 960"`, tree.Node{Kind: tree.Time, Int: 1616173619e9}},
		{"timestamp_tz", `"2026-11-01 10:00:00.5 +0200"`, tree.Node{Kind: tree.Time, Int: time.Date(2026, 11, 1, 8, 0, 0, 5e8, time.UTC).UnixNano()}},
		{"timestamp_ntz", `"253402214400.000000000"`, tree.Node{Kind: tree.Unusable}},
		{"variant", `"{\"a\": 1}"`, tree.Node{Kind: tree.Object, Sub: []tree.Node{{Name: "a", Kind: tree.Integer, Int: 1}}}},
		{"variant", `"\"x\""`, tree.Node{Kind: tree.Text, Text: "x"}},
		{"object", `"{}"`, tree.Node{Kind: tree.Object}},
		{"array", `"[1, 2.5]"`, tree.Node{Kind: tree.Array, Sub: []tree.Node{{Kind: tree.Integer, Int: 1}, {Kind: tree.Number, Num: 2.5}}}},
		{"array", `"[undefined]"`, tree.Node{Kind: tree.Unusable}},
		{"vector", `"[0.5]"`, tree.Node{Kind: tree.Array, Sub: []tree.Node{{Kind: tree.Number, Num: 0.5}}}},
		{"binary", `"0AFF"`, tree.Node{Kind: tree.Text, Text: "0aff"}},
	} {
		a := newAccount(t, fmt.Sprintf(`200 {"resultSetMetaData": {"numRows": 1, "rowType": [{"name": "V", "type": %q}], "partitionInfo": [{}]}, "data": [[%s]]}`, c.kind, c.cell))
		var got tree.Node
		err := to(t, a, func(c *driver.Connection) { c.PrivateKey, c.Token = "", "a-token" }).Read(t.Context(), sqlpage.Page{}, func(columns []value.Column, row []any) (bool, error) {
			got = value.NewReader().Row(columns, row).Sub[0]
			return true, nil
		})
		c.want.Name = "v"
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s %s is %+v, %v; want %+v", c.kind, c.cell, got, err, c.want)
		}
	}
}

// What has been read is given back such that Snowflake finds the same row.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		kind, cell string
		want       binding
	}{
		{"FIXED", "7", binding{"FIXED", "7"}},
		{"FIXED", "7.25", binding{"FIXED", "7.25"}},
		{"REAL", "7", binding{"REAL", "7"}},
		{"REAL", "1e300", binding{"REAL", "1e+300"}},
		{"TEXT", "7", binding{"TEXT", "7"}},
		{"BOOLEAN", "true", binding{"BOOLEAN", "true"}},
		{"DATE", "-1", binding{"TIMESTAMP_NTZ", "-86400000000000"}},
		{"TIME", "3600.250000000", binding{"TEXT", "01:00:00.25"}},
		{"TIMESTAMP_LTZ", "253402214400.000000001", binding{"TIMESTAMP_NTZ", "253402214400000000001"}},
		{"BINARY", "0aff", binding{"BINARY", "0aff"}},
	} {
		column := column{Type: c.kind}
		k, err := value.NewKey(c.kind, column.value(&c.cell))
		if err != nil {
			t.Error(c.kind, err)
			continue
		}
		got, err := bind([]any{k.Typed()})
		if err != nil || got["1"] != c.want {
			t.Errorf("%s %s is given as %v, %v; want %v", c.kind, c.cell, got, err, c.want)
		}
	}
	if _, err := bind([]any{struct{}{}}); err == nil {
		t.Error("a struct is an argument")
	}
}

// Errors say what Snowflake does, and what would be right.
func TestErrors(t *testing.T) {
	for answer, want := range map[string]string{
		`422 {"code": "002003", "message": "Object 'X' does not exist or not authorized.", "sqlState": "02000", "statementHandle": "01-h"}`: "(002003); check table or query",
		`422 {"code": "000904", "message": "invalid identifier 'AT'"}`:                                                                      "check incremental.column",
		`422 {"code": "000606", "message": "No active warehouse selected"}`:                                                                 "write connection.warehouse",
		`401 {"code": "390318", "message": "OAuth access token expired."}`:                                                                  "connection.token_file",
		`401 {"code": "1", "message": "Who?"}`:                                                                                              "connection.user and the key or token",
		`403 <html>`:                                                                                                                        "status 403; check connection.account",
		`404 <html>`:                                                                                                                        "status 404; check connection.account and connection.endpoint",
		`408 {"code": "000630", "message": "Statement reached its statement or warehouse timeout"}`:                                         "took longer than timeout",
		`429 {"code": "390503", "message": "Too many requests"}`:                                                                            "(390503); too much is asked",
		`500 `:       "status 500",
		`200 <html>`: "none of Snowflake's",
		`200 {}`:     "has no rows",
		`202 {}`:     "status 202",
		`200 {"resultSetMetaData": {"numRows": 2, "rowType": [{"name": "A"}]}, "data": [["1"]]}`:                          "2 rows, of which 1 came",
		`200 {"resultSetMetaData": {"numRows": 1, "rowType": [{"name": "A"}]}, "data": [["1", "2"]]}`:                     "a row of 2 values in 1 columns",
		`200 {"code": "391908", "message": "too large", "resultSetMetaData": {"numRows": 1, "rowType": [{"name": "A"}]}}`: "lower page_size",
	} {
		a := newAccount(t, answer)
		if _, err := read(t, to(t, a), sqlpage.Page{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
		wanted := 1
		if answer[0] == '5' || strings.HasPrefix(answer, "429") {
			wanted = 6
		}
		if n := len(a.requests()); n != wanted {
			t.Errorf("%s: asked %d times, want %d", answer, n, wanted)
		}
	}
	d := to(t, newAccount(t, two, `410 {"code": "1", "message": "gone"}`))
	if _, err := read(t, d, sqlpage.Page{}); err == nil || !strings.Contains(err.Error(), "part 1 of the result") {
		t.Error(err)
	}
	closed := newAccount(t, two)
	d = to(t, closed)
	closed.Close()
	if _, err := read(t, d, sqlpage.Page{}); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Error(err)
	}
	if _, err := read(t, to(t, newAccount(t, two), func(c *driver.Connection) { c.User = "somebody" }), sqlpage.Page{}); err == nil || !strings.Contains(err.Error(), "RSA_PUBLIC_KEY") {
		t.Error(err)
	}
}

// A statement that nobody waits for any longer is stopped.
func TestTimeout(t *testing.T) {
	a := newAccount(t, running)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := to(t, a)
	go func() {
		for len(a.requests()) < 3 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if err := d.Read(ctx, sqlpage.Page{}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if all := a.requests(); all[len(all)-1] != "POST /api/v2/statements/01-h/cancel?" {
		t.Error(all)
	}
}

// A token is read again for each request; a key is taken from a file, too.
func TestLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := newAccount(t, `200 {"resultSetMetaData": {"rowType": [{"name": "A"}]}, "data": []}`)
	d := to(t, a, func(c *driver.Connection) { c.PrivateKey, c.User, c.TokenFile = "", "", file })
	for _, token := range []string{"a-token", "another"} {
		write(token + "\n")
		if _, err := read(t, d, sqlpage.Page{}); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"a-token", "another"}; !slices.Equal(a.bearers, want) {
		t.Error(a.bearers)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, d, sqlpage.Page{}); err == nil || !strings.Contains(err.Error(), "connection.token_file") {
		t.Error(err)
	}
	write(strings.ReplaceAll(string(keyPEM(t)), "\n", `\n`))
	if _, err := read(t, to(t, a, func(c *driver.Connection) { c.PrivateKey, c.PrivateKeyFile = "", file }), sqlpage.Page{}); err != nil {
		t.Error(err)
	}
}

func TestMistakes(t *testing.T) {
	key := keyPEM(t)
	for want, c := range map[string]driver.Connection{
		"connection.account is missing":                            {User: "u", PrivateKey: key},
		"is no account; write organization-account":                {Account: "https://x", User: "u", PrivateKey: key},
		"is no account; write organization-account, such as":       {Account: "x.snowflakecomputing.com", User: "u", PrivateKey: key},
		"connection.private_key is missing":                        {Account: "a", User: "u"},
		"connection.private_key and connection.token are there":    {Account: "a", User: "u", PrivateKey: key, Token: "t"},
		"connection.user is missing":                               {Account: "a", PrivateKey: key},
		"is no PEM":                                                {Account: "a", User: "u", PrivateKey: "secret"},
		"is encrypted; decrypt it with: openssl pkcs8":             {Account: "a", User: "u", PrivateKey: pemOf("ENCRYPTED PRIVATE KEY", nil)},
		"is a PUBLIC KEY; write the private key":                   {Account: "a", User: "u", PrivateKey: pemOf("PUBLIC KEY", nil)},
		"cannot be read":                                           {Account: "a", User: "u", PrivateKey: pemOf("RSA PRIVATE KEY", []byte{1})},
		"connection.password is no key of driver snowflake":        {Account: "a", Token: "t", Password: "p"},
		"connection.parameters.TIMEZONE cannot be set; those that": {Account: "a", Token: "t", Parameters: map[string]string{"TIMEZONE": "UTC"}},
		"is no address; write the host alone":                      {Account: "a", Token: "t", Endpoint: "https://x/y"},
	} {
		err := errors.Join(Driver().Check(&c)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := Driver().Open(&driver.Connection{Account: "a", User: "u", PrivateKeyFile: "nothing.pem"}, driver.Options{}); err == nil || !strings.Contains(err.Error(), "connection.private_key_file") {
		t.Error(err)
	}
	d, err := Driver().Open(&driver.Connection{Account: "Acme-My_Account", Token: "t"}, driver.Options{})
	if err != nil || d.(*database).base != "https://acme-my-account.snowflakecomputing.com/api/v2/statements" {
		t.Error(err, d)
	}
	for account, want := range map[string]string{"xy12345.eu-central-1": "XY12345", "acme-prod": "ACME-PROD", "acme-x.global": "ACME"} {
		if got := subject(account); got != want {
			t.Errorf("%s is %s, want %s", account, got, want)
		}
	}
}
