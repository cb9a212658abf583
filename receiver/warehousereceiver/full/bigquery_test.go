package full

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/bigquery"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// connection is one to the stand-in.
func (c *cloud) connection() *driver.Connection {
	return &driver.Connection{Project: "own", Location: "EU", Endpoint: strings.TrimPrefix(c.URL, "http://"), TLS: &configtls.ClientConfig{Insecure: true},
		Credentials: configopaque.String(c.account), Database: "ml", MaxBytesBilled: 1 << 30}
}

// first returns the first cells of the rows of a statement.
func first(ctx context.Context, db driver.Database, page sqlpage.Page) (all []string, err error) {
	err = db.Read(ctx, page, func(_ []value.Column, row []any) (bool, error) {
		all = append(all, fmt.Sprint(row[0]))
		return true, nil
	})
	return all, err
}

const scoresSchema = `[{"name": "id", "type": "STRING", "mode": "REQUIRED"}, {"name": "at", "type": "DATETIME"}, {"name": "amount", "type": "NUMERIC"}, {"name": "proba", "type": "FLOAT"}, {"name": "fraud", "type": "BOOLEAN"}]`

// The whole receiver: pages by keys, each row once, and labels when they come.
func TestBigQuery(t *testing.T) {
	c := newCloud(t)
	table := [][]any{
		{"a", "2026-11-01T10:00:00.000001", "1.5", "0.9", nil}, {"b", "2026-11-01T10:00:00.000001", "2", "0.1", "true"}, {"c", "2026-11-01T10:00:01", nil, "NaN", nil}}
	const page = "SELECT * FROM `ml`.`scores`\nWHERE `at` IS NOT NULL AND `id` IS NOT NULL%s\nORDER BY `at`, `id`\nLIMIT 1"
	bodies := map[string]bool{}
	c.run = func(sql string, args map[string]string) result {
		bodies[sql] = true
		res := result{schema: scoresSchema, types: map[string]string{"p1": "DATETIME", "p2": "DATETIME", "p3": "DATETIME", "p4": "STRING"}}
		for _, row := range table {
			at := fmt.Sprint(row[1])
			if len(at) == 19 {
				at += ".000000"
			}
			at = "DATETIME " + strings.Replace(at, "T", " ", 1)
			behind := at > args["p2"] || at == args["p3"] && "STRING "+row[0].(string) > args["p4"]
			if at >= args["p1"] && (args["p2"] == "" || behind) && len(res.cells) == 0 {
				res.cells = append(res.cells, row)
			}
		}
		return res
	}
	to := &sink{}
	begin(t, map[string]any{"driver": "bigquery", "table": "ml.scores", "incremental": map[string]any{"column": "at"}, "page_size": 1, "mapping": scores(),
		"connection": map[string]any{"project": "own", "location": "EU", "endpoint": strings.TrimPrefix(c.URL, "http://"), "tls": map[string]any{"insecure": true},
			"credentials": base64.StdEncoding.EncodeToString([]byte(c.account))}}, to)
	want := []string{
		"ml.prediction actuals.proba=true features.amount=2 model.name=fraud model.version=default prediction.id=b predictions.proba=0.1",
		"ml.prediction features.amount= model.name=fraud model.version=default prediction.id=c predictions.proba=",
		"ml.prediction features.amount=1.5 model.name=fraud model.version=default prediction.id=a predictions.proba=0.9",
	}
	to.comes(t, want...)
	c.mu.Lock()
	table[0][4] = "false"
	c.mu.Unlock()
	to.comes(t, append(want, "ml.actual actuals.proba=false model.name=fraud model.version=default prediction.id=a")...)
	c.mu.Lock()
	defer c.mu.Unlock()
	onlyAsked(t, bodies, page, "", " AND `at` >= @p1", " AND `at` >= @p1 AND (`at` > @p2 OR (`at` = @p3 AND `id` > @p4))")
	if c.calls["insert"] != 3 {
		t.Errorf("%d dry runs", c.calls["insert"])
	}
}

