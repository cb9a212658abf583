package groundtruthprocessor

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/storeref"
	"github.com/driftmeter/driftmeter/internal/truth"
	"github.com/driftmeter/driftmeter/processor/groundtruthprocessor/internal/metadata"
)

// joiner is glue: what is decided lives in internal/truth, by the rules of
// internal/join.
type joiner struct {
	cfg  *Config
	next consumer.Logs
	log  *zap.Logger
	tel  *metadata.TelemetryBuilder

	truth   *truth.Truth // set from Start to Shutdown
	cancel  context.CancelFunc
	done    sync.WaitGroup
	batches sync.Pool // of *batch
	idless  idless
}

// batch is the scratch memory of one ConsumeLogs.
type batch struct {
	decoder *otelml.Decoder
	rec     record.Record
	speaker speaker
}

func newJoiner(cfg *Config, set processor.Settings, next consumer.Logs, tel *metadata.TelemetryBuilder) *joiner {
	j := &joiner{cfg: cfg, next: next, log: set.Logger, tel: tel}
	j.batches.New = func() any {
		return &batch{
			decoder: otelml.NewDecoder(otelml.Options{Prefix: cfg.AttributePrefix, Events: cfg.EventNames}),
			speaker: speaker{prefix: cfg.AttributePrefix},
		}
	}
	return j
}

// Capabilities says that records are taken out of batches.
func (*joiner) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

// Start delivers what the next component has not taken before the last end.
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
// next component has it then, or gets it as soon as it takes it.
func (j *joiner) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if err := j.truth.Room(); err != nil {
		return err
	}
	now := time.Now()
	b := j.batches.Get().(*batch)
	defer j.batches.Put(b)
	w, records := j.read(ctx, b, ld, now)
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
	b.speaker.reset()
	out, err := w.Commit(bytes, records, &b.speaker)
	if err != nil {
		j.tel.GroundtruthBatchesFailed.Add(ctx, 1)
		return err // retryable: nothing was kept, or it is delivered without us
	}
	j.tell(ctx, out.Counts)
	if out.Damaged > 0 {
		j.log.Error("The states of some ids are damaged and were forgotten; `driftmeter check` tells more", zap.Int("ids", out.Damaged))
	}
	switch {
	case out.Known:
		j.tel.GroundtruthBatchesRepeated.Add(ctx, 1)
	case out.Seq != 0:
		if len(out.Dropped) == records {
			ld = plog.NewLogs()
			out.Dropped = nil
		}
		_ = j.deliver(ctx, out.Seq, assemble(ld, out.Dropped, now.UnixNano(), b.speaker.logs)) // it waits now
	}
	return nil
}

// read adds the events of a batch to work on it.
func (j *joiner) read(ctx context.Context, b *batch, ld plog.Logs, now time.Time) (w *truth.Work, records int) {
	w = j.truth.Begin(now)
	ignore := func(record.Refusal) {} // whoever counts the record says so
	without := 0
	for _, rl := range ld.ResourceLogs().All() {
		b.decoder.Resource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				n := records
				records++
				ours := b.decoder.Record(lr, now, &b.rec, ignore)
				if ours && (b.rec.Event == record.Prediction || b.rec.Event == record.Actual) && w.Add(&b.rec, n) == truth.WithoutID {
					without++
				}
				if !named(lr) && (!ours || b.rec.ID == "") {
					w.Anonymous()
				}
			}
		}
	}
	if without > 0 {
		j.tel.GroundtruthRecordsWithoutID.Add(ctx, int64(without))
		if j.idless.say(now) {
			j.log.Warn("Some predictions or actuals have no ml.prediction.id and cannot be joined", zap.Int("records", without))
		}
	}
	return w, records
}

// deliver hands an entry to the next component. What that refuses for now is
// delivered later.
func (j *joiner) deliver(ctx context.Context, seq uint64, ld plog.Logs) error {
	err := j.next.ConsumeLogs(ctx, ld)
	switch {
	case err == nil:
	case consumererror.IsPermanent(err):
		j.tel.GroundtruthBatchesLost.Add(ctx, 1)
		j.log.Error("The next component has refused joined records for good; they are lost to it", zap.Error(err))
	default:
		j.truth.Refused(seq)
		return err
	}
	if err := j.truth.Taken(seq); err != nil {
		j.log.Warn("Could not delete joined records that were taken; trying again", zap.Error(err))
	}
	return nil
}

// deliveries hands over what waits, with growing pauses while it is refused.
func (j *joiner) deliveries(ctx context.Context, host component.Host) {
	pause := firstPause
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-retry.C:
		case <-j.truth.Waiting():
			if pause > firstPause {
				continue // the next component has just refused; the timer runs
			}
		}
		err := errors.Join(j.rest(ctx), j.truth.Tidy())
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			pause = firstPause
			componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
			continue
		}
		j.log.Warn("Could not hand over joined records; trying again", zap.Error(err), zap.Duration("in", pause))
		componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(err))
		retry.Reset(pause)
		pause = min(2*pause, lastPause)
	}
}

// rest delivers every entry that waits, up to the first that is refused.
func (j *joiner) rest(ctx context.Context) error {
	for after := uint64(0); ctx.Err() == nil; {
		seq, e, ok, err := j.truth.Next(after)
		if err == nil && !ok {
			return nil
		}
		var ld plog.Logs
		if err == nil {
			ld, err = restore(e)
		} else if !errors.Is(err, truth.ErrCorrupt) {
			return err
		}
		if err != nil {
			j.tel.GroundtruthBatchesLost.Add(ctx, 1)
			j.log.Error("Joined records that wait cannot be read back and are lost; `driftmeter check` tells more", zap.Error(err))
			if err := j.truth.Taken(seq); err != nil {
				return err
			}
		} else if err := j.deliver(ctx, seq, ld); err != nil {
			return err
		}
		after = seq
	}
	return ctx.Err()
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
		case <-t.C:
			if err := do(ctx); err != nil {
				j.log.Error("Could not write to disk; trying again", zap.Error(err), zap.Duration("in", interval))
			}
		}
	}
}

// Shutdown ends the background work. What waits is delivered after the next
// start. It may be called without Start, and twice.
func (j *joiner) Shutdown(context.Context) error {
	if j.cancel != nil {
		j.cancel()
		j.done.Wait()
		j.truth.Close()
		j.cancel = nil
	}
	j.tel.Shutdown()
	return nil
}
