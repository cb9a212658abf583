package profileprocessor

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/storeref"
	"github.com/driftmeter/driftmeter/processor/profileprocessor/internal/metadata"
)

// profiler is glue: the rules live in internal/intake, the names in
// internal/otelml.
type profiler struct {
	cfg      *Config
	next     consumer.Logs
	log      *zap.Logger
	tel      *metadata.TelemetryBuilder
	refusals *refusals

	intake  *intake.Intake // set from Start to Shutdown
	posted  chan struct{}  // there may be something to deliver
	health  health
	cancel  context.CancelFunc
	done    sync.WaitGroup
	batches sync.Pool // of *batch
}

// batch is the scratch memory of one ConsumeLogs.
type batch struct {
	decoder *otelml.Decoder
	rec     record.Record
}

func newProfiler(cfg *Config, set processor.Settings, next consumer.Logs, tel *metadata.TelemetryBuilder) *profiler {
	p := &profiler{cfg: cfg, next: next, log: set.Logger, tel: tel, refusals: newRefusals(set.Logger, tel)}
	p.batches.New = func() any {
		return &batch{decoder: otelml.NewDecoder(otelml.Options{Prefix: cfg.AttributePrefix, Events: cfg.EventNames})}
	}
	return p
}

// Capabilities says that batches are only read.
func (*profiler) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// Start replays what was acknowledged and not yet sent on.
func (p *profiler) Start(_ context.Context, host component.Host) error {
	ms, err := storeref.Find(host, p.cfg.Store)
	if err != nil {
		return err
	}
	o := intake.Options{
		MemoryBytes: int64(p.cfg.MemoryLimitMiB) << 20, Dedupe: p.cfg.DedupeWindow, Skew: p.cfg.MaxClockSkew,
		Durability: store.Sync,
	}
	if p.cfg.Durability == Interval {
		o.Durability = store.NoSync
		p.log.Warn("durability: interval answers before data is on disk; a crash can lose the last moments",
			zap.Duration("sync_interval", p.cfg.SyncInterval))
	}
	if p.intake, err = intake.Open(ms.Store(), ms.Catalog(), o, time.Now()); err != nil {
		return err
	}
	if err := p.observe(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background()) // not Start's context: that one ends
	p.cancel = cancel
	p.posted, p.health.host = make(chan struct{}, 1), host
	p.done.Go(func() { p.checkpoints(ctx) })
	p.done.Go(func() { p.deliveries(ctx) })
	if p.cfg.Durability == Interval {
		p.done.Go(func() { p.syncs(ctx) })
	}
	return nil
}

func (p *profiler) observe() error {
	if err := p.tel.RegisterProfileHeldBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(p.intake.HeldBytes())
		return nil
	}); err != nil {
		return err
	}
	if err := p.tel.RegisterProfileWaitingParcelsCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(p.intake.SetAside())
		return nil
	}); err != nil {
		return err
	}
	return p.tel.RegisterProfileWaitingRecordsCallback(func(_ context.Context, o metric.Int64Observer) error {
		var n int64
		for _, w := range p.intake.Warmups() {
			n += int64(w.Rows)
		}
		o.Observe(n)
		return nil
	})
}

// checkpoints moves what was counted into the outbox at intervals, and at once
// when memory is full.
func (p *profiler) checkpoints(ctx context.Context) {
	t := time.NewTicker(p.cfg.FlushInterval)
	defer t.Stop()
	pruned := time.Now()
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case now = <-t.C:
		case <-p.intake.Full():
			now = time.Now()
		}
		err := p.checkpoint(ctx, now)
		if err == nil && now.Sub(pruned) >= time.Hour {
			pruned = now
			err = p.intake.Prune(now)
		}
		if err != nil {
			p.log.Warn("Could not checkpoint; trying again", zap.Error(err), zap.Duration("in", p.cfg.FlushInterval))
		}
		p.health.report(&p.health.checkpoint, err)
		select {
		case p.posted <- struct{}{}:
		default: // a delivery is under way, and another comes after it
		}
	}
}

// deliveries sends on what is in the outbox. It has its own goroutine, since the
// next component may be slow or away, and memory must not wait for that.
func (p *profiler) deliveries(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.posted:
		}
		err := p.deliver(ctx)
		if err != nil && ctx.Err() == nil {
			p.refusals.say("deliver", time.Now(), "Could not deliver profiles; they are kept and sent again", zap.Error(err))
		}
		p.health.report(&p.health.delivery, err)
	}
}