func TestBigQueryTypes(t *testing.T) {
	c := newCloud(t)
	db := open(t, bigquery.Driver(), c.connection())
	at := time.Date(2026, 11, 1, 10, 0, 0, 123456000, time.UTC)
	instant := tree.Node{Kind: tree.Time, Int: at.UnixNano()}
	object := func(nodes ...tree.Node) tree.Node { return tree.Node{Kind: tree.Object, Sub: nodes} }
	name := func(n string, v tree.Node) tree.Node { v.Name = n; return v }
	one, two := tree.Node{Kind: tree.Integer, Int: 1}, tree.Node{Kind: tree.Integer, Int: 2}
	for _, x := range []struct {
		schema string
		cell   any
		want   tree.Node
	}{
		{`"type": "INTEGER"`, nil, tree.Node{}},
		{`"type": "INTEGER"`, "-9223372036854775808", tree.Node{Kind: tree.Integer, Int: math.MinInt64}},
		{`"type": "INT64"`, "2", two},
		{`"type": "FLOAT"`, "0.1", tree.Node{Kind: tree.Number, Num: 0.1}},
		{`"type": "FLOAT"`, "1.0E25", tree.Node{Kind: tree.Number, Num: 1e25}},
		{`"type": "FLOAT"`, "NaN", tree.Node{}},
		{`"type": "FLOAT"`, "Infinity", tree.Node{Kind: tree.Number, Num: math.Inf(1)}},
		{`"type": "FLOAT"`, "-Infinity", tree.Node{Kind: tree.Number, Num: math.Inf(-1)}},
		{`"type": "NUMERIC"`, "0.10", tree.Node{Kind: tree.Number, Num: 0.1}},
		{`"type": "BIGNUMERIC"`, "12345678901234567890123456789", tree.Node{Kind: tree.Number, Num: 12345678901234567890123456789}},
		{`"type": "BOOLEAN"`, "true", tree.Node{Kind: tree.Boolean, Int: 1}},
		{`"type": "BOOLEAN"`, "false", tree.Node{Kind: tree.Boolean}},
		{`"type": "STRING"`, "", tree.Node{Kind: tree.Text}},
		{`"type": "BYTES"`, "AQI=", tree.Node{Kind: tree.Text, Text: "0102"}},
		{`"type": "TIMESTAMP"`, fmt.Sprint(at.UnixMicro()), instant},
		{`"type": "TIMESTAMP"`, "1.793527200123456E9", instant},
		{`"type": "TIMESTAMP"`, "253402300799999999", tree.Node{Kind: tree.Unusable}}, // the year 9999
		{`"type": "DATETIME"`, "2026-11-01T10:00:00.123456", tree.Node{Kind: tree.Wall, Int: instant.Int}},
		{`"type": "DATE"`, "2026-11-01", tree.Node{Kind: tree.Wall, Int: at.Truncate(24 * time.Hour).UnixNano()}},
		{`"type": "TIME"`, "01:00:00.500000", tree.Node{Kind: tree.Number, Num: 3600.5}},
		{`"type": "JSON"`, `{"a":1}`, object(name("a", one))},
		{`"type": "GEOGRAPHY"`, "POINT(1 2)", tree.Node{Kind: tree.Text, Text: "POINT(1 2)"}},
		{`"type": "INTEGER", "mode": "REPEATED"`, list("1", "2"), tree.Node{Kind: tree.Array, Sub: []tree.Node{one, two}}},
		{`"type": "INTEGER", "mode": "REPEATED"`, list(), tree.Node{Kind: tree.Array}},
		{`"type": "RECORD", "fields": [{"name": "a", "type": "INTEGER"}, {"name": "b", "type": "TIMESTAMP", "mode": "REPEATED"}]`,
			structure("1", list(fmt.Sprint(at.UnixMicro()))), object(name("a", one), name("b", tree.Node{Kind: tree.Array, Sub: []tree.Node{instant}}))},
		{`"type": "RECORD", "mode": "REPEATED", "fields": [{"name": "a", "type": "INTEGER"}]`, list(structure("1"), structure("2"), nil),
			tree.Node{Kind: tree.Array, Sub: []tree.Node{object(name("a", one)), object(name("a", two)), {}}}},
		{`"type": "RECORD", "fields": [{"name": "a", "type": "INTEGER"}]`, structure("1", "2"), tree.Node{Kind: tree.Unusable}},
		{`"type": "INTEGER", "mode": "REPEATED"`, list(make([]any, 16385)...), tree.Node{Kind: tree.Unusable}},
	} {
		c.run = func(string, map[string]string) result {
			return result{schema: `[{"name": "v", ` + x.schema + `}]`, cells: [][]any{{x.cell}}}
		}
		var got tree.Node
		err := db.Read(t.Context(), sqlpage.Page{SQL: "SELECT " + x.schema}, func(columns []value.Column, row []any) (bool, error) {
			got = value.NewReader().Row(columns, row).Sub[0]
			return true, nil
		})
		if x.want.Name = "v"; err != nil || fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%s %v is %+v, %v, want %+v", x.schema, x.cell, got, err, x.want)
		}
	}
}

