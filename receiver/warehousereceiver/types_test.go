package warehousereceiver

import (
	"errors"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/postgres"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
	"time"
)

// What each type of PostgreSQL becomes, as the server really writes it.
func types(t *testing.T) {
	num := func(x float64) tree.Node { return tree.Node{Kind: tree.Number, Num: x} }
	whole := func(i int64) tree.Node { return tree.Node{Kind: tree.Integer, Int: i} }
	text := func(s string) tree.Node { return tree.Node{Kind: tree.Text, Text: s} }
	list := func(of ...tree.Node) tree.Node { return tree.Node{Kind: tree.Array, Sub: of} }
	unusable, missing := tree.Node{Kind: tree.Unusable}, tree.Node{}
	at := tree.Node{Kind: tree.Time, Int: time.Date(2026, 11, 1, 10, 0, 0, 123456000, time.UTC).UnixNano()}
	wall := tree.Node{Kind: tree.Wall, Int: at.Int}
	inf := func(sign string) float64 { return value.Decimal(sign + "Inf").Num }
	db, err := postgres.Driver().Open(parse(t, newRig(t, "x", "").config).connection(), driver.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec(t, "DROP TYPE IF EXISTS mood", "CREATE TYPE mood AS ENUM ('fine', 'bad')")
	for expression, want := range map[string]tree.Node{
		"NULL::int":                      missing,
		"1::smallint":                    whole(1),
		"'-9223372036854775808'::bigint": whole(-1 << 63),
		"9223372036854775808::numeric":   num(1 << 63),
		"0.1::numeric(10,2)":             num(0.1),
		"5.00::numeric(10,2)":            num(5),
		"'NaN'::numeric":                 missing,
		"'Infinity'::numeric":            num(inf("+")),
		"0.1::float8":                    num(0.1),
		"0.1::float4":                    num(0.1),
		"'NaN'::float8":                  missing,
		"'-Infinity'::float8":            num(inf("-")),
		"true":                           {Kind: tree.Boolean, Int: 1},
		"'x'::text":                      text("x"),
		"''::varchar":                    text(""),
		"'ab'::char(4)":                  text("ab  "),
		"'fine'::mood":                   text("fine"),
		"timestamptz '2026-11-01 12:00:00.123456+02'":  at,
		"timestamp '2026-11-01 10:00:00.123456'":       wall,
		"date '2026-11-01'":                            {Kind: tree.Wall, Int: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixNano()},
		"time '01:00:00.5'":                            num(3600.5),
		"interval '1 day'":                             text("1 day"),
		"'infinity'::timestamptz":                      unusable,
		"'9999-12-31'::date":                           unusable,
		"'0044-03-15 BC'::date":                        unusable,
		"'\\x0102'::bytea":                             text("0102"),
		"decode(repeat('00', 65), 'hex')":              unusable,
		"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
		"ARRAY[1,2,NULL]::int[]":                       list(whole(1), whole(2), missing),
		"ARRAY[0.5,'NaN']::float8[]":                   list(num(0.5), missing),
		"ARRAY['a','b \"c\"','NULL','d,e','']":         list(text("a"), text(`b "c"`), text("NULL"), text("d,e"), text("")),
		"ARRAY[true,false]":                            list(tree.Node{Kind: tree.Boolean, Int: 1}, tree.Node{Kind: tree.Boolean}),
		"ARRAY[]::int[]":                               {Kind: tree.Array},
		"'[0:1]={1,2}'::int[]":                         list(whole(1), whole(2)),
		"ARRAY[[1,2],[3,4]]":                           unusable,
		`'{"a": 1, "b": [true, null]}'::jsonb`:         {Kind: tree.Object, Sub: []tree.Node{{Name: "a", Kind: tree.Integer, Int: 1}, {Name: "b", Kind: tree.Array, Sub: []tree.Node{{Kind: tree.Boolean, Int: 1}, {}}}}},
		"'[1.5]'::json":                                list(num(1.5)),
		"repeat('x', 1 << 20)":                         text(string(make([]byte, 0))),
		"repeat('x', (1 << 20) + 1)":                   unusable,
		"'1.2.3.4'::inet":                              text("1.2.3.4"),
		"point(1,2)":                                   text("(1,2)"),
		"'$1.50'::money":                               text("$1.50"),
	} {
		var got tree.Node
		err := db.Read(t.Context(), sqlpage.Page{SQL: "SELECT " + expression + " AS v"}, func(columns []value.Column, row []any) (bool, error) {
			n := value.NewReader().Row(columns, row)
			got = n.Sub[0]
			return true, nil
		})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got.Name = ""
		if expression == "repeat('x', 1 << 20)" {
			if len(got.Text) != 1<<20 {
				t.Errorf("%s has %d bytes", expression, len(got.Text))
			}
			continue
		}
		if !same(got, want) {
			t.Errorf("%s is %+v, want %+v", expression, got, want)
		}
	}
	// Whatever zone the process has, sessions have UTC.
	t.Setenv("PGTZ", "Asia/Tokyo")
	for range 10 { // the order of settings must not matter
		db, err := postgres.Driver().Open(parse(t, newRig(t, "x", "").config).connection(), driver.Options{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Read(t.Context(), sqlpage.Page{SQL: "SELECT current_setting('TimeZone'), current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('transaction_read_only')"}, func(_ []value.Column, row []any) (bool, error) {
			if !slices.Equal(row, []any{"UTC", "1min", "1min", "on"}) {
				t.Errorf("a session of %v", row)
			}
			return true, nil
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	err = db.Read(t.Context(), sqlpage.Page{SQL: "SELECT repeat('x', 70000000) AS v"}, func([]value.Column, []any) (bool, error) { return true, nil })
	if err == nil {
		t.Error("a row of 70 MB is read")
	}
	// The connection is another one after it.
	if err := db.Read(t.Context(), sqlpage.Page{SQL: "SELECT 1 AS v"}, func([]value.Column, []any) (bool, error) { return true, nil }); err != nil {
		t.Error(err)
	}
}

func same(a, b tree.Node) bool {
	if a.Kind != b.Kind || a.Num != b.Num || a.Int != b.Int || a.Text != b.Text || a.Name != b.Name || len(a.Sub) != len(b.Sub) {
		return false
	}
	for i := range a.Sub {
		if !same(a.Sub[i], b.Sub[i]) {
			return false
		}
	}
	return true
}

func (c *Config) connection() *driver.Connection { return &c.Connection }
