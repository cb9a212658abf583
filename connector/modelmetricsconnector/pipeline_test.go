package modelmetricsconnector_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector"
	"github.com/driftmeter/driftmeter/extension/modelstore"
	"github.com/driftmeter/driftmeter/processor/profileprocessor"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// pipeline is the whole path of a prediction in one process, without receivers
// and exporters.
type pipeline struct {
	t         *testing.T
	store     component.Component
	profile   processor.Logs
	metrics   connector.Logs
	sink      *consumertest.MetricsSink
	stopped   bool
	extension map[component.ID]component.Component
}

func (p *pipeline) GetExtensions() map[component.ID]component.Component { return p.extension }

// start opens a pipeline on a directory.
func start(t *testing.T, dir string, change func(*modelstore.Config)) *pipeline {
	t.Helper()
	ctx := t.Context()
	p := &pipeline{t: t, sink: &consumertest.MetricsSink{}}
	sf := modelstore.NewFactory()
	sc := sf.CreateDefaultConfig().(*modelstore.Config)
	sc.Directory = dir
	if change != nil {
		change(sc)
	}
	ext, err := sf.Create(ctx, extensiontest.NewNopSettings(sf.Type()), sc)
	p.check(err)
	p.store = ext
	p.extension = map[component.ID]component.Component{component.NewID(sf.Type()): ext}
	p.check(ext.Start(ctx, p))

	cf := modelmetricsconnector.NewFactory()
	cc := cf.CreateDefaultConfig().(*modelmetricsconnector.Config)
	cc.Settle, cc.MaxDelay, cc.Interval = 0, 0, time.Hour
	p.metrics, err = cf.CreateLogsToMetrics(ctx, connectortest.NewNopSettings(cf.Type()), cc, p.sink)
	p.check(err)
	p.check(p.metrics.Start(ctx, p))

	pf := profileprocessor.NewFactory()
	pc := pf.CreateDefaultConfig().(*profileprocessor.Config)
	pc.FlushInterval = 20 * time.Millisecond
	p.profile, err = pf.CreateLogs(ctx, processortest.NewNopSettings(pf.Type()), pc, p.metrics)
	p.check(err)
	p.check(p.profile.Start(ctx, p))
	t.Cleanup(p.stop)
	return p
}

func (p *pipeline) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipeline) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	ctx := context.Background()
	p.check(p.profile.Shutdown(ctx))
	p.check(p.metrics.Shutdown(ctx))
	p.check(p.store.Shutdown(ctx))
}

// values returns the last value of each point of a metric, by its attributes.
func (p *pipeline) values(name string) map[string]float64 {
	all := map[string]float64{}
	for _, md := range p.sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() != name || m.Type() != pmetric.MetricTypeGauge {
						continue
					}
					for _, dp := range m.Gauge().DataPoints().All() {
						all[fmt.Sprint(dp.Timestamp().AsTime().Unix(), dp.Attributes().AsRaw())] = dp.DoubleValue()
					}
				}
			}
		}
	}
	return all
}

// total waits for the sum of a metric's points to reach want.
func (p *pipeline) total(name string, want float64) {
	p.t.Helper()
	var got float64
	if !wait.For(func() bool {
		got = 0
		for _, v := range p.values(name) {
			got += v
		}
		return got == want
	}) {
		p.t.Fatalf("%s sums to %v, want %v: %v", name, got, want, p.values(name))
	}
}

// predictions returns a batch of n predictions of a model, the first at a time.
func predictions(event, model string, n int, at time.Time, seed uint64) plog.Logs {
	rng := rand.New(rand.NewPCG(seed, 1))
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	for i := range n {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetEventName(event)
		lr.SetTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(i) * time.Millisecond)))
		a := lr.Attributes()
		a.PutStr("ml.model.name", model)
		a.PutStr("ml.model.version", "1")
		a.PutDouble("ml.features.age", 40+10*rng.NormFloat64())
		a.PutStr("ml.features.region", []string{"EU", "US", "APAC"}[rng.IntN(3)])
		score := rng.Float64()
		a.PutDouble("ml.predictions.proba", score)
		a.PutBool("ml.actuals.fraud", rng.Float64() < score)
	}
	return ld
}

// A model that nobody defined is registered, its reference comes from rows of
// the pipeline, and every prediction is counted in its window, also after a
// restart.
func TestPredictionsBecomeMetrics(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil)
	at := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	ref := predictions("ml.reference", "fraud", 2000, at, 1)
	ref.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1999).Attributes().PutBool("ml.reference.complete", true)
	p.check(p.profile.ConsumeLogs(t.Context(), ref))
	for i := range 3 {
		p.check(p.profile.ConsumeLogs(t.Context(), predictions("ml.prediction", "fraud", 1000, at.Add(time.Duration(i)*time.Hour), uint64(i+2))))
	}
	p.total("ml.model.predictions", 3000)
	p.total("ml.model.actuals", 3000)
	if n := len(p.values("ml.drift.psi")); n != 3*4 {
		t.Errorf("psi of %d windows and fields, want 3 × 4: %v", n, p.values("ml.drift.psi"))
	}
	if n := len(p.values("ml.performance.roc_auc")); n != 3 {
		t.Errorf("roc_auc of %d windows, want 3: %v", n, p.values("ml.performance.roc_auc"))
	}
	for k, v := range p.values("ml.drift.detected") {
		if v != 0 {
			t.Errorf("drift of nothing detected: %s", k)
		}
	}
	// A batch that is sent again counts once, also by another process.
	again := predictions("ml.prediction", "fraud", 1000, at, 2)
	p.check(p.profile.ConsumeLogs(t.Context(), again))
	p.stop()
	p = start(t, dir, nil)
	again = predictions("ml.prediction", "fraud", 1000, at, 2)
	p.check(p.profile.ConsumeLogs(t.Context(), again))
	p.check(p.profile.ConsumeLogs(t.Context(), predictions("ml.prediction", "fraud", 500, at, 99)))
	p.total("ml.model.predictions", 1500+1000) // the window that changed, and the latest one, which is repeated
}
