package halves

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// noon is when the tests begin.
var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// half makes one of an inference.
func half(t testing.TB, id string, response bool, at time.Time) *inference.Half {
	t.Helper()
	kind, data := "request", `{"instances":[[1,2.5,"x"]]}`
	if response {
		kind, data = "response", `{"predictions":[0.25]}`
	}
	return halfOf(t, id, kind, data, at)
}

func halfOf(t testing.TB, id, kind, data string, at time.Time) *inference.Half {
	t.Helper()
	n, err := tree.NewParser(inference.EventLimits).Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	h, refused := inference.NewHalf(&inference.Event{Data: n, Attributes: map[string]string{
		"type": "org.kubeflow.serving.inference." + kind, "id": id, "inferenceservicename": "m", "time": "2026-11-01T12:00:00Z", "source": "anything"}}, at)
	if refused != nil {
		t.Fatal(refused)
	}
	return h
}

// disk is a storage extension with one client. It keeps what one process leaves to
// the next.
type disk struct {
	component.StartFunc
	component.ShutdownFunc

	mu      sync.Mutex
	data    map[string][]byte
	writes  int
	trouble func(write int) trouble // nil: none
	reads   error
	hold    chan struct{} // writes wait until it is closed
}

// trouble is what happens at a write.
type trouble int

const (
	none         trouble = iota
	failsBefore          // an error, and nothing is written
	failsAfter           // an error, and it is written nevertheless
	crashesFirst         // the process ends before it is written
	crashesLast          // the process ends when it is written
)

// errCrash is what a process would not see any more.
var errCrash = errors.New("the process has ended")

func newDisk() *disk { return &disk{data: map[string][]byte{}} }

func (d *disk) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return client{d}, nil
}

type client struct{ d *disk }

func (c client) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := c.Batch(ctx, op)
	return op.Value, err
}
func (c client) Set(context.Context, string, []byte) error { return errors.New("not used") }
func (c client) Delete(context.Context, string) error      { return errors.New("not used") }
func (c client) Close(context.Context) error               { return nil }
func (c client) Batch(_ context.Context, ops ...*storage.Operation) error {
	d := c.d
	if d.hold != nil {
		<-d.hold
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next, writes := maps.Clone(d.data), false
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			if d.reads != nil {
				return d.reads
			}
			op.Value = d.data[op.Key]
		case storage.Set:
			next[op.Key], writes = op.Value, true
		case storage.Delete:
			delete(next, op.Key)
			writes = true
		}
	}
	if !writes {
		return nil
	}
	d.writes++
	what := none
	if d.trouble != nil {
		what = d.trouble(d.writes)
	}
	if what == none || what == failsAfter || what == crashesLast {
		d.data = next
	}
	switch what {
	case failsBefore, failsAfter:
		return errors.New("no space left on device")
	case crashesFirst, crashesLast:
		return errCrash
	}
	return nil
}

// GetExtensions makes a disk its own host.
func (d *disk) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{component.MustNewID("disk"): d}
}

// open opens a keeper on a disk.
func (d *disk) open(t testing.TB, k *Keeper, now time.Time) Restored {
	t.Helper()
	r, err := d.tryOpen(k, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (d *disk) tryOpen(k *Keeper, now time.Time) (Restored, error) {
	in := component.MustNewID("disk")
	return k.Open(context.Background(), d, component.KindReceiver, component.MustNewID("prediction"), &in, now)
}

// roomy are limits that nothing reaches.
var roomy = inference.Limits{PairWindow: time.Minute, MaxPending: 1000, MaxPendingMiB: 64}

// sink takes inferences, as what follows a receiver does.
type sink struct {
	mu     sync.Mutex
	got    map[string]int // by key
	answer func() Fate    // nil: takes all
}

func newSink() *sink { return &sink{got: map[string]int{}} }

func (s *sink) consume(whole *Whole) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole.Fate, whole.Accepted = Passed, 1
	if s.answer != nil {
		whole.Fate = s.answer()
	}
	if whole.Fate == Passed {
		s.got[whole.Request.Key()]++
	}
}

// result is what a request was told.
type result struct {
	passed, known, waits int
	lost                 map[string]int // by cause
	err                  error
}

// request does what a receiver does with the halves of a request.
func request(t testing.TB, k *Keeper, to *sink, all ...*inference.Half) (r result) {
	t.Helper()
	turn, err := k.Begin(t.Context(), all)
	if err != nil {
		return result{err: err}
	}
	defer turn.End()
	var whole []*Whole
	for _, h := range all {
		switch w, _, known := turn.Meet(h); {
		case w != nil:
			whole = append(whole, w)
		case known:
			r.known++
		default:
			r.waits++
		}
	}
	var again error
	for _, w := range whole {
		if to.consume(w); w.Fate == Passed {
			r.passed++
		} else if w.Fate == Again {
			again = errors.New("again")
		}
	}
	lost, err := turn.Settle(t.Context())
	if r.err = err; err == nil {
		r.err = again
	}
	r.lost = causes(lost)
	return r
}

func causes(lost []GivenUp) map[string]int {
	all := map[string]int{}
	for _, of := range lost {
		if len(of.Halves) > 0 {
			all[of.Cause] += len(of.Halves)
		}
	}
	return all
}

func (r result) String() string {
	return fmt.Sprintf("passed %d, known %d, waits %d, lost %v, %v", r.passed, r.known, r.waits, r.lost, r.err)
}
