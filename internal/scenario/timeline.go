package scenario

import (
	"slices"
	"sort"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// Timeline is what became of all watches, in the order of time.
type Timeline struct {
	start    int64
	monitors []*model.Monitor
	moments  []moment
	latest   map[string]history.Judged // by the id of the watch
}

// moment is how things stand after the window that ends at end.
type moment struct {
	end     int64
	judged  []history.Judged // now
	holding []history.Judged // that are pending or fire, those of earlier windows too
}

func (t *Timeline) add(end int64, judged []history.Judged) {
	if t.latest == nil {
		t.latest = map[string]history.Judged{}
	}
	for _, j := range judged {
		t.latest[j.ID] = j
	}
	m := moment{end: end, judged: judged}
	for _, j := range t.latest {
		if j.Phase != alert.PhaseOK {
			m.holding = append(m.holding, j)
		}
	}
	sort.Slice(m.holding, func(a, b int) bool { return label(m.holding[a]) < label(m.holding[b]) })
	t.moments = append(t.moments, m)
}

// Began counts the alerts that began to fire, by monitor.
func (t *Timeline) Began() map[string]int {
	n := map[string]int{}
	for i := range t.moments {
		for _, j := range t.moments[i].judged {
			if j.Began(alert.Firing) {
				n[j.Watch.Monitor.Name]++
			}
		}
	}
	return n
}

// FirstFiring returns how long after a time since the start the first alert fired,
// up to another time, and the monitors that fired then; ok is false if none did.
func (t *Timeline) FirstFiring(from, to time.Duration) (after time.Duration, monitors []string, ok bool) {
	for _, m := range t.moments {
		since := time.Duration(m.end - t.start)
		if since <= from || since > to {
			continue
		}
		for _, j := range m.holding {
			if name := j.Watch.Monitor.Name; j.Phase == alert.PhaseFiring && !slices.Contains(monitors, name) {
				monitors = append(monitors, name)
			}
		}
		if len(monitors) > 0 {
			return since - from, monitors, true
		}
	}
	return 0, nil, false
}

// Evaluated counts the judgements that were made, by monitor.
func (t *Timeline) Evaluated() map[string]int {
	n := map[string]int{}
	for i := range t.moments {
		for _, j := range t.moments[i].judged {
			if j.Verdict.Outcome != monitor.NotEvaluated {
				n[j.Watch.Monitor.Name]++
			}
		}
	}
	return n
}

// Monitors returns the names of the monitors, in the order of the definition.
func (t *Timeline) Monitors() []string {
	var names []string
	for _, m := range t.monitors {
		names = append(names, m.Name)
	}
	return names
}
