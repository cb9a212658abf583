package am

import (
	"fmt"
	"log/slog"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
)

// templated returns our notifier for a channel that is configured as Alertmanager
// has it, or nil where its own is used.
func (c *Config) templated(r *amconfig.Receiver, kind string, i int, tmpl *template.Template, log *slog.Logger) (notify.Notifier, error) {
	t := channel.Templated{Templates: tmpl, Logger: log, Timeout: c.timeouts[timeoutKey{r.Name, kind + "_configs", i}]}
	switch kind {
	case "email":
		return channel.NewMail(r.EmailConfigs[i], t), nil
	case "msteamsv2":
		return channel.NewTeams(r.MSTeamsV2Configs[i], t)
	case "opsgenie":
		return channel.NewOpsGenie(r.OpsGenieConfigs[i], t)
	case "pagerduty":
		if p := r.PagerdutyConfigs[i]; p.RoutingKey != "" || p.RoutingKeyFile != "" {
			return channel.NewPagerDuty(p, t)
		}
		return nil, nil // the Events API v1
	default:
		return nil, nil
	}
}

// timeouts are how long an attempt may take, of channels that have no such key in
// Alertmanager.
type timeouts map[timeoutKey]time.Duration

type timeoutKey struct {
	receiver, kind string
	index          int
}

// take takes the key timeout out of a channel's configuration, where it is ours.
func (t timeouts) take(receiver, kind string, i int, m map[string]any) error {
	if kind != "email_configs" && kind != "msteamsv2_configs" && kind != "opsgenie_configs" {
		return nil
	}
	v, ok := m["timeout"]
	if !ok {
		return nil
	}
	delete(m, "timeout")
	d, err := model.ParseDuration(fmt.Sprint(v))
	if err != nil || d <= 0 {
		return fmt.Errorf("timeout=%v is no duration, such as 10s", v)
	}
	t[timeoutKey{receiver, kind, i}] = time.Duration(d)
	return nil
}
