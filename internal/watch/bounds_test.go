package watch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// No more is watched than there is room for; what is watched goes on.
func TestLimitOfWatches(t *testing.T) {
	m := missing()
	m.Segment = model.SegmentValue{Name: "region"}
	w := open(t, vfs.NewMem(), at(0), missing(), m, silence())
	defer w.stop()
	w.def.Monitors[1].Name = "Holes in a region"
	w.options.Watches = 2
	w.restart(at(0))
	for h := range 3 {
		w.hour(h, holes(100, 0.5)...)
		if s := w.watch.Status(); s.Watches != 2 || s.Capped != 2 {
			t.Errorf("%+v, want 2 of 4", s)
		}
	}
	if len(w.told) != 2 {
		t.Errorf("told %+v", w.told)
	}
}

// A schedule says when; what is looked at ends with the newest window.
func TestSchedule(t *testing.T) {
	m := missing()
	m.Schedule, m.Focal = "30 */3 * * *", model.Duration(2*time.Hour)
	w := open(t, vfs.NewMem(), at(0), m)
	defer w.stop()
	w.hour(0, holes(100, 0)...)
	for h := 1; h < 4; h++ {
		w.hour(h, holes(100, 0.5)...)
		w.pass(float64(h) + 1.4)
		if h < 3 {
			said(t, w, "it is not time", "")
		}
	}
	said(t, w, "half past three", alert.Firing)
	w.restart(at(5.2))
	w.hour(5, holes(100, 0)...)
	w.pass(6.4)
	said(t, w, "it is not time", "")
	w.pass(6.6)
	if over := said(t, w, "half past six", alert.Resolved); !over.WindowEnd.Equal(at(6)) || !over.WindowStart.Equal(at(4)) {
		t.Errorf("told %+v", over)
	}
}

// What could not be judged is counted by why.
func TestSummary(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), missing(), silence())
	defer w.stop()
	if s := w.hour(0, holes(100, 0)...); s.Evaluated != 2 || len(s.NotEvaluated) > 0 {
		t.Errorf("%+v", s)
	}
	if s := w.hour(1, holes(5, 0)...); s.Evaluated != 1 || s.NotEvaluated["too_few_focal"] != 1 {
		t.Errorf("%+v", s)
	}
	if s := w.pass(3.2); s.Evaluated != 1 || s.NotEvaluated["empty_current"] != 1 {
		t.Errorf("%+v", s)
	}
	if s := w.pass(3.3); s.Evaluated != 0 || len(s.NotEvaluated) != 0 {
		t.Errorf("nothing is due, and yet %+v", s)
	}
}

// When there is no time for all models, those that are left are the first of the next
// time, and none is forgotten.
func TestLeft(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), missing())
	defer w.stop()
	var changed []watch.Changed
	for _, name := range []string{"a", "b", "c", "d"} {
		if _, err := w.catalog.Admit(name, "1", at(1)); err != nil {
			t.Fatal(err)
		}
		changed = append(changed, watch.Changed{Model: name, Version: "1", Start: at(0).UnixNano(), End: at(1).UnixNano()})
	}
	want := []string{"[c d]", "[a b]", "[c d]", "[a b]"}
	for i, left := range want {
		n := 0
		w.more = func() bool { n++; return n <= 2 }
		if sum := w.pass(1.02, changed...); fmt.Sprint(sum.Left) != left {
			t.Errorf("time %d: %v are left, want %v", i, sum.Left, left)
		}
	}
}
