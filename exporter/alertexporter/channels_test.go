package alertexporter

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// deliver starts an exporter with one receiver, fires and resolves an alert.
func deliver(t *testing.T, receiver string, fired, done func()) {
	t.Helper()
	r := start(t, config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, "+receiver+"}]\n"))
	r.send(firing("income"))
	fired()
	r.send(over(firing("income")))
	done()
}

// slackMessage checks a message against Slack's documented limits and types.
func checkSlack(t *testing.T, m map[string]any) (blocks []map[string]any) {
	t.Helper()
	if s, _ := m["text"].(string); s == "" || len([]rune(s)) > 4000 {
		t.Errorf("text %q", s)
	}
	for _, a := range m["attachments"].([]any) {
		for _, b := range a.(map[string]any)["blocks"].([]any) {
			blocks = append(blocks, b.(map[string]any))
		}
	}
	if len(blocks) == 0 || len(blocks) > 50 {
		t.Errorf("%d blocks", len(blocks))
	}
	total := 0
	object := func(v any, limit int, kinds ...string) {
		o := v.(map[string]any)
		s := o["text"].(string)
		total += len(s)
		if n := len([]rune(s)); n == 0 || n > limit || !slices.Contains(kinds, o["type"].(string)) {
			t.Errorf("a text of %d characters (limit %d) of type %v: %s", n, limit, o["type"], s)
		}
	}
	for _, b := range blocks {
		switch b["type"] {
		case "section":
			object(b["text"], 3000, "mrkdwn", "plain_text")
			if fs, ok := b["fields"].([]any); ok {
				if len(fs) > 10 {
					t.Errorf("%d fields", len(fs))
				}
				for _, f := range fs {
					object(f, 2000, "mrkdwn", "plain_text")
				}
			}
		case "context":
			for _, e := range b["elements"].([]any) {
				object(e, 2000, "mrkdwn", "plain_text")
			}
		case "actions":
			for _, e := range b["elements"].([]any) {
				e := e.(map[string]any)
				object(e["text"], 75, "plain_text")
				if e["type"] != "button" || !strings.HasPrefix(e["url"].(string), "https://") {
					t.Errorf("element %v", e)
				}
			}
		default:
			t.Errorf("block %v", b)
		}
	}
	if total > 13000 {
		t.Errorf("%d characters in blocks", total)
	}
	return blocks
}

func TestSlackApp(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		_, _ = fmt.Fprintf(w, `{"ok":true,"channel":"C024BE91L","ts":"150%d.0005"}`, n)
	})
	deliver(t, `slack: {token: xoxb-1, channel: "#ml", api_url: "`+api.URL+`/api/", mention: "<!subteam^S012>"}`, func() {
		h := api.wait(t, 1)[0]
		m := h.json(t)
		if h.path != "/api/chat.postMessage" || h.header.Get("Authorization") != "Bearer xoxb-1" || m["channel"] != "#ml" || m["thread_ts"] != nil {
			t.Errorf("%s %v %s", h.path, h.header, h.body)
		}
		if s := m["text"].(string); !strings.HasSuffix(s, " <!subteam^S012>") {
			t.Errorf("nobody is called: %s", s)
		}
		text := string(h.body)
		blocks := checkSlack(t, m)
		for _, want := range []string{"The income of loans v1 has drifted.", `*ml.drift.psi*\n0.41`, `*Threshold*\n0.2`, "20 000 to 30 000", "https://runbooks.example/drift", "https://driftmeter.example/models/loans"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %s", want, text)
			}
		}
		if len(blocks) != 4 {
			t.Errorf("%d blocks", len(blocks))
		}
	}, func() {
		m := api.wait(t, 2)[1].json(t)
		if m["thread_ts"] != "1500.0005" || m["channel"] != "C024BE91L" || m["reply_broadcast"] != true || strings.Contains(m["text"].(string), "<!subteam") {
			t.Errorf("%v", m)
		}
		checkSlack(t, m)
	})
}