// health is what the component says of itself.
type health struct {
	host                 component.Host
	mu                   sync.Mutex
	checkpoint, delivery error // the latest
}

func (h *health) report(which *error, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*which = err
	ev := componentstatus.NewEvent(componentstatus.StatusOK)
	if err := errors.Join(h.checkpoint, h.delivery); err != nil {
		ev = componentstatus.NewRecoverableErrorEvent(err)
	}
	componentstatus.ReportStatus(h.host, ev)
}

// syncs makes the log durable at intervals.
func (p *profiler) syncs(ctx context.Context) {
	t := time.NewTicker(p.cfg.SyncInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := p.intake.Sync(); err != nil {
				p.log.Error("Could not write to disk", zap.Error(err))
			}
		}
	}
}

// checkpoint ends with the counts of everything acknowledged so far in the
// outbox.
func (p *profiler) checkpoint(ctx context.Context, now time.Time) error {
	built, err := p.intake.Checkpoint(now)
	p.tel.ProfileCheckpointDuration.Record(ctx, time.Since(now).Seconds())
	for _, r := range built {
		p.log.Info("Made a reference", zap.String("model", r.Model), zap.String("version", r.Version), zap.String("dataset", r.Dataset),
			zap.String("from", r.Source), zap.Uint64("rows", r.Rows), zap.Strings("warnings", r.Warnings))
	}
	if err != nil {
		return err
	}
	for _, w := range p.intake.Warmups() {
		p.refusals.say("warmup/"+w.Model+"/"+w.Version, now, "Waiting for a reference; results follow then. Shorten it with modelstore.warmup, or name a file with reference.path",
			zap.String("model", w.Model), zap.String("version", w.Version), zap.String("dataset", w.Dataset), zap.Int("records", w.Rows))
	}
	return nil
}

// deliver hands the outbox to the next component. When something is not taken it
// goes on with the rest for as long as a flush interval.
func (p *profiler) deliver(ctx context.Context) error {
	begun, refused := time.Now(), false
	n, err := p.intake.Deliver(func(parcels []store.Parcel) error {
		if refused && time.Since(begun) > p.cfg.FlushInterval {
			return intake.ErrLater
		}
		err := p.next.ConsumeLogs(ctx, otelml.Parcels(p.intake.Instance(), parcels))
		refused = refused || err != nil
		return err
	})
	p.tel.ProfileParcelsSent.Add(ctx, int64(n))
	return err
}

// ConsumeLogs answers nil when the batch is on disk. A record that is refused
// is counted; it never fails its batch.
func (p *profiler) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	now := time.Now()
	b := p.batches.Get().(*batch)
	defer p.batches.Put(b)
	w := p.intake.Begin(now)
	counter := p.refusals.counter(now)
	for _, rl := range ld.ResourceLogs().All() {
		b.decoder.Resource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if b.decoder.Record(lr, now, &b.rec, counter.refuse) {
					w.Add(&b.rec, counter.refuse)
				}
			}
		}
	}
	n := w.Accepted()
	out, err := w.Commit()
	counter.flush(ctx)
	switch {
	case err != nil:
		p.tel.ProfileBatchesFailed.Add(ctx, 1)
		return err // retryable: it was not kept, or will be recognised
	case out.Duplicate:
		p.refusals.count(ctx, record.Refusal{Reason: record.Repeated, Detail: "a batch that had been counted was sent again"}, n, now)
		return nil
	}
	p.tel.ProfileRecordsAccepted.Add(ctx, int64(n))
	if out.Anonymous {
		p.refusals.say("anonymous", now, "A batch has records without timestamp and without ml.prediction.id; if it is sent again it will be counted again")
	}
	return nil
}

// Shutdown sends on what there is: receivers have stopped, what comes after has
// not. It may be called without Start, and twice.
func (p *profiler) Shutdown(ctx context.Context) error {
	if p.cancel == nil {
		p.tel.Shutdown()
		return nil
	}
	p.cancel()
	p.done.Wait()
	p.cancel = nil
	err := errors.Join(p.checkpoint(ctx, time.Now()), p.deliver(ctx))
	p.tel.Shutdown()
	return err
}
