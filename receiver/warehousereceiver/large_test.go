package warehousereceiver

import (
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// A row that becomes many records, each with the rest of the row, is as large as
// what is sent of it: it ends a page, and one that no page could hold is refused
// and does not end the reading.
func TestLargeRows(t *testing.T) {
	r := rigWithout(t, "page_kib: 4096\nmapping: {model: m, timestamp: at, explode: [probas], columns: {probas: predictions.proba, note: features.note}}\n")
	r.open()
	defer r.close()
	row := func(id string, elements, note int) []any {
		return []any{time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC), id, "[" + strings.Repeat("1,", elements-1) + "1]", strings.Repeat("x", note)}
	}
	r.source.database = &answering{
		columns: []value.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "id", Type: "TEXT"}, {Name: "probas", Type: "JSON"}, {Name: "note", Type: "TEXT"}},
		rows:    [][]any{row("a", 1000, 5000), row("b", 15000, 5000), row("c", 1000, 5000), row("d", 1, 1)},
	}
	if err := r.source.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(r.sink.take()); n != 2001 || r.sink.calls != 3 {
		t.Errorf("%d records in %d pages", n, r.sink.calls)
	}
	told := r.logs.FilterMessage("A row is refused").All()
	if len(told) != 1 || !strings.Contains(told[0].ContextMap()["error"].(string), "becomes more than 16 MiB; each element of mapping.explode") {
		t.Errorf("told %v", told)
	}
}
