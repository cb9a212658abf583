package warehousereceiver

import (
	"fmt"
	"strings"
	"testing"
)

// From now on is from the first run on: what comes between two runs is read, in one
// process and after a restart, and what was there before is not, also not again.
func fromNowOn(t *testing.T) {
	name := table(t)
	const row = `INSERT INTO %s SELECT '%s', clock_timestamp() + interval '%s', 1, 'DE', 0.5, NULL`
	sent := func(id string) string {
		return fmt.Sprintf("ml.prediction prediction.id=%s model.name=fraud model.version=default features.amount=1 features.country=DE predictions.proba=0.5", id)
	}
	exec(t, fmt.Sprintf(row, name, "old", "-10 minutes"))
	r := newRig(t, name, "incremental: {column: at, start: now}\n")
	r.want(r.run())
	exec(t, fmt.Sprintf(row, name, "between", "0"))
	r.want(r.run(), sent("between"))
	// Within look_back, and before the start.
	exec(t, fmt.Sprintf(row, name, "late", "-5 minutes"), "UPDATE "+name+" SET fraud = true")
	r.want(r.run(), "ml.actual prediction.id=between model.name=fraud model.version=default actuals.proba=true")

	r = newRig(t, name, "incremental: {column: at, start: now}\n")
	r.open()
	for _, id := range []string{"", "first", "second"} {
		if id != "" {
			exec(t, fmt.Sprintf(row, name, id, "0"))
		}
		if err := r.source.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.close()
	r.want(r.sink.take(), sent("first"), sent("second"))

	// One that has read on before it said now goes on as it was.
	r = newRig(t, name, "incremental: {column: at}\n")
	if got := r.run(); len(got) != 5 {
		t.Errorf("got\n%s", list(got))
	}
	r.config = strings.Replace(r.config, "{column: at}", "{column: at, start: now}", 1)
	exec(t, fmt.Sprintf(row, name, "later", "-7 minutes"))
	r.want(r.run(), sent("later"))

	// A number has no now.
	exec(t, "ALTER TABLE "+name+" ADD nr bigserial")
	r = newRig(t, name, "incremental: {column: nr, keys: [nr], start: now}\n")
	r.open()
	defer r.close()
	if err := r.source.run(t.Context()); err == nil || !strings.Contains(err.Error(), "check incremental.start") {
		t.Errorf("now in a column of numbers: %v", err)
	}
}
