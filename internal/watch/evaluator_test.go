package watch_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// said checks what was told: one change in a state.
func said(t *testing.T, w *world, when, state string) alert.Alert {
	t.Helper()
	news := w.news()
	if state == "" && len(news) == 0 {
		return alert.Alert{}
	}
	if len(news) != 1 || news[0].State != state {
		t.Fatalf("%s: told %+v, want %q", when, news, state)
	}
	if wrong := news[0].Check(); wrong != "" {
		t.Errorf("%s: %s", when, wrong)
	}
	return news[0]
}

// A monitor tells once that it begins to fire and once that it is over, with the same
// identity and the same beginning, and keeps its state over a restart.
func TestFiringAndOver(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), missing())
	defer w.stop()
	w.hour(0, holes(100, 0)...)
	said(t, w, "in order", "")
	w.hour(1, holes(100, 0.5)...)
	fired := said(t, w, "half is missing", alert.Firing)
	if fired.Model != "m" || fired.Version != "1" || fired.Field != "x" || fired.FieldGroup != "features" || fired.Severity != "high" ||
		fired.Metric != "ml.integrity.missing_ratio" || fired.Value == nil || *fired.Value < 0.4 || fired.ThresholdMax == nil ||
		!fired.WindowStart.Equal(at(1)) || !fired.WindowEnd.Equal(at(2)) || fired.Monitor.ID != "holes" || fired.Monitor.Owner != "ml" ||
		fired.Monitor.RunbookURL == "" || fired.Reason == "" || fired.Text == "" {
		t.Errorf("told %+v", fired)
	}
	w.hour(2, holes(100, 0.4)...)
	said(t, w, "still", "")
	w.restart(at(3.5))
	w.hour(3, holes(100, 0.5)...)
	said(t, w, "after a restart", "")
	w.hour(4, holes(5, 0)...)
	said(t, w, "too little to judge", "")
	w.hour(5, holes(100, 0)...)
	over := said(t, w, "in order again", alert.Resolved)
	if over.ID != fired.ID || !over.Started.Equal(fired.Started) || !over.Ended.Equal(over.At) {
		t.Errorf("began as %+v\nended as %+v", fired, over)
	}
	w.hour(6, holes(100, 0.5)...)
	if again := said(t, w, "a second run", alert.Firing); again.ID != fired.ID || again.Started.Equal(fired.Started) {
		t.Errorf("the second run is %+v", again)
	}
}

// With hold it takes several evaluations, of which late data makes none more.
func TestHold(t *testing.T) {
	m := missing()
	m.Hold = model.Hold{Firing: 2, Resolved: 2}
	w := open(t, vfs.NewMem(), at(0), m)
	defer w.stop()
	w.hour(0, holes(100, 0)...)
	w.hour(1, holes(100, 0.5)...)
	for range 3 { // of the same window
		w.hour(1, holes(200, 0.5)...)
	}
	said(t, w, "once", "")
	w.hour(2, holes(100, 0.5)...)
	said(t, w, "twice", alert.Firing)
	w.hour(3, holes(100, 0)...)
	w.hour(3, holes(100, 0)...)
	said(t, w, "in order once", "")
	w.hour(4, holes(100, 0)...)
	said(t, w, "in order twice", alert.Resolved)
}

// What comes late corrects the newest window, and never tells of an older one.
func TestLateData(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), missing())
	defer w.stop()
	for i := range 4 {
		w.hour(i, holes(100, 0)...)
	}
	late := func(hours int, share float64) {
		t.Helper()
		c, err := w.fill("1", hours, holes(300, share)...)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(4.05, c)
	}
	late(1, 0.9)
	said(t, w, "late data of an older window", "")
	late(3, 0.9)
	said(t, w, "late data of the newest window", alert.Firing)
	late(1, 0)
	said(t, w, "an older window is in order", "")
	late(3, 0)
	said(t, w, "the newest is in order after all", alert.Resolved)
	w.hour(7, holes(100, 0.5)...)
	said(t, w, "after a gap", alert.Firing)
	late(5, 0)
	said(t, w, "data of the gap", "")
	c, err := w.fill("1", -24*30, holes(100, 0.9)...)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(9, c)
	said(t, w, "history that somebody loads", "")
}

