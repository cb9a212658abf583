package groundtruthprocessor

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/storeref"
	"github.com/driftmeter/driftmeter/internal/truth"
	"github.com/driftmeter/driftmeter/processor/groundtruthprocessor/internal/metadata"
)

// joiner is glue: what is decided lives in internal/truth, by the rules of
// internal/join, and names in internal/otelml.
type joiner struct {
	cfg  *Config
	next consumer.Logs
	log  *zap.Logger
	tel  *metadata.TelemetryBuilder
	said notices

	truth   *truth.Truth // set from Start to Shutdown
	from    uint64       // where the next round of deliveries begins
	cancel  context.CancelFunc
	done    sync.WaitGroup
	batches sync.Pool // of *batch
}

func newJoiner(cfg *Config, set processor.Settings, next consumer.Logs, tel *metadata.TelemetryBuilder) *joiner {
	j := &joiner{cfg: cfg, next: next, log: set.Logger, tel: tel, said: notices{log: set.Logger}}
	j.batches.New = func() any { return newBatch(cfg) }
	return j
}

// Capabilities says that records are taken out of batches and put into them.
func (*joiner) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

// Start delivers what the next component had not taken when the process ended.
func (j *joiner) Start(_ context.Context, host component.Host) error {
	ms, err := storeref.Find(host, j.cfg.Store)
	if err != nil {
		return err
	}
	o := truth.Options{
		Durability: store.Sync, Wait: j.cfg.Wait, First: j.cfg.RepeatedActual == First, KeepAll: j.cfg.Keep == KeepAll, Dedupe: j.cfg.DedupeWindow,
		Limit: j.cfg.Limits.Awaited, DropOldest: j.cfg.WhenFull == DropOldest, OutboxBytes: int64(j.cfg.Limits.OutboxMiB) << 20,
	}
	if j.cfg.Durability == Interval {
		o.Durability = store.NoSync
		j.log.Warn("durability: interval answers before data is on disk; a crash can lose the last moments",
			zap.Duration("sync_interval", j.cfg.SyncInterval))
	}
	if j.truth, err = truth.Open(ms.Store(), ms.Catalog(), o); err != nil {
		return err
	}
	if err := j.observe(); err != nil {
		j.truth.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background()) // not Start's context: that one ends
	j.cancel = cancel
	j.done.Go(func() { j.deliveries(ctx, host) })
	j.done.Go(func() { j.every(ctx, j.sweepInterval(), j.sweep) })
	if j.cfg.Durability == Interval {
		j.done.Go(func() { j.every(ctx, j.cfg.SyncInterval, func(context.Context) error { return j.truth.Sync() }) })
	}
	return nil
}

// ConsumeLogs answers nil when what was decided about the batch is on disk. The
// next component has it then, or gets it as soon as it takes it. Until then the
// batch is left as it is: whoever is answered with an error may send it again.
func (j *joiner) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if err := j.truth.Room(); err != nil {
		j.tel.GroundtruthBatchesFailed.Add(ctx, 1)
		return err // retryable
	}
	now := time.Now()
	b := j.batches.Get().(*batch)
	defer j.batches.Put(b)
	w := j.truth.Begin(now)
	b.read(ld, now, w)
	j.notice(ctx, b, now)
	if w.Len() == 0 { // nothing to decide: the next component answers
		w.Discard()
		return j.next.ConsumeLogs(ctx, ld)
	}
	var m plog.ProtoMarshaler
	bytes, err := m.MarshalLogs(ld)
	if err != nil {
		w.Discard()
		return consumererror.NewPermanent(err)
	}
	out, err := w.Commit(truth.Batch{Bytes: otelml.Pack(bytes), Records: b.records, Identity: otelml.Identity(bytes)}, &b.speaker)
	if err != nil {
		j.tel.GroundtruthBatchesFailed.Add(ctx, 1)
		return err // retryable: nothing was kept, or it is delivered without us
	}
	j.tell(ctx, out.Counts)
	if out.Damaged > 0 {
		j.tel.GroundtruthStatesDamaged.Add(ctx, int64(out.Damaged))
		j.said.say("damaged", now, "The states of some predictions cannot be read and are forgotten; driftmeter check says what is damaged", zap.Int("states", out.Damaged))
	}
	switch {
	case out.Known:
		j.tel.GroundtruthBatchesRepeated.Add(ctx, 1)
	case out.Seq != 0:
		_ = j.deliver(ctx, out.Seq, b.assemble(ld, out.Dropped, now.UnixNano(), b.speaker.logs)) // else it waits, and is delivered later
	}
	return nil
}

// sweepInterval is how often ids are looked for whose wait has ended.
func (j *joiner) sweepInterval() time.Duration {
	return max(min(j.cfg.Wait/100, 10*time.Second), 100*time.Millisecond)
}

// sweep forgets ids whose wait has ended, some at a time so that no batch waits
// long, and old identities of batches.
func (j *joiner) sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		counts, more, err := j.truth.Sweep(time.Now())
		if err != nil {
			return err
		}
		j.tell(ctx, counts)
		if !more {
			break
		}
	}
	return j.truth.Prune(time.Now())
}

// every calls do at intervals.
func (j *joiner) every(ctx context.Context, interval time.Duration, do func(context.Context) error) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if err := do(ctx); err != nil {
				j.said.say("disk", now, "Could not write to disk; trying again", zap.Error(err), zap.Duration("in", interval))
			}
		}
	}
}

// Shutdown hands on what waits, if the next component takes it, which has not
// stopped yet; else that is delivered after the next start. It may be called
// without Start, and twice.
func (j *joiner) Shutdown(ctx context.Context) error {
	if j.cancel == nil {
		j.tel.Shutdown()
		return nil
	}
	j.cancel()
	j.done.Wait()
	j.cancel = nil
	if err := j.round(ctx); err != nil {
		j.log.Warn("Some of the joined stream was not taken; it is delivered after the next start", zap.Error(err), zap.Int64("bytes", j.truth.OutboxBytes()))
	}
	j.truth.Close()
	j.tel.Shutdown()
	return nil
}
