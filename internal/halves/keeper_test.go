package halves

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/driftmeter/driftmeter/internal/inference"
)

// wants fails if a request was told something else.
func wants(t *testing.T, got result, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// Halves meet in either order, across restarts, and are known when they come again.
func TestHalvesOutliveTheProcess(t *testing.T) {
	for _, responseFirst := range []bool{false, true} {
		d, s := newDisk(), newSink()
		at := noon
		restarted := func() *Keeper {
			k := New(&roomy)
			d.open(t, k, at)
			at = at.Add(time.Second)
			return k
		}
		first, second := half(t, "a", responseFirst, at), half(t, "a", !responseFirst, at)
		wants(t, request(t, restarted(), s, first), "passed 0, known 0, waits 1, lost map[], <nil>")
		writes := d.writes
		wants(t, request(t, restarted(), s, half(t, "a", responseFirst, at)), "passed 0, known 0, waits 1, lost map[], <nil>")
		if d.writes != writes {
			t.Errorf("%d writes for what is there", d.writes-writes)
		}
		k := restarted()
		if k.Len() != 1 {
			t.Errorf("%d wait", k.Len())
		}
		wants(t, request(t, k, s, second), "passed 1, known 0, waits 0, lost map[], <nil>")
		if k.Len() != 0 || d.writes != writes+1 {
			t.Errorf("%d wait, %d writes", k.Len(), d.writes-writes)
		}
		for range 2 { // the answer was lost
			wants(t, request(t, k, s, first, second), "passed 0, known 2, waits 0, lost map[], <nil>")
			k = restarted()
		}
		// Another inference under the same id is no repetition.
		other := halfOf(t, "a", "request", `{"instances":[7]}`, at)
		wants(t, request(t, k, s, other), "passed 0, known 0, waits 1, lost map[], <nil>")
		k = restarted()
		wants(t, request(t, k, s, halfOf(t, "a", "response", `{"predictions":[8]}`, at)), "passed 1, known 0, waits 0, lost map[], <nil>")
		if len(s.got) != 1 || s.got["m\x00a"] != 2 {
			t.Errorf("%v", s.got)
		}
		// When the window is over nothing is left of it.
		at = at.Add(time.Hour)
		if k = restarted(); k.Len() != 0 || k.traces.order.Len() != 0 {
			t.Errorf("%d wait, %d traces", k.Len(), k.traces.order.Len())
		}
	}
}

// What is joined is just what came.
func TestHalvesComeBackAsTheyWere(t *testing.T) {
	d, k := newDisk(), New(&roomy)
	d.open(t, k, noon)
	request(t, k, newSink(), halfOf(t, "a", "request", `{"inputs":[{"name":"x","shape":[2,1],"datatype":"FP64","data":[0.1,1e999]},{"name":"s","shape":[2],"datatype":"BYTES","data":["é",null]}]}`, noon))
	later := New(&roomy)
	d.open(t, later, noon)
	response := halfOf(t, "a", "response", `{"model_name":"n","model_version":"7","outputs":[{"name":"p","shape":[2],"datatype":"BOOL","data":[true,false]}]}`, noon)
	rows := map[*Keeper]string{}
	for _, k := range []*Keeper{k, later} {
		turn, err := k.Begin(t.Context(), []*inference.Half{response})
		if err != nil {
			t.Fatal(err)
		}
		whole, _, _ := turn.Meet(response)
		row := whole.Row()
		rows[k] = fmt.Sprintf("%+v", row)
		turn.End()
	}
	if rows[k] != rows[later] || !strings.Contains(rows[k], "+Inf") {
		t.Errorf("%s\nis now\n%s", rows[k], rows[later])
	}
}

// A half stays when nobody takes the inference for now, and goes when nobody ever
// will.
func TestFates(t *testing.T) {
	d, s := newDisk(), newSink()
	k := New(&roomy)
	d.open(t, k, noon)
	request(t, k, s, half(t, "a", false, noon))
	s.answer = func() Fate { return Again }
	wants(t, request(t, k, s, half(t, "a", true, noon)), "passed 0, known 0, waits 0, lost map[], again")
	wants(t, request(t, k, s, half(t, "b", false, noon), half(t, "b", true, noon), half(t, "c", true, noon)), "passed 0, known 0, waits 2, lost map[], again")
	k = New(&roomy)
	if d.open(t, k, noon); k.Len() != 2 { // a and c; of b nothing was acknowledged
		t.Errorf("%d wait", k.Len())
	}
	s.answer = nil
	wants(t, request(t, k, s, half(t, "a", true, noon)), "passed 1, known 0, waits 0, lost map[], <nil>")
	s.answer = func() Fate { return Refused }
	wants(t, request(t, k, s, half(t, "c", false, noon)), "passed 0, known 0, waits 0, lost map[], <nil>")
	k = New(&roomy)
	if d.open(t, k, noon); k.Len() != 0 {
		t.Errorf("%d wait", k.Len())
	}
}

// What waited too long is told, also if that was while nothing ran.
func TestWindowPasses(t *testing.T) {
	d, k := newDisk(), New(&roomy)
	d.open(t, k, noon)
	request(t, k, newSink(), half(t, "a", false, noon), half(t, "b", true, noon.Add(30*time.Second)))
	d.trouble = func(int) trouble { return failsBefore }
	if late, err := k.Expire(t.Context(), noon.Add(time.Second)); err == nil || len(late.Halves) != 0 || k.Len() != 2 {
		t.Errorf("%v, %v, %d wait", late, err, k.Len())
	}
	d.trouble = nil
	for range 2 { // told once
		k = New(&roomy)
		r := d.open(t, k, noon.Add(61*time.Second))
		if got := fmt.Sprint(causes(r.Lost)); r.Waiting != 1 || got != "map[window:1]" && got != "map[]" {
			t.Errorf("%+v", r)
		}
	}
	late, err := k.Expire(t.Context(), noon.Add(time.Minute))
	if err != nil || len(late.Halves) != 1 || !late.Halves[0].Response || k.Len() != 0 || len(d.data) != 1 {
		t.Errorf("%v, %v, %d wait, %d values", late, err, k.Len(), len(d.data))
	}
}

// What is damaged is left out, removed and told, and spoils nothing else. What a
// newer build has written is left alone.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(b []byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)-1] },
		"empty":   func([]byte) []byte { return nil },
		"flipped": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"kind":    func([]byte) []byte { return sealed([]byte{version, 9, 0}) },
		"half":    func([]byte) []byte { return sealed([]byte{version, kindHalf, 0, 2}) },
		"trace":   func([]byte) []byte { return sealed([]byte{version, kindTrace, 0, 1, 'a', 1}) },
		"nothing": func([]byte) []byte { return sealed([]byte{version}) },
	} {
		d, k := newDisk(), New(&roomy)
		d.open(t, k, noon)
		request(t, k, newSink(), half(t, "a", false, noon), half(t, "b", false, noon))
		key := keyOf(k.waiting.get("m\x00a").slot)
		if d.data[key] = damage(d.data[key]); d.data[key] == nil {
			d.data[key] = []byte{}
		}
		k = New(&roomy)
		if r := d.open(t, k, noon); r.Damaged != 1 || r.Waiting != 1 {
			t.Errorf("%s: %+v", name, r)
		}
		wants(t, request(t, k, newSink(), half(t, "b", true, noon), half(t, "a", true, noon)), "passed 1, known 0, waits 1, lost map[], <nil>")
		if r := d.open(t, New(&roomy), noon); r.Damaged != 0 {
			t.Errorf("%s: %+v again", name, r)
		}
	}
	d, k := newDisk(), New(&roomy)
	d.open(t, k, noon)
	request(t, k, newSink(), half(t, "a", false, noon))
	for key := range d.data {
		was := d.data[key]
		d.data[key] = sealed([]byte{version + 1, kindHalf})
		if _, err := d.tryOpen(New(&roomy), noon); err == nil || !strings.Contains(err.Error(), "written by a newer build") {
			t.Errorf("%s: %v", key, err)
		}
		d.data[key] = was
	}
	d.reads = errors.New("input/output error")
	if _, err := d.tryOpen(New(&roomy), noon); err == nil || !strings.Contains(err.Error(), "storage=disk cannot be read: input/output error") {
		t.Error(err)
	}
}

