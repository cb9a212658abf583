package am

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Book is the list of alerts that fire, and of those that are over and not yet
// delivered. What it has accepted is kept.
//
// Alertmanager forgets an alert that is not repeated to it, and holds alerts in
// memory only. Ours fire until it is said that they do not, and outlive us.
type Book struct {
	keeper *Keeper

	mu     sync.Mutex
	byID   map[string]*entry // the latest statement about each alert
	orphan map[string]*entry // by fingerprint: over because its alert has other labels now
}

// entry is an alert and when we first heard of this run of it. Alertmanager is
// told our times: it sends at once what began long before it was told, and ten
// fields that drifted in one window would be ten messages.
type entry struct {
	alert    alert.Alert
	received time.Time
	print    model.Fingerprint
}

// OpenBook reads the alerts that are kept.
func OpenBook(k *Keeper) (*Book, error) {
	b := &Book{keeper: k, byID: map[string]*entry{}, orphan: map[string]*entry{}}
	for key, value := range k.Values(keptAlerts) {
		e, err := decode(value)
		if err != nil {
			return nil, fmt.Errorf("the state of alerts is damaged: alert %s: %w; move it away to begin anew", key, err)
		}
		if strings.HasPrefix(key, "orphan/") {
			b.orphan[e.print.String()] = e
		} else {
			b.byID[key] = e
		}
	}
	return b, nil
}

// Accept takes statements about alerts and returns, when they are kept, what
// Alertmanager is to be told. An older statement than the last one changes
// nothing; neither does the end of an alert that was not known to fire.
func (b *Book) Accept(ctx context.Context, alerts []alert.Alert, now time.Time) (tell []*amalert.Alert, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := map[string][]byte{}
	next, orphans := map[string]*entry{}, map[string]*entry{}
	for _, a := range alerts {
		last := next[a.ID]
		if last == nil {
			last = b.byID[a.ID]
		}
		switch {
		case last == nil && !a.Firing(), last != nil && a.At.Before(last.alert.At):
			continue
		case last != nil && !last.alert.Firing() && !a.Firing():
			continue
		}
		e := &entry{alert: a, received: now, print: channel.Labels(&a).Fingerprint()}
		if last != nil && (!a.Firing() || last.alert.Firing()) {
			e.received = last.received // the same run
		}
		if last != nil && last.print != e.print {
			// A severity that rose, a monitor with another name: to Alertmanager that is
			// another alert, and the first one is over.
			o := &entry{alert: last.alert, received: last.received, print: last.print}
			o.alert.State, o.alert.Ended = alert.Resolved, a.At
			orphans[o.print.String()] = o
			if e.alert.Firing() {
				e.received = now
			}
		}
		next[a.ID] = e
	}
	for id, e := range next {
		changes[id] = e.encode()
		tell = append(tell, e.alertmanager(now))
	}
	for print, o := range orphans {
		changes["orphan/"+print] = o.encode()
		tell = append(tell, o.alertmanager(now))
	}
	// In the order of their beginning, so that the same alerts are told in the same order.
	slices.SortStableFunc(tell, func(x, y *amalert.Alert) int {
		return strings.Compare(string(x.Labels["alert_id"])+string(x.Labels["severity"]), string(y.Labels["alert_id"])+string(y.Labels["severity"]))
	})
	if err := b.keeper.Put(ctx, keptAlerts, changes); err != nil {
		return nil, err
	}
	for id, e := range next {
		b.byID[id] = e
	}
	for print, o := range orphans {
		b.orphan[print] = o
	}
	return tell, nil
}

// All returns everything in the book as Alertmanager is to be told at start.
func (b *Book) All(now time.Time) []*amalert.Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*amalert.Alert
	for _, m := range []map[string]*entry{b.byID, b.orphan} {
		for _, e := range m {
			all = append(all, e.alertmanager(now))
		}
	}
	return all
}

// Delivered strikes out alerts whose end was delivered wherever it had to be.
func (b *Book) Delivered(ctx context.Context, alerts []*amalert.Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	gone := map[string][]byte{}
	for _, x := range alerts {
		print := x.Fingerprint()
		if e, ok := b.orphan[print.String()]; ok && e.received.Equal(x.StartsAt) {
			gone["orphan/"+print.String()] = nil
		}
		id := string(x.Labels["alert_id"])
		if e, ok := b.byID[id]; ok && e.print == print && e.received.Equal(x.StartsAt) && !e.alert.Firing() {
			gone[id] = nil
		}
	}
	if err := b.keeper.Put(ctx, keptAlerts, gone); err != nil {
		return err
	}
	for key := range gone {
		if print, ok := strings.CutPrefix(key, "orphan/"); ok {
			delete(b.orphan, print)
		} else {
			delete(b.byID, key)
		}
	}
	return nil
}

// Firing is how many alerts fire.
func (b *Book) Firing() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var n int64
	for _, e := range b.byID {
		if e.alert.Firing() {
			n++
		}
	}
	return n
}

// alertmanager returns the entry as Alertmanager has it. One that fires has no
// end: only a statement ends it.
func (e *entry) alertmanager(now time.Time) *amalert.Alert {
	x := &amalert.Alert{
		Alert: model.Alert{
			Labels: channel.Labels(&e.alert), Annotations: channel.Annotations(&e.alert),
			StartsAt: e.received, GeneratorURL: e.alert.DashboardURL,
		},
		UpdatedAt: now,
	}
	if !e.alert.Firing() {
		x.EndsAt = now
		if now.Before(x.StartsAt) { // the clock was set back
			x.EndsAt = x.StartsAt
		}
	}
	return x
}

// encode writes an entry as an OTLP log record, observed when the run was first
// heard of.
func (e *entry) encode() []byte {
	ld := otelml.Alerts([]alert.Alert{e.alert})
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetObservedTimestamp(pcommon.NewTimestampFromTime(e.received))
	text, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	if err != nil {
		return []byte{} // cannot be: a log record of ours always encodes
	}
	return text
}

func decode(b []byte) (*entry, error) {
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
	if err != nil {
		return nil, err
	}
	var refused error
	alerts := otelml.ReadAlerts(ld, func(r record.Refusal) { refused = r })
	if refused != nil || len(alerts) != 1 {
		return nil, fmt.Errorf("%d alerts in a value: %w", len(alerts), refused)
	}
	lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	e := &entry{alert: alerts[0], received: lr.ObservedTimestamp().AsTime()}
	e.print = channel.Labels(&e.alert).Fingerprint()
	return e, nil
}
