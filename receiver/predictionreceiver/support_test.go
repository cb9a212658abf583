package predictionreceiver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
	"github.com/driftmeter/driftmeter/receiver/predictionreceiver/internal/metadata"
)

// rig is a receiver that runs, and what came out of it.
type rig struct {
	t    *testing.T
	s    *server
	tel  *componenttest.Telemetry
	sink *consumertest.LogsSink
	url  string
	stop func()
}

// start runs a receiver; change may be nil, and next is the sink if it is nil.
func start(t *testing.T, change func(*Config), next consumer.Logs) *rig {
	t.Helper()
	return startOn(t, componenttest.NewNopHost(), change, next)
}

// startOn runs a receiver beside the extensions of a host.
func startOn(t *testing.T, host component.Host, change func(*Config), next consumer.Logs) *rig {
	t.Helper()
	r := &rig{t: t, sink: new(consumertest.LogsSink), tel: componenttest.NewTelemetry()}
	if next == nil {
		next = r.sink
	}
	cfg := defaultConfig()
	cfg.HTTP.NetAddr.Endpoint = "localhost:0"
	if change != nil {
		change(cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	set := receivertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = r.tel.NewTelemetrySettings()
	set.ID = component.NewID(metadata.Type) // what is kept belongs to it
	made, err := create(t.Context(), set, cfg, next)
	if err != nil {
		t.Fatal(err)
	}
	r.s = made.(*server)
	if err := r.s.Start(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	// The same handlers, behind a listener whose address is known.
	front := httptest.NewServer(r.s.http.Handler)
	r.url = front.URL
	r.stop = sync.OnceFunc(func() {
		front.Close()
		if err := r.s.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		r.stop()
		_ = r.tel.Shutdown(context.WithoutCancel(t.Context()))
	})
	return r
}

// post sends a body; headers are pairs.
func (r *rig) post(path string, body []byte, headers ...string) (int, answer, http.Header) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		r.t.Fatalf("%s answers %s: %s", path, resp.Status, b)
	}
	return resp.StatusCode, a, resp.Header
}

// took returns what has come out since the last time, a line for each record.
func (r *rig) took() []string {
	var lines []string
	for _, ld := range r.sink.AllLogs() {
		lines = append(lines, otelmltest.Lines(ld)...)
	}
	r.sink.Reset()
	return lines
}

// counted returns the sum of a counter of the receiver, over the attributes that
// have a value among wanted.
func (r *rig) counted(name string, wanted ...string) int64 {
	r.t.Helper()
	m, err := r.tel.GetMetric("otelcol_" + name)
	if err != nil {
		return 0
	}
	return sum(m, wanted)
}

func small(cfg *Config) { cfg.HTTP.MaxRequestBodySize = 64 << 10 }
