package am

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/alertmanager/notify"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
)

// progress keeps what channels note of a notification that is not finished, under
// the key of its group in the notification log. The log's entry replaces it.
type progress struct {
	keeper *Keeper
	key    string
	log    *slog.Logger
}

// progressText is a progress as it is kept.
type progressText struct {
	At     time.Time         `json:"at"` // of the last change: what nobody continues is forgotten
	Values map[string]string `json:"values"`
}

// withProgress gives a channel the progress of the group that ctx is about.
func withProgress(ctx context.Context, k *Keeper, at Attempt, log *slog.Logger) context.Context {
	group, ok := notify.GroupKey(ctx)
	if k == nil || !ok {
		return ctx
	}
	return channel.WithProgress(ctx, &progress{keeper: k, key: groupKey(at.Channel, at.Index, at.Receiver, group), log: log})
}

// groupKey is what is kept of a group under, for one channel of one receiver.
func groupKey(channel string, index int, receiver, group string) string {
	return fmt.Sprintf("%s/%d/%s/%s", channel, index, receiver, hex.EncodeToString([]byte(group)))
}

// Values implements channel.Progress.
func (p *progress) Values() map[string]string { return progressOf(p.keeper, p.key) }

// progressOf reads a progress; one that is not there has no values.
func progressOf(k *Keeper, key string) map[string]string {
	var text progressText
	if b := k.value(keptProgress, key); b != nil {
		_ = json.Unmarshal(b, &text) // our own writing
	}
	if text.Values == nil {
		return map[string]string{}
	}
	return text.Values
}

// Set implements channel.Progress. When it cannot be kept, this process knows it
// nevertheless.
func (p *progress) Set(changes map[string]string) {
	values := p.Values()
	channel.Apply(values, changes)
	text, err := json.Marshal(progressText{time.Now().UTC(), values})
	if err == nil {
		err = p.keeper.remember(keptProgress, p.key, text)
	}
	if err != nil {
		p.log.Error("Could not keep how far a notification is; if the process dies now, a part of it is sent again", "err", err)
	}
}

// forgetProgress forgets what nobody has continued for long.
func (e *Engine) forgetProgress(ctx context.Context, now time.Time) error {
	old := e.keeper.Values(keptProgress)
	for key, b := range old {
		var text progressText
		if json.Unmarshal(b, &text) == nil && now.Sub(text.At) < retention {
			delete(old, key)
		}
	}
	return e.keeper.forget(ctx, keptProgress, old)
}
