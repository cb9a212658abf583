package watch_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	ref "github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/watch"
)

var (
	models = flag.Int("models", 20, "models of BenchmarkMonitors, ten monitors each")
	cold   = flag.Bool("cold", false, "decode the profiles of the past, too, as after a start")
)

// shopping yields n rows of ten numbers, two categories and a score with its truth.
func shopping(event record.Event, n int, seed uint64) ref.Rows {
	return func(yield func(*record.Record, error) bool) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for range n {
			r := &record.Record{Event: event}
			for i := range 10 {
				r.Append(record.Features, fmt.Sprint("x", i), record.Num(rng.NormFloat64()))
			}
			r.Append(record.Features, "region", record.Str([]string{"EU", "US", "AP"}[rng.IntN(3)]))
			r.Append(record.Features, "kind", record.Str([]string{"a", "b", "c", "d"}[rng.IntN(4)]))
			score := rng.Float64()
			r.Append(record.Predictions, "score", record.Num(score))
			r.Append(record.Actuals, "truth", record.Bool(rng.Float64() < score))
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ten monitors, of every kind but custom metrics: 42 watches.
func ten() []model.Monitor {
	return []model.Monitor{
		{Name: "1", Type: model.DataDrift}, {Name: "2", Type: model.PredictionDrift},
		{Name: "3", Type: model.MissingValues, Method: model.Anomaly, IncreaseOnly: true},
		{Name: "4", Type: model.MetricChange, Method: model.Anomaly, Metric: model.MonitorMetric{Name: "mean"}, Fields: []string{"features.x0"}},
		{Name: "5", Type: model.PerformanceDegradation, Method: model.AgainstTraining, Metric: model.MonitorMetric{Name: "accuracy"}, Percentage: new(20.0)},
		{Name: "6", Type: model.ModelActivity, Method: model.Anomaly, Version: model.AllVersions},
		{Name: "7", Type: model.NewValues},
		{Name: "8", Type: model.ValueRange, Method: model.AgainstTraining, Distance: new(2.0)},
		{Name: "9", Type: model.ModelStaleness, MaxAge: model.Duration(1000 * time.Hour)},
		{Name: "10", Type: model.PerformanceDegradation, Method: model.Percentage, Metric: model.MonitorMetric{Name: "roc_auc"}, Percentage: new(20.0)},
	}
}

// busy is a source in which every window of four weeks has the same bytes, which are
// read anew each time as they are from disk.
type busy struct {
	*catalog.Catalog
	layout *profile.Layout
	ref    *ref.Reference
	bytes  []byte
	past   *profile.Profile // instead of decoding the past anew; nil to do that
	reads  int
}

func (b *busy) Profile(_, _ string, from, to int64) (*profile.Profile, bool, error) {
	var parts []*profile.Profile
	for start := from; start < to; start += hour {
		if b.past != nil && start < at(0).UnixNano() {
			parts = append(parts, b.past)
			continue
		}
		p, err := profile.Decode(b.bytes, b.layout)
		if err != nil {
			return nil, false, err
		}
		parts = append(parts, p)
		b.reads++
	}
	p, err := profile.Sum(parts...)
	return p, false, err
}

func (b *busy) Reference(_, _, dataset string) (*ref.Reference, bool, error) {
	return b.ref, dataset == model.Training, nil
}

// Ten monitors on each of so many models: what a window costs once the past is known,
// and what the first one costs after a start, when four weeks are read.
//
//	go test ./internal/watch -run '^$' -bench Monitors -benchtime 3x -models 1000
//	go test ./internal/watch -run '^$' -bench Monitors -benchtime 3x -cold
func BenchmarkMonitors(b *testing.B) {
	s, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	src, defs := stock(b, s)
	engine := query.New(src)
	begun := at(0)
	before := heap()
	e, err := watch.Open(s, src.Catalog, engine, watch.Options{Grace: usual.Grace, News: usual.News, Watches: 100_000, CatchUp: 48}, begun)
	if err != nil {
		b.Fatal(err)
	}
	window := func(h int) {
		changed := make([]watch.Changed, len(defs))
		for i, d := range defs {
			engine.Forget(d.Name, "1", at(float64(h)).UnixNano(), at(float64(h+1)).UnixNano())
			changed[i] = watch.Changed{Model: d.Name, Version: "1", Start: at(float64(h)).UnixNano(), End: at(float64(h + 1)).UnixNano()}
		}
		sum, err := e.Run(changed, at(float64(h)+1.02), func() bool { return true })
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Tell(func(as []alert.Alert) error { b.Logf("told %+v", as[0]); return nil }); err != nil {
			b.Fatal(err)
		}
		if sum.Evaluated == 0 || h > 0 && sum.Evaluated != e.Status().Watches {
			b.Fatalf("%+v of %+v", sum, e.Status())
		}
	}
	start := cpu()
	window(0)
	first, h := cpu()-start, 0
	cpuBefore := cpu()
	for b.Loop() {
		h++
		window(h)
	}
	b.ReportMetric((cpu()-cpuBefore).Seconds()/float64(h), "cpu-s/window")
	if *cold {
		b.ReportMetric(first.Seconds(), "cpu-s/first")
	}
	b.ReportMetric(float64(heap()-before)/1e6, "MB")
	b.ReportMetric(float64(e.Status().Watches), "watches")
	b.ReportMetric(float64(src.reads), "reads")
}

// stock fills a store with models that have been there for four weeks.
func stock(b *testing.B, s *store.Store) (*busy, []*model.Definition) {
	defs := make([]*model.Definition, *models)
	half := 0.5
	for i := range defs {
		defs[i] = &model.Definition{
			Name: fmt.Sprintf("model%04d", i), Monitors: ten(), Outputs: []model.Output{{Prediction: "score", Actual: "truth", Threshold: &half}},
		}
	}
	training, err := ref.Build(defs[0], shopping(record.Reference, 5000, 1), ref.Options{})
	if err != nil {
		b.Fatal(err)
	}
	plan, err := profile.NewPlan(training.Layout())
	if err != nil {
		b.Fatal(err)
	}
	p, rows := profile.New(training.Layout()), plan.NewRows()
	for r := range shopping(record.Prediction, 1000, 2) {
		rows.Add(r)
	}
	p.AddRange(rows, 0, rows.Len())
	src := &busy{layout: training.Layout(), ref: training}
	if !*cold {
		src.past = p
	}
	if src.bytes, err = p.Encode(); err != nil {
		b.Fatal(err)
	}
	tx := s.Begin()
	for _, d := range defs {
		tx.PutVersion(d.Name, "1", store.Version{FirstSeen: at(0).UnixNano(), LastSeen: at(0).UnixNano()})
	}
	if err := tx.Commit(store.Sync); err != nil {
		b.Fatal(err)
	}
	src.Catalog, err = catalog.Open(s, defs, catalog.Options{
		Window: time.Hour, Retention: 2160 * time.Hour, Models: *models, Versions: 10, Rows: 10_000, Profile: profile.DefaultLimits,
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range defs { // each with its own, as models have
		training.Model, training.Version = d.Name, ""
		if err := src.Activate(training); err != nil {
			b.Fatal(err)
		}
		training = clone(training)
	}
	return src, defs
}

func clone(r *ref.Reference) *ref.Reference { c := *r; return &c }

// cpu is the processor time that the process has taken: on a machine with other work
// it says more than the time that went by.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
