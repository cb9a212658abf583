package warehousereceiver

import (
	"fmt"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// The tests against a running PostgreSQL, which is started once.
func TestPostgres(t *testing.T) {
	pg, err := servers.StartPostgres()
	if err != nil {
		t.Fatal(err)
	}
	database = pg
	defer func() { database = nil; pg.Stop() }()
	t.Run("rows once and labels later", rowsOnceAndLabelsLater)
	t.Run("trial is what is sent", trialIsWhatIsSent)
	t.Run("pages", pages)
	t.Run("killed anywhere", killedAnywhere)
	t.Run("updated rows", updatedRows)
	t.Run("memory that is too small", smallMemory)
	t.Run("kinds", kinds)
	t.Run("decimals", decimals)
	t.Run("reference", reference)
	t.Run("refused rows", refusedRows)
	t.Run("query", query)
	t.Run("only reads", onlyReads)
	t.Run("errors", errorsOfTheDatabase)
	t.Run("types", types)
	t.Run("from now on", fromNowOn)
	t.Run("a dead line", deadLine)
	t.Run("schedule", schedule)
	t.Run("credentials of Redshift", redshiftCredentials)
}

const (
	rowA = `('a', '2026-11-01 10:00:00+00', 1.5, 'DE', 0.9, NULL)`
	rowB = `('b', '2026-11-01 10:01:00+00', 2.5, 'FR', 0.1, true)`
)

const (
	sentA = "ml.prediction prediction.id=a model.name=fraud model.version=default features.amount=1.5 features.country=DE predictions.proba=0.9"
	sentB = "ml.prediction prediction.id=b model.name=fraud model.version=default features.amount=2.5 features.country=FR predictions.proba=0.1 actuals.proba=true"
)

// Rows are told once, a label when it is filled in, in the same process and after
// a restart.
func rowsOnceAndLabelsLater(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA+", "+rowB)
	r := newRig(t, name, "incremental: {column: at}\n")
	r.want(r.run(), sentA, sentB)
	r.want(r.run())
	exec(t, "UPDATE "+name+" SET fraud = false WHERE id = 'a'")
	labelled := "ml.actual prediction.id=a model.name=fraud model.version=default actuals.proba="
	r.want(r.run(), labelled+"false")
	exec(t, "UPDATE "+name+" SET fraud = true WHERE id = 'a'", "UPDATE "+name+" SET fraud = NULL WHERE id = 'b'")
	r.want(r.run(), labelled+"true")
	// A row that is added late, behind what was read, within look_back.
	exec(t, "INSERT INTO "+name+` VALUES ('c', '2026-11-01 09:59:00+00', NULL, '', 'NaN', NULL)`)
	r.want(r.run(), "ml.prediction prediction.id=c model.name=fraud model.version=default features.amount= features.country= predictions.proba=")
	exec(t, "INSERT INTO "+name+` VALUES ('d', '2026-11-01 08:59:00+00', NULL, '', 0, NULL)`)
	r.want(r.run()) // not within it
}

// Pages of any size give the same, however rows share their time.
func pages(t *testing.T) {
	name := table(t)
	var want []string
	for i := range 100 {
		id := fmt.Sprintf("%03d", i)
		exec(t, fmt.Sprintf("INSERT INTO %s VALUES ('%s', '2026-11-01 10:%02d:00+00', %d, 'DE', 0.5, NULL)", name, id, i/30, i))
		want = append(want, fmt.Sprintf("ml.prediction prediction.id=%s model.name=fraud model.version=default features.amount=%d features.country=DE predictions.proba=0.5", id, i))
	}
	for _, size := range []int{1, 7, 10, 99, 100, 101, 1000} {
		r := newRig(t, name, fmt.Sprintf("incremental: {column: at}\npage_size: %d\n", size))
		r.want(r.run(), want...)
		r.want(r.run())
	}
	r := newRig(t, name, "incremental: {column: at}\npage_kib: 1\n")
	r.want(r.run(), want...)
	r.want(r.run())
}
