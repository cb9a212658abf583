package halves

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/inference"
)

// Halves, their bytes and traces are bounded, on disk as well; so are their slots.
func TestBounds(t *testing.T) {
	limits := roomy
	limits.MaxPending = 10
	d, s := newDisk(), newSink()
	k := New(&limits)
	d.open(t, k, noon)
	lost := 0
	for i := range 100 {
		r := request(t, k, s, half(t, fmt.Sprint("w", i), false, noon.Add(time.Duration(i))))
		lost += r.lost[Limit]
		request(t, k, s, half(t, fmt.Sprint("p", i), false, noon), half(t, fmt.Sprint("p", i), true, noon))
	}
	var many []*inference.Half
	for i := range 30 {
		many = append(many, half(t, fmt.Sprint("m", i), false, noon.Add(time.Second)))
	}
	wants(t, request(t, k, s, many...), "passed 0, known 0, waits 30, lost map[limit:30], <nil>")
	if lost != 90 || k.Len() != 10 || k.traces.order.Len() != 10 || len(k.slots) > 41 || len(d.data) > 42 {
		t.Errorf("%d lost, %d wait, %d traces, %d slots, %d values", lost, k.Len(), k.traces.order.Len(), len(k.slots), len(d.data))
	}
	limits.MaxPending = 4
	k = New(&limits)
	if r := d.open(t, k, noon); causes(r.Lost)[Limit] != 6 || r.Waiting != 4 {
		t.Errorf("%+v", r)
	}
	limits.MaxPending, limits.MaxPendingMiB = 100, 1
	big := fmt.Sprintf(`{"instances":[%q]}`, strings.Repeat("x", 700<<10))
	wants(t, request(t, k, s, halfOf(t, "big", "request", big, noon.Add(time.Minute))), "passed 0, known 0, waits 1, lost map[], <nil>")
	wants(t, request(t, k, s, halfOf(t, "bigger", "request", big, noon.Add(time.Minute))), "passed 0, known 0, waits 1, lost map[limit:5], <nil>")
	// Another event under an id that waits takes its place.
	wants(t, request(t, k, s, halfOf(t, "bigger", "request", `{"instances":[1]}`, noon.Add(time.Minute))), "passed 0, known 0, waits 1, lost map[replaced:1], <nil>")
}

// A request of more events than may wait keeps the last of them, in no more slots
// than a few times the limit, and leaves alone what is being joined.
func TestManyHalvesInOneRequest(t *testing.T) {
	limits := roomy
	limits.MaxPending = 2000
	d, k := newDisk(), New(&limits)
	d.open(t, k, noon)
	var first, second []*inference.Half
	for i := range 2000 {
		first = append(first, half(t, fmt.Sprint("a", i), false, noon))
	}
	for i := range 10_000 {
		second = append(second, half(t, fmt.Sprint("b", i), false, noon))
	}
	request(t, k, newSink(), first...)
	turn, err := k.Begin(t.Context(), first) // they stay while this turn lasts
	if err != nil {
		t.Fatal(err)
	}
	defer turn.End()
	if r := request(t, k, newSink(), second...); r.lost[Limit] != 10_000 || k.Len() != 2000 || len(k.slots) > 8000 {
		t.Errorf("%s, %d wait, %d slots", r, k.Len(), len(k.slots))
	}
}