// A hundred alerts with long and hostile texts fit, and call nobody that the
// monitor does not call.
func TestSlackLimits(t *testing.T) {
	t.Parallel()
	hook := newFake(t, nil)
	r := start(t, config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, slack: {webhook_url: \""+hook.URL+"\"}}]\n"))
	var all []alert.Alert
	for i := range 100 {
		a := firing(fmt.Sprintf("field%d", i))
		a.Text = strings.Repeat("<!channel> & <@U012AB> drift ", 200)
		a.Monitor.Mention = "<@U777>"
		for range 10 {
			a.Evidence = append(a.Evidence, alert.Evidence{Name: strings.Repeat("ü", 100), Value: 1e300, Baseline: -1e-300})
		}
		all = append(all, a)
	}
	r.send(all...)
	h, _ := hook.last(t, func(h hit) bool { return strings.Contains(string(h.body), " more") }) // all of them may come in two
	checkSlack(t, h.json(t))
	s := string(h.body)
	if strings.Contains(s, "<!channel>") || !strings.Contains(s, "&lt;!channel&gt; &amp; <@U012AB>") || strings.Count(s, "<@U777>") != 1 || !strings.Contains(s, " more") {
		t.Error(s[:2000])
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{7}, 32)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	hook := newFake(t, nil)
	check := func(h hit, kind, state string) {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", h.header.Get("Webhook-Id"), h.header.Get("Webhook-Timestamp"), h.body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); h.header.Get("Webhook-Signature") != want {
			t.Errorf("signature %q, want %q", h.header.Get("Webhook-Signature"), want)
		}
		if h.header.Get("X-Team") != "ml" || h.header.Get("Content-Type") != "application/json" || len(h.body) > 20000 {
			t.Errorf("%v", h.header)
		}
		m := h.json(t)
		a := firing("income")
		for k, want := range map[string]any{
			"alert_id": a.ID, "model_name": "loans", "monitor_type": "data_drift", "severity": "high", "monitor_id": "m1", "environment": "",
			"monitor_name": "Income drift", "model_id": "loans", "dashboard_link": a.DashboardURL,
			"type": kind, "state": state, "threshold": 0.2, "field_name": "income", "started_at": "2026-11-01T12:00:00Z",
		} {
			if m[k] != want {
				t.Errorf("%s: %v, want %v", k, m[k], want)
			}
		}
		if m["pretty_description"] == "" || m["timestamp"] == "" {
			t.Errorf("%s", h.body)
		}
	}
	var first string
	deliver(t, `webhook: {url: "`+hook.URL+`/in", headers: {X-Team: ml}, secrets: [`+secret+`]}`, func() {
		h := hook.wait(t, 1)[0]
		check(h, "ml.alert.fired", "firing")
		first = h.header.Get("Webhook-Id")
	}, func() {
		h := hook.wait(t, 2)[1]
		check(h, "ml.alert.resolved", "resolved")
		if h.header.Get("Webhook-Id") == first {
			t.Error("two messages have one id")
		}
	})
}

// A webhook that fails half way gets the rest, under the same id as before, and
// nothing twice; an alert that joins later comes alone.
func TestWebhookGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	hook := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		if n == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	r := start(t, config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, webhook: {url: \""+hook.URL+"\"}}]\n"))
	r.send(firing("a"), firing("b"), firing("c"))
	hits := hook.wait(t, 4)
	if id := func(i int) string { return hits[i].header.Get("Webhook-Id") }; id(1) != id(2) || id(0) == id(1) || id(0) == id(3) || id(2) == id(3) {
		t.Errorf("%q", bodies(hits))
	}
	r.send(firing("d"))
	h := hook.wait(t, 5)[4]
	if h.json(t)["field_name"] != "d" {
		t.Errorf("%s", h.body)
	}
	hook.quiet(t, 5)
}

