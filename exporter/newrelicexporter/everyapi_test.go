package newrelicexporter

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/internal/deadport"
)

// Every interface through every trouble, with a queue on disk and a new process in
// the midst: nothing is lost, nothing comes twice, New Relic is not asked before it
// said, and the log says what to do.
func TestEveryInterfaceInTrouble(t *testing.T) {
	t.Parallel()
	paths := map[string][]string{"metrics": {metricPath}, "evaluations": {metricPath, eventPath}, "incidents": {eventPath, logPath}, "logs": {logPath}}
	for illness, c := range map[string]struct {
		answer answer
		says   string
	}{
		"500":  {answer{status: http.StatusInternalServerError}, "answered 500"},
		"429":  {answer{status: http.StatusTooManyRequests, retryAfter: "2"}, "it is tried again when New Relic allows"},
		"hang": {answer{hang: true}, "did not answer in time; raise timeout"},
		"401":  {answer{status: http.StatusUnauthorized}, "it does not accept the api_key …6789; check that this is a licence key"},
		"403":  {answer{status: http.StatusForbidden}, "check that this is a licence key"},
		"down": {says: "connection refused; check the endpoint"},
	} {
		for kind, sick := range paths {
			t.Run(illness+" "+kind, func(t *testing.T) {
				t.Parallel()
				f := &fake{t: t, script: map[string][]answer{}, taken: map[string][]string{}, asked: map[string]int{}, ill: map[string]answer{}}
				addr, listen := deadport.Reserve(t)
				serve := func() {
					f.Server = httptest.NewUnstartedServer(f)
					f.Listener = listen()
					f.Server.Start()
					t.Cleanup(f.Server.Close)
				}
				if illness != "down" {
					for _, p := range sick {
						f.ill[p] = c.answer
					}
					serve()
				}
				p := pipe{f: f, kind: kind, url: "http://" + addr, dir: t.TempDir(), hasty: illness == "hang"}
				p.start(t)
				p.send(t, "a")
				eventually(t, "says what to do", func() bool { return said(p.logs, c.says) })
				p.send(t, "b") // what was said to the one batch holds for the other
				heal := func() {
					if illness == "down" {
						serve()
					}
					f.mu.Lock()
					clear(f.ill)
					f.mu.Unlock()
				}
				switch illness {
				case "401", "403", "hang": // a key that is mended comes with a new process, and so does patience
					p.stop(t)
					heal()
					p.hasty = false
					p.start(t)
				case "429": // a new process would ask at once
					heal()
				default:
					p.stop(t)
					p.start(t)
					heal()
				}
				eventually(t, "all that was kept", func() bool { return len(p.has()) >= len(p.wants("a", "b")) })
				p.stop(t)
				p.start(t)
				p.send(t, "c")
				want := p.wants("a", "b", "c")
				eventually(t, "what came later", func() bool { return len(p.has()) >= len(want) })
				p.stop(t)
				if got := p.has(); !slices.Equal(got, want) {
					t.Errorf("taken %q\nwant  %q", got, want)
				}
				if illness == "429" {
					f.mu.Lock()
					defer f.mu.Unlock()
					for _, path := range sick {
						if at := f.askedAt[path]; at[1].Sub(at[0]) < 1900*time.Millisecond {
							t.Errorf("%s was asked again after %s", path, at[1].Sub(at[0]))
						}
					}
				}
			})
		}
	}
}

// While one interface is down the other takes its part of a batch once.
func TestOneInterfaceInTrouble(t *testing.T) {
	t.Parallel()
	for kind, sick := range map[string]string{"evaluations": eventPath, "incidents": eventPath} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.ill = map[string]answer{sick: {status: http.StatusServiceUnavailable}}
			p := pipe{f: f, kind: kind, url: f.URL, dir: t.TempDir()}
			p.start(t)
			p.send(t, "a")
			eventually(t, "two attempts", func() bool { asked, _ := f.count(sick); return asked >= 2 })
			f.mu.Lock()
			clear(f.ill)
			f.mu.Unlock()
			want := p.wants("a")
			eventually(t, "the rest", func() bool { return len(p.has()) >= len(want) })
			p.stop(t)
			if got := p.has(); !slices.Equal(got, want) {
				t.Errorf("taken %q\nwant  %q", got, want)
			}
		})
	}
}

