package alertexporter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// schemas are those of the vendors' requests, by the name of their file.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob("testdata/schemas/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no schemas", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(f, err)
		}
		if s, _ := v.(map[string]any)["description"].(string); !strings.Contains(s, "https://") {
			t.Errorf("%s does not say where it is from", f)
		}
		if err := c.AddResource("https://schemas.test/"+filepath.Base(f), v); err != nil {
			t.Fatal(f, err)
		}
	}
	all := map[string]*jsonschema.Schema{}
	for _, f := range files {
		name := filepath.Base(f)
		s, err := c.Compile("https://schemas.test/" + name)
		if err != nil {
			t.Fatal(f, err)
		}
		all[strings.TrimSuffix(name, ".json")] = s
	}
	return all
}

// schemaOf names the schema of a request to a kind of destination; none is for
// requests without a body.
func schemaOf(kind string, h hit) (name string) {
	if h.method == http.MethodGet {
		return ""
	}
	switch kind {
	case "hook", "app":
		return "slack-message"
	case "pager":
		return "pagerduty-event"
	case "card":
		return "teams-message"
	case "incidents":
		return "newrelic-incidents"
	case "genie":
		if strings.HasSuffix(h.path, "/close") {
			return "opsgenie-close"
		}
		return "opsgenie-alert"
	case "cloud", "datacenter":
		switch {
		case strings.Contains(h.path, "/search"):
			return "jira-search"
		case strings.HasSuffix(h.path, "/transitions"):
			return "jira-transition"
		case strings.HasSuffix(h.path, "/comment"):
			return "jira-comment-" + kind
		default:
			return "jira-issue-" + kind
		}
	default:
		return ""
	}
}

// limits are what the vendors document and a schema cannot say.
func limits(kind string, body []byte, v any) error {
	size := len(body)
	switch kind {
	case "hook", "app":
		n := 0
		for _, a := range v.(map[string]any)["attachments"].([]any) {
			n += texts(a.(map[string]any)["blocks"])
		}
		if n > 13_000 {
			return fmt.Errorf("%d characters in blocks (msg_blocks_too_long)", n)
		}
	case "pager":
		if size > 512_000 {
			return fmt.Errorf("%d bytes", size)
		}
	case "card":
		if size > 28_000 {
			return fmt.Errorf("%d bytes", size)
		}
	case "incidents":
		if size > 1_000_000 {
			return fmt.Errorf("%d bytes", size)
		}
	case "cloud", "datacenter":
		if m, ok := v.(map[string]any); ok {
			fields, _ := m["fields"].(map[string]any)
			if s, _ := fields["summary"].(string); len(utf16.Encode([]rune(s))) > 255 {
				return fmt.Errorf("a summary of more than 255 of Java's characters: %q", s)
			}
			for _, doc := range []any{m["body"], fields["description"]} {
				if s, ok := doc.(string); ok {
					if n := len(utf16.Encode([]rune(s))); n > 32_767 {
						return fmt.Errorf("a text of %d of Java's characters", n)
					}
					continue
				}
				var text strings.Builder
				enc := json.NewEncoder(&text)
				enc.SetEscapeHTML(false)
				if err := enc.Encode(doc); err != nil {
					return err
				}
				if n := len(utf16.Encode([]rune(text.String()))); n > 32_768 { // Encode adds a line's end
					return fmt.Errorf("a document of %d characters", n)
				}
			}
		}
	case "genie":
		n := 0
		details, _ := v.(map[string]any)["details"].(map[string]any)
		for k, s := range details {
			n += len([]rune(k)) + len([]rune(s.(string)))
		}
		if n > 8_000 {
			return fmt.Errorf("%d characters in details", n)
		}
	}
	return nil
}

// texts counts the characters of all strings under the key "text".
func texts(v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n += texts(x)
		}
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && k == "text" {
				n += len([]rune(s))
			} else {
				n += texts(x)
			}
		}
	}
	return n
}

const hostile = "\n\n<!channel> <@U1> {{ .Foo }} {noformat} [x|http://evil] !img! *b* _i_ \"q\" 'a' \\ \x00\x1b[31m\r\nBcc: a@b\t\u202e\u2028 & <script>alert(1)</script> ]]> %s \xff\xfe 😀"

