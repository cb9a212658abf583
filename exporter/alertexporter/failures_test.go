package alertexporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/am"
	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// A Slack that does not answer delays neither PagerDuty nor what PagerDuty is
// told next; the rest of the receiver is not sent again because of it.
func TestDeadSlackDelaysNobody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	dead := newFake(t, func(int, http.ResponseWriter, hit) { <-release })
	t.Cleanup(func() { close(release) })
	pd := newFake(t, func(_ int, w http.ResponseWriter, _ hit) { w.WriteHeader(http.StatusAccepted) })
	r := start(t, config(t, `
route: {receiver: team, group_wait: 500ms, group_interval: 1s, repeat_interval: 1h, group_by: [field]}
directory: `+t.TempDir()+`
receivers:
- name: team
  slack: {webhook_url: "`+dead.URL+`", timeout: 10m}
  pagerduty_configs: [{routing_key: k, url: "`+pd.URL+`"}]
`))
	begun := time.Now()
	r.send(firing("income"))
	pd.wait(t, 1)
	r.send(firing("age"))
	pd.wait(t, 2)
	if d := time.Since(begun); d > 30*time.Second {
		t.Errorf("PagerDuty heard after %s", d)
	}
	pd.quiet(t, 2) // group_interval has passed, Slack's part was due again
	r.stop()
}

// What each answer leads to: another attempt, or a line in the log that says what
// to do. Either way the message comes when the destination is well again, once.
func TestDestinationsInTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trouble func(w http.ResponseWriter)
		says    string
		wait    time.Duration // at least until the next attempt
	}{
		"500":         {func(w http.ResponseWriter) { w.WriteHeader(500) }, "Slack has a problem (500)", 0},
		"429":         {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "2"); w.WriteHeader(429) }, "takes no more for now (429)", 1900 * time.Millisecond},
		"refused key": {func(w http.ResponseWriter) { w.WriteHeader(403); _, _ = io.WriteString(w, "invalid_token") }, "refuses the key (403): invalid_token; check webhook_url", 0},
		"gone":        {func(w http.ResponseWriter) { w.WriteHeader(404); _, _ = io.WriteString(w, "no_service") }, "knows nothing under that address (404): no_service; check webhook_url", 0},
		"moved": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://other.example/x/secret")
			w.WriteHeader(307)
		}, "answers from another address (307 to other.example)", 0},
		"bad message": {func(w http.ResponseWriter) { w.WriteHeader(400); _, _ = io.WriteString(w, "invalid_blocks") }, "refuses the message (400): invalid_blocks", 0},
		"time-out":    {nil, "did not answer in 3s; raise timeout", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := newFake(t, func(n int, w http.ResponseWriter, h hit) {
				switch {
				case n > 0:
				case c.trouble == nil:
					<-h.given // up
				default:
					c.trouble(w)
				}
			})
			r := start(t, config(t, `
route: {receiver: team, group_wait: 100ms, group_interval: 3s, repeat_interval: 1h}
directory: `+t.TempDir()+`
receivers: [{name: team, slack: {webhook_url: "`+hook.URL+`/services/T0/B0/secret", timeout: 3s}}]
`))
			r.send(firing("income"))
			h := hook.wait(t, 2)
			if d := h[1].at.Sub(h[0].at); d < c.wait {
				t.Errorf("asked again after %s, though told to wait %s", d, c.wait)
			}
			r.sees(c.says)
			hook.quiet(t, 2)
			for _, e := range r.logs.All() {
				if s := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(s, "secret") {
					t.Errorf("the log tells a secret: %s", s)
				}
			}
		})
	}
}

// The error of a Slack app comes with status 200.
func TestSlackSaysNo(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		_, _ = io.WriteString(w, []string{`{"ok":false,"error":"ratelimited"}`, `{"ok":false,"error":"not_in_channel"}`, `{"ok":true,"ts":"1.2"}`}[min(n, 2)])
	})
	r := start(t, config(t, quick+`
directory: `+t.TempDir()+`
receivers: [{name: team, slack: {token: x, channel: "#ml", api_url: "`+api.URL+`"}}]`))
	r.send(firing("income"))
	api.wait(t, 3)
	r.sees("takes no more for now (ratelimited)")
	r.sees("refuses the channel #ml (not_in_channel); check channel, and invite the app to it")
	api.quiet(t, 3)
}

// Alertmanager's own channels give up on a 429, and do not say what to do about a
// key that is refused; here they try again, and it is said.
func TestTheirsRetryToo(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		w.WriteHeader([]int{429, 403, 200}[min(n, 2)])
	})
	r := start(t, config(t, quick+`
directory: `+t.TempDir()+`
receivers: [{name: team, discord_configs: [{webhook_url: "`+api.URL+`"}]}]`))
	r.send(firing("income"))
	api.wait(t, 3)
	r.sees("the key is refused; check webhook_url")
	api.quiet(t, 3)
}

