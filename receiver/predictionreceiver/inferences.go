package predictionreceiver

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/halves"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// inferred is an inference whose halves have met, as predictions.
type inferred struct {
	*halves.Whole
	number int64 // of the event in its request that completed it
	batch  *rowlog.Batch
	err    error // why it was not passed on
}

// pass sends inferences on that are complete, keeps what waits, and answers.
//
// Each inference is a batch of its own. Which inferences a request completes depends
// on what has come before, and that may be more when it is sent again; what follows
// knows a batch only if it is the same again.
func (s *server) pass(ctx context.Context, w http.ResponseWriter, a *answer, turn *halves.Turn, whole []*inferred) {
	if err := s.write(a, whole); err != nil {
		s.refuse(ctx, w, &answer{}, err)
		return
	}
	s.consume(ctx, whole)
	lost, err := turn.Settle(ctx)
	s.giveUp(ctx, lost...)
	status := s.judge(ctx, a, whole, err)
	for reason, n := range a.reasons {
		s.tel.PredictionRowsRefused.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", reason)))
	}
	a.write(w, status)
}

// write makes log records of inferences.
func (s *server) write(a *answer, whole []*inferred) error {
	rows := 0
	for _, i := range whole {
		i.batch = rowlog.NewBatch(s.events.Get(i.Model()), &record.Record{Event: record.Prediction}, s.cfg.MaxRows-rows, a.refuse)
		n := i.Row()
		err := i.batch.Add(i.number, &n)
		s.events.Put(i.Model(), i.batch.Worker)
		if _, ok := errors.AsType[rowlog.ErrTooMany](err); ok {
			return rowlog.ErrTooMany(s.cfg.MaxRows)
		}
		if err != nil {
			return err
		}
		rows += i.batch.Accepted + i.batch.Refused
	}
	return nil
}

// atOnce is how many inferences of a request are passed on at a time, so that what
// follows can keep them together.
const atOnce = 8

// consume passes inferences on, until one is not taken for now.
func (s *server) consume(ctx context.Context, whole []*inferred) {
	if len(whole) == 1 {
		s.consumeOne(ctx, whole[0])
		return
	}
	var next atomic.Int64
	var busy atomic.Bool
	var wg sync.WaitGroup
	for range min(len(whole), atOnce) {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(len(whole)) && !busy.Load(); n = next.Add(1) {
				if i := whole[n-1]; !s.consumeOne(ctx, i) {
					busy.Store(true)
				}
			}
		})
	}
	wg.Wait()
}

// consumeOne returns false if it is to come again.
func (s *server) consumeOne(ctx context.Context, i *inferred) bool {
	if i.batch.Accepted == 0 {
		i.Fate = halves.Refused
		return true
	}
	i.err = s.next.ConsumeLogs(ctx, i.batch.Logs)
	switch {
	case i.err == nil:
		i.Fate, i.Whole.Accepted = halves.Passed, i.batch.Accepted
	case consumererror.IsPermanent(i.err):
		i.Fate = halves.Refused
	default:
		return false
	}
	return true
}

// judge says in the answer what became of a request. kept is why what waits could
// not be kept.
func (s *server) judge(ctx context.Context, a *answer, whole []*inferred, kept error) (status int) {
	records := 0
	var never, again error
	for _, i := range whole {
		switch {
		case i.Fate == halves.Passed:
			records += i.batch.Accepted
		case i.Fate == halves.Again && i.err != nil:
			again = i.err
		case i.err != nil:
			never = i.err
		}
	}
	a.Accepted += records
	defer func() {
		if records == 0 && status != http.StatusOK {
			for _, i := range whole {
				records += i.batch.Accepted
			}
			s.obs.EndLogsOp(ctx, "rows", records, errors.Join(never, again))
			return
		}
		s.obs.EndLogsOp(ctx, "rows", records, nil)
	}()
	switch {
	case kept != nil:
		s.count(ctx, "storage")
		s.sayStorage(kept)
		a.Accepted, a.Pending = 0, 0
		a.Error = "not all was kept; send all of it again: " + kept.Error()
		return http.StatusServiceUnavailable
	case again != nil && a.Accepted == 0:
		return s.failed(ctx, a, again)
	case again != nil:
		s.count(ctx, "pipeline_busy")
		a.Error = "not all was kept; send all of it again, what was kept is known: " + again.Error()
		return http.StatusServiceUnavailable
	case never != nil && a.Accepted == 0 && a.Pending == 0:
		return s.failed(ctx, a, never)
	}
	for _, i := range whole {
		if i.Fate == halves.Refused && i.err != nil {
			a.refuse(i.number, &mapping.RowError{Reason: "pipeline_refused", Problem: "what follows refuses it for good: " + i.err.Error()})
		}
	}
	if a.Refused > 0 && a.Accepted == 0 && a.Pending == 0 {
		a.Error = "every row was refused"
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// expire gives halves up whose others did not come.
func (s *server) expire(ctx context.Context) {
	tick := time.NewTicker(max(s.cfg.Inference.PairWindow/10, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			late, err := s.pairs.Expire(ctx, now.Add(-s.cfg.Inference.PairWindow))
			if s.giveUp(ctx, late); err != nil {
				s.sayStorage(err)
			}
		}
	}
}

// giveUp counts what was lost, and says it once a minute.
func (s *server) giveUp(ctx context.Context, lost ...halves.GivenUp) {
	for _, of := range lost {
		for _, h := range of.Halves {
			s.tel.PredictionInferencesUnpaired.Add(ctx, 1, metric.WithAttributes(attribute.String("half", h.Word()), attribute.String("cause", of.Cause)))
		}
		if len(of.Halves) > 0 && s.due(&s.said) {
			s.set.Logger.Warn("Gave up requests or responses of an inference server without their other half", zap.String("cause", of.Cause),
				zap.Int("events", len(of.Halves)), zap.String("inferenceservicename", of.Halves[0].Service()),
				zap.Duration("inference.pair_window", s.cfg.Inference.PairWindow), zap.Int("inference.max_pending", s.cfg.Inference.MaxPending))
		}
	}
}

// sayStorage says once a minute that requests and responses cannot be kept.
func (s *server) sayStorage(err error) {
	if s.due(&s.saidStorage) {
		s.set.Logger.Error("Requests and responses of an inference server cannot be kept and are not acknowledged", zap.Stringer("storage", s.cfg.Storage), zap.Error(err))
	}
}

// due tells whether a minute has passed since something was said.
func (s *server) due(said *time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(*said) < time.Minute {
		return false
	}
	*said = now
	return true
}
