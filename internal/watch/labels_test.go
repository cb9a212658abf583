package watch_test

import (
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/record"
)

// right watches that the model is right nine times in ten.
func right() model.Monitor {
	return model.Monitor{
		Name: "Right", Type: model.PerformanceDegradation, Method: model.Absolute, Metric: model.MonitorMetric{Name: "accuracy"},
		Threshold: model.Range{Min: new(0.9)},
	}
}

// labelled returns predictions whose labels have come; the model is right or wrong
// about all of them.
func labelled(n int, right bool) []record.Record {
	rs := told(record.Prediction, n, 0)
	for i := range rs {
		rs[i].Append(record.Actuals, "truth", record.Bool(i%2 == 1 == right))
	}
	return rs
}

// unlabelled returns the same before the labels have come.
func unlabelled(n int) []record.Record {
	rs := told(record.Prediction, n, 0)
	for i := range rs {
		rs[i].Fields = rs[i].Fields[:3]
	}
	return rs
}

// Labels come weeks after their predictions: performance is judged window after
// window as they do, though newer windows have none yet, and the version predicts
// nothing any more. What needs no labels is not judged again.
func TestLabelsThatComeLate(t *testing.T) {
	w := open(t, vfs.NewMem(), at(0), right(), missing())
	defer w.stop()
	w.options.LabelNews = 30 * usual.News / 7
	w.restart(at(0))
	for i := range 4 {
		w.hour(i, unlabelled(100)...)
	}
	said(t, w, "no label has come", "")
	later := func(version string, hours int, days float64, rs ...record.Record) {
		t.Helper()
		c, err := w.fill(version, hours, rs...)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(24*days, c)
	}
	later("2", 24*14, 14.1, unlabelled(100)...) // the next version
	later("1", 1, 15, labelled(100, false)...)
	said(t, w, "the second hour was wrong", alert.Firing)
	later("1", 0, 15.1, labelled(100, true)...)
	said(t, w, "the first comes after it", "")
	w.restart(at(24 * 15.2))
	later("1", 2, 16, labelled(100, true)...)
	said(t, w, "the third hour was right", alert.Resolved)
	later("1", 3, 31, labelled(100, false)...)
	said(t, w, "beyond the time for which labels are news", "")
}

// Who asks for it is told how far chance goes: of so many labels of the period, and
// not of what estimates itself without them.
func TestChanceIsObserved(t *testing.T) {
	three := 3.0
	of := func(w *world, errs *float64) monitor.Observation {
		t.Helper()
		m := right()
		m.Version, m.StandardErrors = "1", errs
		for _, o := range observed(t, w, m) {
			return o
		}
		t.Fatal("nothing is watched")
		return monitor.Observation{}
	}
	for _, n := range []int{40, 160} {
		w := open(t, vfs.NewMem(), at(0))
		rs := append(labelled(n/4, false), labelled(3*n/4, true)...)
		w.hour(4, rs...)
		o := of(w, &three)
		if want := math.Sqrt(.75 * .25 / float64(n)); o.StdErr == nil || math.Abs(*o.StdErr-want) > 1e-12 {
			t.Errorf("of %d labels: %v, want %v", n, o.StdErr, want)
		}
		if o := of(w, nil); o.StdErr != nil {
			t.Errorf("nobody asked, and is told %v", *o.StdErr)
		}
		w.stop()
	}
	w := open(t, vfs.NewMem(), at(0))
	defer w.stop()
	w.hour(4, unlabelled(100)...)
	if o := of(w, &three); o.StdErr != nil || o.Focal.OK() {
		t.Errorf("of no labels: %+v", o)
	}
}
