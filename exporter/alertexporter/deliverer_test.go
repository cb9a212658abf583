package alertexporter

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"gopkg.in/yaml.v2"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// fake is a destination: it keeps what it is sent.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	got    []hit
	answer func(n int, w http.ResponseWriter, h hit) // n counts from 0; nil is 200 and "{}"
}

type hit struct {
	method, path string
	header       http.Header
	body         []byte
	at           time.Time
	given        <-chan struct{} // closed when whoever asked has gone
}

// json decodes the body of a hit.
func (h hit) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(h.body, &v); err != nil {
		t.Fatalf("%v: %s", err, h.body)
	}
	return v
}

func newFake(t *testing.T, answer func(n int, w http.ResponseWriter, h hit)) *fake {
	t.Helper()
	f := &fake{answer: answer}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h := hit{r.Method, r.URL.Path, r.Header, b, time.Now(), r.Context().Done()}
		f.mu.Lock()
		n := len(f.got)
		f.got = append(f.got, h)
		f.mu.Unlock()
		if f.answer != nil {
			f.answer(n, w, h)
			return
		}
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) hits() []hit {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]hit(nil), f.got...)
}

// wait waits until there are n requests, and returns them.
func (f *fake) wait(t *testing.T, n int) []hit {
	t.Helper()
	if !wait.For(func() bool { return len(f.hits()) >= n }) {
		t.Fatalf("%d requests came, not %d: %q", len(f.hits()), n, bodies(f.hits()))
	}
	return f.hits()
}

// last waits until the last request is of a kind, and returns it and how many there
// are. Alerts that end together may be told in one message or in two.
func (f *fake) last(t *testing.T, kind func(hit) bool) (hit, int) {
	t.Helper()
	if !wait.For(func() bool { h := f.hits(); return len(h) > 0 && kind(h[len(h)-1]) }) {
		t.Fatalf("it did not come: %q", bodies(f.hits()))
	}
	h := f.hits()
	return h[len(h)-1], len(h)
}

// quiet checks that nothing more than n requests come for longer than a
// group_interval.
func (f *fake) quiet(t *testing.T, n int) {
	t.Helper()
	time.Sleep(1500 * time.Millisecond)
	if h := f.hits(); len(h) != n {
		t.Fatalf("%d requests came, not %d: %q", len(h), n, bodies(h))
	}
}

func bodies(hs []hit) []string {
	var all []string
	for _, h := range hs {
		all = append(all, h.method+" "+h.path+" "+string(h.body[:min(len(h.body), 300)]))
	}
	return all
}

// config reads YAML as the Collector does.
func config(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func parse(text string) (*Config, error) {
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		return nil, err
	}
	cfg := defaultConfig()
	return cfg, confmap.NewFromStringMap(strung(m).(map[string]any)).Unmarshal(cfg)
}

// strung turns maps as yaml.v2 reads them into those of the Collector.
func strung(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = strung(x)
		}
		return v
	case map[any]any:
		m := map[string]any{}
		for k, x := range v {
			m[k.(string)] = strung(x)
		}
		return m
	case []any:
		for i, x := range v {
			v[i] = strung(x)
		}
		return v
	default:
		return v
	}
}

// running is an exporter, started.
type running struct {
	exporter.Logs
	t    *testing.T
	logs *observer.ObservedLogs
}

