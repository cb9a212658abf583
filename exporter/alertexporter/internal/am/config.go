package am

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	commoncfg "github.com/prometheus/common/config"
	"gopkg.in/yaml.v2"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
)

// Source is a configuration as it is written: sections of Alertmanager's file,
// and receivers that may name our channels too.
type Source struct {
	Global        map[string]any
	Route         map[string]any
	Receivers     []map[string]any
	InhibitRules  []map[string]any
	TimeIntervals []map[string]any
	Templates     []string
}

// Config is a configuration that was checked.
type Config struct {
	AM       *amconfig.Config
	own      map[string][]own // by receiver
	timeouts timeouts
}

// own is one of our channels in a receiver.
type own struct {
	kind   string
	index  int
	config channel.Config
}

// Names are the receivers, in order.
func (c *Config) Names() []string {
	var names []string
	for _, r := range c.AM.Receivers {
		names = append(names, r.Name)
	}
	return names
}

// Load reads a configuration. The error says everything that is wrong, each with
// the path to it.
//
// Alertmanager stops at the first mistake, and knows lines of a file that there is
// not. So each part is given to it in a configuration of its own, in which nothing
// else can be wrong.
func Load(s Source) (*Config, error) {
	l := &loader{global: s.Global, own: map[string][]own{}, timeouts: timeouts{}, known: map[string]bool{}, times: map[string]bool{}}
	if err := l.try(nil); err != nil {
		l.fail("global", err)
		l.global = nil
	}
	receivers := l.receivers(s.Receivers)
	l.intervals(s.TimeIntervals)
	l.templates(s.Templates)
	for i, r := range s.InhibitRules {
		if err := l.try(map[string]any{"inhibit_rules": []any{r}}); err != nil {
			l.fail(fmt.Sprintf("inhibit_rules[%d]", i), err)
		}
	}
	route := l.route(s)
	if l.errs != nil {
		return nil, errors.Join(l.errs...)
	}
	text, err := yaml.Marshal(compact(map[string]any{
		"global": s.Global, "route": route, "receivers": receivers,
		"inhibit_rules": s.InhibitRules, "time_intervals": s.TimeIntervals, "templates": s.Templates,
	}))
	if err != nil {
		return nil, err
	}
	conf, err := amconfig.Load(string(text))
	if err != nil {
		return nil, plain(err)
	}
	return &Config{AM: conf, own: l.own, timeouts: l.timeouts}, nil
}

type loader struct {
	errs   []error
	global map[string]any
	own    map[string][]own
	timeouts
	known map[string]bool // receivers
	names []string        // the same, in order
	times map[string]bool // time intervals
}

func (l *loader) fail(path string, err error) {
	for line := range strings.SplitSeq(plain(err).Error(), "\n") {
		l.errs = append(l.errs, fmt.Errorf("%s: %s", path, line))
	}
}

// try loads a configuration in which nothing but part can be wrong.
func (l *loader) try(part map[string]any) error {
	c := map[string]any{"global": l.global, "route": map[string]any{"receiver": "x"}, "receivers": []any{map[string]any{"name": "x"}}}
	maps.Copy(c, part)
	text, err := yaml.Marshal(compact(c))
	if err != nil {
		return err
	}
	_, err = amconfig.Load(string(text))
	return err
}

// compact leaves out what is not there: an empty section is a mistake to
// Alertmanager.
func compact(c map[string]any) map[string]any {
	for k, v := range c {
		switch v := v.(type) {
		case map[string]any:
			if v == nil {
				delete(c, k)
			}
		case []map[string]any:
			if len(v) == 0 {
				delete(c, k)
			}
		case []string:
			if len(v) == 0 {
				delete(c, k)
			}
		}
	}
	return c
}

var (
	yamlLine = regexp.MustCompile(`(?m)^\s*line \d+: `)
	yamlType = regexp.MustCompile(` (not found|already set) in type [\w.]+`)
)

// plain takes out of Alertmanager's messages what is not the user's: lines of a
// file that was never written, and names of Go.
func plain(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n")
	text = yamlLine.ReplaceAllString(text, "")
	text = yamlType.ReplaceAllString(text, " is unknown")
	return errors.New(strings.TrimPrefix(text, "yaml: "))
}

