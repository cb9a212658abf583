package modelmetricsconnector

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/storeref"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// patience is how long monitors may judge before windows are looked at again. After a
// start the past of many models is read.
const patience = 2 * time.Second

// watch begins to keep watch, from where the states in the store end.
func (e *evaluator) watch(ms storeref.Modelstore, now time.Time) (err error) {
	e.judged = map[evaluate.Window]bool{}
	e.monitors, err = watch.Open(ms.Store(), ms.Catalog(), ms.Engine(), watch.Options{
		Grace: e.cfg.EmptyAfter, News: e.cfg.AlertsWithin, LabelNews: e.cfg.LabelsWithin, Watches: e.cfg.Limits.Watches, CatchUp: e.cfg.Limits.CatchUp,
	}, now)
	if err != nil {
		return err
	}
	e.unreadable()
	for _, register := range []func() error{
		func() error { return e.tel.RegisterModelmetricsAlertsFiringCallback(e.observeFiring) },
		func() error {
			return e.tel.RegisterModelmetricsMonitorsWatchesCallback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(int64(e.monitors.Status().Watches))
				return nil
			})
		},
		func() error {
			return e.tel.RegisterModelmetricsMonitorsBeyondLimitCallback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(int64(e.monitors.Status().Capped))
				return nil
			})
		},
	} {
		if err := register(); err != nil {
			return err
		}
	}
	return nil
}

// unreadable says, once each, which states of watches could not be read.
func (e *evaluator) unreadable() {
	all := e.monitors.Unreadable()
	for _, u := range all[e.saidUnreadable:] {
		e.tel.ModelmetricsStatesUnreadable.Add(context.Background(), 1)
		e.log.Error("The state of a watch cannot be read and is set aside; the others go on. Whether its alert fires is not known any more: it may be told again, and that it is over may not be told",
			zap.String("state", u.Name), zap.NamedError("reason", u.Err))
	}
	e.saidUnreadable = len(all)
}

func (e *evaluator) observeFiring(_ context.Context, o metric.Int64Observer) error {
	for severity, n := range e.monitors.Status().Firing {
		o.Observe(int64(n), metric.WithAttributes(attribute.String("severity", severity)))
	}
	return nil
}

// judge has the monitors judge the windows that are due, and what is due by itself,
// and hands on what there is to tell.
func (e *evaluator) judge(ctx context.Context, windows []evaluate.Window, now time.Time) error {
	var changed []watch.Changed
	for _, w := range windows {
		if !e.judged[w] {
			changed = append(changed, watch.Changed{Model: w.Model, Version: w.Version, Start: w.Start, End: w.End})
		}
	}
	begun := time.Now()
	sum, err := e.monitors.Run(changed, now, func() bool { return ctx.Err() == nil && time.Since(begun) < patience })
	if sum.Evaluated > 0 || len(sum.NotEvaluated) > 0 {
		e.tel.ModelmetricsMonitorsDuration.Record(ctx, time.Since(begun).Seconds())
		e.tel.ModelmetricsMonitorsEvaluated.Add(ctx, int64(sum.Evaluated))
	}
	for why, n := range sum.NotEvaluated {
		e.tel.ModelmetricsMonitorsNotEvaluated.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", why)))
	}
	if err != nil && len(sum.Left) == 0 {
		return err
	}
	left := map[string]bool{}
	for _, name := range sum.Left {
		left[name] = true
	}
	was := e.judged
	e.judged = map[evaluate.Window]bool{} // those that are due no more are forgotten
	for _, w := range windows {
		if was[w] || !left[w.Model] {
			e.judged[w] = true
		}
	}
	e.unreadable()
	if len(changed) > 0 {
		e.full(now)
	}
	return errors.Join(err, e.monitors.Tell(func(alerts []alert.Alert) error { return e.tell(ctx, alerts) }))
}

// tell hands on alerts. Each is a line of the log as well, so that nobody needs an
// exporter to see them.
func (e *evaluator) tell(ctx context.Context, alerts []alert.Alert) error {
	if e.alerts != nil {
		if err := e.alerts.ConsumeLogs(ctx, otelml.Alerts(alerts)); err != nil {
			return err
		}
	}
	for i := range alerts {
		a := &alerts[i]
		e.tel.ModelmetricsAlertsTold.Add(ctx, 1, metric.WithAttributes(attribute.String("state", a.State)))
		fields := []zap.Field{zap.String("severity", a.Severity), zap.String("model", a.Model)}
		for _, f := range []struct{ key, value string }{
			{"version", a.Version}, {"segment", a.Segment}, {"value", a.SegmentValue}, {"field", a.Field}, {"owner", a.Monitor.Owner}, {"runbook", a.Monitor.RunbookURL},
		} {
			if f.value != "" {
				fields = append(fields, zap.String(f.key, f.value))
			}
		}
		if a.Firing() {
			e.log.Warn("Alert: "+a.Text, fields...)
		} else {
			e.log.Info("Alert is over: "+a.Text, fields...)
		}
	}
	return nil
}

// full says, once an hour, that there is no room for all that monitors are about.
func (e *evaluator) full(now time.Time) {
	s := e.monitors.Status()
	if s.Capped == 0 || !e.hourly("watches", now) {
		return
	}
	e.log.Warn("Not all that the monitors are about is watched: limits.watches is reached",
		zap.Int("limits.watches", e.cfg.Limits.Watches), zap.Int("not watched", s.Capped))
}