func TestNewRelic(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(_ int, w http.ResponseWriter, _ hit) { _, _ = w.Write([]byte(`{"success":true,"uuid":"x"}`)) })
	var tags map[string]any
	read := func(h hit) map[string]any {
		z, err := gzip.NewReader(bytes.NewReader(h.body))
		if err != nil {
			t.Fatal(err)
		}
		var events []map[string]any
		if err := json.NewDecoder(z).Decode(&events); err != nil || len(events) != 1 {
			t.Fatal(err, events)
		}
		if h.header.Get("Api-Key") != "eu01xxKEY" || h.header.Get("Content-Encoding") != "gzip" {
			t.Error(h.header)
		}
		e := events[0]
		if e["eventType"] != "NrAiIncidentExternal" || e["source"] == "" || e["title"] == "" {
			t.Error(e)
		}
		for k, v := range e {
			if s, ok := v.(string); ok && len(s) > 4096 || v == nil {
				t.Errorf("%s: %v", k, v)
			}
		}
		return e
	}
	aggregation := func(e map[string]any) map[string]any {
		m := map[string]any{}
		for k, v := range e {
			if strings.HasPrefix(k, "aggregationTag.") {
				m[k] = v
			}
		}
		return m
	}
	deliver(t, `newrelic: {license_key: eu01xxKEY, endpoint: "`+api.URL+`/v1/accounts/events"}`, func() {
		e := read(api.wait(t, 1)[0])
		tags = aggregation(e)
		if e["state"] != "trigger" || e["priority"] != "critical" || e["entityName"] != "loans" || len(tags) == 0 || e["tag.value"] != 0.41 {
			t.Error(e)
		}
	}, func() {
		e := read(api.wait(t, 2)[1])
		if e["state"] != "resolve" || fmt.Sprint(aggregation(e)) != fmt.Sprint(tags) {
			t.Error(e, tags)
		}
	})
}

// fakeJira is a JIRA with one project, whose search lags: it finds an issue only
// from the second search on.
type fakeJira struct {
	*fake
	mu     sync.Mutex
	issues []map[string]any
	status string
	cloud  bool
}

func newFakeJira(t *testing.T, cloud bool) *fakeJira {
	j := &fakeJira{cloud: cloud, status: "new"}
	v := "2"
	if cloud {
		v = "3"
	}
	api := "/rest/api/" + v
	j.fake = newFake(t, func(_ int, w http.ResponseWriter, h hit) {
		j.mu.Lock()
		defer j.mu.Unlock()
		switch search := map[bool]string{true: "/search/jql", false: "/search"}[cloud]; {
		case h.path == api+search:
			_, _ = w.Write([]byte(`{"issues":[]}`))
		case h.method == http.MethodPost && h.path == api+"/issue":
			j.issues = append(j.issues, h.json(t))
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"id":"10000","key":"ML-24","self":"x"}`))
		case h.method == http.MethodPost && h.path == api+"/issue/ML-24/comment":
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{}`))
		case h.method == http.MethodGet && h.path == api+"/issue/ML-24/transitions":
			_, _ = w.Write([]byte(`{"transitions":[{"id":"11","name":"Start","to":{"statusCategory":{"key":"indeterminate"}}},{"id":"31","name":"Done","to":{"statusCategory":{"key":"done"}}}]}`))
		case h.method == http.MethodPost && h.path == api+"/issue/ML-24/transitions":
			j.status = "done"
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusGone)
		}
	})
	return j
}

// checkADF checks the shape of Atlassian's document format, as far as we use it.
func checkADF(t *testing.T, doc any) {
	t.Helper()
	d, ok := doc.(map[string]any)
	if !ok || d["type"] != "doc" || d["version"] != 1.0 {
		t.Fatalf("no document: %v", doc)
	}
	for _, b := range d["content"].([]any) {
		b := b.(map[string]any)
		if b["type"] != "paragraph" && b["type"] != "codeBlock" {
			t.Errorf("block %v", b)
		}
		for _, n := range b["content"].([]any) {
			n := n.(map[string]any)
			if s, _ := n["text"].(string); n["type"] == "text" && s == "" || n["type"] != "text" && n["type"] != "hardBreak" {
				t.Errorf("node %v", n)
			}
		}
	}
}

