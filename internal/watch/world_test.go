package watch_test

import (
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/watch"
)

const hour = int64(time.Hour)

// origin is the hour from which the tests count.
var origin = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// at is a moment so many hours after the origin.
func at(hours float64) time.Time { return origin.Add(time.Duration(hours * float64(time.Hour))) }

// world is a store with one model and the evaluator that watches it.
type world struct {
	t       testing.TB
	fs      vfs.FS
	def     *model.Definition
	options watch.Options

	store   *store.Store
	catalog *catalog.Catalog
	engine  *query.Engine
	watch   *watch.Evaluator
	layout  *profile.Layout
	told    []alert.Alert
	refuse  error // what the next component answers
	tries   int   // hours that were gone through
	more    func() bool
}

var usual = watch.Options{Grace: 10 * time.Minute, News: 7 * 24 * time.Hour, Watches: 1000, CatchUp: 48}

// open opens a world at a time, with the monitors of a model.
func open(t testing.TB, fs vfs.FS, now time.Time, monitors ...model.Monitor) *world {
	t.Helper()
	w := &world{t: t, fs: fs, def: definition(), options: usual, more: func() bool { return true }}
	w.def.Monitors = monitors
	if len(monitors) == 0 {
		off := false
		w.def.DefaultMonitors = &off
	}
	if err := w.start(now); err != nil {
		t.Fatal(err)
	}
	return w
}

// start opens the store, as a process does.
func (w *world) start(now time.Time) (err error) {
	if w.store, err = store.Open("state", store.Options{FS: w.fs}); err != nil {
		return err
	}
	w.catalog, err = catalog.Open(w.store, []*model.Definition{w.def}, catalog.Options{
		Window: time.Hour, Retention: 100 * 24 * time.Hour, AutoRegister: true, Warmup: 1000, WarmupWait: time.Minute, Settle: time.Second,
		Models: 10, Versions: 10, Rows: 10_000, Profile: profile.DefaultLimits,
	})
	if err != nil {
		return err
	}
	if _, ok, err := w.catalog.Reference("m", "1", model.Training); err != nil {
		return err
	} else if !ok {
		tx, ref := w.store.Begin(), reference(w.t)
		if err := w.catalog.Keep(tx, ref); err != nil {
			return err
		}
		if err := tx.Commit(store.Sync); err != nil {
			return err
		}
		if err := w.catalog.Activate(ref); err != nil {
			return err
		}
	}
	ref, _, err := w.catalog.Reference("m", "1", model.Training)
	if err != nil {
		return err
	}
	w.layout = ref.Layout()
	w.engine = query.New(w.catalog)
	w.watch, err = watch.Open(w.store, w.catalog, w.engine, w.options, now)
	return err
}

// restart is what a process goes through that ends and is started again.
func (w *world) restart(now time.Time) {
	w.t.Helper()
	w.stop()
	if err := w.start(now); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// fill keeps records as the window of version v that begins so many hours after the
// origin, and says that it has changed.
func (w *world) fill(v string, hours int, rs ...record.Record) (watch.Changed, error) {
	start := at(float64(hours)).UnixNano()
	plan, err := profile.NewPlan(w.layout)
	if err != nil {
		return watch.Changed{}, err
	}
	p, rows := profile.New(w.layout), plan.NewRows()
	for i := range rs {
		rows.Add(&rs[i])
	}
	p.AddRange(rows, 0, rows.Len())
	b, err := p.Encode()
	if err != nil {
		return watch.Changed{}, err
	}
	if _, err := w.catalog.Admit("m", v, time.Unix(0, 1)); err != nil {
		return watch.Changed{}, err
	}
	seen, ok, err := w.store.Version("m", v)
	if err != nil {
		return watch.Changed{}, err
	}
	if !ok {
		seen.FirstSeen = start + hour
	}
	seen.LastSeen = start + hour
	tx := w.store.Begin()
	tx.PutProfile("m", v, start, b)
	tx.PutVersion("m", v, seen)
	if err := w.catalog.KeepLayout(tx, w.layout); err != nil {
		return watch.Changed{}, err
	}
	err = tx.Commit(store.Sync)
	w.engine.Forget("m", v, start, start+hour)
	return watch.Changed{Model: "m", Version: v, Start: start, End: start + hour}, err
}

// run judges at a time, and tells.
func (w *world) run(now time.Time, changed ...watch.Changed) (watch.Summary, error) {
	sum, err := w.watch.Run(changed, now, w.more)
	if err != nil {
		return sum, err
	}
	return sum, w.watch.Tell(func(as []alert.Alert) error {
		if w.refuse == nil {
			w.told = append(w.told, as...)
		}
		return w.refuse
	})
}

// hour fills a window of version 1 and judges it a minute after its end.
func (w *world) hour(hours int, rs ...record.Record) watch.Summary {
	w.t.Helper()
	c, err := w.fill("1", hours, rs...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.pass(float64(hours)+1+1.0/60, c)
}

// pass judges what is due at a time.
func (w *world) pass(hours float64, changed ...watch.Changed) watch.Summary {
	w.t.Helper()
	sum, err := w.run(at(hours), changed...)
	if err != nil {
		w.t.Fatal(err)
	}
	return sum
}

// news returns what was told since it was asked last.
func (w *world) news() []alert.Alert {
	told := w.told
	w.told = nil
	return told
}

// holes returns n records in which a share of x is missing.
func holes(n int, share float64) []record.Record {
	rs := told(record.Prediction, n, 0)
	for i := range rs {
		if math.Mod(float64(i)*0.6180339887498949, 1) < share {
			rs[i].Fields = rs[i].Fields[1:]
		}
	}
	return rs
}

// missing watches that a tenth of x at most is missing.
func missing() model.Monitor {
	return model.Monitor{
		Name: "Holes", Type: model.MissingValues, Method: model.Absolute, Fields: []string{"features.x"},
		Threshold: model.Range{Max: new(0.1)}, Severity: model.SeverityHigh, Owner: "ml", RunbookURL: "https://example.com/holes",
	}
}

// silence watches that something is predicted.
func silence() model.Monitor {
	return model.Monitor{Name: "Silence", Type: model.ModelActivity, Method: model.Absolute, Version: model.AllVersions, Threshold: model.Range{Min: new(1.0)}}
}
