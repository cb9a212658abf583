package sqlpage

import (
	"fmt"
	"strings"
)

// Source is what is read: a table or a query, in the order of its keys. The keys
// together tell rows apart, and a row has all of them: one with NULL in a key is
// not read.
type Source struct {
	Dialect *Dialect
	Table   string   // or
	Query   string   // as Clean returned it
	Keys    []string // the columns in whose order it is read, the incremental one first
}

// Position is where a page begins: behind the row with these values of the keys,
// or, if it is Inclusive and holds only the first of them, with that value. Without
// values it is the beginning.
type Position struct {
	Values    []any
	Inclusive bool
}

// Page is a statement and its arguments.
type Page struct {
	SQL  string
	Args []any
}

// Page returns the statement that reads the next rows after a position.
func (s *Source) Page(after Position, rows int) (Page, error) {
	w := writer{d: s.Dialect}
	keys := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		quoted, err := s.Dialect.Quote(k)
		if err != nil {
			return Page{}, fmt.Errorf("column %q %w", k, err)
		}
		keys[i] = quoted
	}
	if n := len(after.Values); n > len(keys) || n < len(keys) && n > 1 || n == 1 && n < len(keys) && !after.Inclusive {
		return Page{}, fmt.Errorf("a position of %d values, in %d keys", n, len(keys))
	}
	w.text("SELECT ")
	if s.Dialect.Top {
		w.text(fmt.Sprintf("TOP (%d) ", rows))
	}
	w.text("* FROM ")
	if s.Query != "" {
		// The line ends keep a comment at the query's end from hiding what follows.
		w.text("(\n" + s.Query + "\n) AS driftmeter_rows")
	} else {
		table, err := s.Dialect.QuoteTable(s.Table)
		if err != nil {
			return Page{}, fmt.Errorf("table %q %w", s.Table, err)
		}
		w.text(table)
	}
	w.where(keys, after)
	w.text("\nORDER BY " + strings.Join(keys, ", "))
	if !s.Dialect.Top {
		w.text(fmt.Sprintf("\nLIMIT %d", rows))
	}
	return Page{SQL: w.String(), Args: w.args}, nil
}

// writer builds a statement.
type writer struct {
	strings.Builder
	d    *Dialect
	args []any
}

func (w *writer) text(s string) { w.WriteString(s) }

func (w *writer) value(v any) {
	w.args = append(w.args, v)
	w.text(w.d.Parameter(len(w.args)))
}

// where writes the condition of rows that follow a position. The comparison of the
// first key alone is redundant: it is what an index is searched by.
func (w *writer) where(keys []string, after Position) {
	w.text("\nWHERE ")
	for i, k := range keys {
		if i > 0 {
			w.text(" AND ")
		}
		w.text(k + " IS NOT NULL")
	}
	if len(after.Values) == 0 {
		return
	}
	w.text(" AND " + keys[0] + " >= ")
	w.value(after.Values[0])
	if after.Inclusive {
		return
	}
	w.text(" AND (")
	for i := range keys {
		if i > 0 {
			w.text(" OR (")
		}
		for k := range i {
			w.text(keys[k] + " = ")
			w.value(after.Values[k])
			w.text(" AND ")
		}
		w.text(keys[i] + " > ")
		w.value(after.Values[i])
		if i > 0 {
			w.text(")")
		}
	}
	w.text(")")
}
