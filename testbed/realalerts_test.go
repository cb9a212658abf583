package testbed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// watching is a whole Collector: predictions in, alerts out to every channel.
const watching = `
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:$GRPC}}}
processors:
  profile: {flush_interval: 300ms}
connectors:
  modelmetrics: {settle: 300ms, max_delay: 1s}
exporters:
  alert:
    directory: $ALERTS
    route: {receiver: all, group_by: [alertname], group_wait: 300ms, group_interval: 1s, repeat_interval: 24h}
    receivers:
      - name: all
        slack: {webhook_url: $URL/slack}
        jira: {url: $URL/jira, token: t0k, project: ML, search_lag: 0s}
        webhook: {url: $URL/webhook}
        newrelic: {license_key: eu01xxKEY, endpoint: $URL/newrelic/v1/accounts/events}
        pagerduty_configs: [{routing_key: 0123456789abcdef0123456789abcdef, url: $URL/pagerduty}]
        msteamsv2_configs: [{webhook_url: $URL/teams}]
        opsgenie_configs: [{api_key: k, api_url: $URL/opsgenie/}]
        email_configs: [{to: team@example.com, from: driftmeter@example.com, smarthost: "$SMTP", require_tls: false}]
extensions:
  modelstore:
    directory: $DIR
    models:
      - name: census_employment
        type: binary
        outputs: [{prediction: employed_proba, actual: employed, threshold: 0.5}]
        fields: {features.RELP: {type: categorical}}
        reference: {path: $REFERENCE, mapping: {predicted_probability: predictions.employed_proba, employed: actuals.employed}}
        monitors:
          - {name: Household drifts, type: data_drift, method: training, fields: [features.RELP], severity: high}
          - {name: f1 falls, type: performance_degradation, method: training, metric: f1, percentage: 10, severity: high}
service:
  extensions: [modelstore]
  pipelines:
    logs/predictions: {receivers: [otlp], processors: [profile], exporters: [modelmetrics]}
    logs/alerts: {receivers: [modelmetrics], exporters: [alert]}
  telemetry:
    logs: {level: info, encoding: console, sampling: {enabled: false}}
    metrics: {level: none}
`

// destination stands for all that alerts are delivered to, each under a path of its
// own, and keeps what it got.
type destination struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string][]string // by the first part of the path: path and body
}

func newDestination(t *testing.T) *destination {
	d := &destination{got: map[string][]string{}}
	issues := 0
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		b, _ := io.ReadAll(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
				b, _ = io.ReadAll(z)
			}
		}
		channel, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		d.got[channel] = append(d.got[channel], r.Method+" "+path+" "+string(b))
		switch {
		case channel == "jira" && strings.Contains(path, "/search"):
			_, _ = io.WriteString(w, `{"issues":[]}`)
		case channel == "jira" && r.Method == http.MethodPost && strings.HasSuffix(path, "/issue"):
			issues++
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, `{"id":"%d","key":"ML-%d","self":"x"}`, issues, issues)
		case channel == "jira" && r.Method == http.MethodGet && strings.HasSuffix(path, "/transitions"):
			_, _ = io.WriteString(w, `{"transitions":[{"id":"31","name":"Done","to":{"statusCategory":{"key":"done"}}}]}`)
		case channel == "jira" && strings.HasSuffix(path, "/transitions"):
			w.WriteHeader(http.StatusNoContent)
		case channel == "jira":
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{}`)
		case channel == "newrelic":
			_, _ = io.WriteString(w, `{"success":true,"uuid":"x"}`)
		case channel == "pagerduty", channel == "opsgenie", channel == "teams":
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{}`)
		default:
			_, _ = io.WriteString(w, "ok")
		}
	}))
	t.Cleanup(d.Close)
	return d
}

// said counts what a channel was told that holds all of these words.
func (d *destination) said(channel string, words ...string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.got[channel] {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) }) {
			n++
		}
	}
	return n
}

// all returns what a channel was told.
func (d *destination) all(channel string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got[channel])
}

// told is how each channel says that an alert begins, and that it is over.
var told = map[string]struct{ fires, over []string }{
	"slack":     {[]string{"*Firing*"}, []string{"*Resolved*"}},
	"jira":      {[]string{"POST rest/api/2/issue {"}, []string{"/transitions {", `"id":"31"`}},
	"webhook":   {[]string{`"state":"firing"`}, []string{`"state":"resolved"`}},
	"newrelic":  {[]string{`"state":"trigger"`}, []string{`"state":"resolve"`}},
	"pagerduty": {[]string{`"event_action":"trigger"`}, []string{`"event_action":"resolve"`}},
	"teams":     {[]string{"[FIRING]"}, []string{"[RESOLVED]"}},
	"opsgenie":  {[]string{"POST v2/alerts {"}, []string{"/close"}},
	"email":     {[]string{"[FIRING"}, []string{"[RESOLVED"}},
}

// Alerts of real drift reach every channel once, and so does their end: the people
// of group quarters, who stand in one block of the census of 2017, come and go. RELP
// drifts then, and f1 falls.
func TestAlertsOfRealDriftReachEveryChannel(t *testing.T) {
	to, r := newDestination(t), newRig(t, "", "", func(string) bool { return false })
	reference, err := filepath.Abs(census + "2015.csv.gz")
	r.check(err)
	r.values["ALERTS"], r.values["URL"], r.values["REFERENCE"] = filepath.Join(t.TempDir(), "alerts"), to.URL, reference
	r.values["SMTP"] = to.mailServer(t)
	r.config, err = WriteConfig(t.TempDir(), watching, r.values)
	r.check(err)
	r.start()

	usual := people(t, "2016")
	block := slices.DeleteFunc(people(t, "2017"), func(p person) bool { return !p.blocked() })
	first, hours := time.Now().UTC().Truncate(time.Hour).Add(-8*time.Hour), 0
	hour := func(ps []person) {
		t.Helper()
		r.check(r.send(func(to plog.LogRecordSlice) {
			predicted(to, ps, hours, first.Add(time.Duration(hours)*time.Hour))
		}))
		hours++
	}
	await := func(what string, words func(channel string) []string, alerts int) {
		t.Helper()
		for channel := range told {
			r.eventually(func() string {
				return fmt.Sprintf("%s was told %d times that %s: %q", channel, to.said(channel, words(channel)...), what, to.all(channel))
			}, func() bool { return to.said(channel, words(channel)...) >= alerts })
		}
	}
	fires := func(c string) []string { return told[c].fires }
	over := func(c string) []string { return told[c].over }

	hour(usual[:2000])
	hour(usual[2000:4000])
	hour(block[:2500])

	await("it fires", fires, 2)
	hour(block[2500:5000])
	hour(usual[4000:6000])
	await("it is over", over, 2)
	r.stop()
	for channel := range told {
		if f, o := to.said(channel, fires(channel)...), to.said(channel, over(channel)...); f != 2 || o != 2 {
			t.Errorf("%s was told %d times that it fires and %d times that it is over, want 2 each: %q", channel, f, o, to.all(channel))
		}
	}
	to.asDocumented(t)
	for _, words := range [][]string{{"RELP", "Household drifts"}, {"f1 falls", "census_employment"}} {
		if to.said("slack", append(words, "*Firing*")...) != 1 {
			t.Errorf("no message has %q: %q", words, to.all("slack"))
		}
	}
}
