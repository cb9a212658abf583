package channel

import (
	"context"
	"net/url"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/pagerduty"
	"github.com/prometheus/alertmanager/template"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// Limits of PagerDuty's Events API v2.
const (
	pagerDutySummary = 1024
	pagerDutyBody    = 512_000
	pagerDutyDetail  = 20_000 // of one of the custom details; ours
	pagerDutyText    = 255    // source, class, component, group
)

type pagerDuty struct {
	Templated
	c *pagerduty.PagerdutyConfig
	p *post
}

// NewPagerDuty returns a notifier for Events API v2. The group is one alert of
// PagerDuty's, recognised by its key.
func NewPagerDuty(c *pagerduty.PagerdutyConfig, t Templated) (notify.Notifier, error) {
	if c.Timeout > 0 {
		t.Timeout = c.Timeout
	}
	p, err := newPost(*c.HTTPConfig, "PagerDuty", "routing_key, which is the integration key of a service, and url", "url", t.Timeout)
	return &pagerDuty{t, c, p}, err
}

// pagerDutySeverity has our words, too: templates may pass them on.
var pagerDutySeverity = map[string]string{
	"critical": "critical", "error": "error", "warning": "warning", "info": "info",
	alert.High: "critical", alert.Medium: "warning", alert.Low: "info",
}

// Notify implements notify.Notifier.
func (n *pagerDuty) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	m, err := n.message(ctx, alerts)
	if err != nil {
		return false, err
	}
	key, err := fromFile("routing_key", n.c.RoutingKey, n.c.RoutingKeyFile)
	if err != nil {
		return false, err
	}
	details := map[string]any{}
	for k, v := range n.c.Details {
		details[k], err = template.DeepCopyWithTemplate(v, func(s string) (string, error) { return m.upTo(pagerDutyDetail, s), m.err })
		if err != nil {
			return false, err
		}
	}
	action := "resolve"
	if m.firing > 0 {
		action = "trigger"
	}
	severity := pagerDutySeverity[m.text(n.c.Severity)]
	if severity == "" {
		severity = "error"
	}
	payload := map[string]any{
		"summary": m.upTo(pagerDutySummary, n.c.Description), "source": m.upTo(pagerDutyText, n.c.Source), "severity": severity, "custom_details": details,
	}
	for k, of := range map[string]string{"class": n.c.Class, "component": n.c.Component, "group": n.c.Group} {
		if s := m.upTo(pagerDutyText, of); s != "" {
			payload[k] = s
		}
	}
	event := map[string]any{
		"routing_key": m.text(key), "event_action": action, "dedup_key": m.key.Hash(), "payload": payload,
		"client": m.upTo(pagerDutyText, n.c.Client), "links": n.links(m), "images": n.images(m),
	}
	if u := m.text(n.c.ClientURL); isURL(u) {
		event["client_url"] = u
	}
	if m.err != nil {
		return false, m.err
	}
	body, err := encode(event)
	if err == nil && len(body) > pagerDutyBody {
		payload["custom_details"] = map[string]any{"error": "More than PagerDuty takes: see " + m.text(n.c.ClientURL)}
		body, err = encode(event)
	}
	if err != nil {
		return false, err
	}
	return n.p.tell(ctx, &m.group, request{url: n.c.URL.String(), body: body})
}

func (n *pagerDuty) links(m *message) []map[string]string {
	all := []map[string]string{}
	for _, l := range n.c.Links {
		if u := m.text(l.Href); isURL(u) {
			all = append(all, map[string]string{"href": u, "text": m.upTo(pagerDutyText, l.Text)})
		}
	}
	return all
}

func (n *pagerDuty) images(m *message) []map[string]string {
	all := []map[string]string{}
	for _, i := range n.c.Images {
		if u := m.text(i.Src); isURL(u) {
			all = append(all, map[string]string{"src": u, "href": m.text(i.Href), "alt": m.upTo(pagerDutyText, i.Alt)})
		}
	}
	return all
}

// isURL wants an address that a browser opens.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