// Whatever alerts say, what is sent is what the vendors document: when they fire,
// when they are over, with texts that are too long and texts that mean ill.
func TestReceivedBytesAreAsDocumented(t *testing.T) {
	t.Parallel()
	known := schemas(t)
	long := func(n int) string { return strings.Repeat("ä<&>\"long ", n/10+1)[:n] }
	for name, alerts := range map[string][]alert.Alert{
		"one": {firing("income")},
		"two": {firing("income"), firing("age")},
		"long": many(20, func(a *alert.Alert) {
			a.Text, a.Recommendation, a.Reason = long(20_000), long(5_000), long(3_000)
			a.Monitor.Name, a.Monitor.Owner, a.Model, a.Version = long(700), long(500), long(600), long(300)
			a.Segment, a.SegmentValue = long(400), long(9_000)
			a.DashboardURL, a.Monitor.RunbookURL = "https://driftmeter.example/"+strings.Repeat("x", 4_000), "https://runbooks.example/"+strings.Repeat("y", 2_000)
			a.Monitor.Mention = strings.Repeat("<@U012AB> ", 1000)
			for i := range 60 {
				a.Evidence = append(a.Evidence, alert.Evidence{Name: fmt.Sprint(long(300), i), Value: 1e300, Baseline: -1e-300})
			}
		}),
		"hostile": many(3, func(a *alert.Alert) {
			for _, s := range []*string{&a.Text, &a.Recommendation, &a.Reason, &a.Monitor.Name, &a.Monitor.Owner, &a.Model, &a.Version, &a.Segment, &a.SegmentValue, &a.Output, &a.Metric} {
				*s = strings.ToValidUTF8(hostile, "?")
			}
			a.DashboardURL, a.Monitor.RunbookURL = "javascript:alert(1)", "https://a b|c]\"<>"
			a.Evidence = []alert.Evidence{{Name: strings.ToValidUTF8(hostile, "?"), Value: 1, Baseline: 2}, {Name: ""}}
		}),
		"wide": many(2, func(a *alert.Alert) {
			a.Monitor.Name, a.Model, a.Text, a.Reason = strings.Repeat("😀", 300), strings.Repeat("😀", 300), strings.Repeat("😀", 9_000), strings.Repeat("😀", 2_000)
		}),
		"empty": many(1, func(a *alert.Alert) {
			*a = alert.Alert{State: alert.Firing, Severity: alert.Low, Started: began, At: began, Monitor: alert.Monitor{ID: "m"}, Model: "m"}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var routes, receivers strings.Builder
			fakes := map[string]*fake{}
			var mail *place
			for _, k := range placeKinds {
				fmt.Fprintf(&routes, "  - {receiver: %s, continue: true}\n", k.name)
				if k.ok == nil {
					mail = newPlace(t, k, "")
					mail.well = true
					fmt.Fprintf(&receivers, "- {name: %s, %s}\n", k.name, fmt.Sprintf(patient(k.receiver), mail.addr))
					continue
				}
				fakes[k.name] = newFake(t, func(_ int, w http.ResponseWriter, h hit) { k.ok(w, h) })
				fmt.Fprintf(&receivers, "- {name: %s, %s}\n", k.name, fmt.Sprintf(patient(k.receiver), fakes[k.name].URL))
			}
			r := start(t, config(t, "route:\n  receiver: pager\n  group_wait: 500ms\n  group_interval: 1s\n  repeat_interval: 1h\n  routes:\n"+routes.String()+
				"directory: "+t.TempDir()+"\nreceivers:\n"+receivers.String()))
			r.send(alerts...)
			for kind, f := range fakes {
				f.wait(t, map[bool]int{true: 2, false: 1}[kind == "cloud" || kind == "datacenter"])
			}
			mail.expect(t, r, mail.kind.fired)
			var ends []alert.Alert
			for _, a := range alerts {
				end := over(a)
				end.Text = a.Text
				ends = append(ends, end)
			}
			r.send(ends...)
			for _, k := range placeKinds {
				if f := fakes[k.name]; f != nil {
					f.last(t, func(h hit) bool { s := k.read(t, h); return len(s) > 0 && isEnd(s[len(s)-1]) })
				}
			}
			mail.expect(t, r, mail.kind.over)
			r.stop()
			for kind, f := range fakes {
				for _, h := range f.hits() {
					if kind == "program" {
						continue // ours: no vendor documents it
					}
					checkBody(t, known, kind, h)
				}
			}
		})
	}
}

