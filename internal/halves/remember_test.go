package halves

import (
	"fmt"
	"testing"
	"time"
)

// remember says whether a half has found its other, and what was given up.
func remember(t *testing.T, k *Keeper, id string, response bool, at time.Time) string {
	t.Helper()
	whole, lost := k.Remember(half(t, id, response, at))
	if whole != nil && (whole.Request.Response || !whole.Response.Response) {
		t.Errorf("%+v", whole)
	}
	if err := k.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	return fmt.Sprint(whole != nil, causes(lost))
}

// What a queue repeats finds its other half each time, in any order and across
// restarts, and is not among what was given up.
func TestRememberedHalves(t *testing.T) {
	d, at := newDisk(), noon
	for _, restarts := range []bool{false, true} {
		k := NewQueue(&roomy)
		d.open(t, k, at)
		says := func(id string, response bool, want string) {
			t.Helper()
			if restarts {
				k = NewQueue(&roomy)
				d.open(t, k, at)
			}
			if got := remember(t, k, id, response, at); got != want {
				t.Errorf("%s; want %s", got, want)
			}
		}
		says("a", false, "false map[]")
		for range 3 {
			for _, response := range []bool{true, false, false, true} {
				says("a", response, "true map[]")
			}
		}
		at = at.Add(time.Second)
		says("b", false, "false map[]")
		if k.Len() != 3 {
			t.Errorf("%d wait", k.Len())
		}
		at = at.Add(roomy.PairWindow + time.Second)
		if !restarts {
			says("c", true, "false map[window:1]")
			at = at.Add(roomy.PairWindow + time.Second)
			continue
		}
		if r := d.open(t, NewQueue(&roomy), at); fmt.Sprint(causes(r.Lost)) != "map[window:1]" || r.Waiting != 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestRememberedHalvesAreBounded(t *testing.T) {
	limits := roomy
	limits.MaxPending = 3
	d, k := newDisk(), NewQueue(&limits)
	d.open(t, k, noon)
	lost := 0
	for i := range 20 {
		_, gone := k.Remember(half(t, fmt.Sprint(i), false, noon))
		lost += causes(gone)[Limit]
	}
	if err := k.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lost != 17 || k.Len() != 3 || len(k.slots) > 4 || len(d.data) != 4 || d.writes != 1 {
		t.Errorf("%d lost, %d wait, %d slots, %d values, %d writes", lost, k.Len(), len(k.slots), len(d.data), d.writes)
	}
}