func TestJira(t *testing.T) {
	t.Parallel()
	for _, cloud := range []bool{true, false} {
		j := newFakeJira(t, cloud)
		sign, want := `email: me@example.com, token: t0k, api_type: cloud`, "Basic "+base64.StdEncoding.EncodeToString([]byte("me@example.com:t0k"))
		if !cloud {
			sign, want = `token: t0k`, "Bearer t0k"
		}
		dir := t.TempDir()
		cfg := config(t, quick+"\ndirectory: "+dir+`
receivers: [{name: team, jira: {url: "`+j.URL+`", `+sign+`, project: ML, issue_type: Bug, labels: [ml], priority: {high: Highest}, fields: {components: [{name: models}]}}}]`)
		r := start(t, cfg)
		r.send(firing("income"))
		hits := j.wait(t, 2)
		search, made := hits[0].json(t), hits[1].json(t)["fields"].(map[string]any)
		jql := search["jql"].(string)
		labels := fmt.Sprint(made["labels"])
		if !strings.HasPrefix(jql, `project = "ML" AND labels = "driftmeter-`) || !strings.Contains(jql, "statusCategory != Done") || hits[1].header.Get("Authorization") != want {
			t.Errorf("%s %v", jql, hits[1].header)
		}
		_, label, _ := strings.Cut(jql, `labels = "`)
		label, _, _ = strings.Cut(label, `"`)
		if !strings.Contains(labels, label) || !strings.Contains(labels, " ml") || strings.Contains(label, " ") {
			t.Errorf("labels %s, searched for %s", labels, label)
		}
		if fmt.Sprint(made["project"], made["issuetype"], made["priority"], made["components"]) != "map[key:ML] map[name:Bug] map[name:Highest] [map[name:models]]" {
			t.Errorf("%v", made)
		}
		if s := made["summary"].(string); len(s) > 255 || strings.ContainsAny(s, "\n") || !strings.Contains(s, "Income drift") {
			t.Errorf("summary %q", s)
		}
		if cloud {
			checkADF(t, made["description"])
		} else if s, ok := made["description"].(string); !ok || len(s) > 32767 || !strings.Contains(s, "{noformat}") {
			t.Errorf("description %v", made["description"])
		}

		// Another field, after a restart, while the search does not find what was made: a comment.
		r.stop()
		r = start(t, cfg)
		r.send(firing("age"))
		h := j.wait(t, 3)[2]
		if !strings.HasSuffix(h.path, "/issue/ML-24/comment") {
			t.Fatalf("%s %s", h.path, h.body)
		}
		if cloud {
			checkADF(t, h.json(t)["body"])
		}
		r.send(over(firing("income")), over(firing("age")))
		moved, n := j.last(t, func(h hit) bool { return h.method == http.MethodPost && strings.HasSuffix(h.path, "/transitions") })
		if got := fmt.Sprint(moved.json(t)["transition"]); got != "map[id:31]" || !strings.HasSuffix(j.hits()[3].path, "/comment") {
			t.Errorf("%q", bodies(j.hits()[3:]))
		}
		j.quiet(t, n)
		j.mu.Lock()
		if len(j.issues) != 1 || j.status != "done" {
			t.Errorf("%d issues, %s", len(j.issues), j.status)
		}
		j.mu.Unlock()
		r.stop()
	}
}

func TestPagerDuty(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(_ int, w http.ResponseWriter, _ hit) { w.WriteHeader(http.StatusAccepted) })
	var key any
	check := func(m map[string]any, action string) {
		if m["routing_key"] != "0123456789abcdef0123456789abcdef" || m["event_action"] != action || len(m["dedup_key"].(string)) > 255 {
			t.Errorf("%v", m)
		}
		p := m["payload"].(map[string]any)
		if s := p["summary"].(string); s == "" || len(s) > 1024 || p["source"] == "" || p["severity"] != "critical" {
			t.Errorf("%v", p)
		}
		if s := fmt.Sprint(m); strings.Contains(s, "Alertmanager") {
			t.Error(s)
		}
	}
	deliver(t, `pagerduty_configs: [{routing_key: 0123456789abcdef0123456789abcdef, url: "`+api.URL+`/v2/enqueue"}]`, func() {
		m := api.wait(t, 1)[0].json(t)
		check(m, "trigger")
		key = m["dedup_key"]
	}, func() {
		m := api.wait(t, 2)[1].json(t)
		check(m, "resolve")
		if m["dedup_key"] != key {
			t.Errorf("%v closes %v", m["dedup_key"], key)
		}
	})
}

