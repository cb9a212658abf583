package watch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
)

// howFar writes what was told: the monitor and its state.
func howFar(w *world) string {
	var all []string
	for _, a := range w.news() {
		if what := a.Check(); what != "" {
			w.t.Error(what)
		}
		all = append(all, a.Monitor.ID+" "+a.State)
	}
	return strings.Join(all, ", ")
}

// many are five monitors of the same, one of which is of a high severity.
func many() (all []model.Monitor) {
	for i := range 5 {
		m := missing()
		m.Name, m.Severity = fmt.Sprint("Holes ", i), []string{alert.Low, alert.Low, alert.Medium, alert.High, alert.Low}[i]
		all = append(all, m)
	}
	return all
}

// Beyond max_alerts_per_day one alert says how many are held back; what was told is
// told to its end, what was held back is not. The next day has room again.
func TestMaxAlertsPerDay(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), many()...)
	defer w.stop()
	w.def.MaxAlertsPerDay = 2
	w.hour(0, holes(100, 0)...)
	w.hour(1, holes(100, 0.5)...)
	told := w.news()
	said := 0
	for _, a := range told {
		if a.Monitor.ID == "max_alerts_per_day" {
			said++
			if a.Severity != alert.High || *a.Value != 3 || a.Check() != "" || !strings.HasPrefix(a.Text, "3 more alerts of m are held back, since max_alerts_per_day=2 is reached: 1 of holes-2, 1 of holes-3, 1 of holes-4.") {
				t.Errorf("told %+v", a)
			}
		}
	}
	if len(told) != 3 || said != 1 {
		t.Errorf("told %d alerts, want 2 and one that says how many more there are", len(told))
	}
	w.hour(2, holes(100, 0.5)...)
	if got := howFar(w); got != "" {
		t.Errorf("nothing is new, and told is %s", got)
	}
	w.restart(at(3))
	w.hour(3, holes(100, 0)...)
	if got := howFar(w); got != "holes-0 resolved, holes-1 resolved, max_alerts_per_day resolved" && len(strings.Split(got, ", ")) != 3 || strings.Contains(got, "firing") {
		t.Errorf("all is well, and told is %s", got)
	}
	w.hour(4, holes(100, 0.5)...) // the same day
	if got := howFar(w); got != "max_alerts_per_day firing" {
		t.Errorf("again on that day: %s", got)
	}
	w.hour(5, holes(100, 0)...)
	if got := howFar(w); got != "max_alerts_per_day resolved" {
		t.Errorf("and well again: %s", got)
	}
	w.hour(25, holes(100, 0.5)...)
	if got := howFar(w); strings.Count(got, "holes") != 2 || strings.Count(got, "max_alerts_per_day firing") != 1 {
		t.Errorf("on the next day: %s", got)
	}
}

// An alert that is held back ends silently with its monitor; one more that is held
// back is said.
func TestHeldBackMonitorIsGone(t *testing.T) {
	all := many()
	w := open(t, vfs.NewMem(), at(0), all[:2]...)
	defer w.stop()
	w.def.MaxAlertsPerDay = 1
	w.hour(0, holes(100, 0)...)
	w.hour(1, holes(100, 0.5)...)
	if got := howFar(w); strings.Count(got, "firing") != 2 || !strings.Contains(got, "max_alerts_per_day firing") {
		t.Errorf("told %s", got)
	}
	w.def.Monitors = all[:3]
	w.hour(2, holes(100, 0.5)...)
	told := w.news()
	if len(told) != 1 || told[0].Monitor.ID != "max_alerts_per_day" || *told[0].Value != 2 || !told[0].Started.Equal(at(2+1.0/60)) {
		t.Errorf("one more: %+v", told)
	}
	w.def.Monitors = all[3:4]
	w.hour(3, holes(100, 0)...)
	if got := howFar(w); strings.Count(got, "resolved") != 2 || strings.Contains(got, "firing") {
		t.Errorf("the monitors are gone: %s", got)
	}
}
