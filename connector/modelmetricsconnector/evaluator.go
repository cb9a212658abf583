package modelmetricsconnector

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/storeref"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// evaluator is glue: what is due and what it amounts to is decided in
// internal/evaluate, what monitors make of it in internal/watch.
type evaluator struct {
	cfg     *Config
	metrics consumer.Metrics // nil where no pipeline takes them
	alerts  consumer.Logs    // nil where no pipeline takes them
	log     *zap.Logger
	tel     *metadata.TelemetryBuilder
	drop    func()
	id      component.ID
	release func() // of the store

	begun, ended   sync.Once
	core           *evaluate.Evaluator // set from start to stop
	monitors       *watch.Evaluator
	saidUnreadable int                      // of the states that could not be read, how many were told of
	emitted        map[evaluate.Window]bool // windows that are due, but for the monitors
	judged         map[evaluate.Window]bool // windows that are due, but for their metrics
	cancel         context.CancelFunc
	done           sync.WaitGroup

	mu   sync.Mutex
	said map[string]time.Time // what was said lately
}

// start begins to look for windows that are due.
func (e *evaluator) start(_ context.Context, host component.Host) error {
	ms, err := storeref.Find(host, e.cfg.Store)
	if err != nil {
		return err
	}
	if err := ms.Evaluating().Take(e.id); err != nil {
		return err
	}
	e.release = func() { ms.Evaluating().Release(e.id) }
	if err := e.watch(ms, time.Now()); err != nil {
		return err
	}
	e.core = evaluate.New(ms.Store(), ms.Catalog(), ms.Engine(), evaluate.Options{Settle: e.cfg.Settle, MaxDelay: e.cfg.MaxDelay})
	ctx, cancel := context.WithCancel(context.Background()) // not Start's context: that one ends
	e.cancel = cancel
	e.done.Go(func() { e.run(ctx, host) })
	return nil
}

// look is how often windows are looked for.
const look = time.Second

// run evaluates windows when they are due, and repeats the latest.
func (e *evaluator) run(ctx context.Context, host component.Host) {
	t := time.NewTicker(look)
	defer t.Stop()
	var repeated time.Time
	pruned := time.Now().Add(time.Minute - time.Hour) // by then all components have said what they wait for
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case now = <-t.C:
		}
		err := e.due(ctx, now)
		if now.Sub(repeated) >= e.cfg.Interval {
			repeated = now
			err = errors.Join(err, e.repeat(ctx, now))
		}
		if now.Sub(pruned) >= time.Hour {
			pruned = now
			err = errors.Join(err, e.core.Prune(now))
		}
		ev := componentstatus.NewEvent(componentstatus.StatusOK)
		if err != nil && ctx.Err() == nil {
			e.log.Warn("Could not evaluate all windows; trying again", zap.Error(err))
			ev = componentstatus.NewRecoverableErrorEvent(err)
		}
		componentstatus.ReportStatus(host, ev)
	}
}

// due evaluates and emits the windows that are due. A window whose metrics are
// not taken stays due.
func (e *evaluator) due(ctx context.Context, now time.Time) error {
	windows, err := e.core.Due(now)
	if err != nil {
		return err
	}
	var errs []error
	was := e.emitted
	e.emitted = map[evaluate.Window]bool{} // what is due no more is forgotten
	for _, w := range windows {
		if ctx.Err() != nil {
			return errors.Join(errs...)
		}
		if !was[w] {
			if err := e.emit(ctx, w); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		e.emitted[w] = true
	}
	// Monitors do not wait for metrics to be taken: who is told of a fault may be told
	// of it by another way.
	errs = append(errs, e.judge(ctx, windows, now))
	for _, w := range windows {
		if e.emitted[w] && e.judged[w] {
			errs = append(errs, e.core.Done(w))
		}
	}
	return errors.Join(errs...)
}

// repeat emits the latest complete window of each version again.
func (e *evaluator) repeat(ctx context.Context, now time.Time) error {
	if e.metrics == nil {
		return nil
	}
	windows, err := e.core.Latest(now, e.cfg.RepeatFor)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range windows {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, e.emit(ctx, w))
	}
	return errors.Join(errs...)
}

func (e *evaluator) emit(ctx context.Context, w evaluate.Window) error {
	if e.metrics == nil {
		return nil
	}
	begun := time.Now()
	ms, err := e.core.Evaluate(w)
	if err != nil {
		return err
	}
	e.tel.ModelmetricsEvaluationDuration.Record(ctx, time.Since(begun).Seconds())
	e.tel.ModelmetricsWindowsEvaluated.Add(ctx, 1)
	md := otelml.Metrics(ms)
	if md.MetricCount() == 0 {
		return nil
	}
	return e.metrics.ConsumeMetrics(ctx, md)
}

// merge adds profiles to what is kept, and answers when they are on disk. A profile
// that came before is not added again.
func (e *evaluator) merge(ctx context.Context, ld plog.Logs) error {
	refuse := func(r record.Refusal) { e.refuse(ctx, r) }
	parcels := otelml.ReadParcels(ld, refuse)
	if len(parcels) == 0 {
		return nil
	}
	out, err := e.core.Merge(parcels, time.Now())
	if err != nil {
		return err // retryable: nothing was kept
	}
	e.tel.ModelmetricsProfilesMerged.Add(ctx, int64(out.Windows))
	if out.Duplicates > 0 {
		e.tel.ModelmetricsProfilesRefused.Add(ctx, int64(out.Duplicates), reason(record.Repeated))
	}
	e.tel.ModelmetricsProfilesRegridded.Add(ctx, int64(len(out.Regridded)))
	e.estimated(out.Regridded)
	for _, r := range out.Refused {
		what, ok := errors.AsType[record.Refusal](r)
		if !ok {
			what = record.Refusal{Reason: record.Corrupt, Detail: r.Error()}
		}
		refuse(what)
	}
	return nil
}

func (e *evaluator) refuse(ctx context.Context, r record.Refusal) {
	e.tel.ModelmetricsProfilesRefused.Add(ctx, 1, reason(r.Reason))
	e.log.Warn("Refused a profile", zap.String("reason", r.Reason.String()), zap.String("key", r.Key), zap.String("detail", r.Detail))
}

// estimated says, once an hour for each version and sender, that histograms of
// different grids were merged.
func (e *evaluator) estimated(rs []evaluate.Regridded) {
	for _, r := range rs {
		if !e.hourly(r.Model+"/"+r.Version+"/"+r.Instance, time.Now()) {
			continue
		}
		e.log.Warn("A profile was counted by another reference than those before it: its counts are exact, its histograms become estimates. Give all senders the same file as reference.path",
			zap.String("model", r.Model), zap.String("version", r.Version), zap.String("sender", r.Instance), zap.Strings("what", r.Warnings))
	}
}

// hourly reports whether something is to be said again.
func (e *evaluator) hourly(what string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.said[what]) < time.Hour {
		return false
	}
	if e.said == nil || len(e.said) > 1000 {
		e.said = map[string]time.Time{}
	}
	e.said[what] = now
	return true
}

func reason(r record.Reason) metric.AddOption {
	return metric.WithAttributes(attribute.String("reason", r.String()))
}

// stop stops looking. What is due then is due at the next start.
func (e *evaluator) stop() {
	e.drop()
	if e.cancel != nil {
		e.cancel()
		e.done.Wait()
		e.cancel = nil
	}
	if e.release != nil {
		e.release()
		e.release = nil
	}
	e.tel.Shutdown()
}
