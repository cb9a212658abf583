package warehousereceiver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// memory is a table (at, id, fraud) that is asked for pages in the order of at and id.
type memory struct {
	rows  []memoryRow
	limit int
}

type memoryRow struct {
	at    time.Time
	id    int64
	fraud any
}

func (m *memory) Read(_ context.Context, page sqlpage.Page, each driver.Each) error {
	columns := []value.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "id", Type: "INT8"}, {Name: "proba", Type: "FLOAT8"}, {Name: "fraud", Type: "BOOL"}}
	n := 0
	for _, r := range m.rows {
		if len(page.Args) > 0 && r.at.Before(page.Args[0].(time.Time)) {
			continue
		}
		if len(page.Args) == 4 {
			if after := page.Args[2].(time.Time); !r.at.After(after) && (!r.at.Equal(after) || r.id <= page.Args[3].(int64)) {
				continue
			}
		}
		if n++; n > m.limit {
			return nil
		}
		if more, err := each(columns, []any{r.at, r.id, 0.5, r.fraud}); err != nil || !more {
			return err
		}
	}
	return nil
}

func (*memory) Close() error { return nil }

// mortal is a storage whose process is killed at a write: before it is made, or
// after it, when nobody is told.
type mortal struct {
	storage.Extension
	storage.Client
	die func(after bool) error
}

func (m *mortal) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (c storage.Client, err error) {
	m.Client, err = m.Extension.GetClient(ctx, kind, id, name)
	return m, err
}

func (m *mortal) Start(context.Context, component.Host) error { return nil }
func (m *mortal) Shutdown(context.Context) error              { return nil }

func (m *mortal) Batch(ctx context.Context, ops ...*storage.Operation) error {
	if err := m.die(false); err != nil {
		return err
	}
	if err := m.Client.Batch(ctx, ops...); err != nil {
		return err
	}
	return m.die(true)
}

// Wherever a process is killed, among writes and batches, with rows that share
// their time at the borders of pages, and labels that come meanwhile: nothing is
// lost, nothing is told twice.
func TestKilledAtEachWrite(t *testing.T) {
	killed := false
	for at := 1; at == 1 || killed; at++ {
		for variant := range uint64(8) {
			once := killedAt(t, at, rand.New(rand.NewPCG(uint64(at), variant)))
			killed = variant > 0 && killed || once
		}
	}
}

// killedAt is one life of a table. It reports whether the process was killed.
func killedAt(t *testing.T, moment int, rng *rand.Rand) (killed bool) {
	begin := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	db := &memory{limit: 1 + rng.IntN(5)}
	for id := range int64(12) {
		db.rows = append(db.rows, memoryRow{begin.Add(time.Duration(id/int64(1+rng.IntN(2)*11)) * time.Second), id, nil})
	}
	order := func() {
		slices.SortFunc(db.rows, func(a, b memoryRow) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return int(a.id - b.id)
		})
	}
	order()
	db.rows[rng.IntN(12)].fraud = true
	r := rigWithout(t, fmt.Sprintf("page_size: %d\nretry_on_failure: {enabled: false}\nmapping: {model: fraud, timestamp: at, columns: {proba: predictions.proba}, labels: {proba: fraud}}\n", db.limit))
	n := 0
	die := func(bool) error {
		if n++; n == moment {
			killed = true
		}
		if killed { // it does nothing any more
			return errKilled
		}
		return nil
	}
	r.sink.before = func(int) error { return die(false) }
	r.sink.after = func(int) error { return die(true) }
	run := func() {
		t.Helper()
		h := newHost(t, r.storage)
		for id, e := range h.extensions {
			h.extensions[id] = &mortal{Extension: e.(storage.Extension), die: die}
		}
		r.openOn(h)
		defer r.close()
		r.source.database = db
		if err := r.source.run(t.Context()); err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	change := func() {
		for range 4 {
			db.rows[rng.IntN(len(db.rows))].fraud = rng.IntN(2) == 0
		}
		db.rows = append(db.rows, memoryRow{db.rows[rng.IntN(len(db.rows))].at, int64(100 + len(db.rows)), nil}) // among those that were read
		order()
	}
	run()
	was := killed
	killed, moment = false, -1
	change()
	run()
	change()
	run()
	predictions, labels := map[int64]int{}, map[int64][]string{}
	for _, e := range r.sink.events { // in the order of their batches
		var id int64
		_, _ = fmt.Sscan(strings.TrimPrefix(strings.Fields(e)[1], "prediction.id="), &id)
		if strings.HasPrefix(e, "ml.prediction") {
			predictions[id]++
		}
		if _, label, ok := strings.Cut(e, "actuals.proba="); ok {
			labels[id] = append(labels[id], label)
		}
	}
	for _, row := range db.rows {
		told := labels[row.id]
		if predictions[row.id] != 1 || row.fraud != nil && (len(told) == 0 || told[len(told)-1] != fmt.Sprint(row.fraud)) || len(slices.Compact(slices.Clone(told))) != len(told) {
			t.Fatalf("killed at %d, row %+v was told %d times, with the labels %v", n, row, predictions[row.id], told)
		}
	}
	return was
}
