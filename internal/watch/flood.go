package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// When much goes wrong with a model at once, max_alerts_per_day bounds how many alerts
// of it are told a day, UTC. What begins to fire beyond it is held back, until it is
// over: then that is not told either. One alert says how many are held back, as long
// as there are any.

// heldBack is the monitor of that alert. No user's can have such an id.
const heldBack = "max_alerts_per_day"

// damped reports whether nobody is to be told of a change of a watch, and notes in its
// record what becomes of it.
func (r *run) damped(k *kept, c alert.Change) bool {
	switch {
	case k.Held:
		k.Held = c.State == alert.Firing
		return true
	case c.State != alert.Firing || k.Firing != nil: // what was begun to be told of is told to its end
		return false
	case r.def.MaxAlertsPerDay == 0:
		return false
	}
	if r.today < 0 {
		r.today = r.countToday()
	}
	if r.today >= r.def.MaxAlertsPerDay {
		k.Held = true
		return true
	}
	r.today++
	if day := r.day(); k.Day != day {
		k.Day, k.Alerts = day, 0
	}
	k.Alerts++
	return false
}

func (r *run) day() int64 { return r.now.Unix() / int64(24*time.Hour/time.Second) }

// countToday counts the alerts that were told today.
func (r *run) countToday() (n int) {
	for _, k := range r.records() {
		if k.Day == r.day() {
			n += k.Alerts
		}
	}
	return n
}

// records returns what is known of all watches, with what this run has changed.
func (r *run) records() map[string]*kept {
	all := maps.Clone(r.kept)
	maps.Copy(all, r.after)
	maps.DeleteFunc(all, func(_ string, k *kept) bool { return k == nil })
	return all
}

// summarize says how many alerts are held back: when there are some, when there are
// more, and when there are none any more.
func (r *run) summarize() {
	id := alert.ID(heldBack, r.name, "", "", "", "")
	was := r.state(id)
	if was == nil && r.today < r.def.MaxAlertsPerDay {
		return // none can be
	}
	held, severity, monitors := 0, alert.Low, map[string]int{}
	for _, k := range r.records() {
		if k.Held {
			held++
			monitors[k.Monitor]++
			severity = alert.Higher(severity, k.State.Severity)
		}
	}
	k := &kept{Monitor: heldBack, Model: r.name}
	if was != nil {
		*k = *was
		k.Monitor = heldBack // it may have been on its way out
	}
	if held == 0 && k.Firing == nil || k.Firing != nil && held > 0 && float64(held) <= *k.Firing.Value {
		return
	}
	a := alert.Alert{
		ID: id, State: alert.Firing, Severity: severity, Started: r.now, At: r.now, Environment: r.def.Environment, Model: r.name,
		Monitor: alert.Monitor{ID: heldBack, Name: "Alerts held back"}, Value: new(float64(held)), Threshold: new(float64(r.def.MaxAlertsPerDay)),
		Reason:         monitor.Plural(uint64(held), "alert") + " held back",
		Recommendation: "Look at the dashboard for all that fires; max_alerts_per_day of the model bounds how much is told.",
	}
	if k.Firing != nil {
		a.Started = k.Firing.Started
	}
	if held > 0 {
		a.Text = fmt.Sprintf("%s of %s held back, since max_alerts_per_day=%d is reached: %s.",
			monitor.Plural(uint64(held), "more alert"), monitor.Plain(r.name)+" "+map[bool]string{true: "is", false: "are"}[held == 1], r.def.MaxAlertsPerDay, counted(monitors))
	} else {
		a.State, a.Severity, a.Ended = alert.Resolved, k.Firing.Severity, r.now
		a.Text = "No alert of " + monitor.Plain(r.name) + " is held back any more."
		k.Monitor = "" // it goes when that is told
	}
	k.tell(a)
	r.after[id], r.silent = k, false
}

// counted lists monitors with the numbers of their alerts, the most first.
func counted(monitors map[string]int) string {
	names := slices.SortedFunc(maps.Keys(monitors), func(a, b string) int {
		if monitors[a] != monitors[b] {
			return monitors[b] - monitors[a]
		}
		return strings.Compare(a, b)
	})
	var all []string
	for i, name := range names {
		if i == alert.MaxEvidence {
			all = append(all, "…")
			break
		}
		all = append(all, fmt.Sprintf("%d of %s", monitors[name], name))
	}
	return strings.Join(all, ", ")
}
