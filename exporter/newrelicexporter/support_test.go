package newrelicexporter

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/exporter/newrelicexporter/internal/metadata"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

const testKey = "0123456789012345678901234567890123456789"

// fake is New Relic: it checks each request as the documentation says, and keeps
// the bodies it accepted.
type fake struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	script map[string][]answer // of each path: what the next requests are answered
	taken  map[string][]string // of each path: bodies that were accepted
	asked  map[string]int      // of each path: all requests
	times  []time.Time         // of all requests
	refuse int                 // what NerdGraph answers, if not 0
	ill    map[string]answer   // of each path: what all requests are answered while it is there

	askedAt map[string][]time.Time // of each path: its requests
}

// answer is what a request is answered.
type answer struct {
	status     int
	retryAfter string
	hang       bool
}

// Paths of the interfaces.
const (
	metricPath  = "/metric/v1"
	eventPath   = "/v1/accounts/events"
	logPath     = "/log/v1"
	graphQLPath = "/graphql"
)

func newFake(t *testing.T) *fake {
	f := &fake{t: t, script: map[string][]answer{}, taken: map[string][]string{}, asked: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.asked[r.URL.Path]++
	f.times = append(f.times, time.Now())
	if f.askedAt == nil {
		f.askedAt = map[string][]time.Time{}
	}
	f.askedAt[r.URL.Path] = append(f.askedAt[r.URL.Path], time.Now())
	a := answer{status: http.StatusAccepted}
	if r.URL.Path == eventPath {
		a.status = http.StatusOK
	}
	if s := f.script[r.URL.Path]; len(s) > 0 {
		a, f.script[r.URL.Path] = s[0], s[1:]
	}
	if i, ok := f.ill[r.URL.Path]; ok {
		a = i
	}
	f.mu.Unlock()
	if a.hang {
		<-r.Context().Done()
		return
	}
	if r.URL.Path == graphQLPath && f.refuse != 0 {
		w.WriteHeader(f.refuse)
		return
	}
	if r.URL.Path == graphQLPath {
		f.keep(r.URL.Path, string(raw))
		_, _ = io.WriteString(w, `{"data":{"changeTrackingCreateEvent":{"changeTrackingEvent":{"changeTrackingId":"id-1"},"messages":[]}}}`)
		return
	}
	body := f.check(r, raw)
	if a.status == http.StatusOK || a.status == http.StatusAccepted {
		f.keep(r.URL.Path, body)
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, `{"requestId":"f0f0f0f0-0000-0001"}`)
}

func (f *fake) keep(path, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken[path] = append(f.taken[path], body)
}

// check returns the body, if it is one that New Relic's documentation allows.
func (f *fake) check(r *http.Request, raw []byte) string {
	if len(raw) > 1_000_000 {
		f.t.Errorf("%s: %d bytes", r.URL.Path, len(raw))
	}
	for k, want := range map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip", "Api-Key": testKey} {
		if got := r.Header.Values(k); len(got) != 1 || got[0] != want {
			f.t.Errorf("%s: header %s is %q", r.URL.Path, k, got)
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		f.t.Error(err)
		return ""
	}
	body, _ := io.ReadAll(z)
	f.documented(r.URL.Path, body)
	var blocks []map[string]json.RawMessage
	if err := json.Unmarshal(body, &blocks); err != nil || len(blocks) == 0 {
		f.t.Errorf("%s: %v in %.200s", r.URL.Path, err, body)
		return ""
	}
	if r.Method != http.MethodPost {
		f.t.Errorf("%s", r.Method)
	}
	for _, b := range blocks {
		switch r.URL.Path {
		case metricPath:
			checkMetrics(f.t, b)
		case eventPath:
			checkEvent(f.t, b)
		case logPath:
			checkLogs(f.t, b)
		default:
			f.t.Errorf("path %s", r.URL.Path)
		}
	}
	return string(body)
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9:._]{1,255}$`)

func checkAttributes(t *testing.T, limit int, sets ...map[string]any) {
	t.Helper()
	n := 0
	for _, s := range sets {
		n += len(s)
		for k, v := range s {
			if !keyForm.MatchString(k) {
				t.Errorf("attribute %q", k)
			}
			switch v := v.(type) {
			case string:
				if len(v) > 4096 {
					t.Errorf("attribute %s has %d bytes", k, len(v))
				}
			case float64, bool:
			default:
				t.Errorf("attribute %s is %T", k, v)
			}
		}
	}
	if n > limit {
		t.Errorf("%d attributes, the limit is %d", n, limit)
	}
}

func checkMetrics(t *testing.T, block map[string]json.RawMessage) {
	t.Helper()
	var common struct{ Attributes map[string]any }
	var metrics []struct {
		Name, Type string
		Value      any
		Timestamp  *int64
		Interval   *int64 `json:"interval.ms"`
		Attributes map[string]any
	}
	strict(t, block, "common", &common)
	strict(t, block, "metrics", &metrics)
	if len(metrics) == 0 || len(block) != 2 {
		t.Errorf("block with %d metrics and keys %v", len(metrics), slices.Sorted(maps.Keys(block)))
	}
	for _, m := range metrics {
		checkAttributes(t, 150, common.Attributes, m.Attributes)
		if _, ok := m.Attributes[m.Name]; ok || m.Name == "" || len(m.Name) > 254 || m.Timestamp == nil {
			t.Errorf("metric %+v", m)
		}
		switch {
		case m.Type == "gauge":
			if _, ok := m.Value.(float64); !ok {
				t.Errorf("gauge %+v", m)
			}
		case m.Interval == nil || *m.Interval <= 0:
			t.Errorf("%s without interval: %+v", m.Type, m)
		case m.Type == "count":
			if v, ok := m.Value.(float64); !ok || v < 0 {
				t.Errorf("count %+v", m)
			}
		case m.Type == "summary":
			v, _ := m.Value.(map[string]any)
			if slices.Compare(slices.Sorted(maps.Keys(v)), []string{"count", "max", "min", "sum"}) != 0 {
				t.Errorf("summary %+v", m)
			}
		default:
			t.Errorf("type %q", m.Type)
		}
	}
}

func strict(t *testing.T, block map[string]json.RawMessage, key string, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(block[key]))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Errorf("%s: %v in %.300s", key, err, block[key])
	}
}

func checkEvent(t *testing.T, event map[string]json.RawMessage) {
	t.Helper()
	attrs := map[string]any{}
	for k, v := range event {
		var x any
		_ = json.Unmarshal(v, &x)
		if _, boolean := x.(bool); boolean {
			t.Errorf("%s is a boolean", k)
		}
		attrs[k] = x
	}
	checkAttributes(t, 254, attrs)
	if kind, _ := attrs["eventType"].(string); !regexp.MustCompile(`^[A-Za-z0-9_:]+$`).MatchString(kind) {
		t.Errorf("eventType %v", attrs["eventType"])
	}
	if at, _ := attrs["timestamp"].(float64); at < 1e12 || at != float64(int64(at)) {
		t.Errorf("timestamp %v", attrs["timestamp"])
	}
}

func checkLogs(t *testing.T, block map[string]json.RawMessage) {
	t.Helper()
	var common struct{ Attributes map[string]any }
	var logs []struct {
		Message    string
		Timestamp  int64
		Attributes map[string]any
	}
	strict(t, block, "common", &common)
	strict(t, block, "logs", &logs)
	for _, l := range logs {
		checkAttributes(t, 255, common.Attributes, l.Attributes)
	}
	if len(logs) == 0 {
		t.Error("no logs")
	}
}

func (f *fake) count(path string) (asked, taken int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path], len(f.taken[path])
}

// config is that of an exporter that sends to the fake.
func (f *fake) config(url ...string) *Config {
	c := defaultConfig()
	c.APIKey = testKey
	if url == nil {
		url = []string{f.URL}
	}
	c.ClientConfig.Endpoint = url[0]
	c.RetryConfig.InitialInterval = 10 * time.Millisecond
	c.RetryConfig.MaxInterval = 20 * time.Millisecond
	return c
}

// settings of an exporter whose log can be read.
func settings() (exporter.Settings, *observer.ObservedLogs) {
	core, logs := observer.New(zap.InfoLevel)
	set := exportertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	set.BuildInfo.Command, set.BuildInfo.Version = "driftmeter", "1.0.0"
	return set, logs
}

// metricsExporter starts the whole exporter, with queue and retry.
func (f *fake) metricsExporter(c *Config) (exporter.Metrics, *observer.ObservedLogs) {
	f.t.Helper()
	set, logs := settings()
	e, err := NewFactory().CreateMetrics(f.t.Context(), set, c)
	if err == nil {
		err = e.Start(f.t.Context(), componenttest.NewNopHost())
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			f.t.Error(err)
		}
	})
	return e, logs
}

// pushers are the exporter without its queue, at a time of the test's choice.
func (f *fake) metricsPusher(c *Config, now time.Time, host ...component.Host) *metricsPusher {
	f.t.Helper()
	host = append(host, componenttest.NewNopHost())
	set, _ := settings()
	s, err := newSender(set, c)
	if err != nil {
		f.t.Fatal(err)
	}
	s.now = func() time.Time { return now }
	m := newMetricsPusher(s, c)
	if err := m.start(f.t.Context(), host[0]); err != nil {
		f.t.Fatal(err)
	}
	return m
}

func (f *fake) logsPusher(c *Config, now time.Time) *logsPusher {
	f.t.Helper()
	set, _ := settings()
	s, err := newSender(set, c)
	if err != nil {
		f.t.Fatal(err)
	}
	s.now = func() time.Time { return now }
	if err := s.start(f.t.Context(), componenttest.NewNopHost()); err != nil {
		f.t.Fatal(err)
	}
	return newLogsPusher(s, c)
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !wait.For(ok) {
		t.Fatal("never: " + what)
	}
}

// golden compares bodies with a file, in a form that does not depend on the
// order of keys. GOLDEN=write renews it.
func golden(t *testing.T, name string, bodies map[string][]string) {
	t.Helper()
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(bodies)) {
		for _, body := range bodies[path] {
			var v any
			if err := json.Unmarshal([]byte(body), &v); err != nil {
				t.Fatal(err)
			}
			text, _ := json.MarshalIndent(v, "", " ")
			b.WriteString("POST " + path + "\n" + string(text) + "\n")
		}
	}
	file := filepath.Join("testdata", name+".txt")
	if os.Getenv("GOLDEN") == "write" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != b.String() {
		t.Errorf("%s differs (%v); got\n%s", file, err, b.String())
	}
}

func timestamp(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

// window is the time of the tests' points.
var window = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// gauges returns points of a model: one for each name.
func gauges(names ...string) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	sm := rm.ScopeMetrics().AppendEmpty()
	for i, n := range names {
		m := sm.Metrics().AppendEmpty()
		m.SetName(n)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetStartTimestamp(timestamp(window.Add(-time.Hour)))
		p.SetTimestamp(timestamp(window))
		p.SetDoubleValue(float64(i))
		p.Attributes().PutStr("ml.model.name", "churn")
		p.Attributes().PutStr("ml.model.version", "2")
	}
	return md
}

// records returns log records with an event name.
func records(names ...string) plog.Logs {
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	for _, n := range names {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetEventName(n)
		lr.SetTimestamp(timestamp(window))
		lr.Attributes().PutStr("ml.model.name", "churn")
		lr.Attributes().PutStr("ml.model.version", "2")
	}
	return ld
}