// receivers checks the receivers and returns them as Alertmanager is to have them.
func (l *loader) receivers(rs []map[string]any) []map[string]any {
	var out []map[string]any
	for i, r := range rs {
		path := fmt.Sprintf("receivers[%d]", i)
		name, _ := r["name"].(string)
		switch {
		case name == "":
			l.fail(path, errors.New("name is missing"))
		case l.known[name]:
			l.fail(path, fmt.Errorf("name %q is that of another receiver", name))
		}
		if name != "" && !l.known[name] {
			l.known[name] = true
			l.names = append(l.names, name)
		}
		theirs := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(r)) {
			at := path + "." + key
			switch {
			case key == "name" || key == "labels":
				theirs[key] = r[key]
			case channel.Kinds[key] != nil:
				l.channels(name, key, at, list(r[key]))
			case strings.HasSuffix(key, "_configs"):
				theirs[key] = l.integrations(name, key, at, list(r[key]))
			default:
				l.fail(at, fmt.Errorf("is unknown; known channels: %s, and Alertmanager's %s",
					strings.Join(slices.Sorted(maps.Keys(channel.Kinds)), ", "), strings.Join(theirKinds, ", ")))
			}
		}
		out = append(out, theirs)
	}
	if len(rs) == 0 {
		l.fail("receivers", errors.New("there is none; whom should alerts go to?"))
	}
	return out
}

// theirKinds are the channels that come with Alertmanager, as it names them.
var theirKinds = []string{"discord_configs", "email_configs", "incidentio_configs", "jira_configs", "mattermost_configs", "msteams_configs",
	"msteamsv2_configs", "opsgenie_configs", "pagerduty_configs", "pushover_configs", "rocketchat_configs", "slack_configs", "sns_configs",
	"telegram_configs", "victorops_configs", "webex_configs", "webhook_configs", "wechat_configs"}

// list returns the entries of a channel: a list, or one alone.
func list(v any) []any {
	if s, ok := v.([]any); ok {
		return s
	}
	return []any{v}
}

func (l *loader) channels(receiver, kind, path string, entries []any) {
	for i, entry := range entries {
		at := fmt.Sprintf("%s[%d]", path, i)
		c := channel.Kinds[kind]()
		text, err := yaml.Marshal(entry)
		if err == nil {
			err = yaml.UnmarshalStrict(text, c)
		}
		if err == nil {
			_, err = channel.New(c)
		}
		if err != nil {
			l.fail(at, err)
			continue
		}
		l.own[receiver] = append(l.own[receiver], own{kind, i, c})
	}
}

// integrations checks what Alertmanager delivers itself, each alone, and fills in
// what we have other defaults for.
func (l *loader) integrations(receiver, kind, path string, entries []any) []any {
	var out []any
	for i, entry := range entries {
		at := fmt.Sprintf("%s[%d]", path, i)
		m, ok := entry.(map[string]any)
		if !ok {
			l.fail(at, errors.New("has no keys"))
			continue
		}
		m = maps.Clone(m)
		if _, ok := m["send_resolved"]; !ok {
			m["send_resolved"] = true // Alertmanager does not tell Slack and e-mail that all is over
		}
		if _, ok := m["severity"]; !ok && kind == "pagerduty_configs" {
			m["severity"] = `{{ template "driftmeter.severity" . }}`
		}
		if err := l.timeouts.take(receiver, kind, i, m); err != nil {
			l.fail(at, err)
			continue
		}
		if err := l.try(map[string]any{"receivers": []any{map[string]any{"name": "x", kind: []any{m}}}}); err != nil {
			l.fail(at, err)
			continue
		}
		out = append(out, m)
	}
	return out
}

func (l *loader) intervals(ts []map[string]any) {
	for i, t := range ts {
		if err := l.try(map[string]any{"time_intervals": []any{t}}); err != nil {
			l.fail(fmt.Sprintf("time_intervals[%d]", i), err)
		}
		if name, ok := t["name"].(string); ok {
			l.times[name] = true
		}
	}
}

func (l *loader) templates(globs []string) {
	for i, g := range globs {
		path := fmt.Sprintf("templates[%d]", i)
		if files, err := filepath.Glob(g); err != nil || len(files) == 0 {
			l.fail(path, fmt.Errorf("%q matches no file", g))
		} else if _, err := Templates([]string{g}, nil); err != nil {
			l.fail(path, err)
		}
	}
}

// defaultGroupBy keeps apart what different people look after. Alertmanager's own
// default is one group for everything.
var defaultGroupBy = []string{"alertname", "model"}

// route checks the tree of routes. Without one, everything goes to the first
// receiver.
func (l *loader) route(s Source) map[string]any {
	root := maps.Clone(s.Route)
	if root == nil {
		root = map[string]any{}
	}
	if _, ok := root["receiver"]; !ok && len(s.Receivers) == 1 && len(l.names) == 1 {
		root["receiver"] = l.names[0]
	}
	if _, ok := root["receiver"]; !ok {
		l.fail("route", errors.New("receiver is missing: where alerts go that no other route takes"))
	}
	if _, ok := root["group_by"]; !ok {
		root["group_by"] = defaultGroupBy
	}
	if root["continue"] == true {
		l.fail("route", errors.New("continue has no meaning in the root"))
	}
	l.node(root, "route", true)
	return root
}

