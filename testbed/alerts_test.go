package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

const alerting = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 127.0.0.1:$GRPC}
exporters:
  alert:
    directory: $DIR
    route: {receiver: team, group_by: [alert_id], group_wait: 10ms, group_interval: 1s, repeat_interval: 24h}
    receivers:
      - name: team
        webhook: {url: $WEBHOOK}
        slack: {webhook_url: $SLACK}
service:
  pipelines:
    logs/alerts: {receivers: [otlp], exporters: [alert]}
  telemetry:
    metrics: {level: none}
`

// inbox is a destination of alerts: in which lives of the process each came.
type inbox struct {
	*httptest.Server
	life *atomic.Int64
	mu   sync.Mutex
	came map[string][]int64 // by what was said
}

// newInbox counts messages by what key makes of them.
func newInbox(t *testing.T, life *atomic.Int64, key func(map[string]any) string) *inbox {
	b := &inbox{life: life, came: map[string][]int64{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		var m map[string]any
		if err != nil || json.Unmarshal(text, &m) != nil {
			return // cut off in the middle: it has not come
		}
		b.mu.Lock()
		k := key(m)
		b.came[k] = append(b.came[k], life.Load())
		b.mu.Unlock()
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.came[key]) > 0
}

// Killed at any moment and started again, the alert exporter tells every receiver
// of every alert that it acknowledged, and of none twice but those that it was
// telling when it died.
func TestKilledAlertsAreToldOnce(t *testing.T) {
	const lives = 20
	rng := seeded(t)
	var life atomic.Int64
	webhook := newInbox(t, &life, func(m map[string]any) string { return fmt.Sprint(m["state"], " ", m["field_name"]) })
	slack := newInbox(t, &life, func(m map[string]any) string { return fmt.Sprint(m["text"]) })
	ports, err := FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := WriteConfig(t.TempDir(), alerting, map[string]any{
		"GRPC": ports[0], "DIR": filepath.Join(t.TempDir(), "alerts"), "WEBHOOK": webhook.URL, "SLACK": slack.URL})
	if err != nil {
		t.Fatal(err)
	}
	client, err := Dial(fmt.Sprintf("127.0.0.1:%d", ports[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	start := func() *Process {
		p, err := Start(program, config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := p.Ready(ctx); err != nil {
			p.Kill()
			t.Fatalf("%v\n%s", err, p.Output())
		}
		return p
	}
	var acked []string
	n := 0
	for range lives {
		p := start()
		time.AfterFunc(time.Duration(20+rng.IntN(400))*time.Millisecond, p.Kill)
		for ; client.Send(t.Context(), alertBatch(t, fmt.Sprint("f", n), n)) == nil; n++ {
			acked = append(acked, fmt.Sprint("f", n))
			time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
		}
		<-p.done
		life.Add(1)
		n++ // what was not acknowledged is another's to send again
	}
	if len(acked) < 2*lives {
		t.Errorf("only %d alerts were acknowledged", len(acked))
	}
	p := start()
	defer p.Kill()
	end := time.Now().Add(patience)
	for _, field := range acked {
		for !webhook.has("firing "+field) || !slack.has("*Firing* Moves: loans, "+field) {
			if time.Now().After(end) {
				t.Fatalf("%s was acknowledged and not told", field)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	time.Sleep(2 * time.Second) // more than a group_interval
	for name, b := range map[string]*inbox{"webhook": webhook, "slack": slack} {
		b.mu.Lock()
		again := 0
		for key, came := range b.came {
			again += len(came) - 1
			for i := 1; i < len(came); i++ {
				if came[i] == came[i-1] {
					t.Errorf("%s: %s came twice from one process", name, key)
				}
			}
		}
		// Of a group there is one notification under way; a process that dies has a few groups.
		if again > 2*lives {
			t.Errorf("%s: %d messages came again, in %d deaths", name, again, lives)
		}
		t.Logf("%s: %d alerts, %d acknowledged, %d deaths, %d messages came again", name, len(b.came), len(acked), lives, again)
		b.mu.Unlock()
	}
}

// alertBatch is one alert as OTLP.
func alertBatch(t *testing.T, field string, n int) []byte {
	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	lr.SetEventName("ml.alert")
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.Body().SetStr(field + " of loans has moved.")
	for k, v := range map[string]string{
		"ml.alert.id": fmt.Sprintf("%032x", n), "ml.alert.state": "firing", "ml.alert.severity": "high", "ml.alert.started_at": at.Format(time.RFC3339),
		"ml.monitor.id": "moves", "ml.monitor.name": "Moves", "ml.monitor.type": "data_drift", "ml.model.name": "loans", "ml.field.name": field,
	} {
		lr.Attributes().PutStr(k, v)
	}
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
