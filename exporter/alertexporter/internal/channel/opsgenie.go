package channel

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/opsgenie"
)

// Limits of OpsGenie's alerts, in characters.
const (
	opsGenieMessage     = 130
	opsGenieDescription = 15_000
	opsGenieDetails     = 8_000 // keys and values of all together
	opsGenieSource      = 100
	opsGenieEntity      = 512
	opsGenieNote        = 25_000
	opsGenieTags        = 20
	opsGenieActions     = 10
	opsGenieWord        = 50 // a tag, an action
)

type opsGenie struct {
	Templated
	c *opsgenie.OpsGenieConfig
	p *post
}

// NewOpsGenie returns a notifier for OpsGenie's Alert API. The group is one alert
// there, recognised by its alias.
func NewOpsGenie(c *opsgenie.OpsGenieConfig, t Templated) (notify.Notifier, error) {
	p, err := newPost(*c.HTTPConfig, "OpsGenie", "api_key, which is that of an API integration, and api_url (https://api.eu.opsgenie.com/ in Europe)", "api_url", t.Timeout)
	return &opsGenie{t, c, p}, err
}

// opsGenieKey is, in the progress, which statements the alert was made with: the
// updates that follow may fail.
const opsGenieKey = "opsgenie_made"

// Notify implements notify.Notifier.
func (n *opsGenie) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	m, err := n.message(ctx, alerts)
	if err != nil {
		return false, err
	}
	key, err := fromFile("api_key", n.c.APIKey, n.c.APIKeyFile)
	if err != nil {
		return false, err
	}
	header := http.Header{"Authorization": {"GenieKey " + m.text(key)}, "Content-Type": {"application/json"}}
	if m.firing == 0 {
		body := map[string]any{"source": m.upTo(opsGenieSource, n.c.Source)}
		if m.err != nil {
			return false, m.err
		}
		return n.p.tell(ctx, &m.group, request{url: n.at("/close", m.key.Hash()), body: body, header: header})
	}
	body := n.alert(m)
	if m.err != nil {
		return false, m.err
	}
	done, what := progress(ctx), statements(&m.group)
	if done.Values()[opsGenieKey] != what {
		if retry, err := n.p.tell(ctx, &m.group, request{url: n.at("", ""), body: body, header: header}); err != nil {
			return retry, err
		}
		if !n.c.UpdateAlerts {
			return false, nil
		}
		done.Set(map[string]string{opsGenieKey: what})
	}
	for _, field := range []string{"message", "description"} {
		r := request{method: http.MethodPut, url: n.at("/"+field, m.key.Hash()), body: map[string]any{field: body[field]}, header: header}
		if _, retry, err := n.p.send(ctx, r); err != nil {
			return retry, err
		}
	}
	return false, nil
}

// at is the address of alerts, or of what is to be done with one.
func (n *opsGenie) at(what, alias string) string {
	u := *n.c.APIURL.URL
	u.Path = strings.TrimSuffix(u.Path, "/") + "/v2/alerts"
	if alias != "" {
		u.Path += "/" + alias + what
		u.RawQuery = url.Values{"identifierType": {"alias"}}.Encode()
	}
	return u.String()
}

func (n *opsGenie) alert(m *message) map[string]any {
	body := map[string]any{
		"alias": m.key.Hash(), "message": m.upTo(opsGenieMessage, n.c.Message), "details": n.details(m), "source": m.upTo(opsGenieSource, n.c.Source),
	}
	for k, s := range map[string]string{
		"description": m.upTo(opsGenieDescription, n.c.Description), "note": m.upTo(opsGenieNote, n.c.Note),
		"entity": m.upTo(opsGenieEntity, n.c.Entity), "priority": m.text(n.c.Priority),
	} {
		if s != "" {
			body[k] = s
		}
	}
	for k, l := range map[string][]string{"tags": m.list(opsGenieTags, opsGenieWord, n.c.Tags), "actions": m.list(opsGenieActions, opsGenieWord, n.c.Actions)} {
		if l != nil {
			body[k] = l
		}
	}
	if rs := n.responders(m); rs != nil {
		body["responders"] = rs
	}
	return body
}

// details are the labels that all alerts of the group have, and what is configured,
// as many as fit.
func (n *opsGenie) details(m *message) map[string]string {
	all := maps.Clone(map[string]string(m.data.CommonLabels))
	if all == nil {
		all = map[string]string{}
	}
	for k, of := range n.c.Details {
		all[k] = m.text(of)
	}
	size := 0
	for _, k := range slices.Sorted(maps.Keys(all)) {
		room := opsGenieDetails - size - len([]rune(k))
		if room < 1 {
			delete(all, k)
			continue
		}
		all[k] = cut(all[k], room)
		size += len([]rune(k)) + len([]rune(all[k]))
	}
	return all
}

func (n *opsGenie) responders(m *message) []map[string]string {
	var all []map[string]string
	for _, r := range n.c.Responders {
		id, name, user, kind := m.text(r.ID), m.text(r.Name), m.text(r.Username), m.text(r.Type)
		names := []string{name}
		if kind == "teams" {
			kind, names = "team", m.list(50, 512, r.Name)
		}
		for _, name := range names {
			one := map[string]string{}
			for k, v := range map[string]string{"id": id, "name": name, "username": user} {
				if v != "" {
					one[k] = v
				}
			}
			if len(one) > 0 { // a template may have nobody
				one["type"] = kind
				all = append(all, one)
			}
		}
	}
	return all
}
