package warehousereceiver

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"gopkg.in/yaml.v2"

	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/metadata"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
	"github.com/driftmeter/driftmeter/testbed/servers"
)

// database is the server of the tests below TestPostgres.
var database *servers.Postgres

// running returns it.
func running(t *testing.T) *servers.Postgres {
	t.Helper()
	if database == nil {
		t.Fatal("this test belongs below TestPostgres")
	}
	return database
}

// exec runs statements.
func exec(t *testing.T, statements ...string) {
	t.Helper()
	if err := running(t).Exec(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
}

// table makes one of predictions, empty, and returns its name.
func table(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	exec(t, `CREATE TABLE `+name+` (id text, at timestamptz NOT NULL, amount double precision, country text, proba double precision, fraud boolean)`)
	return name
}

// sink takes batches, counts those that are the same once, and fails as it is told
// to: before it takes a batch, or after.
type sink struct {
	mu      sync.Mutex
	known   otelmltest.Known
	events  []string
	calls   int
	before  func(call int) error
	after   func(call int) error
	precise bool // events have the time to the nanosecond
	came    chan struct{}
}

func newSink() *sink {
	none := func(int) error { return nil }
	return &sink{known: otelmltest.Known{}, before: none, after: none, came: make(chan struct{}, 1000)}
}

func (s *sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (s *sink) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if err := s.before(s.calls); err != nil {
		return err
	}
	fresh, err := s.known.New(ld)
	if err != nil {
		return err
	}
	if fresh {
		for _, lr := range otelmltest.Records(ld) {
			text := shown(lr)
			if s.precise {
				text += " " + lr.Timestamp().String()
			}
			s.events = append(s.events, text)
		}
	}
	return s.after(s.calls)
}

// shown is an event as one line.
func shown(lr plog.LogRecord) string {
	text := lr.EventName()
	for _, a := range []string{"ml.prediction.id", "ml.model.name", "ml.model.version", "ml.features.amount", "ml.features.country", "ml.predictions.proba", "ml.actuals.proba", "ml.raw_inputs.note", "ml.reference.complete"} {
		if v, ok := lr.Attributes().Get(a); ok {
			text += " " + a[3:] + "=" + v.AsString()
		}
	}
	return text
}

// take returns what has come since, sorted.
func (s *sink) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	slices.Sort(events)
	return events
}

// host has the extensions.
type host struct {
	extensions map[component.ID]component.Component
}

func (h *host) GetExtensions() map[component.ID]component.Component { return h.extensions }

func newHost(t *testing.T, directory string) *host {
	t.Helper()
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = directory
	e, err := f.Create(t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &host{map[component.ID]component.Component{component.MustNewID("file_storage"): e}}
}

// parse reads a configuration as the Collector does.
func parse(t *testing.T, text string) *Config {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(stringKeys(m).(map[string]any)).Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func stringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for k, e := range v {
			m[fmt.Sprint(k)] = stringKeys(e)
		}
		return m
	case map[string]any:
		for k, e := range v {
			v[k] = stringKeys(e)
		}
	case []any:
		for i := range v {
			v[i] = stringKeys(v[i])
		}
	}
	return v
}

// rig is a receiver over a table, with what a restart keeps.
type rig struct {
	t       *testing.T
	config  string
	storage string
	sink    *sink
	source  *source
	logs    *observer.ObservedLogs
}

// base is the configuration of most tests; the schedule never comes.
const base = `
driver: postgres
connection: {endpoint: %s, user: driftmeter, database: postgres}
table: %s
storage: file_storage
interval: 1000h
retry_on_failure: {initial_interval: 1ms, max_interval: 1ms}
mapping:
  model: fraud
  timestamp: at
  columns: {proba: predictions.proba}
  labels: {proba: fraud}
  rest: features
`

func newRig(t *testing.T, table, more string) *rig {
	t.Helper()
	return &rig{t: t, config: fmt.Sprintf(base, socket(t), table) + more, storage: t.TempDir(), sink: newSink()}
}

// socket is the path of the server's.
func socket(t *testing.T) string {
	t.Helper()
	pg := running(t)
	return filepath.Join(pg.Dir, fmt.Sprintf(".s.PGSQL.%d", pg.Port))
}

// made makes the receiver.
func (r *rig) made(cfg *Config) *source {
	r.t.Helper()
	set := receivertest.NewNopSettings(metadata.Type)
	set.ID = component.MustNewID("warehouse") // of one name, or it would know nothing
	core, logs := observer.New(zap.DebugLevel)
	set.Logger, r.logs = zap.New(core), logs
	made, err := NewFactory().CreateLogs(r.t.Context(), set, cfg, r.sink)
	if err != nil {
		r.t.Fatal(err)
	}
	return made.(*source)
}

// open makes the receiver ready, as after a restart, without starting its loop.
func (r *rig) open() {
	r.t.Helper()
	r.openOn(newHost(r.t, r.storage))
}

func (r *rig) openOn(h *host) {
	r.t.Helper()
	cfg := parse(r.t, r.config)
	if err := cfg.Validate(); err != nil {
		r.t.Fatal(err)
	}
	r.source = r.made(cfg)
	if err := r.source.open(r.t.Context(), h); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) close() {
	r.t.Helper()
	if err := r.source.Shutdown(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// run runs once, in a process of its own, and returns what came.
func (r *rig) run() []string {
	r.t.Helper()
	r.open()
	defer r.close()
	if err := r.source.run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	return r.sink.take()
}

func (r *rig) want(got []string, want ...string) {
	r.t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.t.Fatalf("got\n%s\nwant\n%s", list(got), list(want))
	}
}

func list(lines []string) (text string) {
	for _, l := range lines {
		text += "  " + l + "\n"
	}
	return text
}

// answering is a database that gives its rows, each once, whatever it is asked.
type answering struct {
	columns []value.Column
	rows    [][]any
}

func (d *answering) Read(_ context.Context, _ sqlpage.Page, each driver.Each) error {
	for len(d.rows) > 0 {
		row := d.rows[0]
		d.rows = d.rows[1:]
		if more, err := each(d.columns, row); err != nil || !more {
			return err
		}
	}
	return nil
}

func (*answering) Close() error { return nil }

// rigWithout returns a receiver whose database is set when it is open.
func rigWithout(t *testing.T, more string) *rig {
	t.Helper()
	return &rig{t: t, storage: t.TempDir(), sink: newSink(), config: strings.Replace(right, "tls: {ca_file: ca.pem}", "user: x", 1) + more}
}
