package groundtruthprocessor

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/truth"
)

// Pauses between rounds of deliveries while the next component refuses.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 30 * time.Second
	// patience is how many refusals end a round. It is more than one, so that an
	// entry that is refused for its contents does not keep the others.
	patience = 3
)

// deliver hands an entry to the next component. What that refuses for now waits.
func (j *joiner) deliver(ctx context.Context, seq uint64, ld plog.Logs) error {
	err := j.next.ConsumeLogs(ctx, ld)
	switch {
	case err == nil:
	case consumererror.IsPermanent(err):
		j.tel.GroundtruthBatchesLost.Add(ctx, 1)
		j.log.Error("The next component has refused a part of the joined stream for good; it is lost to it", zap.Error(err))
	default:
		j.truth.Refused(seq)
		return err
	}
	if err := j.truth.Taken(seq); err != nil {
		j.said.say("taken", time.Now(), "Could not delete what was taken; trying again", zap.Error(err))
	}
	return nil
}

// deliveries hands on what waits, with growing pauses while it is refused.
func (j *joiner) deliveries(ctx context.Context, host component.Host) {
	pause := firstPause
	var retry <-chan time.Time // set while the next component refuses
	for {
		select {
		case <-ctx.Done():
			return
		case <-retry:
		case <-j.truth.Waiting():
			if retry != nil {
				continue
			}
		}
		err := j.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && retry != nil:
			pause, retry = firstPause, nil
			componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
		case err != nil:
			j.said.say("refused", time.Now(), "The next component does not take the joined stream; it waits on disk", zap.Error(err), zap.Int64("bytes", j.truth.OutboxBytes()))
			componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(err))
			retry = time.After(pause/2 + rand.N(pause/2))
			pause = min(2*pause, lastPause)
		}
	}
}

// round hands on all that waits, or as much as can be before too much was refused:
// then the next round goes on behind that. It returns the first error.
func (j *joiner) round(ctx context.Context) error {
	b := j.batches.Get().(*batch)
	defer j.batches.Put(b)
	first := j.truth.Tidy()
	after, refused := j.from, 0
	begun := j.from > 0 // behind the first that waits
	j.from = 0
	for ctx.Err() == nil {
		seq, e, ok, err := j.truth.Next(after)
		if err == nil && !ok {
			if !begun {
				break
			}
			after, begun = 0, false
			continue
		}
		after = seq
		if err == nil {
			err = j.handOn(ctx, b, seq, e)
		} else if errors.Is(err, truth.ErrCorrupt) {
			err = j.lose(ctx, seq, err)
		}
		if err == nil {
			continue
		}
		if first == nil {
			first = err
		}
		if refused++; refused == patience {
			j.from = seq
			return first
		}
	}
	return first
}

// handOn delivers an entry that was read back.
func (j *joiner) handOn(ctx context.Context, b *batch, seq uint64, e truth.Entry) error {
	ld, err := b.restore(e)
	if err != nil {
		return j.lose(ctx, seq, err)
	}
	return j.deliver(ctx, seq, ld)
}

// lose gives up an entry that cannot be read.
func (j *joiner) lose(ctx context.Context, seq uint64, err error) error {
	j.tel.GroundtruthBatchesLost.Add(ctx, 1)
	j.log.Error("A part of the joined stream cannot be read back and is lost; driftmeter check says what is damaged", zap.Error(err), zap.Uint64("entry", seq))
	return j.truth.Taken(seq)
}
