package newrelicexporter

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"
)

// names returns the names of all metrics that were accepted, in their order.
func (f *fake) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, body := range f.taken[metricPath] {
		var blocks []struct{ Metrics []struct{ Name string } }
		_ = json.Unmarshal([]byte(body), &blocks)
		for _, b := range blocks {
			for _, m := range b.Metrics {
				names = append(names, m.Name)
			}
		}
	}
	return names
}

// eventsTaken returns the events that were accepted.
func (f *fake) eventsTaken() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []map[string]any
	for _, body := range f.taken[eventPath] {
		var events []map[string]any
		_ = json.Unmarshal([]byte(body), &events)
		all = append(all, events...)
	}
	return all
}

// What each answer does to a batch, through queue and retry: whatever can be
// sent later arrives once.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []answer
		asked   int
		taken   int
		pause   time.Duration // at least, between the first and the last request
		says    string
	}{
		{"accepted", nil, 1, 1, 0, ""},
		{"200 is as good as 202", []answer{{status: 200}}, 1, 1, 0, ""},
		{"busy", []answer{{status: 500}, {status: 503}, {status: 502}}, 4, 1, 0, ""},
		{"slow", []answer{{status: 408}}, 2, 1, 0, ""},
		{"too many requests", []answer{{status: 429, retryAfter: "1"}}, 2, 1, time.Second, ""},
		{"busy until", []answer{{status: 503, retryAfter: "1"}}, 2, 1, time.Second, ""},
		{"no answer", []answer{{hang: true}}, 2, 1, 0, ""},
		{"bad body", []answer{{status: 400}}, 1, 0, 0, "it was refused and will not be sent again"},
		{"no length", []answer{{status: 411}}, 1, 0, 0, "it was refused and will not be sent again"},
		{"wrong type", []answer{{status: 415}}, 1, 0, 0, "it was refused and will not be sent again"},
		{"too large, four points", []answer{{status: 413}}, 3, 2, 0, ""},
		{"too large, down to one point", slices.Repeat([]answer{{status: 413}}, 3), 6, 3, 0, "it is too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.script[metricPath] = c.answers
			cfg := f.config()
			cfg.EventModes = nil
			cfg.ClientConfig.Timeout = 2 * time.Second
			e, logs := f.metricsExporter(cfg)
			if err := e.ConsumeMetrics(t.Context(), recent("a", "b", "c", "d")); err != nil {
				t.Fatal(err)
			}
			eventually(t, "all requests", func() bool { asked, taken := f.count(metricPath); return asked >= c.asked && taken >= c.taken })
			eventually(t, "said what to do", func() bool { return c.says == "" || said(logs, c.says) })
			if asked, taken := f.count(metricPath); asked != c.asked || taken != c.taken {
				t.Errorf("%d requests and %d taken, want %d and %d", asked, taken, c.asked, c.taken)
			}
			f.mu.Lock()
			pause := f.times[len(f.times)-1].Sub(f.times[0])
			f.mu.Unlock()
			if pause < c.pause {
				t.Errorf("came again after %s, want %s", pause, c.pause)
			}
			names := f.names()
			slices.Sort(names)
			if len(slices.Compact(slices.Clone(names))) != len(names) {
				t.Errorf("taken twice: %q", names)
			}
			if c.says == "" && len(names) != 4 {
				t.Errorf("taken: %q", names)
			}
		})
	}
}

// said reports whether a line of the log has a text, in itself or its error.
func said(logs *observer.ObservedLogs, text string) bool {
	return slices.ContainsFunc(logs.All(), func(e observer.LoggedEntry) bool {
		return strings.Contains(e.Message, text) || strings.Contains(fmt.Sprint(e.ContextMap()), text)
	})
}

// recent returns gauges of now.
func recent(names ...string) pmetric.Metrics {
	md, now := gauges(names...), time.Now()
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		p := m.Gauge().DataPoints().At(0)
		p.SetTimestamp(timestamp(now))
		p.SetStartTimestamp(timestamp(now.Add(-time.Hour)))
	}
	return md
}

// mendDelay is how long nothing is asked after a refused key or a wrong address.
const mendDelay = time.Minute

