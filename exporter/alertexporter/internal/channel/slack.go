package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"

	"github.com/driftmeter/driftmeter/internal/alert"
)

const slackAPI = "https://slack.com/api/"

// Slack delivers to a channel of Slack, by an incoming webhook or as an app with
// a bot token. As an app it puts what follows (new alerts, repeats, the end) into
// the thread of the first message.
type Slack struct {
	common         `yaml:",inline"`
	WebhookURL     commoncfg.Secret `yaml:"webhook_url"`
	WebhookURLFile string           `yaml:"webhook_url_file"`
	Token          commoncfg.Secret `yaml:"token"`
	TokenFile      string           `yaml:"token_file"`
	Channel        string           `yaml:"channel"` // with a token: "#ml", or an id
	APIURL         string           `yaml:"api_url"`
	Thread         bool             `yaml:"thread"`  // replies go into a thread
	Mention        string           `yaml:"mention"` // called on every alert that fires, beside the monitor's own
}

func (c *Slack) app() bool { return c.Token != "" || c.TokenFile != "" }

func (c *Slack) check() error {
	hook := c.WebhookURL != "" || c.WebhookURLFile != ""
	var errs []error
	switch {
	case hook && c.app():
		errs = append(errs, errors.New("webhook_url and token are both set; an incoming webhook needs no token"))
	case !hook && !c.app():
		errs = append(errs, errors.New("webhook_url or token is required (or one of them with _file)"))
	case hook:
		errs = append(errs, oneOf("webhook_url", c.WebhookURL, c.WebhookURLFile))
		if c.WebhookURL != "" {
			errs = append(errs, address("webhook_url", string(c.WebhookURL)))
		}
		if c.Channel != "" {
			errs = append(errs, errors.New("channel cannot be chosen with webhook_url, which belongs to one; use token"))
		}
	default:
		errs = append(errs, oneOf("token", c.Token, c.TokenFile), address("api_url", c.APIURL))
		if c.Channel == "" {
			errs = append(errs, errors.New("channel is required with token"))
		}
	}
	return joined(errs...)
}

func (c *Slack) build() (notify.Notifier, error) {
	key, at := "webhook_url", "webhook_url"
	if c.app() {
		key, at = "token and that the app is in the channel", "api_url"
	}
	p, err := newPost(c.HTTPConfig, "Slack", key, at, c.Timeout)
	return &slack{c, p}, err
}

type slack struct {
	c *Slack
	p *post
}

// Keys in the group's entry of the notification log.
const (
	slackTS      = "slack_ts"
	slackChannel = "slack_channel" // chat.postMessage answers with the id of the channel
)

// Notify implements notify.Notifier.
func (s *slack) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	g, err := newGroup(ctx, alerts)
	if err != nil {
		return false, err
	}
	m := slackText(&g, s.c.Mention)
	if !s.c.app() {
		hook, err := secret(s.c.WebhookURL, s.c.WebhookURLFile)
		if err != nil {
			return false, fmt.Errorf("webhook_url_file: %w", err)
		}
		a, retry, err := s.p.send(ctx, request{url: hook, body: m})
		if err != nil {
			whole(ctx, &g, a)
		}
		return retry, err
	}
	token, err := secret(s.c.Token, s.c.TokenFile)
	if err != nil {
		return false, fmt.Errorf("token_file: %w", err)
	}
	m.Channel = s.c.Channel
	store, stored := notify.NflogStore(ctx)
	if stored && s.c.Thread {
		if ts, ok := store.GetStr(slackTS); ok {
			m.ThreadTS = ts
			m.ReplyBroadcast = g.firing == 0 // the channel hears of the end
			if id, ok := store.GetStr(slackChannel); ok {
				m.Channel = id
			}
		}
	}
	a, retry, err := s.p.send(ctx, request{
		url: strings.TrimSuffix(s.c.APIURL, "/") + "/chat.postMessage", body: m,
		header: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json; charset=utf-8"}},
	})
	if err != nil {
		whole(ctx, &g, a)
		return retry, err
	}
	var said struct {
		OK                 bool
		Error, TS, Channel string
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return true, fmt.Errorf("Slack answers with what is no JSON: %w", err)
	}
	if !said.OK {
		return s.refused(said.Error)
	}
	if stored && m.ThreadTS == "" && said.TS != "" {
		store.SetStr(slackTS, said.TS)
		store.SetStr(slackChannel, said.Channel)
	}
	return false, nil
}

// refused judges the error of an answer with status 200.
func (s *slack) refused(code string) (bool, error) {
	switch code {
	case "ratelimited", "rate_limited":
		return true, s.p.reason(notify.RateLimitedReason, "Slack takes no more for now (%s)", code)
	case "fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return true, s.p.reason(notify.ServerErrorReason, "Slack has a problem (%s)", code)
	case "invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked", "missing_scope", "no_permission", "org_login_required":
		return false, s.p.reason(notify.AuthErrorReason, "Slack refuses the key (%s); check token, and that the app has the scope chat:write", code)
	case "channel_not_found", "not_in_channel", "is_archived":
		return false, s.p.reason(notify.ClientErrorReason, "Slack refuses the channel %s (%s); check channel, and invite the app to it", s.c.Channel, code)
	default:
		return false, s.p.reason(notify.ClientErrorReason, "Slack refuses the message (%s)", code)
	}
}

