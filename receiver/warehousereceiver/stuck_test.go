package warehousereceiver

import (
	"context"
	"fmt"
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
