package prediction

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// Stats counts records since the client was made.
type Stats struct {
	Logged  uint64 // accepted by Log and the others
	Sent    uint64 // acknowledged by the collector
	Failed  uint64 // given up by the exporter
	Dropped uint64 // refused with ErrQueueFull
	Queued  int    // waiting, or under way
}

// A queue stands before and behind the SDK's batch processor, which drops the
// oldest record where there is no room and says so to nobody in particular. Each
// record takes a slot before it goes in, and gives it back when the exporter is
// done with it; so there are never more than slots in between, the processor never
// drops, and what is lost is known to the record.
type queue struct {
	exporter sdklog.Exporter
	slots    chan struct{}
	handle   func(error)

	logged, sent, failed, dropped atomic.Uint64

	mu       sync.Mutex // guards what follows
	untold   uint64     // dropped, and the handler does not know
	lastLoss error      // of the exporter
}

// admit takes a slot if there is one.
func (q *queue) admit() error {
	select {
	case q.slots <- struct{}{}:
		return nil
	default:
		q.dropped.Add(1)
		q.mu.Lock()
		q.untold++
		q.mu.Unlock()
		return ErrQueueFull
	}
}

// wait takes a slot when there is one.
func (q *queue) wait(ctx context.Context) error {
	select {
	case q.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Export sends a batch and gives its slots back. It keeps errors from the
// processor, which would tell them a second time.
func (q *queue) Export(ctx context.Context, records []sdklog.Record) error {
	n := len(records)
	if err := q.exporter.Export(ctx, records); err != nil {
		q.failed.Add(uint64(n))
		q.mu.Lock()
		q.lastLoss = err
		q.mu.Unlock()
		q.handle(&LostError{Records: n, Err: err})
	} else {
		q.sent.Add(uint64(n))
	}
	for range n {
		<-q.slots
	}
	q.tellDropped()
	return nil
}

// tellDropped tells the handler what was refused since it was told last. A queue
// that is full has records under way, so an export is always to come.
func (q *queue) tellDropped() {
	q.mu.Lock()
	n := q.untold
	q.untold = 0
	q.mu.Unlock()
	if n > 0 {
		q.handle(&LostError{Records: int(n), Err: ErrQueueFull})
	}
}

// lost returns an error if the exporter has given records up since before.
func (q *queue) lost(before uint64) error {
	n := q.failed.Load() - before
	if n == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return &LostError{Records: int(n), Err: q.lastLoss}
}

func (q *queue) ForceFlush(ctx context.Context) error { return q.exporter.ForceFlush(ctx) }

func (q *queue) Shutdown(ctx context.Context) error {
	q.tellDropped()
	return q.exporter.Shutdown(ctx)
}

func (q *queue) stats() Stats {
	return Stats{Logged: q.logged.Load(), Sent: q.sent.Load(), Failed: q.failed.Load(), Dropped: q.dropped.Load(), Queued: len(q.slots)}
}

// left returns an error if records are still here after the end.
func (q *queue) left(err error) error {
	if n := len(q.slots); n > 0 {
		return fmt.Errorf("prediction: %d records had not been acknowledged at the end: %w", n, err)
	}
	return err
}
