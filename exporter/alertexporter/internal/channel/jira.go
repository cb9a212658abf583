package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"
)

// Jira keeps one issue for a group of alerts: it is made when the group first
// fires, commented on when something changes, and moved on when all is over.
type Jira struct {
	common `yaml:",inline"`
	// URL is the site: https://you.atlassian.net, or that of a Data Center.
	URL     string `yaml:"url"`
	APIType string `yaml:"api_type"` // auto, cloud, datacenter
	// Email and Token sign in to the cloud; Token alone, a personal access token, to a
	// Data Center. http_config can do it otherwise.
	Email     string           `yaml:"email"`
	Token     commoncfg.Secret `yaml:"token"`
	TokenFile string           `yaml:"token_file"`

	Project   string            `yaml:"project"` // its key
	IssueType string            `yaml:"issue_type"`
	Labels    []string          `yaml:"labels"`
	Priority  map[string]string `yaml:"priority"` // by severity: {high: Highest, medium: Medium}
	Fields    map[string]any    `yaml:"fields"`   // more fields of a new issue
	// ResolveTransition is the name of the transition when all is over: by default the
	// first that leads to a status of the category "done"; "none" leaves the issue.
	ResolveTransition string `yaml:"resolve_transition"`
}

func (c *Jira) check() error {
	errs := []error{address("url", c.URL)}
	if c.APIType != "auto" && c.APIType != "cloud" && c.APIType != "datacenter" {
		errs = append(errs, fmt.Errorf("api_type=%q is unknown; known types: auto, cloud, datacenter", c.APIType))
	}
	if c.Project == "" {
		errs = append(errs, errors.New("project is required: the key of the project, such as ML"))
	}
	if c.Token != "" && c.TokenFile != "" {
		errs = append(errs, errors.New("token and token_file are both set; leave one out"))
	}
	if c.Email != "" && c.Token == "" && c.TokenFile == "" {
		errs = append(errs, errors.New("email needs token or token_file"))
	}
	for s := range c.Priority {
		if rank(s) < 0 {
			errs = append(errs, fmt.Errorf("priority.%s is no severity; severities: low, medium, high", s))
		}
	}
	for _, l := range c.Labels {
		if l == "" || strings.ContainsAny(l, " \t\n") || len(l) > 255 {
			errs = append(errs, fmt.Errorf("labels: %q is no label, which has no blanks and at most 255 characters", l))
		}
	}
	for f := range c.Fields {
		if slices.Contains([]string{"project", "summary", "description", "issuetype"}, f) {
			errs = append(errs, fmt.Errorf("fields.%s is set by other keys", f))
		}
	}
	return joined(errs...)
}

func (c *Jira) cloud() bool {
	if c.APIType != "auto" {
		return c.APIType == "cloud"
	}
	u, err := url.Parse(c.URL)
	return err == nil && (strings.HasSuffix(u.Hostname(), ".atlassian.net") || u.Hostname() == "api.atlassian.com")
}

func (c *Jira) build() (notify.Notifier, error) {
	cfg := c.HTTPConfig
	password := c.Token
	switch {
	case c.Token == "" && c.TokenFile == "":
	case c.Email != "":
		cfg.BasicAuth = &commoncfg.BasicAuth{Username: c.Email, Password: password, PasswordFile: c.TokenFile}
	default:
		cfg.Authorization = &commoncfg.Authorization{Type: "Bearer", Credentials: password, CredentialsFile: c.TokenFile}
	}
	p, err := newPost(cfg, "JIRA", "email and token, and that they may edit issues of project "+c.Project, c.Timeout)
	return &jira{c: c, p: p, said: map[notify.Key]string{}}, err
}

type jira struct {
	c *Jira
	p *post

	mu   sync.Mutex
	said map[notify.Key]string // what was commented for a group whose issue could not be moved on
}

// issueKey is the key of the issue in the group's entry of the notification log.
// JIRA's search lags behind what it has just taken; our memory does not.
const issueKey = "jira_issue"

// Notify implements notify.Notifier.
func (j *jira) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	g, err := newGroup(ctx, alerts)
	if err != nil {
		return false, err
	}
	if g.reason == notify.ReasonRepeatIntervalElapsed {
		return false, nil // the issue is there; another comment every few hours helps nobody
	}
	store, ok := notify.NflogStore(ctx)
	if !ok {
		store = nflog.NewStore(nil)
	}
	key, known := store.GetStr(issueKey)
	if !known {
		var retry bool
		if key, retry, err = j.find(ctx, &g); err != nil {
			return retry, err
		}
	}
	switch {
	case key == "" && g.firing == 0:
		return false, nil // nobody was told
	case key == "":
		made, retry, err := j.create(ctx, &g)
		if err == nil {
			store.SetStr(issueKey, made)
		}
		return retry, err
	}
	gone, retry, err := j.commentOnce(ctx, key, &g)
	if err != nil {
		return retry, err
	}
	if gone { // somebody has deleted it
		store.Delete(issueKey)
		if g.firing == 0 {
			return false, nil
		}
		made, retry, err := j.create(ctx, &g)
		if err == nil {
			store.SetStr(issueKey, made)
		}
		return retry, err
	}
	store.SetStr(issueKey, key)
	if g.firing == 0 {
		if retry, err := j.transition(ctx, key); err != nil {
			return retry, err
		}
	}
	j.mu.Lock()
	delete(j.said, g.key)
	j.mu.Unlock()
	return false, nil
}