func TestTeams(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(_ int, w http.ResponseWriter, _ hit) { w.WriteHeader(http.StatusAccepted) })
	check := func(h hit) {
		m := h.json(t)
		a := m["attachments"].([]any)[0].(map[string]any)
		c := a["content"].(map[string]any)
		if m["type"] != "message" || a["contentType"] != "application/vnd.microsoft.card.adaptive" || c["type"] != "AdaptiveCard" || len(h.body) > 28000 {
			t.Errorf("%s", h.body)
		}
		for _, b := range c["body"].([]any) {
			if b := b.(map[string]any); b["type"] != "TextBlock" || b["text"] == "" {
				t.Errorf("%v", b)
			}
		}
	}
	deliver(t, `msteamsv2_configs: [{webhook_url: "`+api.URL+`"}]`, func() {
		h := api.wait(t, 1)[0]
		check(h)
		if s := string(h.body); !strings.Contains(s, "The income of loans v1 has drifted.") || !strings.Contains(s, "[FIRING] Income drift: loans v1, income") {
			t.Error(s)
		}
	}, func() { check(api.wait(t, 2)[1]) })
}

func TestOpsGenie(t *testing.T) {
	t.Parallel()
	api := newFake(t, func(_ int, w http.ResponseWriter, _ hit) { w.WriteHeader(http.StatusAccepted) })
	var alias any
	deliver(t, `opsgenie_configs: [{api_key: k, api_url: "`+api.URL+`/"}]`, func() {
		h := api.wait(t, 1)[0]
		m := h.json(t)
		alias = m["alias"]
		if h.path != "/v2/alerts" || h.header.Get("Authorization") != "GenieKey k" || len(m["message"].(string)) > 130 || len(m["description"].(string)) > 15000 {
			t.Errorf("%s %s", h.path, h.body)
		}
	}, func() {
		if h := api.wait(t, 2)[1]; h.path != fmt.Sprintf("/v2/alerts/%v/close", alias) {
			t.Errorf("%s %s", h.path, h.body)
		}
	})
}

// mailbox is a small SMTP server.
func mailbox(t *testing.T) (address string, mails func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var mu sync.Mutex
	var got []string
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				r := bufio.NewReader(c)
				say := func(s string) { _, _ = fmt.Fprintf(c, "%s\r\n", s) }
				say("220 mail.example ESMTP")
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
					case "DATA":
						say("354 go on")
						var b strings.Builder
						for {
							line, err := r.ReadString('\n')
							if err != nil || line == ".\r\n" {
								break
							}
							b.WriteString(strings.TrimPrefix(line, "."))
						}
						mu.Lock()
						got = append(got, b.String())
						mu.Unlock()
						say("250 kept")
					case "QUIT":
						say("221 bye")
						return
					default:
						say("250 ok")
					}
				}
			}()
		}
	}()
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	smtp, mails := mailbox(t)
	wait := func(n int) (subject, html string) {
		if !wait.For(func() bool { return len(mails()) >= n }) || len(mails()) != n {
			t.Fatalf("%d mails, not %d", len(mails()), n)
		}
		m, err := mail.ReadMessage(strings.NewReader(mails()[n-1]))
		if err != nil {
			t.Fatal(err)
		}
		subject, _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if to, err := m.Header.AddressList("To"); err != nil || to[0].Address != "team@example.com" {
			t.Error(to, err)
		}
		_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		return subject, string(b)
	}
	deliver(t, `email_configs: [{to: team@example.com, from: driftmeter@example.com, smarthost: "`+smtp+`", require_tls: false}]`, func() {
		subject, html := wait(1)
		if subject != "[FIRING] Income drift: loans v1, income" {
			t.Errorf("subject %q", subject)
		}
		for _, want := range []string{"The income of loans v1 has drifted.", "0.41", "20 000 to 30 000", `href="https://runbooks.example/drift"`} {
			if !strings.Contains(html, want) {
				t.Errorf("%q is not in %s", want, html)
			}
		}
		if strings.Contains(html, "Alertmanager") {
			t.Error("the mail speaks of Alertmanager")
		}
	}, func() {
		if subject, _ := wait(2); !strings.HasPrefix(subject, "[RESOLVED]") {
			t.Errorf("subject %q", subject)
		}
	})
}
