package predictionreceiver

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/driftmeter/driftmeter/internal/halves/halvestest"
	"github.com/driftmeter/driftmeter/receiver/predictionreceiver/internal/metadata"
)

const benchRows = 1000

// benchBody is a batch of predictions with twelve fields, one on each line.
func benchBody() []byte {
	var b bytes.Buffer
	for i := range benchRows {
		fmt.Fprintf(&b, `{"id":"a%d","timestamp":"2026-01-01T00:00:%02dZ","features":{"age":%d,"region":"EU","amount":12.75,"a":1,"b":2.5,"c":"x","d":0.1,"e":7,"f":8,"g":9},"predictions":{"proba":0.83,"label":true}}`+"\n", i, i%60, i%80)
	}
	return b.Bytes()
}

// What a prediction costs from its JSON to a log record, without the network.
func BenchmarkRows(b *testing.B) {
	cfg := defaultConfig()
	cfg.Mapping.Model = "m"
	made, err := NewFactory().CreateLogs(b.Context(), receivertest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	handler, body := made.(*server).routes(), benchBody()
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest("POST", "/v1/predictions", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/x-ndjson")
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, req); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/prediction")
}

// The same predictions as OTLP in JSON, to compare with.
func BenchmarkOTLPJSON(b *testing.B) {
	sink := new(consumertest.LogsSink)
	cfg := defaultConfig()
	cfg.Mapping.Model = "m"
	made, err := NewFactory().CreateLogs(b.Context(), receivertest.NewNopSettings(metadata.Type), cfg, sink)
	if err != nil {
		b.Fatal(err)
	}
	req := httptest.NewRequest("POST", "/v1/predictions?format=ndjson", bytes.NewReader(benchBody()))
	made.(*server).routes().ServeHTTP(httptest.NewRecorder(), req)
	body, err := (&plog.JSONMarshaler{}).MarshalLogs(sink.AllLogs()[0])
	if err != nil {
		b.Fatal(err)
	}
	read := plog.JSONUnmarshaler{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := read.UnmarshalLogs(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/prediction")
}

// What an inference costs whose halves come in a request each, without the network:
// in memory, and in a storage that does not sync.
func BenchmarkInferences(b *testing.B) {
	for name, change := range map[string]func(*Config){"memory": nil, "file_storage": stored} {
		b.Run(name, func(b *testing.B) {
			cfg := defaultConfig()
			cfg.HTTP.NetAddr.Endpoint = "localhost:0"
			host := componenttest.NewNopHost()
			if change != nil {
				change(cfg)
				host = halvestest.NewHost(b)
			}
			made, err := NewFactory().CreateLogs(b.Context(), receivertest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
			if err != nil {
				b.Fatal(err)
			}
			if err := made.Start(b.Context(), host); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = made.Shutdown(context.WithoutCancel(b.Context())) }()
			handler, n := made.(*server).routes(), 0
			send := func(kind, data string) {
				req := httptest.NewRequest("POST", "/", bytes.NewReader([]byte(data)))
				headers := logged(kind, fmt.Sprint(n), "m")
				for i := 0; i < len(headers); i += 2 {
					req.Header.Set(headers[i], headers[i+1])
				}
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, req); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				n++
				send(kserveRequest, `{"instances":[[39,"EU",12.75,1,2.5,"x",0.1,7,8,9]]}`)
				send(kserveResponse, `{"predictions":[0.83]}`)
			}
		})
	}
}
