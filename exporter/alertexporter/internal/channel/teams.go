package channel

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strings"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/msteamsv2"
)

// Limits of Teams. A message may have some 28 kB, in what Microsoft counts.
const (
	teamsBody  = 24_000
	teamsTitle = 300
)

type teams struct {
	Templated
	c *msteamsv2.MSTeamsV2Config
	p *post
}

// NewTeams returns a notifier that posts an adaptive card to a workflow of Teams.
func NewTeams(c *msteamsv2.MSTeamsV2Config, t Templated) (notify.Notifier, error) {
	p, err := newPost(*c.HTTPConfig, "Teams", "webhook_url, which is that of a workflow", "webhook_url", t.Timeout)
	return &teams{t, c, p}, err
}

type teamsBlock struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Wrap   bool   `json:"wrap"`
	Style  string `json:"style,omitempty"`
	Color  string `json:"color,omitempty"`
}

// Notify implements notify.Notifier.
func (n *teams) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	m, err := n.message(ctx, alerts)
	if err != nil {
		return false, err
	}
	address, err := n.address()
	if err != nil {
		return false, err
	}
	color := "Good"
	if m.firing > 0 {
		color = "Attention"
	}
	title, text := m.upTo(teamsTitle, n.c.Title), strings.TrimSpace(m.text(n.c.Text))
	if m.err != nil {
		return false, m.err
	}
	body, err := teamsCard(title, text, color)
	if err == nil && len(body) > teamsBody {
		text = cut(text, teamsBody)
		n := sort.Search(teamsBody, func(n int) bool {
			body, err = teamsCard(title, cut(text, n), color)
			return err != nil || len(body) > teamsBody
		})
		body, err = teamsCard(title, cut(text, max(0, n-1)), color)
	}
	if err != nil {
		return false, err
	}
	return n.p.tell(ctx, &m.group, request{url: address, body: body, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}})
}

func teamsCard(title, text, color string) ([]byte, error) {
	blocks := []teamsBlock{{Type: "TextBlock", Text: title, Weight: "Bolder", Size: "Medium", Wrap: true, Style: "heading", Color: color}}
	if text != "" {
		blocks = append(blocks, teamsBlock{Type: "TextBlock", Text: text, Wrap: true})
	}
	return encode(map[string]any{"type": "message", "attachments": []any{map[string]any{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil,
		"content": map[string]any{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.2",
			"body": blocks, "msteams": map[string]string{"width": "full"},
		},
	}}})
}

func (n *teams) address() (string, error) {
	if n.c.WebhookURL != nil {
		return n.c.WebhookURL.String(), nil
	}
	b, err := os.ReadFile(n.c.WebhookURLFile)
	if err != nil {
		return "", fmt.Errorf("webhook_url_file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
