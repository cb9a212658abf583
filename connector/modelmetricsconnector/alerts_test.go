package modelmetricsconnector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector"
	"github.com/driftmeter/driftmeter/extension/modelstore"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/processor/profileprocessor"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// alerts is a component that takes alerts, unless it is busy.
type alerts struct {
	consumertest.LogsSink
	busy    atomic.Bool
	refused atomic.Int64
}

func (a *alerts) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if a.busy.Load() {
		a.refused.Add(1)
		return errors.New("busy")
	}
	return a.LogsSink.ConsumeLogs(ctx, ld)
}

// story writes what was told, in its order.
func (a *alerts) story(t *testing.T) string {
	t.Helper()
	var all []string
	for _, ld := range a.AllLogs() {
		for _, x := range otelml.ReadAlerts(ld, func(r record.Refusal) { t.Error(r) }) {
			all = append(all, fmt.Sprintf("%s %s %s.%s", x.Monitor.ID, x.State, x.FieldGroup, x.Field))
		}
	}
	return strings.Join(all, ", ")
}

// wired is a pipeline of which one side or both are used.
type wired struct {
	*pipeline
	alerts *alerts
	id     component.ID
	said   *observer.ObservedLogs
}

// wire starts profile → modelmetrics on a directory, with metrics, alerts or both
// taken.
func wire(t *testing.T, dir string, metrics, logs bool) *wired {
	t.Helper()
	ctx := t.Context()
	core, said := observer.New(zap.InfoLevel)
	w := &wired{pipeline: &pipeline{t: t, sink: &consumertest.MetricsSink{}}, alerts: &alerts{}, said: said}
	sf := modelstore.NewFactory()
	sc := sf.CreateDefaultConfig().(*modelstore.Config)
	sc.Directory = dir
	sc.Models = []model.Definition{{Name: "fraud", Monitors: []model.Monitor{{
		Name: "Holes", Type: model.MissingValues, Method: model.Absolute, Fields: []string{"features.age"}, Threshold: model.Range{Max: new(0.1)},
	}}}}
	w.check(sc.Validate())
	ext, err := sf.Create(ctx, extensiontest.NewNopSettings(sf.Type()), sc)
	w.check(err)
	w.store = ext
	w.extension = map[component.ID]component.Component{component.NewID(sf.Type()): ext}
	w.check(ext.Start(ctx, w))

	cf := modelmetricsconnector.NewFactory()
	cc := cf.CreateDefaultConfig().(*modelmetricsconnector.Config)
	cc.Settle, cc.MaxDelay, cc.Interval = 0, 0, time.Hour
	set := connectortest.NewNopSettings(cf.Type())
	set.Logger = zap.New(core)
	w.id = set.ID
	var sides []connector.Logs
	if metrics {
		side, err := cf.CreateLogsToMetrics(ctx, set, cc, w.sink)
		w.check(err)
		sides = append(sides, side)
	}
	if logs {
		side, err := cf.CreateLogsToLogs(ctx, set, cc, w.alerts)
		w.check(err)
		sides = append(sides, side)
	}
	for _, s := range sides {
		w.check(s.Start(ctx, w))
	}
	w.metrics = both{sides}

	pf := profileprocessor.NewFactory()
	pc := pf.CreateDefaultConfig().(*profileprocessor.Config)
	pc.FlushInterval = 20 * time.Millisecond
	w.profile, err = pf.CreateLogs(ctx, processortest.NewNopSettings(pf.Type()), pc, w.metrics)
	w.check(err)
	w.check(w.profile.Start(ctx, w))
	t.Cleanup(w.stop)
	return w
}

// both gives every batch to each side, as the service does.
type both struct{ sides []connector.Logs }

func (both) Capabilities() consumer.Capabilities         { return consumer.Capabilities{} }
func (both) Start(context.Context, component.Host) error { return nil }
func (b both) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	return each(b.sides, func(s connector.Logs) error { return s.ConsumeLogs(ctx, ld) })
}
func (b both) Shutdown(ctx context.Context) error {
	return each(b.sides, func(s connector.Logs) error { return s.Shutdown(ctx) })
}

func each(sides []connector.Logs, fn func(connector.Logs) error) (err error) {
	for _, s := range sides {
		err = errors.Join(err, fn(s))
	}
	return err
}

// send sends an hour of predictions, of which some lack their age.
func (w *wired) send(at time.Time, missing int, seed uint64) {
	w.t.Helper()
	ld := predictions("ml.prediction", "fraud", 1000, at, seed)
	for i, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		if i < missing {
			lr.Attributes().Remove("ml.features.age")
		}
	}
	w.check(w.profile.ConsumeLogs(w.t.Context(), ld))
}

// until waits for what was told to be a story.
func (w *wired) until(want string) {
	w.t.Helper()
	var got string
	if !wait.For(func() bool {
		got = w.alerts.story(w.t)
		return got == want
	}) {
		w.t.Fatalf("told %q, want %q", got, want)
	}
}

// lines returns the log lines about alerts.
func (w *wired) lines() (all []string) {
	for _, e := range w.said.All() {
		if strings.HasPrefix(e.Message, "Alert") {
			all = append(all, e.Level.String()+" "+strings.SplitAfter(e.Message, ":")[0])
		}
	}
	return all
}

func reference(w *wired, at time.Time) {
	ref := predictions("ml.reference", "fraud", 2000, at, 1)
	ref.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1999).Attributes().PutBool("ml.reference.complete", true)
	w.check(w.profile.ConsumeLogs(w.t.Context(), ref))
}

// However the connector is wired, profiles are merged once, alerts are lines of the
// log, and whoever is there gets metrics and alerts. What is not taken is told when it
// is, after a restart too.
func TestAlerts(t *testing.T) {
	for name, c := range map[string]struct{ metrics, logs bool }{
		"metrics alone": {true, false}, "alerts alone": {false, true}, "both": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			w := wire(t, dir, c.metrics, c.logs)
			at := time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour)
			reference(w, at)
			w.send(at, 0, 2)
			if c.metrics {
				w.total("ml.model.predictions", 1000)
			}
			w.alerts.busy.Store(true)
			w.send(at.Add(time.Hour), 500, 3)
			if c.logs {
				if !wait.For(func() bool { return w.alerts.refused.Load() > 1 }) {
					t.Error("what is refused is not tried again")
				}
				if lines := w.lines(); len(lines) > 0 {
					t.Errorf("said %v, which nobody has taken", lines)
				}
				w.stop()
				w = wire(t, dir, c.metrics, c.logs)
				w.until("holes firing features.age")
			}
			if w.send(at.Add(2*time.Hour), 0, 4); c.logs {
				w.until("holes firing features.age, holes resolved features.age")
			}
			want := []string{"warn Alert:", "info Alert is over:"}
			if !wait.For(func() bool { return slices.Equal(w.lines(), want) }) {
				t.Errorf("the log says %v, want %v", w.lines(), want)
			}
			if len(w.sink.AllMetrics()) > 0 != c.metrics {
				t.Errorf("%d batches of metrics", len(w.sink.AllMetrics()))
			}
		})
	}
}
