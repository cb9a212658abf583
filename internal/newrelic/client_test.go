package newrelic

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"

	"github.com/driftmeter/driftmeter/internal/alert"
)

const key = "0123456789012345678901234567890123456789"

var now = time.Unix(1_700_000_000, 0)

// serve returns a client of a TLS server behind a path, and what it was sent.
func serve(t *testing.T, key string, answer http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewTLSServer(answer)
	t.Cleanup(srv.Close)
	base, _ := url.Parse(srv.URL + "/relay/")
	c, err := NewClient(srv.Client(), key, EndpointsBelow(base, 42), "driftmeter/1", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRequest(t *testing.T) {
	var path, body string
	var header http.Header
	c := serve(t, key, func(w http.ResponseWriter, r *http.Request) {
		path, header = r.URL.Path, r.Header
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		b, _ := io.ReadAll(z)
		body = string(b)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"requestId":"r-1"}`)
	})
	req, err := c.Build(t.Context(), Events, []telemetry.Batch{{telemetry.NewEventGroup([]telemetry.Event{{EventType: "E", Timestamp: now, Attributes: map[string]any{"a": 1}}})}})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := c.Send(Events, req)
	if err != nil || receipt != `{"requestId":"r-1"}` {
		t.Errorf("%q, %v", receipt, err)
	}
	if path != "/relay/v1/accounts/42/events" || body != `[{"eventType":"E","timestamp":1700000000000,"a":1}]` {
		t.Errorf("%s %s", path, body)
	}
	if header.Get("Api-Key") != key || header.Get("Content-Encoding") != "gzip" || header.Get("Content-Type") != "application/json" ||
		!strings.HasSuffix(header.Get("User-Agent"), " driftmeter/1") {
		t.Errorf("%v", header)
	}
}

// The key must not follow a redirect to another host.
func TestNoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer other.Close()
	c := serve(t, key, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	err := c.Probe(t.Context(), Metrics)
	if err == nil || !strings.Contains(err.Error(), "answered 307") {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-3": 0, "soon": 0, "999999": maxRetryAfter,
		now.Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
	} {
		c := serve(t, key, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		req, _ := c.Build(t.Context(), Metrics, []telemetry.Batch{{telemetry.NewMetricGroup(nil)}})
		_, err := c.Send(Metrics, req)
		f, ok := errors.AsType[*Fault](err)
		if !ok || f.RetryAfter != want {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	c := serve(t, key, func(http.ResponseWriter, *http.Request) {})
	c.endpoints.Data[Logs] = &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/log/v1", RawQuery: "secret=1"}
	err := c.Probe(t.Context(), Logs)
	if err == nil || !strings.HasPrefix(err.Error(), "New Relic's logs endpoint http://127.0.0.1:1/log/v1 cannot be reached: dial tcp") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		status int
		key    string
		host   string // what the client believes to speak to
		want   string
	}{
		{202, key, "", ""},
		{200, key, "", ""},
		{400, key, "", ""}, // a good key, and an empty body
		{403, key, "metric-api.newrelic.com", "answered 403: the api_key …6789 is unknown in region us: it was deleted, is of another region, or is no licence key (kind INGEST - LICENSE)"},
		{403, key, "metric-api.eu.newrelic.com", "answered 403: the endpoint is of region eu, and keys of the EU begin with eu01xx; the api_key …6789 does not; set region: us"},
		{403, "eu01xx0123456789012345678901234567890123", "metric-api.newrelic.com", "answered 403: the api_key …0123 is of region eu and the endpoint of region us; set region: eu"},
		{403, "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1", "metric-api.newrelic.com", "answered 403: the api_key …XYZ1 is a user key, for NerdGraph; use a licence key"},
		{404, key, "", "answered 404: there is nothing at this address that takes metrics; check the endpoint"},
		{503, key, "", "answered 503 Service Unavailable: it is tried again"},
	} {
		client := serve(t, c.key, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) })
		if c.host != "" {
			srv := client.endpoints.Data[Metrics].Host
			client.http.Transport = to{srv, client.http.Transport}
			client.endpoints.Data[Metrics].Host = c.host
		}
		got := ""
		if err := client.Probe(t.Context(), Metrics); err != nil {
			got = err.Error()
		}
		if !strings.HasSuffix(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%d %s: %q, want %q", c.status, c.host, got, c.want)
		}
	}
}

// to sends every request to one host.
type to struct {
	host string
	next http.RoundTripper
}

func (r to) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Host = r.host
	return r.next.RoundTrip(req)
}

func TestMark(t *testing.T) {
	var query, userKey string
	answer := `{"data":{"changeTrackingCreateEvent":{"changeTrackingEvent":{"changeTrackingId":"id-1"},"messages":[]}}}`
	status := 200
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Query string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		query, userKey = body.Query, r.Header.Get("API-Key")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	u, _ := url.Parse(srv.URL + "/graphql")
	g := NewNerdGraph(srv.Client(), u, "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1")
	id, err := g.Mark(t.Context(), Marker{Model: `it's "x"`, Version: "1.4.0", At: now})
	if err != nil || id != "id-1" || userKey != "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1" {
		t.Errorf("%q, %v, key %q", id, err, userKey)
	}
	want := `mutation { changeTrackingCreateEvent(changeTrackingEvent: {categoryAndTypeData: {kind: {category: "deployment", type: "basic"}, ` +
		`categoryFields: {deployment: {version: "1.4.0"}}}, entitySearch: {query: "name='it\\'s \"x\"' AND domain='MLOPS' AND type='MACHINE_LEARNING_MODEL'"}, ` +
		`shortDescription: "Version 1.4.0 of model it's \"x\" began to answer", user: "driftmeter", timestamp: 1700000000000}) ` +
		`{ changeTrackingEvent { changeTrackingId } messages } }`
	if query != want {
		t.Errorf("query\n%s\nwant\n%s", query, want)
	}
	for _, c := range []struct {
		status       int
		answer, want string
	}{
		{200, `{"errors":[{"message":"entity not found"}]}`, "refused: entity not found"},
		{200, `{"data":{"changeTrackingCreateEvent":{"changeTrackingEvent":null,"messages":["no entity matches"]}}}`, "made no marker: no entity matches"},
		{200, `{"data":{"changeTrackingCreateEvent":{"changeTrackingEvent":null}}}`, "made no marker: no reason given"},
		{401, ``, "it does not accept the user_key …XYZ1"},
		{502, `bad gateway`, `answered 502 ("bad gateway")`},
		{200, `<html>`, "answered what is no JSON"},
	} {
		status, answer = c.status, c.answer
		if _, err := g.Mark(t.Context(), Marker{Model: "m", Version: "1", At: now}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d %s: %v", c.status, c.answer, err)
		}
	}
	status, answer = 200, `{"data":{"actor":{"user":{"email":"a@b.c"},"account":null}}}`
	if who, err := g.WhoAmI(t.Context(), 7); who != "a@b.c" || err == nil || err.Error() != "the user a@b.c cannot see account 7" {
		t.Errorf("%q, %v", who, err)
	}
	if who, err := g.WhoAmI(t.Context(), 0); who != "a@b.c" || err != nil {
		t.Errorf("%q, %v", who, err)
	}
}

func TestIncident(t *testing.T) {
	a := alert.Alert{ID: "0d81", State: alert.Firing, At: now.Add(-time.Hour), Severity: alert.High, Environment: "prod",
		Monitor: alert.Monitor{ID: "psi", Name: "Drift of inputs", Type: "data_drift", Owner: "team-risk", RunbookURL: "https://r"},
		Model:   "churn", Version: "2", Segment: "region", SegmentValue: "EU", Field: "age", Metric: "ml.drift.psi", Value: new(0.41),
		Reason: "psi 0.41 above 0.2", Text: "PSI of age is 0.41.", Recommendation: "Look at its source.", DashboardURL: "https://d"}
	e := Incident(&a, now)
	b, _ := json.Marshal(e.Attributes)
	if want := `{"aggregationTag.alertId":"0d81","aggregationTag.model":"churn","deepLinkUrl":"https://d",` +
		`"description":"PSI of age is 0.41.\nLook at its source.","entityName":"churn","externalId":"0d81","priority":"critical","runbookUrl":"https://r",` +
		`"source":"driftmeter","state":"trigger","tag.environment":"prod","tag.field":"age","tag.metric":"ml.drift.psi","tag.modelName":"churn",` +
		`"tag.modelVersion":"2","tag.monitor":"Drift of inputs","tag.monitorType":"data_drift","tag.owner":"team-risk","tag.segment":"region",` +
		`"tag.segmentValue":"EU","tag.value":0.41,"title":"Drift of inputs on churn (region EU): psi 0.41 above 0.2","version":1}`; string(b) != want {
		t.Errorf("%s\nwant\n%s", b, want)
	}
	if e.EventType != "NrAiIncidentExternal" || !e.Timestamp.Equal(a.At) {
		t.Errorf("%s %s", e.EventType, e.Timestamp)
	}
	// What opens and what closes must have the same tags, whatever was measured.
	a.State, a.Reason, a.Text, a.Severity, a.Value, a.At = alert.Resolved, "other", "other", alert.Low, new(0.1), now.Add(-48*time.Hour)
	f := Incident(&a, now)
	for _, attrs := range []map[string]any{e.Attributes, f.Attributes} {
		for k := range attrs {
			if strings.HasPrefix(k, "aggregationTag.") && e.Attributes[k] != f.Attributes[k] {
				t.Errorf("%s: %v and %v", k, e.Attributes[k], f.Attributes[k])
			}
		}
	}
	if f.Attributes["state"] != "resolve" || !f.Timestamp.Equal(now) {
		t.Errorf("%v %s", f.Attributes["state"], f.Timestamp)
	}
}