func isEnd(said string) bool {
	return said == "transition" || strings.HasSuffix(said, "resolved")
}

func many(n int, change func(*alert.Alert)) []alert.Alert {
	var all []alert.Alert
	for i := range n {
		a := firing(fmt.Sprintf("field%d", i))
		change(&a)
		a.Identify()
		all = append(all, a)
	}
	return all
}

func checkBody(t *testing.T, known map[string]*jsonschema.Schema, kind string, h hit) {
	t.Helper()
	name := schemaOf(kind, h)
	if name == "" {
		return
	}
	text := h.body
	if h.header.Get("Content-Encoding") == "gzip" {
		var err error
		if text, err = json.Marshal(incidents(t, h)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = known[name].Validate(v)
	}
	if err == nil {
		err = limits(kind, h.body, v)
	}
	if err != nil {
		t.Errorf("%s, %s %s: %v\n%s", kind, h.method, h.path, err, text[:min(len(text), 600)])
	}
}

// The schemas refuse what the vendors refuse.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	known := schemas(t)
	for name, bodies := range map[string][]string{
		"slack-message": {`{}`, `{"text":"x","attachments":[]}`, `{"text":"x","attachments":[{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":""}}]}]}`,
			`{"text":"x","attachments":[{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"` + strings.Repeat("x", 3001) + `"}}]}]}`,
			`{"text":"x","attachments":[{"blocks":[` + strings.Repeat(`{"type":"section","text":{"type":"mrkdwn","text":"x"}},`, 50) + `{"type":"section","text":{"type":"mrkdwn","text":"x"}}]}]}`},
		"pagerduty-event": {`{"routing_key":"k","event_action":"fire","dedup_key":"d","payload":{"summary":"s","source":"s","severity":"error"}}`,
			`{"routing_key":"k","event_action":"trigger","dedup_key":"d","payload":{"summary":"s","source":"s","severity":"high"}}`,
			`{"routing_key":"k","event_action":"trigger","dedup_key":"d","payload":{"summary":"` + strings.Repeat("s", 1025) + `","source":"s","severity":"error"}}`},
		"opsgenie-alert":          {`{}`, `{"message":"` + strings.Repeat("m", 131) + `"}`, `{"message":"m","details":{"a":1}}`, `{"message":"m","priority":"high"}`},
		"opsgenie-close":          {`{"source":"` + strings.Repeat("m", 101) + `"}`},
		"teams-message":           {`{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.2","body":[{"type":"TextBlock","text":""}]}}]}`},
		"jira-issue-cloud":        {`{"fields":{"project":{"key":"ML"},"issuetype":{"name":"Bug"},"summary":"a\nb"}}`, `{"fields":{"project":{"key":"ML"},"issuetype":{"name":"Bug"},"summary":"a","description":"text"}}`, `{"fields":{"project":{"key":"ML"},"issuetype":{"name":"Bug"},"summary":"a","labels":["a b"]}}`},
		"jira-issue-datacenter":   {`{"fields":{"project":{"key":"ML"},"issuetype":{"name":"Bug"},"summary":"` + strings.Repeat("s", 256) + `"}}`, `{"fields":{"project":{"key":"ML"},"issuetype":{"name":"Bug"},"summary":"a","description":{"type":"doc"}}}`},
		"jira-comment-cloud":      {`{"body":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}}`, `{"body":{"type":"doc","version":1,"content":[{"type":"codeBlock","content":[{"type":"hardBreak"}]}]}}`},
		"jira-comment-datacenter": {`{"body":""}`}, "jira-transition": {`{"transition":{"id":31}}`}, "jira-search": {`{"maxResults":1}`},
		"newrelic-incidents": {`[]`, `[{"eventType":"NrAiIncidentExternal","state":"trigger","source":"s","title":"t"}]`,
			`[{"eventType":"NrAiIncidentExternal","state":"trigger","source":"s","title":"t","aggregationTag.alertId":"x","tag.priority":"p"}]`,
			`[{"eventType":"NrAiIncidentExternal","state":"resolve","source":"s","aggregationTag.alertId":"x","ok":true}]`},
	} {
		for _, b := range bodies {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if known[name] == nil || known[name].Validate(v) == nil {
				t.Errorf("%s takes %s", name, b[:min(len(b), 200)])
			}
		}
	}
}