func (l *loader) node(node map[string]any, path string, root bool) {
	alone := maps.Clone(node)
	delete(alone, "routes")
	if name, ok := node["receiver"].(string); ok && !l.known[name] {
		l.fail(path, fmt.Errorf("receiver %q is not defined; defined receivers: %s", name, strings.Join(l.names, ", ")))
	}
	for _, key := range []string{"mute_time_intervals", "active_time_intervals"} {
		for _, t := range list(node[key]) {
			if name, ok := t.(string); ok && !l.times[name] {
				l.fail(path+"."+key, fmt.Errorf("%q is not defined in time_intervals", name))
			}
		}
		delete(alone, key)
		if root && node[key] != nil {
			l.fail(path, fmt.Errorf("%s has no meaning in the root", key))
		}
	}
	delete(alone, "receiver")
	delete(alone, "continue")
	tree := map[string]any{"receiver": "x", "routes": []any{alone}}
	if root {
		for _, key := range []string{"matchers", "match", "match_re"} {
			if alone[key] != nil {
				l.fail(path, fmt.Errorf("%s has no meaning in the root, which takes everything", key))
			}
			delete(alone, key)
		}
	}
	if err := l.try(map[string]any{"route": tree}); err != nil {
		l.fail(path, err)
	}
	for i, r := range list(node["routes"]) {
		at := fmt.Sprintf("%s.routes[%d]", path, i)
		switch r := r.(type) {
		case map[string]any:
			l.node(r, at, false)
		case nil:
		default:
			l.fail(at, errors.New("is no route"))
		}
	}
}

// intervals are the named time intervals.
func (c *Config) intervals() map[string][]timeinterval.TimeInterval {
	ts := map[string][]timeinterval.TimeInterval{}
	for _, t := range c.AM.TimeIntervals {
		ts[t.Name] = t.TimeIntervals
	}
	return ts
}

// Attempt is one attempt to deliver.
type Attempt struct {
	Receiver string
	Channel  string // the key in the receiver: "slack", "email_configs"
	Index    int
	Alerts   int
	Took     time.Duration
	Err      error
	Retry    bool
}

// integrations returns the notifiers of each receiver. They are named by their
// key in the configuration, so that Alertmanager's own slack_configs[0] and our
// slack[0] have different entries in the notification log.
//
// Attempts are cut off when alive ends. Without a keeper what was achieved is
// forgotten.
func (c *Config) integrations(alive context.Context, keeper *Keeper, tmpl *template.Template, log *slog.Logger, observe func(Attempt)) (map[string][]notify.Integration, error) {
	all := map[string][]notify.Integration{}
	for _, r := range c.AM.Receivers {
		theirs, err := receiver.BuildReceiverIntegrations(r, tmpl, log, commoncfg.WithUserAgent(channel.UserAgent))
		if err != nil {
			return nil, fmt.Errorf("receiver %s: %w", r.Name, err)
		}
		all[r.Name] = []notify.Integration{}
		for i := range theirs {
			t := &theirs[i]
			w := &watched{next: t, theirs: true, alive: alive, keeper: keeper, log: log, at: Attempt{Receiver: r.Name, Channel: t.Name() + "_configs", Index: t.Index()}, observe: observe}
			ours, err := c.templated(&r, t.Name(), t.Index(), tmpl, log)
			if err != nil {
				return nil, fmt.Errorf("receiver %s: %s[%d]: %w", r.Name, w.at.Channel, t.Index(), err)
			}
			if ours != nil {
				w.next, w.theirs = ours, false
			}
			all[r.Name] = append(all[r.Name], notify.NewIntegration(w, t, w.at.Channel, t.Index(), r.Name))
		}
		for _, o := range c.own[r.Name] {
			n, err := channel.New(o.config)
			if err != nil {
				return nil, fmt.Errorf("receiver %s: %s[%d]: %w", r.Name, o.kind, o.index, err)
			}
			w := &watched{next: n, alive: alive, keeper: keeper, log: log, at: Attempt{Receiver: r.Name, Channel: o.kind, Index: o.index}, observe: observe}
			all[r.Name] = append(all[r.Name], notify.NewIntegration(w, o.config, o.kind, o.index, r.Name))
		}
	}
	return all, nil
}
