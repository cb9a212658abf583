package alert

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
)

// when says of which time a sentence is, and since when it is so if that is longer.
func (w *words) when() string {
	if w.m.Type == model.ModelStaleness {
		return " It has been there since " + moment(w.o.Age.Since) + "."
	}
	s := " Measured " + span(w.a.WindowStart, w.a.WindowEnd)
	if start := w.start(); w.a.Firing() && !start.IsZero() && start.Before(w.a.WindowStart) {
		s += ", not in order since " + moment(start)
	}
	return s + "."
}

// start is the begin of the first focal period that was violated.
func (w *words) start() time.Time {
	if w.since.IsZero() {
		return time.Time{}
	}
	return w.since.Add(-w.a.WindowEnd.Sub(w.a.WindowStart))
}

// before says since when something that is over had not been in order.
func (w *words) before() string {
	start := w.start()
	if start.IsZero() {
		start = w.a.Started
	}
	return " It had not been since " + moment(start) + "."
}

const (
	minute = "2006-01-02 15:04"
	clock  = "15:04"
)

func moment(t time.Time) string { return t.UTC().Format(minute) + " UTC" }

// span writes two times, the day once if it is one.
func span(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	from, to = from.UTC(), to.UTC()
	form := minute
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		form = clock
	}
	return from.Format(minute) + " to " + to.Format(form) + " UTC"
}
