package sqlpage

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPage(t *testing.T) {
	of := func(d *Dialect, table, query string, keys ...string) *Source {
		return &Source{Dialect: d, Table: table, Query: query, Keys: keys}
	}
	for _, c := range []struct {
		source *Source
		after  Position
		want   string
		args   []any
	}{
		{of(&Postgres, "ml.scores", "", "at", "id"), Position{},
			`SELECT * FROM "ml"."scores" WHERE "at" IS NOT NULL AND "id" IS NOT NULL ORDER BY "at", "id" LIMIT 10`, nil},
		{of(&Postgres, "scores", "", "at", "id"), Position{Values: []any{1, 2}},
			`SELECT * FROM "scores" WHERE "at" IS NOT NULL AND "id" IS NOT NULL AND "at" >= $1 AND ("at" > $2 OR ("at" = $3 AND "id" > $4)) ORDER BY "at", "id" LIMIT 10`, []any{1, 1, 1, 2}},
		{of(&MySQL, "", "SELECT 1", "at", "id"), Position{Values: []any{1}, Inclusive: true},
			"SELECT * FROM ( SELECT 1 ) AS driftmeter_rows WHERE `at` IS NOT NULL AND `id` IS NOT NULL AND `at` >= ? ORDER BY `at`, `id` LIMIT 10", []any{1}},
		{of(&SQLServer, "dbo.scores", "", "at"), Position{Values: []any{1}},
			"SELECT TOP (10) * FROM [dbo].[scores] WHERE [at] IS NOT NULL AND [at] >= @p1 AND ([at] > @p2) ORDER BY [at]", []any{1, 1}},
		{of(&Snowflake, `ml."Scores"`, "", "at"), Position{},
			`SELECT * FROM "ML"."Scores" WHERE "AT" IS NOT NULL ORDER BY "AT" LIMIT 10`, nil},
	} {
		p, err := c.source.Page(c.after, 10)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := strings.ReplaceAll(p.SQL, "\n", " "); got != c.want || !slices.Equal(p.Args, c.args) {
			t.Errorf("got  %s %v\nwant %s %v", got, p.Args, c.want, c.args)
		}
	}
	for _, bad := range []Position{{Values: []any{1}}, {Values: []any{1, 2, 3}}} {
		if _, err := of(&Postgres, "t", "", "a", "b").Page(bad, 1); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"scores": `"scores"`, "Scores": `"Scores"`, "ml.scores": `"ml"."scores"`, `"a.b".c`: `"a.b"."c"`, `"a""b"`: `"a""b"`, "größe": `"größe"`, "odd name": `"odd name"`,
	} {
		if got, err := Postgres.QuoteTable(name); got != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"", "a;b", `a"b`, "a'b", "a--b", "a/*b", "a.", ".a", "a..b", "a.b.c.d", `"a`, `"a"b`, `""`, "a\x00b", "a\nb", "f(x)", "a\x7f", strings.Repeat("x", 301), `x" OR 1=1`, "t WHERE (1=1)",
	} {
		if got, err := Postgres.QuoteTable(name); err == nil {
			t.Errorf("%q is taken as %s", name, got)
		}
	}
}

// However a name is written: what is quoted is one token of SQL, and nothing of it
// stands outside of the quotes.
func TestNamesStayInQuotes(t *testing.T) {
	for _, d := range []*Dialect{&Postgres, &MySQL, &SQLServer, &Snowflake, &BigQuery} {
		rapid.Check(t, func(t *rapid.T) {
			name := rapid.StringOf(rapid.SampledFrom([]rune("ab.\"`[]';-/*() ü\\$"))).Draw(t, "name")
			quoted, err := d.QuoteTable(name)
			if err != nil {
				return
			}
			rest := quoted
			for rest != "" {
				var ok bool
				if rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, "."), d.Open); !ok {
					t.Fatalf("%s: %q is quoted as %s", d.Name, name, quoted)
				}
				for {
					at := strings.Index(rest, d.Close)
					if at < 0 {
						t.Fatalf("%s: %q is quoted as %s", d.Name, name, quoted)
					}
					rest = rest[at+len(d.Close):]
					if !strings.HasPrefix(rest, d.Close) {
						break
					}
					rest = rest[len(d.Close):]
				}
			}
		})
	}
}