// A model that falls silent is told of though nothing comes any more, also after a
// restart; not before the window has been waited for, nor before what may have been
// waiting elsewhere had time to come.
func TestSilence(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), silence())
	defer w.stop()
	w.hour(0, told(record.Prediction, 50, 0)...)
	w.pass(1.5)
	w.pass(2.1)
	said(t, w, "it may still come", "")
	w.pass(2.2)
	fired := said(t, w, "nothing for an hour", alert.Firing)
	if fired.Version != "" || !fired.WindowEnd.Equal(at(2)) || fired.Value == nil || *fired.Value != 0 {
		t.Errorf("told %+v", fired)
	}
	w.hour(3, told(record.Prediction, 50, 0)...)
	said(t, w, "it speaks", alert.Resolved)

	w.stop()
	if err := w.start(at(5.5)); err != nil { // nothing in the fifth hour
		t.Fatal(err)
	}
	w.pass(5.6)
	said(t, w, "just started", "")
	w.pass(5.7)
	said(t, w, "after a start", alert.Firing)
	for h := 6; h < 10; h++ {
		w.pass(float64(h) + 0.5)
	}
	said(t, w, "still", "")
	// Another version is the same model.
	c, err := w.fill("2", 9, told(record.Prediction, 50, 0)...)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(10.05, c)
	said(t, w, "a new version", alert.Resolved)
}

// The age of a version grows though nothing comes.
func TestStaleness(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), model.Monitor{Name: "Old", Type: model.ModelStaleness, Version: model.LatestVersion, MaxAge: model.Duration(5 * time.Hour)})
	defer w.stop()
	w.hour(0, told(record.Prediction, 50, 0)...)
	for h := 2; h < 7; h++ {
		w.pass(float64(h) + 0.2)
	}
	said(t, w, "five hours old", "")
	w.restart(at(7))
	w.pass(7.2)
	said(t, w, "six hours old", alert.Firing)
	c, err := w.fill("2", 7, told(record.Prediction, 50, 0)...)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(8.05, c)
	said(t, w, "there is a newer one", alert.Resolved)
}

// What nobody takes is told again, after a restart too.
func TestTellUntilTaken(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), missing())
	defer w.stop()
	w.hour(0, holes(100, 0)...)
	c, err := w.fill("1", 1, holes(100, 0.5)...)
	if err != nil {
		t.Fatal(err)
	}
	w.refuse = errors.New("busy")
	for range 3 {
		if _, err := w.run(at(2.05), c); !errors.Is(err, w.refuse) {
			t.Fatal(err)
		}
	}
	w.restart(at(2.1))
	w.refuse = nil
	w.pass(2.11)
	fired := said(t, w, "taken at last", alert.Firing)
	if !fired.At.Equal(at(2.05)) {
		t.Errorf("it is dated %s", fired.At)
	}
	w.pass(2.2)
	w.restart(at(2.3))
	w.pass(2.4)
	said(t, w, "it was taken", "")
}

// An alert whose monitor is gone is over, and is told to be.
func TestMonitorIsGone(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), missing(), silence())
	defer w.stop()
	w.hour(0, holes(100, 0.5)...)
	fired := said(t, w, "half is missing", alert.Firing)
	w.def.Monitors = w.def.Monitors[1:]
	w.restart(at(1.1))
	w.pass(1.11)
	if over := said(t, w, "the monitor is gone", alert.Resolved); over.ID != fired.ID || !over.Started.Equal(fired.Started) || over.Text == "" {
		t.Errorf("told %+v", over)
	}
	w.restart(at(1.2))
	w.pass(1.21)
	said(t, w, "told once", "")
	if s := w.watch.Status(); s.Watches != 1 || s.Firing["high"] != 0 {
		t.Errorf("%+v is watched", s)
	}
}
