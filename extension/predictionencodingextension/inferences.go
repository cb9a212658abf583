package predictionencodingextension

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/halves"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// event takes an event of an inference server. What is whole with it is a row.
func (m *message) event(row int64, n *tree.Node) error {
	event, err := inference.Structured(n)
	if err != nil {
		m.refuse(row, &mapping.RowError{Reason: mapping.BadType, Problem: err.Error(), Hint: "write events in structured mode"})
		return nil
	}
	half, refused := inference.NewHalf(&event, time.Now())
	if refused != nil {
		m.refuse(row, refused)
		return nil
	}
	whole, lost := m.e.pairs.Remember(half)
	m.e.giveUp(context.Background(), lost...)
	if whole == nil {
		return nil
	}
	w := m.e.events.Get(whole.Model())
	defer m.e.events.Put(whole.Model(), w)
	m.batch.Worker = w
	inferred := whole.Row()
	return m.batch.Add(row, &inferred)
}

// open opens what waited when an earlier process ended.
func (e *encoding) openStorage(ctx context.Context, host component.Host) error {
	if e.cfg.Storage == nil {
		return nil
	}
	r, err := e.pairs.Open(ctx, host, component.KindExtension, e.set.ID, e.cfg.Storage, time.Now())
	if err != nil {
		return err
	}
	e.giveUp(ctx, r.Lost...)
	if r.Damaged > 0 {
		e.tel.PredictionEncodingInferencesUnpaired.Add(ctx, int64(r.Damaged), metric.WithAttributes(attribute.String("half", "unknown"), attribute.String("cause", "damaged")))
		e.set.Logger.Error("Requests or responses of an inference server were damaged in the storage and are lost", zap.Stringer("storage", e.cfg.Storage), zap.Int("entries", r.Damaged))
	}
	return nil
}

// keep waits until the halves of a message are on disk: the message counts as read
// afterwards, and receivers do not read one again whose encoding has failed, as a
// rule.
func (e *encoding) keep() error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := e.pairs.Flush(e.background)
		if err == nil {
			return nil
		}
		e.notices.say("storage", time.Now(), "Requests and responses of an inference server cannot be kept; messages wait for it", zap.Stringer("storage", e.cfg.Storage), zap.Error(err))
		select {
		case <-e.background.Done():
			return fmt.Errorf("storage=%s: %w", e.cfg.Storage, err)
		case <-time.After(pause):
		}
	}
}

// giveUp counts halves that are lost, and says it.
func (e *encoding) giveUp(ctx context.Context, lost ...halves.GivenUp) {
	for _, of := range lost {
		for _, h := range of.Halves {
			e.tel.PredictionEncodingInferencesUnpaired.Add(ctx, 1, metric.WithAttributes(attribute.String("half", h.Word()), attribute.String("cause", of.Cause)))
		}
		if len(of.Halves) > 0 {
			e.notices.say("unpaired "+of.Cause, time.Now(), "Gave up requests or responses of an inference server without their other half", zap.String("cause", of.Cause),
				zap.Int("events", len(of.Halves)), zap.String("inferenceservicename", of.Halves[0].Service()),
				zap.Duration("inference.pair_window", e.cfg.Inference.PairWindow), zap.Int("inference.max_pending", e.cfg.Inference.MaxPending))
		}
	}
}
