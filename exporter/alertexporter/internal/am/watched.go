package am

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
)

// watched is a notifier whose attempts are observed, and may end when the process
// is to stop.
type watched struct {
	next    notify.Notifier
	theirs  bool // next is Alertmanager's own
	alive   context.Context
	keeper  *Keeper
	log     *slog.Logger
	at      Attempt
	observe func(Attempt)
}

// Notify implements notify.Notifier.
func (w *watched) Notify(ctx context.Context, alerts ...*amalert.Alert) (bool, error) {
	begun := time.Now()
	ctx, cancel := attempt(ctx, w.alive)
	defer cancel()
	ctx = withProgress(ctx, w.keeper, w.at, w.log)
	retry, err := w.next.Notify(ctx, alerts...)
	if w.theirs {
		retry, err = judged(w.at.Channel, retry, err)
	}
	if w.observe != nil {
		a := w.at
		a.Alerts, a.Took, a.Err, a.Retry = len(alerts), time.Since(begun), err, retry
		w.observe(a)
	}
	return retry, err
}

// theirKeys are where Alertmanager's own channels have their key.
var theirKeys = map[string]string{
	"discord_configs": "webhook_url", "incidentio_configs": "alert_source_token and url", "jira_configs": "http_config and api_url",
	"mattermost_configs": "webhook_url", "msteams_configs": "webhook_url", "pagerduty_configs": "service_key",
	"pushover_configs": "token and user_key", "rocketchat_configs": "token and token_id", "slack_configs": "api_url, or http_config",
	"sns_configs": "sigv4", "telegram_configs": "bot_token", "victorops_configs": "api_key", "webex_configs": "http_config",
	"webhook_configs": "url and http_config", "wechat_configs": "api_secret and corp_id",
}

// judged adds to what Alertmanager's own channels say of a failure. They give up
// when a destination takes no more for now, until the next group_interval; and
// they do not say what to do about a key that is refused.
func judged(kind string, retry bool, err error) (bool, error) {
	why, ok := errors.AsType[*notify.ErrorWithReason](err)
	if !ok || err == nil {
		return retry, err
	}
	switch why.Reason {
	case notify.RateLimitedReason:
		return true, err
	case notify.AuthErrorReason:
		return retry, notify.NewErrorWithReason(why.Reason, fmt.Errorf("%w (the key is refused; check %s)", err, theirKeys[kind]))
	default:
		return retry, err
	}
}
