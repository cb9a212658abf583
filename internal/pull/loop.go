package pull

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
)

// Loop runs the sources of a receiver by their schedules, each in a goroutine of
// its own, so that none waits for another and no source has two runs at a time.
type Loop struct {
	host   component.Host
	logger *zap.Logger
	stop   context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup

	mu     sync.Mutex
	failed map[string]string // the error of the last run, by source
}

// NewLoop returns a loop without sources.
func NewLoop(host component.Host, logger *zap.Logger) *Loop {
	l := &Loop{host: host, logger: logger, failed: map[string]string{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// Add begins with a source: its first run is now, the others as when says. An
// error of a run is logged when it is another than that of the run before, and
// the next run tries again.
func (l *Loop) Add(source string, when Schedule, run func(context.Context) error) {
	l.wg.Go(func() {
		for l.ctx.Err() == nil {
			l.ended(source, run(l.ctx))
			if !l.wait(when.Next(time.Now())) {
				return
			}
		}
	})
}

// wait reports whether a time has come before the end of the loop.
func (l *Loop) wait(until time.Time) bool {
	if until.IsZero() {
		<-l.ctx.Done()
		return false
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-l.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// ended takes note of how a run ended.
func (l *Loop) ended(source string, err error) {
	if l.ctx.Err() != nil {
		return // it was stopped
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.failed[source]
	switch {
	case err == nil && before != "":
		delete(l.failed, source)
		l.logger.Info("The source can be read again", zap.String("source", source))
		if len(l.failed) == 0 {
			componentstatus.ReportStatus(l.host, componentstatus.NewEvent(componentstatus.StatusOK))
		}
	case err != nil && before != err.Error():
		l.failed[source] = err.Error()
		l.logger.Error("The source cannot be read on; the next run tries again", zap.String("source", source), zap.Error(err))
		componentstatus.ReportStatus(l.host, componentstatus.NewRecoverableErrorEvent(errors.New(source+": "+err.Error())))
	}
}

// Stop ends all runs and waits for them. It may be called twice, and of nil.
func (l *Loop) Stop() {
	if l == nil {
		return
	}
	l.stop()
	l.wg.Wait()
}
