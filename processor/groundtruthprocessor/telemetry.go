package groundtruthprocessor

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/truth"
)

// ofModel is the attribute by which counts are told apart. Models beyond the
// modelstore's limit share one value.
func ofModel(name string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("ml.model.name", name))
}

// tell counts what happened to the records of each model.
func (j *joiner) tell(ctx context.Context, counts []truth.Counts) {
	for i := range counts {
		c := &counts[i]
		of := ofModel(c.Model)
		for _, n := range [...]struct {
			to metric.Int64Counter
			n  int
		}{
			{j.tel.GroundtruthLabelsJoined, c.Joined}, {j.tel.GroundtruthLabelsLate, c.Late},
			{j.tel.GroundtruthLabelsExpired, c.Expired}, {j.tel.GroundtruthLabelsUnmatched, c.Unmatched},
			{j.tel.GroundtruthRepeatedActuals, c.Repeated}, {j.tel.GroundtruthDuplicates, c.Duplicates},
			{j.tel.GroundtruthPredictionsUnlabelled, c.Unlabelled}, {j.tel.GroundtruthPredictionsDropped, c.Dropped},
			{j.tel.GroundtruthPredictionsNotAwaited, c.NotAwaited},
		} {
			if n.n > 0 {
				n.to.Add(ctx, int64(n.n), of)
			}
		}
		for _, s := range c.LabelSeconds {
			j.tel.GroundtruthLabelDelay.Record(ctx, s, of)
		}
	}
}

// notice counts what of a batch cannot be joined. Predictions without an id may
// be meant, but not where there are actuals of the model.
func (j *joiner) notice(ctx context.Context, b *batch, now time.Time) {
	for model, n := range b.withoutID {
		j.tel.GroundtruthPredictionsWithoutID.Add(ctx, int64(n), ofModel(j.truth.Label(model)))
		j.said.remember(model, withoutID)
	}
	if b.actuals != "" && j.said.remember(b.actuals, withActuals) {
		j.said.say("id/"+b.actuals, now, "Some predictions of a model have no ml.prediction.id, so its actuals cannot be joined to them", zap.String("model", b.actuals))
	}
	for reason, n := range map[string]int{"no_id": b.noID, "no_groups": b.empty} {
		if n > 0 {
			j.tel.GroundtruthActualsRefused.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", reason)))
			j.said.say(reason, now, "Dropped actuals that cannot be joined: an ml.actual needs ml.prediction.id, and ml.actuals.* or ml.raw_inputs.*",
				zap.String("reason", reason), zap.String("model", b.refused), zap.Int("records", n))
		}
	}
}

// observe registers what is read when it is asked for.
func (j *joiner) observe() error {
	if err := j.tel.RegisterGroundtruthOutboxBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(j.truth.OutboxBytes())
		return nil
	}); err != nil {
		return err
	}
	if err := j.tel.RegisterGroundtruthHeldCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(j.truth.Held()))
		return nil
	}); err != nil {
		return err
	}
	return j.tel.RegisterGroundtruthAwaitedCallback(func(_ context.Context, o metric.Int64Observer) error {
		for model, n := range j.truth.Awaited() {
			o.Observe(int64(n), ofModel(model))
		}
		return nil
	})
}

// notices says each kind of thing once a minute.
type notices struct {
	log *zap.Logger

	mu     sync.Mutex
	said   map[string]time.Time
	models map[string]seen
}

// seen is what has been seen of a model.
type seen uint8

const (
	withoutID seen = 1 << iota
	withActuals
)

const (
	sayEvery   = time.Minute
	maxNotices = 1000 // kinds, and models, remembered
)

// say logs a sentence, at most once a minute for each kind.
func (n *notices) say(kind string, now time.Time, sentence string, fields ...zap.Field) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, ok := n.said[kind]; ok && now.Sub(at) < sayEvery {
		return
	}
	if n.said == nil || len(n.said) >= maxNotices {
		n.said = map[string]time.Time{}
	}
	n.said[kind] = now
	n.log.Warn(sentence, fields...)
}

// remember adds to what has been seen of a model, and reports whether that is
// both.
func (n *notices) remember(model string, what seen) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.models == nil || len(n.models) >= maxNotices && n.models[model] == 0 {
		n.models = map[string]seen{}
	}
	n.models[model] |= what
	return n.models[model] == withoutID|withActuals
}