// Requests that come while a write is under way are written together by the next.
func TestWritesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, k := newDisk(), New(&roomy)
		d.open(t, k, noon)
		d.hold = make(chan struct{})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				wants(t, request(t, k, newSink(), half(t, fmt.Sprint(i), false, noon)), "passed 0, known 0, waits 1, lost map[], <nil>")
			})
		}
		synctest.Wait() // one writes, all others wait for it
		close(d.hold)
		wg.Wait()
		if d.writes != 2 || k.Len() != 50 {
			t.Errorf("%d writes for %d halves", d.writes, k.Len())
		}
	})
}

// Who waits for a turn goes when its sender does.
func TestTurnsAreGivenUp(t *testing.T) {
	k := New(&roomy)
	turn, err := k.Begin(t.Context(), []*inference.Half{half(t, "b", false, noon)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Begin(ctx, []*inference.Half{half(t, "a", false, noon), half(t, "b", true, noon)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	turn.End()
	wants(t, request(t, k, newSink(), half(t, "a", false, noon), half(t, "b", false, noon)), "passed 0, known 0, waits 2, lost map[], <nil>")
	if all := k.Drain(); len(all.Halves) != 2 || all.Cause != Shutdown || k.Len() != 0 {
		t.Errorf("%+v", all)
	}
}

// Clients that send each event several times and in any order, at the same time, on
// a disk that fails now and then: every inference is passed on once.
func TestManyClients(t *testing.T) {
	const inferences, clients = 300, 8
	d, s, k := newDisk(), newSink(), New(&roomy)
	d.open(t, k, noon)
	d.trouble = func(write int) trouble { return []trouble{none, none, failsBefore, none, failsAfter}[write%5] }
	var fails sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	s.answer = func() Fate {
		fails.Lock()
		defer fails.Unlock()
		if rng.IntN(4) == 0 {
			return Again
		}
		return Passed
	}
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 1))
			for _, n := range rng.Perm(2 * inferences) {
				all := []*inference.Half{half(t, fmt.Sprint(n/2), n%2 == 1, noon)}
				if rng.IntN(8) == 0 {
					all = append(all, half(t, fmt.Sprint(rng.IntN(inferences)), n%4 > 1, noon))
				}
				for r := request(t, k, s, all...); r.err != nil; {
					r = request(t, k, s, all...)
				}
			}
		})
	}
	wg.Wait()
	checkOnce(t, s, inferences)
	if k.Len() != 0 {
		t.Errorf("%d wait", k.Len())
	}
	d.trouble = nil
	if r := d.open(t, New(&roomy), noon); r.Waiting != 0 {
		t.Errorf("%+v after a restart", r)
	}
}

func checkOnce(t *testing.T, s *sink, inferences int) {
	t.Helper()
	if len(s.got) != inferences {
		t.Errorf("%d of %d inferences were passed on", len(s.got), inferences)
	}
	for key, n := range s.got {
		if n != 1 {
			t.Errorf("%q was passed on %d times", key, n)
		}
	}
}