// pipe is an exporter of one kind of things, with its queue on disk.
type pipe struct {
	f         *fake
	kind      string
	url, dir  string
	hasty     bool // does not wait long for an answer
	logs      *observer.ObservedLogs
	exporter  component.Component
	extension component.Component
	push      func(name string) error
}

type cellar struct{ component.Component }

func (c cellar) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{diskID: c.Component}
}

func (p *pipe) start(t *testing.T) {
	t.Helper()
	factory := filestorage.NewFactory()
	disk := factory.CreateDefaultConfig().(*filestorage.Config)
	disk.Directory = p.dir
	ext, err := factory.Create(t.Context(), extension.Settings{ID: diskID, TelemetrySettings: componenttest.NewNopTelemetrySettings(), BuildInfo: extensiontest.NewNopSettings(factory.Type()).BuildInfo}, disk)
	if err == nil {
		err = ext.Start(t.Context(), componenttest.NewNopHost())
	}
	if err != nil {
		t.Fatal(err)
	}
	c := p.f.config(p.url)
	if p.hasty {
		c.ClientConfig.Timeout = 3 * time.Second
	}
	c.QueueConfig.Get().StorageID = &diskID
	if p.kind == "metrics" {
		c.EventModes = nil
	}
	set, logs := settings()
	set.ID = component.NewIDWithName(set.ID.Type(), "") // the same after a restart
	p.logs, p.extension = logs, ext
	if p.kind == "metrics" || p.kind == "evaluations" {
		e, err := NewFactory().CreateMetrics(t.Context(), set, c)
		if err != nil {
			t.Fatal(err)
		}
		p.exporter, p.push = e, func(name string) error { return e.ConsumeMetrics(context.Background(), recent(name)) }
	} else {
		e, err := NewFactory().CreateLogs(t.Context(), set, c)
		if err != nil {
			t.Fatal(err)
		}
		p.exporter, p.push = e, func(name string) error {
			ld := records(map[string]string{"logs": "other", "incidents": "ml.alert"}[p.kind])
			lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			if p.kind == "incidents" {
				alert(lr, "firing")
				lr.Attributes().PutStr("ml.alert.id", name)
			}
			lr.Body().SetStr(name)
			lr.SetTimestamp(timestamp(time.Now()))
			return e.ConsumeLogs(context.Background(), ld)
		}
	}
	if err := p.exporter.Start(t.Context(), cellar{ext}); err != nil {
		t.Fatal(err)
	}
}

func (p *pipe) stop(t *testing.T) {
	t.Helper()
	if err := p.exporter.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := p.extension.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (p *pipe) send(t *testing.T, name string) {
	t.Helper()
	if err := p.push(name); err != nil {
		t.Fatal(err)
	}
}

// wants is what New Relic is to have of things, sorted.
func (p *pipe) wants(names ...string) (all []string) {
	for _, n := range names {
		switch p.kind {
		case "metrics":
			all = append(all, "metric "+n)
		case "evaluations":
			all = append(all, "metric "+n, "event "+n)
		case "incidents":
			all = append(all, "incident "+n, "log "+n)
		default:
			all = append(all, "log "+n)
		}
	}
	slices.Sort(all)
	return all
}

// has is what New Relic has, sorted.
func (p *pipe) has() (all []string) {
	for _, n := range p.f.names() {
		all = append(all, "metric "+n)
	}
	for _, e := range p.f.eventsTaken() {
		if e["eventType"] == "NrAiIncidentExternal" {
			all = append(all, fmt.Sprint("incident ", e["externalId"]))
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(e)) {
			if len(k) == 1 {
				all = append(all, "event "+k)
			}
		}
	}
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	for _, body := range p.f.taken[logPath] {
		var blocks []struct{ Logs []struct{ Message string } }
		_ = json.Unmarshal([]byte(body), &blocks)
		for _, b := range blocks {
			for _, l := range b.Logs {
				all = append(all, "log "+l.Message)
			}
		}
	}
	slices.Sort(all)
	return all
}