func TestClean(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                             "SELECT 1",
		" select * from t ; \n-- done":         "select * from t",
		"WITH a AS (SELECT 1) SELECT * FROM a": "WITH a AS (SELECT 1) SELECT * FROM a",
		"/* hi /* deep */ ; */ SELECT ';)'":    "/* hi /* deep */ ; */ SELECT ';)'",
		`SELECT "a;b" -- ; )`:                  `SELECT "a;b" -- ; )`,
		"SELECT $$;($$, $x$ $$ ; $x$":          "SELECT $$;($$, $x$ $$ ; $x$",
		`SELECT E'\';('`:                       `SELECT E'\';('`,
		`SELECT '\'`:                           `SELECT '\'`,
		"(SELECT 1)":                           "(SELECT 1)",
		"SELECT $1":                            "SELECT $1",
		"SELECT 'it''s'":                       "SELECT 'it''s'",
	} {
		if got, err := Postgres.Clean(query); got != want || err != nil {
			t.Errorf("%s: %q, %v", query, got, err)
		}
	}
	for query, want := range map[string]string{
		"":                          "is empty",
		"DELETE FROM t":             `begins with "delete"`,
		"SELECT 1; DELETE FROM t":   "goes on behind a semicolon",
		"SELECT 1;;":                "goes on behind a semicolon",
		"SELECT 1) AS x; --":        "a ) without its (",
		"SELECT (1":                 "1 ( without its )",
		"SELECT 'a":                 "not closed",
		"SELECT /* a":               "not closed",
		"SELECT $a$ $$":             "not closed",
		"SELECT \x00":               "NUL",
		"SELECT '\x00'":             "NUL",
		"; SELECT 1":                "goes on behind a semicolon",
		"?":                         `begins with "?"`,
		strings.Repeat("x", 70_000): "at most",
	} {
		if got, err := Postgres.Clean(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %q, %v", query, got, err)
		}
	}
	if _, err := SQLServer.Clean("WITH a AS (SELECT 1) SELECT * FROM a"); err == nil {
		t.Error("WITH is taken in a subquery of SQL Server")
	}
	if got, err := MySQL.Clean(`SELECT '\';' # ; (`); err != nil {
		t.Error(got, err)
	}
	if got, err := MySQL.Clean("SELECT 1 /* /* */ ; SELECT 2"); err == nil {
		t.Errorf("%q: comments do not nest in MySQL", got)
	}
}

// Pages of any size, one after the other, are all rows in their order, each once.
func TestPagesAreAllRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) [3]int {
			return [3]int{rapid.IntRange(0, 5).Draw(t, "a"), rapid.IntRange(0, 5).Draw(t, "b"), rapid.IntRange(0, 9).Draw(t, "c")}
		}), 0, 60, rapid.ID[[3]int]).Draw(t, "rows")
		sort.Slice(rows, func(i, j int) bool { return slices.Compare(rows[i][:], rows[j][:]) < 0 })
		size := rapid.IntRange(1, 20).Draw(t, "size")
		s := &Source{Dialect: &Postgres, Table: "t", Keys: []string{"a", "b", "c"}}
		var got [][3]int
		after := Position{}
		for {
			p, err := s.Page(after, size)
			if err != nil {
				t.Fatal(err)
			}
			page := evaluate(t, rows, p, size)
			got = append(got, page...)
			if len(page) < size {
				break
			}
			last := page[len(page)-1]
			after = Position{Values: []any{last[0], last[1], last[2]}}
		}
		if !slices.Equal(got, rows) {
			t.Fatalf("got %v, want %v", got, rows)
		}
	})
}

// evaluate is a database of one condition: a >= x AND (a > x OR (a = x AND b > y) OR …).
func evaluate(t *rapid.T, rows [][3]int, p Page, size int) (page [][3]int) {
	for _, row := range rows {
		holds := true
		if len(p.Args) > 0 {
			_, text, _ := strings.Cut(p.SQL, " AND \"a\" >= ")
			cond, _, _ := strings.Cut(text, "\nORDER")
			cond = `"a" >= ` + cond
			for i := len(p.Args); i > 0; i-- {
				cond = strings.ReplaceAll(cond, fmt.Sprintf("$%d", i), fmt.Sprint(p.Args[i-1]))
			}
			for i, name := range []string{`"a"`, `"b"`, `"c"`} {
				cond = strings.ReplaceAll(cond, name, fmt.Sprint(row[i]))
			}
			holds = truth(t, cond)
		}
		if holds && len(page) < size {
			page = append(page, row)
		}
	}
	return page
}

// truth evaluates 1 >= 0 AND (1 > 0 OR (1 = 0 AND 2 > 1)).
func truth(t *rapid.T, cond string) bool {
	for strings.Contains(cond, "(") {
		open := strings.LastIndex(cond, "(")
		shut := open + strings.Index(cond[open:], ")")
		inner := "0 > 1"
		if truth(t, cond[open+1:shut]) {
			inner = "1 > 0"
		}
		cond = cond[:open] + inner + cond[shut+1:]
	}
	for _, or := range strings.Split(cond, " OR ") {
		all := true
		for _, and := range strings.Split(or, " AND ") {
			var x, y int
			var op string
			if _, err := fmt.Sscanf(and, "%d %s %d", &x, &op, &y); err != nil {
				t.Fatalf("%q: %v", and, err)
			}
			all = all && (op == ">=" && x >= y || op == ">" && x > y || op == "=" && x == y)
		}
		if all {
			return true
		}
	}
	return false
}

// A query that is taken ends no parentheses but its own, and leaves no text or
// comment open: what follows it is still ours.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"SELECT 1", "SELECT ')' -- x", "SELECT 1;", "WITH a AS (SELECT $$x$$) SELECT 1", "SELECT E'\\''", "(SELECT 1)/*", "SELECT `a`", "SELECT [a]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, d := range []*Dialect{&Postgres, &MySQL, &SQLServer, &BigQuery} {
			clean, err := d.Clean(query)
			if err != nil {
				continue
			}
			l := lexer{d: d, s: "(\n" + clean + "\n) AS x"}
			if err := l.run(); err != nil || l.depth != 0 || l.end != 0 {
				t.Errorf("%s: %q is taken as %q: %v", d.Name, query, clean, err)
			}
		}
	})
}