func TestPagerDutyRetries(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		w.WriteHeader([]int{429, 403, 202}[min(n, 2)])
	})
	r := start(t, config(t, quick+`
directory: `+t.TempDir()+`
receivers: [{name: team, pagerduty_configs: [{routing_key: k, url: "`+api.URL+`"}]}]`))
	r.send(firing("income"))
	api.wait(t, 3)
	r.sees("PagerDuty refuses the key (403); check routing_key")
	api.quiet(t, 3)
}

// brittle is a storage that fails when it is told to.
type brittle struct {
	component.StartFunc
	component.ShutdownFunc
	data map[string][]byte
	fail bool
}

func (b *brittle) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return brittleClient{b}, nil
}

type brittleClient struct{ b *brittle }

func (c brittleClient) Get(_ context.Context, k string) ([]byte, error) { return c.b.data[k], nil }
func (c brittleClient) Set(context.Context, string, []byte) error       { return errors.New("not used") }
func (c brittleClient) Delete(context.Context, string) error            { return errors.New("not used") }
func (c brittleClient) Close(context.Context) error                     { return nil }
func (c brittleClient) Batch(_ context.Context, ops ...*storage.Operation) error {
	for _, op := range ops {
		switch {
		case op.Type == storage.Get:
			op.Value = c.b.data[op.Key]
		case c.b.fail:
			return errors.New("no space left on device")
		case op.Type == storage.Set:
			c.b.data[op.Key] = op.Value
		default:
			delete(c.b.data, op.Key)
		}
	}
	return nil
}

