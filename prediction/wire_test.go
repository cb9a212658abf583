package prediction_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/otel/log"
	"google.golang.org/grpc"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/prediction"
)

func logRecord(event string) (r log.Record) {
	r.SetEventName(event)
	return r
}

// received keeps the requests of an OTLP server.
type received struct {
	plogotlp.UnimplementedGRPCServer
	mu  sync.Mutex
	all []plogotlp.ExportRequest
}

func (s *received) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, req)
	return plogotlp.NewExportResponse(), nil
}

func (s *received) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	req := plogotlp.NewExportRequest()
	if err := req.UnmarshalProto(body); err != nil || r.URL.Path != "/v1/logs" {
		http.Error(w, "no logs", http.StatusBadRequest)
		return
	}
	_, _ = s.Export(r.Context(), req)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// What the client sends, by the protocol that the environment names, is what the
// collector reads: nothing is refused, and each value has the kind that it had.
func TestCollectorReads(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			got := &received{}
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", serve(t, protocol, got))
			c, err := prediction.New(t.Context(), prediction.Model{Name: "loans", Version: "7"}, prediction.WithEnvironment("production"))
			must(t, err)
			at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
			must(t, c.Log(t.Context(), prediction.Prediction{ID: "a1", Time: at, Features: features{
				place: place{Region: "EU"}, Age: 41, Vector: []float32{0.5, 1}, Weights: map[string]float64{"a": 1},
			}, Outputs: map[string]bool{"approved": true}}))
			must(t, c.Shutdown(t.Context()))
			if len(got.all) != 1 {
				t.Fatalf("%d requests", len(got.all))
			}
			rl := got.all[0].Logs().ResourceLogs().At(0)
			d := otelml.NewDecoder(otelml.Options{})
			d.Resource(rl.Resource().Attributes())
			var r record.Record
			if !d.Record(rl.ScopeLogs().At(0).LogRecords().At(0), time.Time{}, &r, func(f record.Refusal) { t.Error(f) }) {
				t.Fatal("refused")
			}
			if r.Event != record.Prediction || r.Model != "loans" || r.Version != "7" || r.ID != "a1" || r.Environment != "production" || r.Time != at.UnixNano() {
				t.Errorf("%+v", r)
			}
			kinds := map[string]record.Kind{"region": record.Text, "age": record.Integer, "vector": record.List, "weights": record.Dict, "Plain": record.Boolean, "income": record.Missing}
			for name, want := range kinds {
				if v := r.Get(record.Key{Group: record.Features, Name: name}); v.Kind() != want {
					t.Errorf("%s is %s", name, v.Kind())
				}
			}
			if v, _ := r.Get(record.Key{Group: record.Predictions, Name: "approved"}).Bool(); !v {
				t.Error("no prediction")
			}
		})
	}
}

func serve(t *testing.T, protocol string, to *received) string {
	t.Helper()
	if protocol != "grpc" {
		s := httptest.NewServer(to)
		t.Cleanup(s.Close)
		return s.URL
	}
	l, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	s := grpc.NewServer()
	plogotlp.RegisterGRPCServer(s, to)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return "http://" + l.Addr().String()
}

// The variables that turn logging off do so; those that ask for what is not here
// are told.
func TestEnvironment(t *testing.T) {
	for _, set := range [][2]string{{"OTEL_SDK_DISABLED", "true"}, {"OTEL_LOGS_EXPORTER", "none"}} {
		t.Setenv(set[0], set[1])
		c, err := prediction.New(t.Context(), prediction.Model{Name: "m"})
		must(t, err)
		must(t, c.Log(t.Context(), prediction.Prediction{ID: "1", Outputs: map[string]float64{"p": 1}}))
		must(t, c.Shutdown(t.Context()))
		t.Setenv(set[0], "")
	}
	for _, set := range [][2]string{{"OTEL_LOGS_EXPORTER", "console"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}, {"OTEL_BLRP_MAX_QUEUE_SIZE", "many"}} {
		t.Setenv(set[0], set[1])
		_, err := prediction.New(t.Context(), prediction.Model{Name: "m"})
		if err == nil || !strings.Contains(err.Error(), set[0]+"="+set[1]) {
			t.Errorf("%v", err)
		}
		t.Setenv(set[0], "")
	}
}
