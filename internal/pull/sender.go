package pull

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// Sender sends batches of one source. It is not safe for concurrent use.
type Sender struct {
	next     consumer.Logs
	obs      *receiverhelper.ObsReport
	progress *Progress
	logger   *zap.Logger
	retry    configretry.BackOffConfig
}

// NewSender returns a sender.
func NewSender(cfg *Config, next consumer.Logs, obs *receiverhelper.ObsReport, progress *Progress) *Sender {
	return &Sender{next: next, obs: obs, progress: progress, logger: progress.logger, retry: cfg.Retry}
}

// Send passes a batch on until it is taken, or refused for good, which is counted.
// An error ends the run, and the batch has to be sent again, as it is. unit is
// what it is of, for people.
func (s *Sender) Send(ctx context.Context, unit string, logs plog.Logs, rows int64) error {
	began, wait, told := time.Now(), s.retry.InitialInterval, false
	for {
		again := plog.NewLogs() // the next consumer may change what it is given
		logs.CopyTo(again)
		op := s.obs.StartLogsOp(ctx)
		n := logs.LogRecordCount()
		err := s.next.ConsumeLogs(op, again)
		s.obs.EndLogsOp(op, "rows", n, err)
		switch {
		case err == nil:
			s.progress.sent(ctx, unit, rows)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case consumererror.IsPermanent(err):
			s.progress.Refused(ctx, unit, 0, rows, &mapping.RowError{Reason: "pipeline_refused",
				Problem: fmt.Sprintf("a batch of %d rows is refused by the pipeline: %v", rows, err)})
			return nil
		case !s.retry.Enabled, s.retry.MaxElapsedTime > 0 && time.Since(began) > s.retry.MaxElapsedTime:
			return fmt.Errorf("the pipeline does not take the rows: %w", err)
		}
		if !told {
			told = true
			s.logger.Warn("The pipeline does not take the rows now; they are sent again", zap.String("in", unit), zap.Error(err))
		}
		if !sleep(ctx, spread(wait, s.retry.RandomizationFactor)) {
			return ctx.Err()
		}
		wait = min(time.Duration(float64(wait)*s.retry.Multiplier), s.retry.MaxInterval)
	}
}

// spread returns a time around d, so that many do not come back at once.
func spread(d time.Duration, factor float64) time.Duration {
	return time.Duration(float64(d) * (1 + factor*(2*rand.Float64()-1)))
}

// sleep reports whether the time has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
