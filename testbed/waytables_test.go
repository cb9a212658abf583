package testbed

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// byTables has the rows in tables of a PostgreSQL, read page by page. Labels are filled
// in later by UPDATE, or come into a table of their own; and the Collector is killed
// while it waits for a page, so often before and after that.
func byTables(schema string, kills int) func(*testing.T, *world) *rig {
	return func(t *testing.T, w *world) *rig {
		c := w.connect(t, schema)
		var receivers []part
		for _, s := range w.sets {
			receivers = append(receivers, s.table(t, c, w, "reference", "kind: reference", s.training[0]), s.table(t, c, w, "served", s.incremental(), s.predicted[0]))
			if s.outcomes != "" {
				receivers = append(receivers, s.table(t, c, w, "actuals", "kind: actuals, incremental: {column: "+s.id+"}", s.labelled[0]))
			}
			s.copyInto(t, c, "reference", s.training)
			s.copyInto(t, c, "served", s.predicted)
		}
		r := newWayRig(t, w, receivers, nil)
		r.start()
		for range kills {
			r.killedWaiting(c)
		}
		for _, s := range w.sets { // labels are for predictions that were told
			rows, count := rowsOf(s.predicted), func() int { return int(r.sink.Total("ml.model.predictions", Whole, Match{"ml.model.name": s.name})) }
			r.eventually(func() string { return fmt.Sprintf("%d predictions of %s are counted, want %d", count(), s.name, rows) }, func() bool { return count() == rows })
		}
		for _, s := range w.sets {
			switch {
			case s.outcomes != "":
				s.copyInto(t, c, "actuals", s.labelled)
			case s.labelled != nil:
				s.fillIn(t, c)
			}
		}
		for range kills {
			r.killedWaiting(c)
		}
		return r
	}
}

// connect returns a connection to the database, in a new schema.
func (w *world) connect(t *testing.T, schema string) *pgx.Conn {
	t.Helper()
	c, err := w.postgres().Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may be gone
	execute(t, c, "CREATE SCHEMA "+schema, "SET search_path TO "+schema)
	return c
}

func execute(t *testing.T, c *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%v\nin %.300s", err, s)
		}
	}
}

// incremental is the column in whose order predictions are read, and how far back for
// labels.
func (s *loadedSet) incremental() string {
	switch {
	case s.clock == text: // its order is not that of time
		return fmt.Sprintf("incremental: {column: %s}", s.id)
	case s.clock == whole:
		return "incremental: {column: timestamp, look_back_number: 864000000}"
	}
	return "incremental: {column: timestamp, look_back: 240h}"
}

// table makes one, and returns the receiver that reads it.
func (s *loadedSet) table(t *testing.T, c *pgx.Conn, w *world, name, keys string, f *frame) part {
	t.Helper()
	var columns []string
	for _, c := range f.columns {
		columns = append(columns, pgx.Identifier{c.name}.Sanitize()+" "+types[c.kind].sql)
	}
	full := s.name + "_" + name
	execute(t, c, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", full, strings.Join(columns, ", "), pgx.Identifier{s.idColumn()}.Sanitize()))
	var schema string
	if err := c.QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	pg := w.postgres()
	return part{"warehouse/" + full, fmt.Sprintf(`{driver: postgres, connection: {endpoint: "%s/.s.PGSQL.%d", database: postgres, user: driftmeter},
		table: %s.%s, %s, page_size: 500, storage: file_storage, interval: 200ms, mapping: %s}`, pg.Dir, pg.Port, schema, full, keys, s.mapping())}
}

// copyInto adds rows to a table.
func (s *loadedSet) copyInto(t *testing.T, c *pgx.Conn, name string, parts []*frame) {
	t.Helper()
	for _, f := range parts {
		var columns []string
		for _, c := range f.columns {
			columns = append(columns, c.name)
		}
		if _, err := c.CopyFrom(t.Context(), pgx.Identifier{s.name + "_" + name}, columns, pgx.CopyFromRows(f.rows)); err != nil {
			t.Fatal(err)
		}
	}
}

// fillIn sets the labels of rows that are there.
func (s *loadedSet) fillIn(t *testing.T, c *pgx.Conn) {
	t.Helper()
	f := s.labelled[0]
	id := pgx.Identifier{s.idColumn()}.Sanitize()
	var columns, sets []string
	for _, c := range f.columns {
		name := pgx.Identifier{c.name}.Sanitize()
		if columns = append(columns, name+" "+types[c.kind].sql); c.name != s.idColumn() {
			sets = append(sets, name+" = later."+name)
		}
	}
	execute(t, c, fmt.Sprintf("CREATE TABLE %s_later (%s)", s.name, strings.Join(columns, ", ")))
	s.copyInto(t, c, "later", s.labelled)
	execute(t, c, fmt.Sprintf("UPDATE %s_served AS served SET %s FROM %s_later AS later WHERE served.%s = later.%s", s.name, strings.Join(sets, ", "), s.name, id, id))
}

// killedWaiting kills the Collector in the middle of a query, and starts it again.
func (r *rig) killedWaiting(c *pgx.Conn) {
	r.t.Helper()
	tx, err := c.Begin(r.t.Context())
	r.check(err)
	_, err = tx.Exec(r.t.Context(), "LOCK TABLE car_loan_served IN ACCESS EXCLUSIVE MODE")
	r.check(err)
	waits := 0
	r.eventually(func() string { return "no page is waited for" }, func() bool {
		// Not pg_stat_activity, of which a transaction sees the same picture all the time.
		r.check(tx.QueryRow(r.t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waits))
		return waits > 0
	})
	r.p.Kill()
	r.check(tx.Rollback(r.t.Context()))
	r.start()
}
