package predictionencodingextension

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/extension/predictionencodingextension/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
)

// rig is an extension that has started.
type rig struct {
	t    *testing.T
	e    *encoding
	tel  *componenttest.Telemetry
	said *observer.ObservedLogs
	stop func()
}

// start starts an extension; change may be nil.
func start(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	return startOn(t, componenttest.NewNopHost(), change)
}

// startOn starts an extension beside others.
func startOn(t *testing.T, host component.Host, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, tel: componenttest.NewTelemetry()}
	cfg := defaultConfig()
	if change != nil {
		change(cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	set := extensiontest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = r.tel.NewTelemetrySettings()
	set.ID = component.NewID(metadata.Type) // what is kept belongs to it
	core, said := observer.New(zap.WarnLevel)
	set.Logger, r.said = zap.New(core), said
	made, err := create(t.Context(), set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.e = made.(*encoding)
	if err := r.e.Start(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	r.stop = sync.OnceFunc(func() {
		if err := r.e.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		r.stop()
		_ = r.tel.Shutdown(context.WithoutCancel(t.Context()))
	})
	return r
}

// read reads a message and returns a line for each record.
func (r *rig) read(b []byte) ([]string, error) {
	r.t.Helper()
	logs, err := r.e.UnmarshalLogs(b)
	if err != nil {
		return nil, err
	}
	return show(logs), nil
}

// gives wants a message to become just these records.
func (r *rig) gives(b []byte, want ...string) {
	r.t.Helper()
	if got, err := r.read(b); err != nil || !slices.Equal(got, want) {
		r.t.Errorf("%.100q\ngives %s, %v\nwant  %s", b, strings.Join(got, "\n      "), err, strings.Join(want, "\n      "))
	}
}

// show has a line for each record.
var show = otelmltest.Lines

// counted returns the sum of a counter of the extension, over the points that have
// all the values.
func (r *rig) counted(name string, wanted ...string) (n int64) {
	r.t.Helper()
	m, err := r.tel.GetMetric("otelcol_prediction_encoding_" + name)
	if err != nil {
		return 0
	}
	points, ok := m.Data.(metricdata.Sum[int64])
	if !ok {
		return -1
	}
	for _, p := range points.DataPoints {
		var have []string
		for _, a := range p.Attributes.ToSlice() {
			have = append(have, a.Value.AsString())
		}
		if !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(have, w) }) {
			n += p.Value
		}
	}
	return n
}

// fuzzed makes extensions for a fuzz test.
type fuzzed struct{ f *testing.F }

func (z *fuzzed) encoding(cfg *Config) *encoding {
	z.f.Helper()
	if err := cfg.Validate(); err != nil {
		z.f.Fatal(err)
	}
	made, err := create(z.f.Context(), extensiontest.NewNopSettings(metadata.Type), cfg)
	if err != nil {
		z.f.Fatal(err)
	}
	return made.(*encoding)
}