// A batch that cannot be kept is not acknowledged, may be sent again, and then
// counts; what is no alert is counted and does not hold up the rest.
func TestAcknowledgedMeansKept(t *testing.T) {
	t.Parallel()
	b := &brittle{data: map[string][]byte{}, fail: true}
	k, err := am.OpenKeeper(t.Context(), brittleClient{b})
	if err != nil {
		t.Fatal(err)
	}
	book, err := am.OpenBook(k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Accept(t.Context(), []alert.Alert{firing("income")}, began); err == nil || consumererror.IsPermanent(err) || book.Firing() != 0 {
		t.Fatalf("%v, %d fire", err, book.Firing())
	}
	b.fail = false
	tell, err := book.Accept(t.Context(), []alert.Alert{firing("income")}, began)
	if err != nil || len(tell) != 1 || book.Firing() != 1 {
		t.Fatal(err, tell)
	}
	worse := firing("income")
	worse.At, worse.Value = worse.At.Add(time.Hour), new(0.9)
	if tell, err = book.Accept(t.Context(), []alert.Alert{worse}, began.Add(time.Hour)); err != nil || len(tell) != 1 || !tell[0].StartsAt.Equal(began) || tell[0].Annotations["value"] != "0.9" {
		t.Fatalf("%v: the same run is told as %+v", err, tell)
	}
	k, _ = am.OpenKeeper(t.Context(), brittleClient{b})
	if book, err = am.OpenBook(k); err != nil || book.Firing() != 1 {
		t.Fatal(err, "not kept")
	}
	for key := range b.data {
		b.data[key] = []byte("{")
	}
	if _, err = am.OpenKeeper(t.Context(), brittleClient{b}); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Error(err)
	}

	hook := newFake(t, nil)
	r := start(t, config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, slack: {webhook_url: \""+hook.URL+"\"}}]\n"))
	ld := otelml.Alerts([]alert.Alert{firing("income")})
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty().SetEventName("ml.prediction")
	if err := r.ConsumeLogs(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if err := r.ConsumeLogs(t.Context(), plog.NewLogs()); err != nil {
		t.Fatal(err)
	}
	hook.wait(t, 1)
	r.sees("Refused a record")
}

// A severity that rises is told, and the alert of the lower one ends.
func TestSeverityRises(t *testing.T) {
	t.Parallel()
	low, high := newFake(t, nil), newFake(t, nil)
	r := start(t, config(t, `
route: {receiver: low, group_wait: 500ms, group_interval: 1s, group_by: [model, severity], routes: [{receiver: high, matchers: [severity = high]}]}
directory: `+t.TempDir()+`
receivers: [{name: low, webhook: {url: "`+low.URL+`"}}, {name: high, webhook: {url: "`+high.URL+`"}}]
`))
	a := firing("income")
	a.Severity = alert.Medium
	r.send(a)
	low.wait(t, 1)
	a.Severity, a.At = alert.High, a.At.Add(time.Hour)
	r.send(a)
	if m := high.wait(t, 1)[0].json(t); m["state"] != "firing" {
		t.Error(m)
	}
	if m := low.wait(t, 2)[1].json(t); m["state"] != "resolved" || m["alert_id"] != a.ID {
		t.Error(m)
	}
	stale := over(a)
	stale.At = a.At.Add(-time.Minute)
	r.send(stale) // said before the last statement, came after it
	high.quiet(t, 1)
}

// Silences are set through /api/v2 and survive; inhibition and routes are
// Alertmanager's.
func TestSilenceAndInhibition(t *testing.T) {
	t.Parallel()
	hook := newFake(t, nil)
	cfg := config(t, quick+`
directory: `+t.TempDir()+`
api: {endpoint: "localhost:0"}
inhibit_rules: [{source_matchers: [alertname = Down], target_matchers: ["alertname != Down"], equal: [model]}]
receivers: [{name: team, webhook: {url: "`+hook.URL+`"}}]
`)
	r := start(t, cfg)
	api := func(r *running, method, path string, body any) (int, string) {
		b, _ := json.Marshal(body)
		req, _ := http.NewRequest(method, "http://api"+path, bytes.NewReader(b))
		req.Header.Set("Content-Type", "application/json")
		w := &recorder{header: http.Header{}}
		r.Logs.(*deliverer).core.Handler().ServeHTTP(w, req)
		return w.status, w.String()
	}
	status, said := api(r, http.MethodPost, "/api/v2/silences", map[string]any{
		"matchers": []any{map[string]any{"name": "field", "value": "age", "isRegex": false, "isEqual": true}},
		"startsAt": time.Now().Add(-time.Minute), "endsAt": time.Now().Add(time.Hour), "createdBy": "me", "comment": "known"})
	if status != http.StatusOK {
		t.Fatal(status, said)
	}
	// As after a kill: what is on disk now must do.
	d := r.Logs.(*deliverer)
	if n := len(d.keeper.Values("silences")); n != 1 {
		t.Errorf("%d silences are kept", n)
	}
	r.stop()
	r = start(t, cfg)
	r.send(firing("age"))
	hook.quiet(t, 0)
	if _, said := api(r, http.MethodGet, "/api/v2/alerts", nil); !strings.Contains(said, `"state":"suppressed"`) || !strings.Contains(said, `"field":"age"`) {
		t.Error(said)
	}
	down := firing("")
	down.Monitor.Name, down.Monitor.ID = "Down", "m2"
	down.Identify()
	r.send(down, firing("income"))
	if m := hook.wait(t, 1)[0].json(t); m["monitor_name"] != "Down" {
		t.Error(m)
	}
	hook.quiet(t, 1)
	if _, said := api(r, http.MethodGet, "/metrics", nil); !strings.Contains(said, "alertmanager_notifications_total") {
		t.Error(said)
	}
}

type recorder struct {
	bytes.Buffer
	header http.Header
	status int
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.Buffer.Write(b)
}

// An Alertmanager elsewhere is told again and again, with an end ahead, and of the
// end until it has taken it; one that is down does not hold up the other.
func TestRemote(t *testing.T) {
	t.Parallel()
	up := newFake(t, nil)
	down := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		if n < 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	cfg := config(t, "directory: "+t.TempDir()+"\nremote: {endpoints: ["+up.URL+", "+down.URL+"], interval: 500ms}\n")
	r := start(t, cfg)
	r.send(firing("income"))
	h := up.wait(t, 2)[0]
	down.wait(t, 3)
	var alerts []struct {
		Labels, Annotations map[string]string
		StartsAt, EndsAt    time.Time
	}
	if err := json.Unmarshal(h.body, &alerts); err != nil || h.path != "/api/v2/alerts" || len(alerts) != 1 {
		t.Fatal(err, h.path, string(h.body))
	}
	if a := alerts[0]; a.Labels["alertname"] != "Income drift" || a.Annotations["value"] != "0.41" || !a.EndsAt.After(time.Now()) || a.EndsAt.Before(a.StartsAt) {
		t.Errorf("%+v", a)
	}
	r.stop()
	r = start(t, cfg)
	r.send(over(firing("income")))
	for _, f := range []*fake{up, down} {
		told := func() bool {
			hs := f.hits()
			alerts = alerts[:0]
			err := json.Unmarshal(hs[len(hs)-1].body, &alerts)
			return err == nil && len(alerts) > 0 && alerts[0].EndsAt.Before(time.Now())
		}
		if !wait.For(told) {
			t.Error("the end was not told")
		}
	}
	if !wait.For(func() bool { return len(r.Logs.(*deliverer).keeper.Values("alerts")) == 0 }) {
		t.Error("what is over everywhere is still kept")
	}
	n, m := len(up.hits()), len(down.hits())
	up.quiet(t, n)
	down.quiet(t, m)
}
