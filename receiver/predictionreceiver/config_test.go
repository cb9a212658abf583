package predictionreceiver

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/driftmeter/driftmeter/receiver/predictionreceiver/internal/metadata"
)

func TestConfigStruct(t *testing.T) {
	if err := componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()); err != nil {
		t.Error(err)
	}
	if err := defaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// All mistakes are told at once, with those of confighttp's keys.
func TestMistakesAreToldAtOnce(t *testing.T) {
	conf := confmap.NewFromStringMap(map[string]any{
		"endpoint": "", "endpiont": "x", "max_request_body_size": "large", "max_rows": -1, "attribute_prefix": "ml",
		"mapping":   map[string]any{"rest": "drop", "idd": "x"},
		"mappings":  map[string]any{"fraud": map[string]any{"columns": map[string]any{"a": "b"}}},
		"inference": map[string]any{"pair_window": 10, "max_pending": 0},
	})
	cfg := defaultConfig()
	if err := conf.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	err := cfg.Validate()
	for _, want := range []string{`endpoint=""`, "endpiont is not a key", "max_request_body_size=", "max_rows=-1 must be positive", `attribute_prefix="ml"`,
		`mapping.rest="drop"`, "mapping.idd is not a key", `mappings[fraud].columns.a="b" is no target`, "inference.pair_window=10 must have a unit", "inference.max_pending=0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
}

// The keys of confighttp are read beside our own.
func TestKeysOfTheServer(t *testing.T) {
	conf := confmap.NewFromStringMap(map[string]any{"endpoint": "localhost:1", "max_request_body_size": 5, "mapping": map[string]any{"rest": "features"},
		"cors": map[string]any{"allowed_origins": []any{"https://example.com"}}, "tls": map[string]any{"cert_file": "a", "key_file": "b"}})
	cfg := defaultConfig()
	if err := conf.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil || cfg.HTTP.MaxRequestBodySize != 5 || cfg.HTTP.NetAddr.Endpoint != "localhost:1" || !cfg.HTTP.TLS.HasValue() ||
		!cfg.HTTP.CORS.HasValue() || cfg.Mapping.Rest != "features" || cfg.MaxRows != 100_000 {
		t.Errorf("%v: %+v", err, cfg)
	}
}

// generator sends predictions as the Collector's own test of receivers wants.
type generator struct {
	t  *testing.T
	at *string
	n  atomic.Int64 // it is asked from several goroutines
}

func (c *generator) Start()           {}
func (c *generator) Stop()            {}
func (c *generator) TestName() string { return "" }
func (c *generator) Generate() []receivertest.UniqueIDAttrVal {
	id := receivertest.UniqueIDAttrVal(fmt.Sprint(c.n.Add(1)))
	for {
		resp, err := http.Post(*c.at+"/v1/predictions?model=m", "application/json", strings.NewReader(fmt.Sprintf(`{"id":%q,"features":{"x":1}}`, id))) //nolint:noctx // a test of the Collector's own form
		if err != nil {
			c.t.Error(err)
			return nil
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable { // which says to try again
			return []receivertest.UniqueIDAttrVal{id}
		}
	}
}

// Whatever the pipeline answers, nothing that was acknowledged is lost.
func TestConsumeContract(t *testing.T) {
	var at string
	inner := NewFactory()
	factory := receiver.NewFactory(metadata.Type, inner.CreateDefaultConfig, receiver.WithLogs(
		func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			named, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
				for _, rl := range ld.ResourceLogs().All() {
					for _, sl := range rl.ScopeLogs().All() {
						for _, lr := range sl.LogRecords().All() {
							id, _ := lr.Attributes().Get("ml.prediction.id")
							lr.Attributes().PutStr(receivertest.UniqueIDAttrName, id.Str())
						}
					}
				}
				return next.ConsumeLogs(ctx, ld)
			})
			if err != nil {
				return nil, err
			}
			made, err := inner.CreateLogs(ctx, set, cfg, named)
			if err != nil {
				return nil, err
			}
			front := httptest.NewServer(made.(*server).routes())
			t.Cleanup(front.Close)
			at = front.URL
			return made, nil
		}, metadata.LogsStability))
	cfg := defaultConfig()
	cfg.HTTP.NetAddr.Endpoint = "localhost:0"
	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T: t, Factory: factory, Signal: pipeline.SignalLogs, Config: cfg, Generator: &generator{t: t, at: &at}, GenerateCount: 200,
	})
}

// Whatever comes with whatever type, an answer goes out, and no more records than bytes.
func FuzzBody(f *testing.F) {
	for media, known := range formats {
		f.Add("/v1/predictions", media, []byte(`{"id":"a","features":{"x":[1,2]}}`))
		f.Add("/v1/reference", media, []byte("id,features.x\n1,2\n"+known))
	}
	f.Add("/", structured, []byte(`{"type":"`+kserveRequest+`","id":"a","data":{"inputs":[{"name":"a","shape":[1],"data":[1]}]}}`))
	f.Add("/", batched, []byte(`[{"type":"`+kserveRequest+`","id":"a","data_base64":"e30="}]`))
	sink := new(consumertest.LogsSink)
	cfg := defaultConfig()
	cfg.Mapping.Model = "m"
	made, err := NewFactory().CreateLogs(f.Context(), receivertest.NewNopSettings(metadata.Type), cfg, sink)
	if err != nil {
		f.Fatal(err)
	}
	handler := made.(*server).routes()
	f.Fuzz(func(t *testing.T, path, media string, body []byte) {
		if path != "/" && !strings.HasPrefix(path, "/v1/") || strings.ContainsAny(path, "?# %") {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x"+path, strings.NewReader(string(body)))
		if err != nil {
			return
		}
		req.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		sink.Reset()
		began := time.Now()
		handler.ServeHTTP(w, req)
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("took %v", took)
		}
		if w.Code < 200 || w.Code >= 500 || sink.LogRecordCount() > len(body) {
			t.Fatalf("%d, %d records: %s", w.Code, sink.LogRecordCount(), w.Body)
		}
	})
}