// label marks the issues of a group.
func (g *group) label() string { return "driftmeter-" + g.key.Hash()[:24] }

func (j *jira) api(path string) string {
	v := "2"
	if j.c.cloud() {
		v = "3"
	}
	return strings.TrimSuffix(j.c.URL, "/") + "/rest/api/" + v + path
}

// find returns the open issue of a group, or "".
func (j *jira) find(ctx context.Context, g *group) (key string, retry bool, err error) {
	path := "/search"
	if j.c.cloud() {
		path = "/search/jql" // the older one is gone from the cloud
	}
	a, retry, err := j.p.send(ctx, request{url: j.api(path), body: map[string]any{
		"jql":    fmt.Sprintf("project = %q AND labels = %q AND statusCategory != Done ORDER BY created DESC", j.c.Project, g.label()),
		"fields": []string{"status"}, "maxResults": 1,
	}})
	if err != nil {
		return "", retry, err
	}
	var found struct{ Issues []struct{ Key string } }
	if err := json.Unmarshal(a.body, &found); err != nil {
		return "", true, fmt.Errorf("JIRA answers with what is no JSON: %w", err)
	}
	if len(found.Issues) == 0 {
		return "", false, nil
	}
	return found.Issues[0].Key, false, nil
}

// Limits of JIRA's fields, in characters.
const (
	jiraSummary = 255
	jiraText    = 32767 - 1000 // what the cloud's format adds counts too
)

func (j *jira) create(ctx context.Context, g *group) (key string, retry bool, err error) {
	fields := maps.Clone(j.c.Fields)
	if fields == nil {
		fields = map[string]any{}
	}
	for k, v := range fields {
		fields[k] = jsonable(v)
	}
	fields["project"] = map[string]string{"key": j.c.Project}
	fields["issuetype"] = map[string]string{"name": j.c.IssueType}
	fields["summary"] = cut(oneLine(g.title()), jiraSummary)
	fields["description"] = j.text(g.say())
	fields["labels"] = slices.Concat([]string{g.label(), "driftmeter"}, j.c.Labels)
	if p := j.c.Priority[g.worst()]; p != "" {
		fields["priority"] = map[string]string{"name": p}
	}
	a, retry, err := j.p.send(ctx, request{url: j.api("/issue"), body: map[string]any{"fields": fields}})
	if err != nil {
		return "", retry, err
	}
	var made struct{ Key string }
	if err := json.Unmarshal(a.body, &made); err != nil || made.Key == "" {
		return "", false, errors.New("JIRA does not say which issue it has made")
	}
	return made.Key, false, nil
}

// commentOnce does not repeat a comment after which the transition failed.
func (j *jira) commentOnce(ctx context.Context, key string, g *group) (gone, retry bool, err error) {
	what := key
	for i := range g.alerts {
		what += "\n" + g.alerts[i].ID + " " + token(&g.alerts[i], 0)
	}
	j.mu.Lock()
	said := j.said[g.key] == what
	j.mu.Unlock()
	if said {
		return false, false, nil
	}
	gone, retry, err = j.comment(ctx, key, g)
	if err == nil && !gone {
		j.mu.Lock()
		j.said[g.key] = what
		j.mu.Unlock()
	}
	return gone, retry, err
}

func (j *jira) comment(ctx context.Context, key string, g *group) (gone, retry bool, err error) {
	a, retry, err := j.p.send(ctx, request{
		url: j.api("/issue/" + url.PathEscape(key) + "/comment"), body: map[string]any{"body": j.text(g.say())}, ok404: true})
	return err == nil && a.status == http.StatusNotFound, retry, err
}

