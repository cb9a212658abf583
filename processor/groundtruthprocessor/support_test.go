package groundtruthprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/extension/modelstore"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/processor/groundtruthprocessor/internal/metadatatest"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// sink is the next component. It takes what fail allows.
type sink struct {
	mu   sync.Mutex
	logs []plog.Logs
	fail func(plog.Logs) error // nil: it takes everything
}

func (*sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *sink) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(ld); err != nil {
			return err
		}
	}
	c := plog.NewLogs()
	ld.CopyTo(c)
	s.logs = append(s.logs, c)
	return nil
}

func (s *sink) let(fail func(plog.Logs) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// took returns what was taken since it was last asked, a line a record.
func (s *sink) took() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, ld := range s.logs {
		lines = append(lines, lay(ld)...)
	}
	s.logs = nil
	return strings.Join(lines, "\n")
}

// lay renders logs, a line a record, with what its resource says before it.
func lay(ld plog.Logs) (lines []string) {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				line := lr.EventName()
				if lr.Timestamp() > 0 {
					line += " @" + lr.Timestamp().AsTime().UTC().Format("15:04:05")
				}
				if lr.ObservedTimestamp() > 0 {
					line += " seen"
				}
				var words []string
				for _, attrs := range []pcommon.Map{rl.Resource().Attributes(), lr.Attributes()} {
					for k, v := range attrs.All() {
						words = append(words, strings.TrimPrefix(k, "ml.")+"="+v.AsString())
					}
				}
				slices.Sort(words)
				lines = append(lines, line+" "+strings.Join(words, " "))
			}
		}
	}
	return lines
}

// rig is the processor with a modelstore and what stands behind it.
type rig struct {
	t         *testing.T
	dir       string
	store     component.Component
	joiner    processor.Logs
	next      *sink
	telemetry *componenttest.Telemetry
	logs      *observer.ObservedLogs
	running   bool
}

func (r *rig) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{component.MustNewID("modelstore"): r.store}
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), next: &sink{}}
	r.start(change)
	t.Cleanup(r.stop)
	return r
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// start opens the directory, as a new process does.
func (r *rig) start(change func(*Config)) {
	r.t.Helper()
	ctx := context.Background()
	sf := modelstore.NewFactory()
	sc := sf.CreateDefaultConfig().(*modelstore.Config)
	sc.Directory = r.dir
	sc.Models = []model.Definition{{Name: "fraud", Segments: []model.Segment{{Name: "region", Field: "features.region"}}}}
	var err error
	r.store, err = sf.Create(ctx, extensiontest.NewNopSettings(sf.Type()), sc)
	r.check(err)
	r.check(r.store.Start(ctx, r))
	cfg := defaultConfig()
	if change != nil {
		change(cfg)
	}
	r.telemetry = componenttest.NewTelemetry()
	set := metadatatest.NewSettings(r.telemetry)
	core, logs := observer.New(zapcore.InfoLevel)
	set.Logger, r.logs = zap.New(core), logs
	r.joiner, err = NewFactory().CreateLogs(ctx, set, cfg, r.next)
	r.check(err)
	r.check(r.joiner.Start(ctx, r))
	r.running = true
}

func (r *rig) stop() {
	if !r.running {
		return
	}
	r.running = false
	r.check(r.joiner.Shutdown(context.Background()))
	r.check(r.store.Shutdown(context.Background()))
	r.check(r.telemetry.Shutdown(context.Background()))
}

func (r *rig) send(lrs ...func(plog.LogRecord)) error {
	return r.joiner.ConsumeLogs(context.Background(), batchOf(lrs...))
}

// batchOf puts records into one resource.
func batchOf(lrs ...func(plog.LogRecord)) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("deployment.environment.name", "prod")
	dst := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, fill := range lrs {
		fill(dst.AppendEmpty())
	}
	return ld
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// event fills a record: attributes are name=value, without ml.
func event(name, at string, attrs ...string) func(plog.LogRecord) {
	return func(lr plog.LogRecord) {
		lr.SetEventName(name)
		if at != "" {
			d, err := time.ParseDuration(at)
			if err != nil {
				panic(err)
			}
			lr.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(d)))
		}
		if strings.HasPrefix(name, "ml.") {
			lr.Attributes().PutStr("ml.model.name", "fraud")
		}
		for _, a := range attrs {
			k, v, _ := strings.Cut(a, "=")
			if k == "id" {
				k = "prediction.id"
			}
			lr.Attributes().PutStr("ml."+k, v)
		}
	}
}

func prediction(id, at string, more ...string) func(plog.LogRecord) {
	if id != "" {
		more = append(more, "id="+id)
	}
	return event("ml.prediction", at, append(more, "features.region=EU", "features.x=1", "predictions.class=a")...)
}

func actual(id, at, class string) func(plog.LogRecord) {
	return event("ml.actual", at, "id="+id, "actuals.class="+class)
}

func (r *rig) want(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

// eventually waits for the background.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	if !wait.For(ok) {
		r.t.Fatalf("%s: not after %v", what, wait.Patience)
	}
}

// count returns the sum of a metric of the processor.
func (r *rig) count(name string) int64 {
	r.t.Helper()
	m, err := r.telemetry.GetMetric("otelcol_groundtruth_" + name)
	if err != nil {
		return 0
	}
	return sum(m)
}

var errDown = errors.New("down for now")

func down(plog.Logs) error { return errDown }

func (r *rig) said() (all []string) {
	for _, e := range r.logs.All() {
		all = append(all, fmt.Sprint(e.Level, ": ", e.Message))
	}
	return all
}