// A refused key or a wrong address is nothing that the data has done: all of it
// is kept and tried again after a while, with a word on what to do.
func TestKeptUntilMended(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusUnauthorized: "it does not accept the api_key …6789; check that this is a licence key",
		http.StatusForbidden:    "it does not accept the api_key …6789; check that this is a licence key",
		http.StatusNotFound:     "there is nothing at this address that takes data; check the endpoint and the region",
		http.StatusFound:        "this is not what New Relic answers; check the endpoint, and proxies on the way",
	} {
		f := newFake(t)
		f.script[metricPath] = []answer{{status: status}}
		m := f.metricsPusher(f.config(), window)
		err := m.push(t.Context(), gauges("a", "b"))
		left, ok := errors.AsType[consumererror.Metrics](err)
		if !ok || left.Data().DataPointCount() != 2 || consumererror.IsPermanent(err) {
			t.Errorf("%d: %v", status, err)
			continue
		}
		if !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "1m0s") || strings.Contains(err.Error(), testKey) {
			t.Errorf("%d: %v", status, err)
		}
		asked, _ := f.count(metricPath)
		if err := m.push(t.Context(), left.Data()); err == nil {
			t.Errorf("%d: taken at once", status)
		}
		if again, _ := f.count(metricPath); again != asked {
			t.Errorf("%d: asked again at once", status)
		}
		m.now = func() time.Time { return window.Add(mendDelay) }
		if err := m.push(t.Context(), left.Data()); err != nil {
			t.Errorf("%d, mended: %v", status, err)
		}
		if got := fmt.Sprint(f.names()); got != "[a b]" || len(f.eventsTaken()) != 1 {
			t.Errorf("%d: taken %s and %d events", status, got, len(f.eventsTaken()))
		}
	}
}

// While New Relic is away the queue fills; when it is back everything comes once.
func TestOutage(t *testing.T) {
	f := newFake(t)
	f.script[metricPath] = slices.Repeat([]answer{{status: 503}}, 60)
	f.script[eventPath] = slices.Repeat([]answer{{status: 503}}, 30)
	e, _ := f.metricsExporter(f.config())
	const batches = 200
	for i := range batches {
		if err := e.ConsumeMetrics(t.Context(), recent(fmt.Sprint("m", i), fmt.Sprint("n", i))); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all taken", func() bool { return len(f.names()) >= 2*batches && len(f.eventsTaken()) >= batches })
	names := f.names()
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != 2*batches || len(names) != n {
		t.Errorf("%d metrics of %d names", len(names), n)
	}
	if n := len(f.eventsTaken()); n != batches {
		t.Errorf("%d events", n)
	}
}

// answers are drawn: what New Relic says to the requests of one interface, until
// it has calmed down.
func answers(t *rapid.T, path string) []answer {
	return rapid.SliceOfN(rapid.Map(rapid.SampledFrom([]int{200, 202, 413, 429, 500, 403, 404, 408}),
		func(status int) answer { return answer{status: status} }), 0, 12).Draw(t, path)
}

// Whatever New Relic answers, in whatever order, to either interface: each
// metric and each event of a batch is taken once, although what is left of it is
// pushed again and again.
func TestMetricsArriveOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFake(t)
		defer f.Close()
		f.script[metricPath], f.script[eventPath] = noSingle(answers(rt, metricPath)), noSingle(answers(rt, eventPath))
		n := rapid.IntRange(9, 40).Draw(rt, "points")
		var names []string
		for i := range n {
			names = append(names, fmt.Sprint("ml.m", i))
		}
		md := gauges(append(names, "ml.field.mean")...)
		points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
		for i, m := range points.All() {
			if i > 8 {
				m.Gauge().DataPoints().At(0).Attributes().PutStr("ml.field.name", fmt.Sprint("f", i%5))
			}
		}
		c := f.config()
		c.BYODMetrics = true
		c.RememberPoints = rapid.SampledFrom([]int{0, 5, 1000}).Draw(rt, "remember")
		m := f.metricsPusher(c, window)
		at := window
		m.now = func() time.Time { return at }
		for range 60 {
			at = at.Add(mendDelay)
			err := m.push(t.Context(), md)
			if err == nil {
				break
			}
			left, ok := errors.AsType[consumererror.Metrics](err)
			if !ok {
				rt.Fatal(err)
			}
			md = left.Data()
		}
		want := append(slices.Clone(names), "ml.field.mean", "mean")
		slices.Sort(want)
		got := f.names()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			rt.Fatalf("taken %q\nwant  %q", got, want)
		}
		values := map[string]int{}
		for _, e := range f.eventsTaken() {
			for k := range e {
				if strings.HasPrefix(k, "ml.m") && !strings.HasPrefix(k, "ml.model") || k == "ml.field.mean" {
					values[k]++
				}
			}
		}
		if len(values) != n+1 {
			rt.Fatalf("values in events: %v", values)
		}
		for k, n := range values {
			if n != 1 {
				rt.Fatalf("%s is in %d events", k, n)
			}
		}
		if t.Failed() {
			rt.Fatal("a body was wrong")
		}
	})
}

