package warehousereceiver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var errKilled = errors.New("killed")

// Whenever the process ends, before a page is taken, after it, or between that and
// the checkpoint, and whatever the table becomes meanwhile: each row is told once,
// and each label.
func killedAnywhere(t *testing.T) {
	const rows = 40
	for at := 1; ; at++ {
		rng := rand.New(rand.NewPCG(uint64(at), 1))
		name := table(t)
		for i := range rows {
			exec(t, fmt.Sprintf("INSERT INTO %s VALUES ('%02d', '2026-11-01 10:%02d:00+00', 1, 'DE', 0.5, NULL)", name, i, i/2))
		}
		r := newRig(t, name, "incremental: {column: at}\npage_size: 7\nretry_on_failure: {enabled: false}\n")
		r.config = strings.Replace(r.config, "retry_on_failure: {initial_interval: 1ms, max_interval: 1ms}\n", "", 1)
		kill := func(call int) error {
			if call == at {
				return errKilled
			}
			return nil
		}
		if rng.IntN(2) == 0 {
			r.sink.before = kill
		} else {
			r.sink.after = kill // it has been taken, and nobody is told
		}
		r.open()
		err := r.source.run(t.Context())
		r.close()
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		// Rows change before the next start: those of the page that was under way, too.
		exec(t, "UPDATE "+name+" SET amount = 2, fraud = true WHERE id::int % 3 = 0", "INSERT INTO "+name+" VALUES ('0a', '2026-11-01 10:00:30+00', 1, 'DE', 0.5, NULL)")
		none := func(int) error { return nil }
		r.sink.before, r.sink.after = none, none
		got := r.run()
		predictions, labels := map[string]int{}, map[string]int{}
		for _, e := range got {
			id := strings.TrimPrefix(strings.Fields(e)[1], "prediction.id=")
			if strings.HasPrefix(e, "ml.prediction") {
				predictions[id]++
			}
			if strings.Contains(e, "actuals.proba=true") {
				labels[id]++
			}
		}
		for i := range rows {
			id := fmt.Sprintf("%02d", i)
			if want := map[bool]int{true: 1}[i%3 == 0]; predictions[id] != 1 || labels[id] != want {
				t.Fatalf("killed at call %d, row %s was told %d times, its label %d times, want 1 and %d", at, id, predictions[id], labels[id], want)
			}
		}
		if len(predictions) != rows+1 {
			t.Fatalf("%d rows", len(predictions))
		}
		if err == nil {
			if at < 6 {
				t.Fatalf("only %d calls", at)
			}
			return
		}
	}
}

// A row that comes again with a later time, since it was updated, tells its label
// and is no new prediction, also when its first time lies far before look_back.
func updatedRows(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA+", "+rowB)
	r := newRig(t, name, "incremental: {column: at, look_back: 1m}\n")
	r.config = strings.Replace(r.config, "  timestamp: at\n", "", 1)
	r.want(r.run(), sentA, sentB)
	exec(t, "UPDATE "+name+" SET fraud = true, at = '2026-11-20 00:00:00+00' WHERE id = 'a'")
	r.want(r.run(), "ml.actual prediction.id=a model.name=fraud model.version=default actuals.proba=true")
	r.want(r.run())
}

// More rows in look_back than are remembered: those that are forgotten are not read
// again, and told by a warning; nothing counts twice.
func smallMemory(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" SELECT i::text, timestamptz '2026-11-01 10:00:00+00' + i * interval '1 ms', i, 'DE', 0.5, NULL FROM generate_series(1, 30000) i")
	r := newRig(t, name, "incremental: {column: at, max_remembered: 10000}\n")
	if n := len(r.run()); n != 30000 {
		t.Fatalf("%d rows", n)
	}
	r.open()
	if n := r.source.memory.Len(); n > 12000 || n < 5000 {
		t.Errorf("%d rows are remembered", n)
	}
	r.close()
	exec(t, "UPDATE "+name+" SET fraud = true WHERE id IN ('1', '30000')", "INSERT INTO "+name+" VALUES ('new', '2026-11-01 11:00:00+00', 1, 'DE', 0.5, NULL)")
	got := r.run()
	if want := []string{"ml.actual prediction.id=30000", "ml.prediction prediction.id=new"}; len(got) != 2 || !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s", list(got))
	}
	if r.logs.FilterMessageSnippet("max_remembered").Len() != 1 {
		t.Error("no warning")
	}
}
