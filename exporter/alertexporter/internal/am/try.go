package am

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
	"github.com/driftmeter/driftmeter/internal/alert"
)

// Try sends an alert to each channel of a receiver, past routes, groups and
// silences, one attempt each; then, if asked, its end.
func (c *Config) Try(ctx context.Context, receiver string, a alert.Alert, resolve bool, external *url.URL, now time.Time) ([]Attempt, error) {
	if !slices.Contains(c.Names(), receiver) {
		return nil, fmt.Errorf("there is no receiver %q; defined receivers: %s", receiver, strings.Join(c.Names(), ", "))
	}
	tmpl, err := Templates(c.AM.Templates, external)
	if err != nil {
		return nil, err
	}
	var attempts []Attempt
	all, err := c.integrations(ctx, nil, tmpl, slog.New(slog.DiscardHandler), func(at Attempt) { attempts = append(attempts, at) })
	if err != nil {
		return nil, err
	}
	labels := channel.Labels(&a)
	ctx = notify.WithGroupKey(ctx, fmt.Sprintf("{test}:{alert_id=%q}", a.ID))
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{model.AlertNameLabel: labels[model.AlertNameLabel], "model": labels["model"]})
	ctx = notify.WithReceiverName(ctx, receiver)
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithRepeatInterval(ctx, time.Hour)
	for i := range all[receiver] {
		n := &all[receiver][i]
		ctx := notify.WithNflogStore(ctx, nflog.NewStore(nil))
		x := &amalert.Alert{Alert: model.Alert{Labels: labels, Annotations: channel.Annotations(&a), StartsAt: a.Started, GeneratorURL: a.DashboardURL}}
		_, err := n.Notify(notify.WithNotificationReason(ctx, notify.ReasonFirstNotification), x)
		if err != nil || !resolve || !n.SendResolved() {
			continue // what went wrong is in the attempt
		}
		over := a
		over.State, over.Ended, over.At = alert.Resolved, now, now
		over.Text = "This was a test, and it is over."
		y := *x
		y.Annotations, y.EndsAt = channel.Annotations(&over), now
		_, _ = n.Notify(notify.WithNotificationReason(ctx, notify.ReasonAllAlertsResolved), &y)
	}
	return attempts, nil
}
