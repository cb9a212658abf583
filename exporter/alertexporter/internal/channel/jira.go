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
	"time"

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
	// SearchLag is how long an issue that was made may be missing from the answers of
	// the search.
	SearchLag time.Duration `yaml:"search_lag"`
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
	if c.SearchLag < 0 {
		errs = append(errs, fmt.Errorf("search_lag=%s is negative", c.SearchLag))
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
	p, err := newPost(cfg, "JIRA", "email and token, and that they may edit issues of project "+c.Project, "url", c.Timeout)
	return &jira{c: c, p: p}, err
}

type jira struct {
	c *Jira
	p *post
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
	store, done := storeOf(ctx), progress(ctx)
	key, known := store.GetStr(issueKey)
	if !known {
		if key, known = done.Values()[issueKey]; known {
			store.SetStr(issueKey, key)
		}
	}
	if !known {
		var retry bool
		if key, retry, err = j.find(ctx, &g); err != nil {
			return retry, err
		}
	}
	if key == "" {
		return j.first(ctx, &g, store, done)
	}
	gone, retry, err := j.commentOnce(ctx, key, &g, done)
	if err != nil {
		return retry, err
	}
	if gone { // somebody has deleted it
		store.Delete(issueKey)
		done.Set(map[string]string{issueKey: "", intentKey: "", saidKey: ""})
		return j.first(ctx, &g, store, done)
	}
	store.SetStr(issueKey, key)
	if g.firing == 0 {
		return j.transition(ctx, key)
	}
	return false, nil
}

// What is kept of a group whose notification is not finished, beside issueKey.
const (
	intentKey = "jira_intent" // when the request to make an issue was sent, until it is known to have made none
	saidKey   = "jira_said"   // which statements the issue has, or has if it was made
)

// first makes the issue of a group.
//
// Between that request and its answer the process may die, or the answer be lost,
// and the search that would find the issue lags. So the intent is kept before, and
// while the search may lag nothing is made.
func (j *jira) first(ctx context.Context, g *group, store *nflog.Store, done Progress) (retry bool, err error) {
	if intent, err := time.Parse(time.RFC3339Nano, done.Values()[intentKey]); err == nil {
		if until := intent.Add(j.c.SearchLag); time.Now().Before(until) {
			return true, j.p.reason(notify.ServerErrorReason, "JIRA may have made the issue though it did not say so; it is searched for until %s, then made (search_lag)", clock(until))
		}
	}
	if g.firing == 0 {
		return false, nil // nobody was told
	}
	done.Set(map[string]string{intentKey: time.Now().UTC().Format(time.RFC3339Nano), saidKey: statements(g)})
	key, unsure, retry, err := j.create(ctx, g)
	if err != nil {
		if !unsure {
			done.Set(map[string]string{intentKey: "", saidKey: ""})
		}
		return retry, err
	}
	done.Set(map[string]string{intentKey: "", issueKey: key})
	store.SetStr(issueKey, key)
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

// Limits of JIRA's fields, in characters as Java counts them: one beyond U+FFFF is two.
const (
	jiraSummary = 255
	jiraText    = 32767 - 200 // the last words and what is around all of it
)

// create makes an issue. unsure is a failure after which there may be one.
func (j *jira) create(ctx context.Context, g *group) (key string, unsure, retry bool, err error) {
	fields := maps.Clone(j.c.Fields)
	if fields == nil {
		fields = map[string]any{}
	}
	for k, v := range fields {
		fields[k] = jsonable(v)
	}
	fields["project"] = map[string]string{"key": j.c.Project}
	fields["issuetype"] = map[string]string{"name": j.c.IssueType}
	fields["summary"] = cutJira(oneLine(g.title()), jiraSummary)
	fields["description"] = j.text(g.say())
	fields["labels"] = slices.Concat([]string{g.label(), "driftmeter"}, j.c.Labels)
	if p := j.c.Priority[g.worst()]; p != "" {
		fields["priority"] = map[string]string{"name": p}
	}
	a, retry, err := j.p.send(ctx, request{url: j.api("/issue"), body: map[string]any{"fields": fields}})
	if err != nil {
		return "", !a.unsent && (a.status == 0 || a.status/100 == 2 || a.status/100 == 5), retry, err
	}
	var made struct{ Key string }
	if err := json.Unmarshal(a.body, &made); err != nil || made.Key == "" {
		return "", true, true, errors.New("JIRA does not say which issue it has made")
	}
	return made.Key, false, false, nil
}

// commentOnce does not repeat what the issue has, after a transition that failed or
// in another process.
func (j *jira) commentOnce(ctx context.Context, key string, g *group, done Progress) (gone, retry bool, err error) {
	what := statements(g)
	if done.Values()[saidKey] == what {
		return false, false, nil
	}
	gone, retry, err = j.comment(ctx, key, g)
	if err == nil && !gone {
		done.Set(map[string]string{saidKey: what})
	}
	return gone, retry, err
}

// statements names what is said of a group's alerts in an issue.
func statements(g *group) string {
	var what string
	for i := range g.alerts {
		what += g.alerts[i].ID + " " + token(&g.alerts[i], 0) + "\n"
	}
	return what
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