// transition moves an issue to where resolved ones are.
func (j *jira) transition(ctx context.Context, key string) (bool, error) {
	if j.c.ResolveTransition == "none" {
		return false, nil
	}
	at := j.api("/issue/" + url.PathEscape(key) + "/transitions")
	a, retry, err := j.p.send(ctx, request{method: http.MethodGet, url: at})
	if err != nil {
		return retry, err
	}
	var can struct {
		Transitions []struct {
			ID, Name string
			To       struct{ StatusCategory struct{ Key string } }
		}
	}
	if err := json.Unmarshal(a.body, &can); err != nil {
		return true, fmt.Errorf("JIRA answers with what is no JSON: %w", err)
	}
	var names []string
	for _, t := range can.Transitions {
		if t.Name == j.c.ResolveTransition || j.c.ResolveTransition == "" && t.To.StatusCategory.Key == "done" {
			_, retry, err := j.p.send(ctx, request{url: at, body: map[string]any{"transition": map[string]string{"id": t.ID}}})
			return retry, err
		}
		names = append(names, fmt.Sprintf("%q", t.Name))
	}
	if j.c.ResolveTransition == "" {
		return false, nil // it is done already, or its workflow has no way there from here
	}
	return false, j.p.reason(notify.ClientErrorReason, "JIRA has no transition %q for %s now, only %s; check resolve_transition",
		j.c.ResolveTransition, key, strings.Join(names, ", "))
}

// A paragraph of an issue's text.
type paragraph struct {
	text  string
	fixed bool // in a font of one width
	links []link
}

// say writes a group as paragraphs.
func (g *group) say() []paragraph {
	ps := []paragraph{{text: g.status() + ": " + oneLine(g.title())}}
	for i := range g.alerts {
		a := &g.alerts[i]
		lines := []string{sentence(a)}
		if len(g.alerts) > 1 {
			lines = []string{subject(a), sentence(a)}
		}
		if a.Firing() && a.Recommendation != "" {
			lines = append(lines, a.Recommendation)
		}
		lines = append(lines, a.State+" "+since(a))
		ps = append(ps, paragraph{text: strings.Join(lines, "\n")})
		var fixed strings.Builder
		for _, f := range facts(a) {
			fmt.Fprintf(&fixed, "%-24s %s\n", f.name, f.value)
		}
		if len(a.Evidence) > 0 {
			fixed.WriteString("\n" + table(a.Evidence, 2000))
		}
		ps = append(ps, paragraph{text: strings.TrimRight(fixed.String(), "\n"), fixed: true})
		if ls := links(a); ls != nil {
			ps = append(ps, paragraph{links: ls})
		}
	}
	return ps
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// text writes paragraphs in the markup of the API: Atlassian's document format on
// the cloud, wiki text elsewhere. What does not fit is left out, whole paragraphs.
func (j *jira) text(ps []paragraph) any {
	size := 0
	for i, p := range ps {
		if size += len(p.text) + 100; size > jiraText {
			ps = append(slices.Clone(ps[:i]), paragraph{text: "There is more than fits here."})
			break
		}
	}
	if j.c.cloud() {
		return adf(ps)
	}
	return wiki(ps)
}

func wiki(ps []paragraph) string {
	var b strings.Builder
	for _, p := range ps {
		switch {
		case p.fixed:
			// {noformat} ends at the next one: text may not hold it.
			b.WriteString("{noformat}\n" + strings.ReplaceAll(p.text, "{noformat}", "(noformat)") + "\n{noformat}\n")
		case p.links != nil:
			for _, l := range p.links {
				fmt.Fprintf(&b, "[%s|%s] ", l.name, strings.NewReplacer("|", "%7C", "]", "%5D", "\n", "").Replace(l.url))
			}
			b.WriteString("\n")
		default:
			b.WriteString(wikiEscape.Replace(p.text) + "\n\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// wikiEscape takes their meaning from the characters that begin links, macros
// and mentions.
var wikiEscape = strings.NewReplacer("{", `\{`, "[", `\[`, "|", `\|`, "!", `\!`)

type node map[string]any

func adf(ps []paragraph) node {
	var content []node
	for _, p := range ps {
		switch {
		case p.fixed:
			content = append(content, node{"type": "codeBlock", "content": []node{{"type": "text", "text": p.text}}})
		case p.links != nil:
			var inline []node
			for i, l := range p.links {
				if i > 0 {
					inline = append(inline, node{"type": "text", "text": "  "})
				}
				inline = append(inline, node{"type": "text", "text": l.name, "marks": []node{{"type": "link", "attrs": node{"href": l.url}}}})
			}
			content = append(content, node{"type": "paragraph", "content": inline})
		default:
			var inline []node
			for i, line := range strings.Split(p.text, "\n") {
				if i > 0 {
					inline = append(inline, node{"type": "hardBreak"})
				}
				if line != "" {
					inline = append(inline, node{"type": "text", "text": line})
				}
			}
			content = append(content, node{"type": "paragraph", "content": inline})
		}
	}
	return node{"type": "doc", "version": 1, "content": content}
}

// jsonable turns maps as YAML reads them into maps as JSON writes them.
func jsonable(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for k, x := range v {
			m[fmt.Sprint(k)] = jsonable(x)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, x := range v {
			s[i] = jsonable(x)
		}
		return s
	default:
		return v
	}
}