// Limits of Slack's messages.
const (
	slackBlocks  = 50
	slackSection = 3000
	slackFields  = 10
	slackTotal   = 12000 // characters in all blocks; beyond some 13 000 the message is refused
	slackAlerts  = 10    // shown in full
)

type slackMessage struct {
	Channel        string            `json:"channel,omitempty"`
	Text           string            `json:"text"` // shown above, and read out by notifications
	ThreadTS       string            `json:"thread_ts,omitempty"`
	ReplyBroadcast bool              `json:"reply_broadcast,omitempty"`
	Attachments    []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Color    string       `json:"color"`
	Fallback string       `json:"fallback"`
	Blocks   []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string       `json:"type"`
	Text     *slackObject `json:"text,omitempty"`
	Fields   []any        `json:"fields,omitempty"`
	Elements []any        `json:"elements,omitempty"`
}

type slackObject struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackButton struct {
	Type string      `json:"type"`
	Text slackObject `json:"text"`
	URL  string      `json:"url"`
}

func mrkdwn(s string) *slackObject { return &slackObject{"mrkdwn", s} }

var slackColor = map[string]string{alert.Low: "#439FE0", alert.Medium: "#DAA038", alert.High: "#D00000"}

// slackText writes a group: a line on what it is about, and for each alert the
// sentence, what was measured, the evidence, and where to look.
func slackText(g *group, mention string) slackMessage {
	text := "*" + g.status() + "* " + slackEscape(g.title())
	color := "#2EB886"
	if g.firing > 0 {
		color = slackColor[g.worst()]
		if m := strings.TrimSpace(mention + " " + g.mentions()); m != "" {
			text += " " + m
		}
	}
	var blocks []slackBlock
	size, shown := 0, 0
	for i := range g.alerts {
		one := slackAlert(&g.alerts[i], len(g.alerts) > 1)
		n := 0
		for _, b := range one {
			n += b.size()
		}
		if shown == slackAlerts || len(blocks)+len(one) > slackBlocks-1 || shown > 0 && size+n > slackTotal {
			break
		}
		blocks = append(blocks, one...)
		size += n
		shown++
	}
	if rest := len(g.alerts) - shown; rest > 0 {
		blocks = append(blocks, slackBlock{Type: "context", Elements: []any{mrkdwn(fmt.Sprintf("and %d more", rest))}})
	}
	return slackMessage{Text: cut(text, 3000), Attachments: []slackAttachment{{Color: color, Fallback: cut(g.status()+" "+g.title(), 300), Blocks: blocks}}}
}

// slackAlert writes one alert.
func slackAlert(a *alert.Alert, named bool) []slackBlock {
	say := slackEscape(sentence(a))
	if named {
		say = "*" + slackEscape(subject(a)) + "*\n" + say
	}
	if a.Firing() && a.Recommendation != "" {
		say += "\n" + slackEscape(a.Recommendation)
	}
	section := slackBlock{Type: "section", Text: mrkdwn(cut(say, slackSection))}
	for _, f := range facts(a) {
		if len(section.Fields) < slackFields {
			section.Fields = append(section.Fields, mrkdwn(cut("*"+slackEscape(f.name)+"*\n"+slackEscape(f.value), 2000)))
		}
	}
	blocks := []slackBlock{section}
	if len(a.Evidence) > 0 && a.Firing() {
		blocks = append(blocks, slackBlock{Type: "section", Text: mrkdwn("```\n" + slackEscape(table(a.Evidence, 1800)) + "```")})
	}
	blocks = append(blocks, slackBlock{Type: "context", Elements: []any{mrkdwn(slackEscape(a.State + " " + since(a)))}})
	var buttons []any
	for _, l := range links(a) {
		if len(l.url) <= 3000 {
			buttons = append(buttons, slackButton{"button", slackObject{"plain_text", l.name}, l.url})
		}
	}
	if buttons != nil {
		blocks = append(blocks, slackBlock{Type: "actions", Elements: buttons})
	}
	return blocks
}

func (b *slackBlock) size() int {
	n := 0
	if b.Text != nil {
		n += len(b.Text.Text)
	}
	for _, f := range append(b.Fields, b.Elements...) {
		if o, ok := f.(*slackObject); ok {
			n += len(o.Text)
		}
	}
	return n
}

type link struct{ name, url string }

// links are where to look.
func links(a *alert.Alert) []link {
	var ls []link
	for _, l := range []link{{"Dashboard", a.DashboardURL}, {"Runbook", a.Monitor.RunbookURL}} {
		if address(l.name, l.url) == nil {
			ls = append(ls, l)
		}
	}
	return ls
}

// slackUser is a mention of a person or of a group of them. That of a whole
// channel counts only where the monitor asks for it: text may hold values that
// strangers sent.
var slackUser = regexp.MustCompile(`&lt;(@[UW][A-Z0-9]+|!subteam\^[A-Z0-9]+)(\|[^&<>]*)?&gt;`)

// slackEscape writes text as Slack wants it, and leaves mentions of people alone.
func slackEscape(s string) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	return slackUser.ReplaceAllString(s, "<$1$2>")
}
