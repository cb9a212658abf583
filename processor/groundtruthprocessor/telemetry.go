package groundtruthprocessor

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

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
		for _, n := range []struct {
			to metric.Int64Counter
			n  int
		}{
			{j.tel.GroundtruthLabelsJoined, c.Joined}, {j.tel.GroundtruthLabelsLate, c.Late},
			{j.tel.GroundtruthLabelsRepeated, c.Repeated}, {j.tel.GroundtruthLabelsExpired, c.Expired},
			{j.tel.GroundtruthLabelsUnmatched, c.Unmatched}, {j.tel.GroundtruthPredictionsUnlabelled, c.Unlabelled},
			{j.tel.GroundtruthPredictionsRepeated, c.Duplicates}, {j.tel.GroundtruthPredictionsDropped, c.Dropped},
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

// observe registers what is read when it is asked for.
func (j *joiner) observe() error {
	if err := j.tel.RegisterGroundtruthOutboxBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(j.truth.OutboxBytes())
		return nil
	}); err != nil {
		return err
	}
	if err := j.tel.RegisterGroundtruthPredictionsHeldCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(j.truth.Held()))
		return nil
	}); err != nil {
		return err
	}
	return j.tel.RegisterGroundtruthLabelsAwaitedCallback(func(_ context.Context, o metric.Int64Observer) error {
		for model, n := range j.truth.Awaited() {
			o.Observe(int64(n), ofModel(model))
		}
		return nil
	})
}

// idless says a sentence at most once a minute.
type idless struct{ said atomic.Int64 }

func (i *idless) say(now time.Time) bool {
	last := i.said.Load()
	return now.UnixNano()-last >= int64(time.Minute) && i.said.CompareAndSwap(last, now.UnixNano())
}
