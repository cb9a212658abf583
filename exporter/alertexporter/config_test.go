package alertexporter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

// Everything that is wrong is said at once, each with the path to it.
func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.tmpl"), []byte(`{{ define "x" }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := parse(`
directory: ""
external_url: example.com
global: {resolve_timeot: 5m}
templates: ["` + dir + `/none*.tmpl", "` + dir + `/bad.tmpl"]
time_intervals: [{name: nights, time_intervals: [{weekdays: [someday]}]}]
inhibit_rules: [{source_matchers: ["severity high"]}]
route:
  receiver: temas
  group_wait: soon
  routes:
  - {receiver: teams, matchers: ["severity"]}
  - {mute_time_intervals: [weekends]}
receivers:
- name: teams
  slack: {webhook_url: hooks.slack.com/x, chanel: "#ml"}
- name: teams
  slack: {token: x, webhook_url: "https://hooks.slack.com/x"}
  jira: [{url: "https://you.atlassian.net", api_type: clod, email: me, priority: {critical: High}}]
  webhook: {url: "https://example.com", secrets: [abc]}
  newrelic: {license_key: k, region: mars}
- slack_configs: [{channel: "#ml"}]
  pagerduty_configs: [{routing_key: k, sevirity: high}]
  pager: {}
`)
	if err != nil {
		t.Fatal(err)
	}
	err = cfg.Validate()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	want := `directory and storage are both empty: where should the state of alerts be kept?
external_url="example.com" is no address that begins with http:// or https://
global: field resolve_timeot is unknown
receivers[0].slack[0]: field chanel is unknown
receivers[1]: name "teams" is that of another receiver
receivers[1].jira[0]: api_type="clod" is unknown; known types: auto, cloud, datacenter
receivers[1].jira[0]: project is required: the key of the project, such as ML
receivers[1].jira[0]: email needs token or token_file
receivers[1].jira[0]: priority.critical is no severity; severities: low, medium, high
receivers[1].newrelic[0]: region="mars" is unknown; known regions: us, eu, fedramp (others: endpoint)
receivers[1].slack[0]: webhook_url and token are both set; an incoming webhook needs no token
receivers[1].webhook[0]: secrets[0] does not begin with whsec_
receivers[2]: name is missing
receivers[2].pager: is unknown; known channels: jira, newrelic, slack, webhook, and Alertmanager's discord_configs, email_configs, incidentio_configs, jira_configs, mattermost_configs, msteams_configs, msteamsv2_configs, opsgenie_configs, pagerduty_configs, pushover_configs, rocketchat_configs, slack_configs, sns_configs, telegram_configs, victorops_configs, webex_configs, webhook_configs, wechat_configs
receivers[2].pagerduty_configs[0]: field sevirity is unknown
receivers[2].slack_configs[0]: no Slack API URL nor App token set either inline or in a file
time_intervals[0]: someday is not a valid weekday
templates[0]: "` + dir + `/none*.tmpl" matches no file
templates[1]: template: bad.tmpl:1: unexpected EOF
inhibit_rules[0]: bad matcher format: severity high
route: receiver "temas" is not defined; defined receivers: teams
route: not a valid duration string: "soon"
route.routes[0]: bad matcher format: severity
route.routes[1].mute_time_intervals: "weekends" is not defined in time_intervals`
	if err.Error() != want {
		t.Errorf("got\n%s\n\nwant\n%s", err, want)
	}
}

func TestRemoteConfigErrors(t *testing.T) {
	_, err := parse(`{remote: {endpoints: ["http://a:1"], intervall: 1m, tls: {insecure: true, ca_fil: x}}}`)
	for _, want := range []string{"remote", "intervall", "ca_fil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	cfg, err := parse(`{remote: {endpoints: [alertmanager:9093], interval: 0s}, receivers: [{name: x}], api: {}}`)
	if err != nil {
		t.Fatal(err)
	}
	got := cfg.Validate().Error()
	for _, want := range []string{"receivers and remote are both set", "api and remote are both set", `remote.endpoints[0]="alertmanager:9093" is no address`, "remote.interval=0s must be positive"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said in\n%s", want, got)
		}
	}
}

// Whoever prints the configuration sees no secret of a receiver.
func TestSecretsAreNotPrinted(t *testing.T) {
	cfg := config(t, `
global: {smtp_auth_password: hush}
receivers:
- name: team
  slack: {token: hush, channel: "#ml"}
  webhook: [{url: "https://example.com/hush", headers: {Authorization: hush}, secrets: [whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo]}]
  jira: {url: "https://you.atlassian.net", project: ML, email: me, token: hush, http_config: {tls_config: {server_name: x}}}
  pagerduty_configs: [{routing_key: hush}]
`)
	conf := confmap.New()
	if err := conf.Marshal(map[string]any{"exporters": map[string]any{"alert": cfg}}); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(conf.ToStringMap())
	if strings.Contains(text, "hush") || strings.Contains(text, "aHVz") {
		t.Error(text)
	}
	for _, want := range []string{"#ml", "team", "project:ML", "server_name:x", "[REDACTED]", "./driftmeter-alerts"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if cfg.Receivers[0]["slack"].(map[string]any)["token"] != "hush" {
		t.Error("printing has changed the configuration")
	}
}