// What goes with a statement, and the arguments by the types of their columns.
func TestBigQueryArguments(t *testing.T) {
	c := newCloud(t)
	db := open(t, bigquery.Driver(), c.connection())
	at := time.Date(2026, 11, 1, 10, 0, 0, 123456789, time.UTC)
	for _, x := range []struct {
		arg        any
		kind, want string
	}{
		{at, "", "TIMESTAMP 2026-11-01 10:00:00.123456Z"},
		{at, "TIMESTAMP", "TIMESTAMP 2026-11-01 10:00:00.123456Z"},
		{at, "DATETIME", "DATETIME 2026-11-01 10:00:00.123456"},
		{at, "DATE", "DATE 2026-11-01"},
		{at, "STRING", "STRING 2026-11-01T10:00:00.123456789Z"},
		{int64(7), "", "INT64 7"},
		{int64(7), "NUMERIC", "NUMERIC 7"},
		{value.Digits("1.50"), "", "BIGNUMERIC 1.50"},
		{value.Digits("1.50"), "NUMERIC", "NUMERIC 1.50"},
		{0.1, "", "FLOAT64 0.1"},
		{true, "", "BOOL true"},
		{[]byte{1, 2}, "BYTES", "BYTES AQI="},
		{"", "", "STRING "},
	} {
		var got string
		c.run = func(_ string, args map[string]string) result {
			got = args["p1"]
			return result{schema: `[{"name": "v", "type": "STRING"}]`, types: map[string]string{"p1": x.kind}}
		}
		if _, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT @p1 -- " + x.want, Args: []any{x.arg}}); err != nil || got != x.want {
			t.Errorf("%v as %q is %q, %v, want %q", x.arg, x.kind, got, err, x.want)
		}
	}
	c.run = func(string, map[string]string) result {
		return result{schema: `[{"name": "v", "type": "STRING"}]`, types: map[string]string{"p1": "INT64"}}
	}
	if _, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT @p1", Args: []any{"then"}}); err == nil || !strings.Contains(err.Error(), "check incremental.start") {
		t.Errorf("text for a number: %v", err)
	}
	q := c.queries[len(c.queries)-1]
	if q.ParameterMode != "NAMED" || q.Location != "EU" || q.MaxBytes != "1073741824" || q.JobTimeout != "60000" || q.RequestID == "" || q.RequestID == c.queries[0].RequestID ||
		q.DefaultDataset.ProjectID != "own" || q.DefaultDataset.DatasetID != "ml" {
		t.Errorf("asked was %+v", q)
	}
}

func TestBigQueryPages(t *testing.T) {
	c := newCloud(t)
	c.rows, c.pending = 2, 2
	c.run = func(string, map[string]string) result {
		return result{schema: `[{"name": "v", "type": "INTEGER"}]`, cells: [][]any{{"1"}, {"2"}, {"3"}, {"4"}, {"5"}}}
	}
	db := open(t, bigquery.Driver(), c.connection())
	got, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT 1"})
	if want := "[1 2 3 4 5]"; err != nil || fmt.Sprint(got) != want || c.calls["results"] != 4 {
		t.Errorf("got %v, %v by %v, want %s", got, err, c.calls, want)
	}
	n := 0
	err = db.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1"}, func([]value.Column, []any) (bool, error) {
		n++
		return n < 3, nil
	})
	if err != nil || n != 3 || c.calls["results"] != 5 || c.calls["insert"] != 1 {
		t.Errorf("%d rows, %v by %v", n, err, c.calls)
	}
	// Nothing is there.
	c.run = func(string, map[string]string) result { return result{schema: `[{"name": "v", "type": "INTEGER"}]`} }
	if got, err := first(t.Context(), db, sqlpage.Page{SQL: "SELECT 1"}); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
