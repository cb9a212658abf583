package warehousereceiver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// inexact is a database that keeps microseconds and shows milliseconds: behind the
// time of its row it finds the row again.
type inexact struct{ asked int }

func (d *inexact) Read(_ context.Context, _ sqlpage.Page, each driver.Each) error {
	d.asked++
	_, err := each([]value.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "id", Type: "TEXT"}, {Name: "amount", Type: "DOUBLE"}},
		[]any{time.Date(2026, 11, 1, 10, 0, 0, 123e6, time.UTC), "a", 1.5})
	return err
}

func (d *inexact) Close() error { return nil }

// A run that would read one row for ever says so.
func TestNothingIsReadForEver(t *testing.T) {
	for _, more := range []string{"", "kind: reference\n"} {
		r := &rig{t: t, config: fmt.Sprintf(base, "db:5432", "scores") + "incremental: {column: at}\npage_size: 1\n" + more, storage: t.TempDir(), sink: newSink()}
		r.open()
		db := &inexact{}
		r.source.database = db
		err := r.source.run(t.Context())
		r.close()
		if err == nil || !strings.Contains(err.Error(), "less exactly than it keeps them") || db.asked != 2 {
			t.Errorf("%v, asked %d times", err, db.asked)
		}
		if got := r.sink.take(); len(got) != 1 {
			t.Errorf("got\n%s", list(got))
		}
	}
}

// westward is a database that compares times in a zone some hours to the west of
// the one in which it shows them: rows that were read come again behind themselves.
type westward struct{ *memory }

func (d westward) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	args := slices.Clone(page.Args)
	for i := range args {
		if t, ok := args[i].(time.Time); ok {
			args[i] = t.Add(-5 * time.Hour)
		}
	}
	page.Args = args
	return d.memory.Read(ctx, page, each)
}

// Reading does not go in circles, and says what is the matter.
func TestAnotherZone(t *testing.T) {
	r := rigWithout(t, "page_size: 2\nmapping: {model: m, timestamp: at, rest: features}\n")
	r.open()
	defer r.close()
	db := &memory{limit: 2}
	for id := range int64(9) {
		db.rows = append(db.rows, memoryRow{at: time.Date(2026, 11, 1, int(id), 0, 0, 0, time.UTC), id: id})
	}
	r.source.database = westward{db}
	if err := r.source.run(t.Context()); err == nil || !strings.Contains(err.Error(), "as in a time zone that is not UTC") {
		t.Error(err)
	}
}

// A row from the future is told, once, since it hides others.
func TestRowFromTheFuture(t *testing.T) {
	r := rigWithout(t, "mapping: {model: m, timestamp: at, rest: features}\n")
	r.open()
	defer r.close()
	r.source.database = &memory{limit: 2000, rows: []memoryRow{{at: time.Now(), id: 1}, {at: time.Now().Add(time.Hour), id: 2}}}
	told := func(want int) {
		t.Helper()
		for range 2 {
			if err := r.source.run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.logs.FilterMessageSnippet("lies in the future").Len(); n != want {
			t.Errorf("told %d times, want %d", n, want)
		}
	}
	told(0)
	r.source.database = &memory{limit: 2000, rows: []memoryRow{{at: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), id: 3}}}
	told(1)
}

// watched is a database that says when it is asked.
type watched struct {
	*memory
	asked func()
}

func (d watched) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	d.asked()
	return d.memory.Read(ctx, page, each)
}

// Rows that are read again are no lag: they have not been waiting.
func TestLag(t *testing.T) {
	r := rigWithout(t, "page_size: 2\nmapping: {model: m, timestamp: at, rest: features}\n")
	r.open()
	defer r.close()
	var lags []bool
	db := watched{&memory{limit: 2}, func() { lags = append(lags, r.source.progress.Lag(time.Now()) > 0) }}
	for id := range int64(5) {
		db.rows = append(db.rows, memoryRow{at: time.Date(2026, 11, 1, 10, int(id), 0, 0, time.UTC), id: id})
	}
	r.source.database = db
	for _, want := range [][]bool{{false, true, true}, {false, false, false}} {
		lags = nil
		if err := r.source.run(t.Context()); err != nil || !slices.Equal(lags, want) {
			t.Errorf("%v, behind at each page: %v, want %v", err, lags, want)
		}
	}
}
