package full

import (
	"context"
	"fmt"
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
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// sink keeps events as lines.
type sink struct {
	mu     sync.Mutex
	events []string
}

func (s *sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *sink) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lr := range otelmltest.Records(ld) {
		var names []string
		for name, v := range lr.Attributes().All() {
			names = append(names, strings.TrimPrefix(name, "ml.")+"="+v.AsString())
		}
		slices.Sort(names)
		s.events = append(s.events, lr.EventName()+" "+strings.Join(names, " "))
	}
	return nil
}

// comes waits for as many events, which have to be these.
func (s *sink) comes(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	wait.For(func() bool { // what does not come is told below
		s.mu.Lock()
		defer s.mu.Unlock()
		got = slices.Clone(s.events)
		return len(got) >= len(want)
	})
	want = slices.Sorted(slices.Values(want))
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// open opens a database as the receiver does, until the test ends.
func open(t *testing.T, d *driver.Driver, c *driver.Connection) driver.Database {
	t.Helper()
	if errs := d.Check(c); len(errs) > 0 {
		t.Fatal(errs)
	}
	db, err := d.Open(c, driver.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// begin starts a receiver.
func begin(t *testing.T, settings map[string]any, to *sink) receiver.Logs {
	t.Helper()
	f := NewFactory()
	cfg := f.CreateDefaultConfig()
	settings["storage"], settings["interval"] = "file_storage", "100ms"
	if err := confmap.NewFromStringMap(settings).Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	if err := cfg.(interface{ Validate() error }).Validate(); err != nil {
		t.Fatal(err)
	}
	set := receivertest.NewNopSettings(f.Type())
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	t.Cleanup(func() {
		for _, l := range logs.All() {
			t.Log(l.Message, l.ContextMap())
		}
	})
	r, err := f.CreateLogs(t.Context(), set, cfg, to)
	if err != nil {
		t.Fatal(err)
	}
	s := filestorage.NewFactory()
	keep := s.CreateDefaultConfig().(*filestorage.Config)
	keep.Directory = t.TempDir()
	e, err := s.Create(t.Context(), extensiontest.NewNopSettings(s.Type()), keep)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), host{component.MustNewID("file_storage"): e}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// scores is how tables of the tests are mapped.
func scores() map[string]any {
	return map[string]any{"model": "fraud", "timestamp": "at", "columns": map[string]any{"proba": "predictions.proba"},
		"labels": map[string]any{"proba": "fraud"}, "types": map[string]any{"actuals.proba": "boolean"}, "rest": "features"}
}

// threeRows reads a table with pages of two rows of the three that it has: a and b
// of one time, b with its label, and c. Each comes once, and the label of a when label
// has filled it in.
func threeRows(t *testing.T, settings map[string]any, label func()) {
	t.Helper()
	to := &sink{}
	settings["incremental"], settings["page_size"], settings["mapping"] = map[string]any{"column": "at"}, 2, scores()
	begin(t, settings, to)
	row := func(id, proba, label string) string {
		return "ml.prediction " + label + "model.name=fraud model.version=default prediction.id=" + id + " predictions.proba=" + proba
	}
	rows := []string{row("a", "0.9", ""), row("b", "0.1", "actuals.proba=true "), row("c", "0.2", "")}
	to.comes(t, rows...)
	label()
	to.comes(t, append(rows, "ml.actual actuals.proba=false model.name=fraud model.version=default prediction.id=a")...)
}

// onlyAsked wants just these statements to have been asked: a page with each of more.
func onlyAsked(t *testing.T, asked map[string]bool, page string, more ...string) {
	t.Helper()
	for _, m := range more {
		sql := fmt.Sprintf(page, m)
		if !asked[sql] {
			t.Errorf("%s was not asked", sql)
		}
		delete(asked, sql)
	}
	if len(asked) > 0 {
		t.Errorf("asked, too: %v", asked)
	}
}
