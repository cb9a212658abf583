package channel

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// Webhook posts each alert as one JSON object, signed as Standard Webhooks has it
// (https://www.standardwebhooks.com) if there is a secret.
type Webhook struct {
	common  `yaml:",inline"`
	URL     commoncfg.Secret            `yaml:"url"`
	URLFile string                      `yaml:"url_file"`
	Headers map[string]commoncfg.Secret `yaml:"headers"`
	// Secrets sign the message: "whsec_" and base64 of 24 to 64 bytes. While one is
	// exchanged for another there are two.
	Secrets []commoncfg.Secret `yaml:"secrets"`
}

func (c *Webhook) check() error {
	errs := []error{oneOf("url", c.URL, c.URLFile)}
	if c.URL != "" {
		errs = append(errs, address("url", string(c.URL)))
	}
	for h := range c.Headers {
		if strings.ContainsAny(h, " :\r\n\t") || h == "" {
			errs = append(errs, fmt.Errorf("headers: %q is no name of a header", h))
		}
	}
	for i, s := range c.Secrets {
		if _, err := signingKey(s); err != nil {
			errs = append(errs, fmt.Errorf("secrets[%d] %w", i, err))
		}
	}
	return joined(errs...)
}

func (c *Webhook) build() (notify.Notifier, error) {
	w := &webhook{c: c}
	for _, s := range c.Secrets {
		k, err := signingKey(s)
		if err != nil {
			return nil, err
		}
		w.keys = append(w.keys, k)
	}
	var err error
	w.p, err = newPost(c.HTTPConfig, "the webhook", "url and headers", "url", c.Timeout)
	return w, err
}

// signingKey returns the bytes of a secret.
func signingKey(s commoncfg.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(string(s), "whsec_")
	if !ok {
		return nil, errors.New("does not begin with whsec_")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("is not base64 after whsec_")
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("has %d bytes; a secret has 24 to 64", len(key))
	}
	return key, nil
}

type webhook struct {
	c    *Webhook
	p    *post
	keys [][]byte
}

// Notify implements notify.Notifier. It posts the alerts one after another, and
// after a failure goes on where it stood.
func (w *webhook) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	g, err := newGroup(ctx, alerts)
	if err != nil {
		return false, err
	}
	url, err := secret(w.c.URL, w.c.URLFile)
	if err != nil {
		return false, fmt.Errorf("url_file: %w", err)
	}
	d := due(ctx, &g)
	for _, a := range d.due {
		body, err := encode(webhookBody(&g, &a))
		if err != nil {
			return false, err
		}
		if got, retry, err := w.p.send(ctx, request{url: url, body: body, header: w.header(d.id(&g, &a), time.Now(), body)}); err != nil {
			d.failed(got, a)
			return retry, err
		}
		d.taken(a)
	}
	d.done(&g)
	return false, nil
}

// header returns the headers of a message: the configured ones, and the
// signatures of "id.timestamp.body", one for each secret.
func (w *webhook) header(id string, now time.Time, body []byte) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for k, v := range w.c.Headers {
		h.Set(k, string(v))
	}
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", at)
	var signatures []string
	for _, k := range w.keys {
		mac := hmac.New(sha256.New, k)
		mac.Write(slices.Concat([]byte(id+"."+at+"."), body))
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if signatures != nil {
		h.Set("webhook-signature", strings.Join(signatures, " "))
	}
	return h
}

// webhookMessage is the body. The first ten keys of the second part are those
// that webhooks of hosted services have; they are always there.
type webhookMessage struct {
	Type      string `json:"type"` // ml.alert.fired, ml.alert.resolved
	Timestamp string `json:"timestamp"`

	AlertID           string `json:"alert_id"`
	MonitorType       string `json:"monitor_type"`
	MonitorID         string `json:"monitor_id"`
	MonitorName       string `json:"monitor_name"`
	ModelID           string `json:"model_id"`
	ModelName         string `json:"model_name"`
	Severity          string `json:"severity"`
	Environment       string `json:"environment"`
	PrettyDescription string `json:"pretty_description"`
	DashboardLink     string `json:"dashboard_link"`

	State          string       `json:"state"`
	Reason         string       `json:"reason,omitempty"`
	Notification   string       `json:"notification"` // why now: first notification, repeat interval elapsed, …
	ModelVersion   string       `json:"model_version,omitempty"`
	MonitorMethod  string       `json:"monitor_method,omitempty"`
	Owner          string       `json:"owner,omitempty"`
	RunbookURL     string       `json:"runbook_url,omitempty"`
	Recommendation string       `json:"recommendation,omitempty"`
	SegmentName    string       `json:"segment_name,omitempty"`
	SegmentValue   string       `json:"segment_value,omitempty"`
	FieldName      string       `json:"field_name,omitempty"`
	FieldGroup     string       `json:"field_group,omitempty"`
	OutputName     string       `json:"output_name,omitempty"`
	Metric         string       `json:"metric,omitempty"`
	Value          *float64     `json:"value,omitempty"`
	Threshold      *float64     `json:"threshold,omitempty"`
	ThresholdMax   *float64     `json:"threshold_max,omitempty"`
	BaselineValue  *float64     `json:"baseline_value,omitempty"`
	StartedAt      string       `json:"started_at"`
	EndedAt        string       `json:"ended_at,omitempty"`
	WindowStart    string       `json:"window_start,omitempty"`
	WindowEnd      string       `json:"window_end,omitempty"`
	Evidence       []webhookRow `json:"evidence,omitempty"`
	_              struct{}     `json:"-"`
}

type webhookRow struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Baseline float64 `json:"baseline"`
}

func webhookBody(g *group, a *alert.Alert) webhookMessage {
	m := webhookMessage{
		Type: "ml.alert.fired", Timestamp: stamp(a.At),
		AlertID: a.ID, MonitorType: a.Monitor.Type, MonitorID: a.Monitor.ID, MonitorName: name(a),
		ModelID: a.Model, ModelName: a.Model, Severity: a.Severity, Environment: a.Environment,
		PrettyDescription: sentence(a), DashboardLink: a.DashboardURL,
		State: a.State, Reason: a.Reason, Notification: g.reason.String(), ModelVersion: a.Version,
		MonitorMethod: a.Monitor.Method, Owner: a.Monitor.Owner, RunbookURL: a.Monitor.RunbookURL, Recommendation: a.Recommendation,
		SegmentName: a.Segment, SegmentValue: a.SegmentValue, FieldName: a.Field, FieldGroup: a.FieldGroup, OutputName: a.Output,
		Metric: a.Metric, Value: a.Value, Threshold: a.Threshold, ThresholdMax: a.ThresholdMax, BaselineValue: a.Baseline,
		StartedAt: stamp(a.Started), EndedAt: stamp(a.Ended), WindowStart: stamp(a.WindowStart), WindowEnd: stamp(a.WindowEnd),
	}
	if !a.Firing() {
		m.Type = "ml.alert.resolved"
	}
	if a.At.IsZero() {
		m.Timestamp = m.StartedAt
	}
	for _, e := range a.Evidence {
		m.Evidence = append(m.Evidence, webhookRow(e))
	}
	return m
}

// stamp writes a time as RFC 3339 has it, and no time as nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
