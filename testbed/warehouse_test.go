package testbed

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// loanTables are what a user of a database writes for the tables of loans.
const loanTables = `
  warehouse/reference: &table
    driver: postgres
    connection: {endpoint: $SOCKET, database: postgres, user: driftmeter}
    table: reference
    kind: reference
    storage: file_storage
    interval: 200ms
    mapping: &loans
      model: synthetic_car_loan
      columns: {y_pred_proba: predictions.proba}
      labels: {proba: repaid}
      types: {actuals.proba: boolean} # written as 0 and 1
      rest: features
  warehouse/served:
    driver: postgres
    connection: {endpoint: $SOCKET, database: postgres, user: driftmeter}
    table: served
    incremental: {column: timestamp, look_back: 96h}
    page_size: 500
    storage: file_storage
    interval: 200ms
    mapping: *loans
`

// loanDatabase is a PostgreSQL with empty tables of loans.
func loanDatabase(t *testing.T) (*servers.Postgres, *pgx.Conn) {
	t.Helper()
	pg, err := servers.StartPostgres()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	columns := ` (id text PRIMARY KEY, timestamp timestamptz NOT NULL, car_value bigint, salary_range text, debt_to_income_ratio double precision, loan_length int,
		repaid_loan_on_prev_car boolean, size_of_downpayment text, driver_tenure double precision, y_pred_proba double precision, repaid int)`
	if err := pg.Exec(t.Context(), "CREATE TABLE reference"+columns, "CREATE TABLE served"+columns, "CREATE INDEX ON served (timestamp, id)"); err != nil {
		t.Fatal(err)
	}
	c, err := pg.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may be gone
	return pg, c
}

// store copies loans into a table.
func store(t *testing.T, c *pgx.Conn, name string, rows []loan) {
	t.Helper()
	_, err := c.CopyFrom(t.Context(), pgx.Identifier{name}, []string{"id", "timestamp", "car_value", "salary_range", "debt_to_income_ratio", "loan_length",
		"repaid_loan_on_prev_car", "size_of_downpayment", "driver_tenure", "y_pred_proba", "repaid"}, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		l := &rows[i]
		at, err := time.Parse(time.RFC3339Nano, l.At)
		return []any{l.ID, at, l.Value, l.Salary, l.Debt, l.Length, l.Repaid, l.Down, l.Tenure, l.Proba, l.WasRepaid}, err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// newTableRig is a Collector with groundtruth that takes OTLP and reads a database.
func newTableRig(t *testing.T, pg *servers.Postgres) *rig {
	r := newRig(t, loanModel, "", nil)
	r.values["PIPELINE"], r.values["PROFILE"] = "groundtruth, profile", "flush_interval: 100ms"
	r.values["SOCKET"], r.values["STORAGE"] = fmt.Sprintf("%s/.s.PGSQL.%d", pg.Dir, pg.Port), t.TempDir()
	text := strings.Replace(base, "processors:\n", strings.TrimPrefix(loanTables, "\n")+"processors:\n", 1)
	text = strings.Replace(text, "receivers: [otlp]", "receivers: [otlp, warehouse/reference, warehouse/served]", 1)
	text = strings.Replace(text, "extensions:\n", "extensions:\n  file_storage: {directory: $STORAGE}\n", 1)
	text = strings.Replace(text, "extensions: [modelstore]", "extensions: [modelstore, file_storage]", 1)
	var err error
	r.config, err = WriteConfig(t.TempDir(), text, r.values)
	r.check(err)
	r.start()
	return r
}

// A real data set gives exactly the same metrics from a PostgreSQL as by OTLP: the
// reference, the predictions, and labels that are filled in later by UPDATE. And so
// it does though the Collector is killed while it waits for a page, again and
// again.
func TestTablesGiveTheMetricsOfOTLP(t *testing.T) {
	reference, served := loans(t, "reference.csv.gz", 8000), loans(t, "monitoring.csv.gz", 6000)
	r := newSourceRig(t)
	for _, part := range []struct {
		event string
		rows  []loan
	}{{"ml.reference", reference}, {"ml.prediction", served}, {"ml.actual", served}} {
		r.check(r.send(func(s plog.LogRecordSlice) {
			for i := range part.rows {
				lr := s.AppendEmpty()
				part.rows[i].log(lr, part.event)
				if part.event == "ml.reference" && i == len(part.rows)-1 {
					lr.Attributes().PutBool("ml.reference.complete", true)
				}
			}
		}))
	}
	want := r.settledLoans(len(served))
	r.stop()
	for name, kills := range map[string]int{"undisturbed": 0, "killed": 6} {
		t.Run(name, func(t *testing.T) {
			pg, c := loanDatabase(t)
			store(t, c, "reference", reference)
			r := newTableRig(t, pg)
			r.eventually(func() string { return "the reference is not read" }, func() bool { return strings.Contains(r.p.Output(), `"rows": 8000`) })
			store(t, c, "served", unlabelled(served))
			for range kills {
				r.killedWaiting(c)
			}
			count := func() float64 { return r.sink.Total("ml.model.predictions", Whole) }
			r.eventually(func() string { return fmt.Sprintf("%v predictions are counted", count()) }, func() bool { return count() == float64(len(served)) })
			labels := make([][]any, len(served))
			for i := range served {
				labels[i] = []any{served[i].ID, *served[i].WasRepaid}
			}
			_, err := c.Exec(t.Context(), "CREATE TEMP TABLE outcomes (ref text, was int)")
			r.check(err)
			_, err = c.CopyFrom(t.Context(), pgx.Identifier{"outcomes"}, []string{"ref", "was"}, pgx.CopyFromRows(labels))
			r.check(err)
			_, err = c.Exec(t.Context(), "UPDATE served SET repaid = was FROM outcomes WHERE id = ref")
			r.check(err)
			for range kills {
				r.killedWaiting(c)
			}
			got := r.settledLoans(len(served))
			if text := different(got, want); text != "" {
				t.Error(text)
			}
			r.stop()
		})
	}
}

// killedWaiting kills the Collector in the middle of a query, and starts it again.
func (r *rig) killedWaiting(c *pgx.Conn) {
	r.t.Helper()
	tx, err := c.Begin(r.t.Context())
	r.check(err)
	_, err = tx.Exec(r.t.Context(), "LOCK TABLE served IN ACCESS EXCLUSIVE MODE")
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
