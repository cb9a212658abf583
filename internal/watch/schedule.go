package watch

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
)

// CheckSchedules reports the schedules of a definition that are none. path is where
// it stands, such as models[0].
func CheckSchedules(d *model.Definition, path string) error {
	var errs []error
	for i, m := range d.Monitors {
		if m.Schedule == "" {
			continue
		}
		if _, err := cron.ParseStandard(m.Schedule); err != nil {
			errs = append(errs, fmt.Errorf("%s.monitors[%d].schedule=%q is no cron expression such as \"0 6 * * 1-5\": %w", path, i, m.Schedule, err))
		}
	}
	return errors.Join(errs...)
}

// scheduled judges the watches whose monitor says by itself when: each when its time
// has come, about the focal period that ends with the newest window.
func (r *run) scheduled() error {
	r.next = time.Time{}
	at := map[int64][]int{}
	for i := range r.watches {
		w := &r.watches[i]
		if w.Monitor.Schedule == "" {
			continue
		}
		when, err := cron.ParseStandard(w.Monitor.Schedule)
		if err != nil {
			continue // it does not pass the configuration
		}
		due, end := true, r.latest(w)
		if k := r.state(r.ids[i]); k != nil {
			next := when.Next(time.Unix(0, k.Asked).UTC())
			if due = !next.After(r.now); due {
				next = when.Next(r.now.UTC())
			}
			if due = due && end > k.State.End; r.next.IsZero() || next.Before(r.next) {
				r.next = next
			}
		}
		if due && end > 0 {
			at[end] = append(at[end], i)
		}
	}
	for end, which := range at {
		if err := r.evaluate(which, end); err != nil {
			return err
		}
	}
	return nil
}

// latest returns the end of the newest window that a watch is about.
func (r *run) latest(w *Watch) int64 {
	end := r.waited
	for v, newest := range r.newest {
		if v == w.Version || w.Version == query.AllVersions {
			end = max(end, newest)
		}
	}
	return end
}
