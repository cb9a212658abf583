package am

import (
	"context"
	"errors"
	"sync"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
)

// flights are the notifications under way.
//
// Alertmanager cuts them off when it stops, though a destination may have taken
// what it was sent: the answer is lost, and after the next start all of it is sent
// again. Ours are waited for, and what they achieved is kept.
type flights struct {
	mu     sync.Mutex
	closed bool
	up     sync.WaitGroup

	alive context.Context // ends when waiting has an end
	cut   context.CancelFunc
}

func newFlights() *flights {
	f := &flights{}
	f.alive, f.cut = context.WithCancel(context.Background())
	return f
}

var errStopping = errors.New("the exporter stops; what is due is sent after the next start")

// begin says whether a notification may begin, which must then call f.up.Done.
func (f *flights) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.up.Add(1)
	return true
}

// land lets no more begin, waits for those under way, and cuts them off when ctx
// ends.
func (f *flights) land(ctx context.Context) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	stop := context.AfterFunc(ctx, f.cut)
	defer stop()
	f.up.Wait()
	f.cut()
}

// attempt returns the context of one attempt within a notification. It has the
// deadline of the notification and outlives its cancellation; it ends with alive.
func attempt(ctx, alive context.Context) (context.Context, context.CancelFunc) {
	var cancel context.CancelFunc
	out := channel.WithPatience(context.WithoutCancel(ctx), ctx)
	if end, ok := ctx.Deadline(); ok {
		out, cancel = context.WithDeadline(out, end)
	} else {
		out, cancel = context.WithCancel(out)
	}
	stop := context.AfterFunc(alive, cancel)
	return out, func() { stop(); cancel() }
}