// noSingle keeps the 413s so few that no piece becomes a single thing that is too
// large, which would rightly be dropped.
func noSingle(as []answer) []answer {
	large := 0
	return slices.DeleteFunc(as, func(a answer) bool {
		if a.status == http.StatusRequestEntityTooLarge {
			large++
		}
		return a.status == http.StatusRequestEntityTooLarge && large > 1
	})
}

func TestLogsArriveOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFake(t)
		defer f.Close()
		f.script[logPath], f.script[eventPath] = noSingle(answers(rt, logPath)), noSingle(answers(rt, eventPath))
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"ml.prediction", "ml.alert", "other"}), 1, 20).Draw(rt, "kinds")
		ld := records(append(kinds, "ml.alert", "ml.alert", "ml.prediction")...)
		want := map[string]int{}
		for i, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			id := fmt.Sprint("id-", i)
			lr.Body().SetStr(id)
			switch lr.EventName() {
			case "ml.prediction":
				prediction(lr)
				lr.Attributes().PutStr("ml.prediction.id", id)
				want["InferenceData "+id] = 5
			case "ml.alert":
				alert(lr, "firing")
				lr.Body().SetStr(id)
				lr.Attributes().PutStr("ml.alert.id", id)
				want["NrAiIncidentExternal "+id], want["log "+id] = 1, 1
			default:
				want["log "+id] = 1
			}
		}
		c := f.config()
		c.EventModes = []EventMode{InferenceData}
		l := f.logsPusher(c, window)
		at := window
		l.now = func() time.Time { return at }
		for range 60 {
			at = at.Add(mendDelay)
			err := l.push(t.Context(), ld)
			if err == nil {
				break
			}
			left, ok := errors.AsType[consumererror.Logs](err)
			if !ok {
				rt.Fatal(err)
			}
			ld = left.Data()
		}
		got := map[string]int{}
		for _, e := range f.eventsTaken() {
			id := e["inference_id"]
			if id == nil {
				id = e["externalId"]
			}
			got[fmt.Sprint(e["eventType"], " ", id)]++
		}
		for _, body := range f.taken[logPath] {
			var blocks []struct{ Logs []struct{ Message string } }
			_ = json.Unmarshal([]byte(body), &blocks)
			for _, b := range blocks {
				for _, l := range b.Logs {
					got["log "+l.Message]++
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("taken %v\nwant  %v", got, want)
		}
	})
}

// A log record takes the same way: queue, retry, once.
func TestLogsAreTriedAgain(t *testing.T) {
	f := newFake(t)
	f.script[logPath] = []answer{{status: 503}, {status: 429, retryAfter: "1"}}
	set, _ := settings()
	e, err := NewFactory().CreateLogs(t.Context(), set, f.config())
	if err == nil {
		err = e.Start(t.Context(), componenttest.NewNopHost())
	}
	if err == nil {
		err = e.ConsumeLogs(t.Context(), records("other", "other"))
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "logs", func() bool { _, taken := f.count(logPath); return taken > 0 })
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked, taken := f.count(logPath); asked != 3 || taken != 1 {
		t.Errorf("%d requests, %d taken, want 3 and 1", asked, taken)
	}
}

// A body of more than New Relic takes is cut before it is sent.
func TestCutByBytes(t *testing.T) {
	f := newFake(t)
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	const n = 300
	for i := range n {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(timestamp(window))
		lr.Body().SetStr(noise(i, 4000))
	}
	if err := f.logsPusher(f.config(), window).push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	got := strings.Count(strings.Join(f.taken[logPath], ""), `"message"`)
	if asked, taken := f.count(logPath); got != n || asked != taken || taken < 2 {
		t.Errorf("%d of %d logs in %d requests, %d taken", got, n, asked, taken)
	}
}

// Many things go in several requests even when they are small.
func TestCutByNumber(t *testing.T) {
	f := newFake(t)
	ld := records(slices.Repeat([]string{"other"}, 12_000)...)
	if err := f.logsPusher(f.config(), window).push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if asked, taken := f.count(logPath); asked != 3 || taken != 3 {
		t.Errorf("%d requests, %d taken, want 3", asked, taken)
	}
}

// noise is text that does not compress well, the same for a seed.
func noise(seed, n int) string {
	b := make([]byte, n)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = '!' + byte(x%90)
	}
	return string(b)
}