func start(t *testing.T, cfg *Config) *running {
	t.Helper()
	set := exportertest.NewNopSettings(NewFactory().Type())
	set.ID = component.NewID(NewFactory().Type()) // the same one after a restart
	core, logs := observer.New(zapcore.InfoLevel)
	set.Logger = zap.New(core)
	e, err := NewFactory().CreateLogs(t.Context(), set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	r := &running{e, t, logs}
	t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	return r
}

func (r *running) send(alerts ...alert.Alert) {
	r.t.Helper()
	if err := r.ConsumeLogs(r.t.Context(), otelml.Alerts(alerts)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) stop() {
	r.t.Helper()
	if err := r.Shutdown(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// sees waits for a line in the log.
func (r *running) sees(part string) {
	r.t.Helper()
	if wait.For(func() bool {
		return slices.ContainsFunc(r.logs.All(), func(e observer.LoggedEntry) bool {
			return strings.Contains(e.Message+" "+text(e.ContextMap()["error"]), part)
		})
	}) {
		return
	}
	var lines []string
	for _, e := range r.logs.All() {
		lines = append(lines, e.Message+" "+text(e.ContextMap()["error"]))
	}
	r.t.Errorf("the log does not say %q, but %q", part, lines)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

var began = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// firing is an alert on a field of a model.
func firing(field string) alert.Alert {
	a := Example(began.Add(time.Minute))
	a.Monitor.Name, a.Monitor.ID = "Income drift", "m1"
	a.Model, a.Field, a.Severity = "loans", field, alert.High
	a.Text = "The income of loans v1 has drifted."
	a.Monitor.RunbookURL, a.DashboardURL = "https://runbooks.example/drift", "https://driftmeter.example/models/loans"
	a.Identify()
	return a
}

// over is the end of an alert.
func over(a alert.Alert) alert.Alert {
	a.State, a.At = alert.Resolved, a.At.Add(time.Hour)
	a.Ended, a.Value = a.At, new(0.04)
	a.Text = "The income of loans v1 is as it was."
	return a
}

// quick is a route that does not make tests wait for long. Its group_wait is as
// long as a slow machine may take to hand on the alerts of one batch.
const quick = `
route: {receiver: team, group_wait: 500ms, group_interval: 1s, repeat_interval: 1h}
`

// One message for what drifts together, none again, a message for the end.
func TestGroupsOnceAndResolves(t *testing.T) {
	t.Parallel()
	hook := newFake(t, nil)
	cfg := config(t, quick+`
directory: `+t.TempDir()+`
receivers: [{name: team, slack: {webhook_url: "`+hook.URL+`/services/T/B/x"}}]
`)
	r := start(t, cfg)
	r.send(firing("income"), firing("age"))
	h := hook.wait(t, 1)[0]
	if s := h.json(t)["text"].(string); !strings.Contains(s, "*Firing* Income drift: loans (2 alerts)") {
		t.Errorf("text %q", s)
	}
	again := firing("income")
	again.At, again.Value, again.Text = again.At.Add(time.Hour), new(0.5), "worse"
	r.send(again, firing("age"))
	hook.quiet(t, 1)
	r.send(over(again), over(firing("age")))
	_, n := hook.last(t, resolved)
	if n > 3 {
		t.Errorf("%d messages: %q", n, bodies(hook.hits()))
	}
	hook.quiet(t, n)
}

// resolved is a message of Slack that says that all is over.
func resolved(h hit) bool { return strings.HasPrefix(string(h.body), `{"text":"*Resolved*`) }

// Stopping writes nothing: what a restart finds is what a kill leaves.
//
// After a restart what was delivered is not sent again, what was not is, and an
// end that came while nothing ran is not lost.
func TestRestart(t *testing.T) {
	t.Parallel()
	down := true
	var mu sync.Mutex
	hook := newFake(t, func(_ int, w http.ResponseWriter, _ hit) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	dir := t.TempDir()
	cfg := config(t, quick+`
directory: `+dir+`
receivers: [{name: team, slack: {webhook_url: "`+hook.URL+`"}}]
`)
	r := start(t, cfg)
	r.send(firing("income"))
	hook.wait(t, 1)
	r.stop() // nothing was delivered
	mu.Lock()
	down = false
	mu.Unlock()
	n := len(hook.hits())
	r = start(t, cfg)
	hook.wait(t, n+1)
	hook.quiet(t, n+1)
	r.stop() // delivered

	r = start(t, cfg)
	hook.quiet(t, n+1)
	r.send(over(firing("income")))
	r.stop() // the end is kept, perhaps not sent
	r = start(t, cfg)
	hook.wait(t, n+2)
	hook.quiet(t, n+2)
	r.stop()

	r = start(t, cfg) // the book is empty
	hook.quiet(t, n+2)
	if got := r.Logs.(*deliverer).core.Firing(); got != 0 {
		t.Errorf("%d alerts fire", got)
	}
}

// An end that was told, of an alert whose group goes on, is not told again by the
// next process, though the group has long forgotten it.
func TestEndIsToldOnce(t *testing.T) {
	t.Parallel()
	hook := newFake(t, nil)
	cfg := config(t, quick+`
directory: `+t.TempDir()+`
receivers: [{name: team, slack: {webhook_url: "`+hook.URL+`"}}]
`)
	r := start(t, cfg)
	r.send(firing("income"), firing("age"))
	hook.wait(t, 1)
	r.send(over(firing("income")))
	hook.wait(t, 2)
	r.send(firing("zip"))
	hook.wait(t, 3)
	r.stop()
	r = start(t, cfg)
	hook.quiet(t, 3)
	again := firing("income") // another run
	again.Started, again.At = again.At.Add(2*time.Hour), again.At.Add(2*time.Hour)
	r.send(again)
	hook.wait(t, 4)
	r.send(over(again), over(firing("age")), over(firing("zip")))
	_, n := hook.last(t, resolved)
	hook.quiet(t, n)
	r.stop()
}
