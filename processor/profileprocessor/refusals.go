package profileprocessor

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/processor/profileprocessor/internal/metadata"
)

// refusals counts refusals by reason, and logs the first of each kind in a
// minute.
type refusals struct {
	log *zap.Logger
	tel *metadata.TelemetryBuilder

	mu   sync.Mutex
	said map[string]time.Time
}

const (
	sayEvery = time.Minute
	maxSaid  = 1000 // kinds remembered
)

func newRefusals(log *zap.Logger, tel *metadata.TelemetryBuilder) *refusals {
	return &refusals{log: log, tel: tel, said: map[string]time.Time{}}
}

// say logs a sentence, at most once a minute for each kind.
func (r *refusals) say(kind string, now time.Time, sentence string, fields ...zap.Field) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.said[kind]; ok && now.Sub(at) < sayEvery {
		return
	}
	if len(r.said) >= maxSaid {
		clear(r.said)
	}
	r.said[kind] = now
	r.log.Warn(sentence, fields...)
}

// count counts n refusals of one kind.
func (r *refusals) count(ctx context.Context, what record.Refusal, n int, now time.Time) {
	r.tel.ProfileRecordsRefused.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", what.Reason.String())))
	r.say(what.Reason.String(), now, "Refused a record, or a part of it",
		zap.String("reason", what.Reason.String()), zap.String("key", what.Key), zap.String("detail", what.Detail))
}

// counter gathers the refusals of one batch, so that a batch of nothing else
// costs little.
func (r *refusals) counter(now time.Time) *counter { return &counter{of: r, now: now} }

type counter struct {
	of    *refusals
	now   time.Time
	n     map[record.Reason]int
	first map[record.Reason]record.Refusal
}

func (c *counter) refuse(what record.Refusal) {
	if c.n == nil {
		c.n, c.first = map[record.Reason]int{}, map[record.Reason]record.Refusal{}
	}
	if c.n[what.Reason]++; c.n[what.Reason] == 1 {
		c.first[what.Reason] = what
	}
}

func (c *counter) flush(ctx context.Context) {
	for reason, n := range c.n {
		c.of.count(ctx, c.first[reason], n, c.now)
	}
}
