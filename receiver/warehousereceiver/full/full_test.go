package full

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

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
	for _, rl := range ld.ResourceLogs().All() {
		for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
			text := lr.EventName()
			var names []string
			for name, v := range lr.Attributes().All() {
				names = append(names, strings.TrimPrefix(name, "ml.")+"="+v.AsString())
			}
			slices.Sort(names)
			s.events = append(s.events, text+" "+strings.Join(names, " "))
		}
	}
	return nil
}

// wait returns the events when there are as many, in order.
func (s *sink) wait(t *testing.T, n int) []string {
	t.Helper()
	var events []string
	if !wait.For(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		events = slices.Clone(s.events)
		return len(events) >= n
	}) {
		t.Fatalf("%d events, want %d:\n%s", len(events), n, strings.Join(events, "\n"))
	}
	slices.Sort(events)
	return events
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
