package intake_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/store/storetest"
)

// breakable is a process whose disk fails when it is told to.
func breakable(t *testing.T) (p *process, fails *atomic.Pointer[func(errorfs.Op) bool]) {
	disk := vfs.NewMem()
	seed(t, disk)
	fails = &atomic.Pointer[func(errorfs.Op) bool]{}
	p = open(t, errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if f := fails.Load(); f != nil && (*f)(op) {
			return syscall.EIO
		}
		return nil
	})))
	t.Cleanup(p.close)
	return p, fails
}

func (p *process) refuses(recs []record.Record) {
	p.t.Helper()
	if _, err := p.offer(recs); !errors.Is(err, syscall.EIO) {
		p.t.Errorf("a batch that could not be written was answered with %v", err)
	}
}

// The next batch after a failed write finds memory as a restart would: what was
// kept though not acknowledged is counted, and nothing is counted twice.
func TestMemoryAfterFailedWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		hits func(errorfs.Op) bool
		kept bool
	}{{"a sync fails", storetest.Syncs, true}, {"a write fails", storetest.Changes, false}} {
		t.Run(c.name, func(t *testing.T) {
			p, fails := breakable(t)
			for _, name := range []string{"m", "w"} {
				_, err := p.offer(rows(record.Prediction, name, 10, 1))
				p.must(err)
			}
			held := p.intake.HeldBytes()
			fails.Store(&c.hits)
			p.refuses(rows(record.Prediction, "w", 20, 2))
			fails.Store(nil)
			out, err := p.offer(rows(record.Prediction, "w", 20, 2))
			p.must(err)
			if out.Duplicate != c.kept {
				t.Errorf("sent again, the batch is a duplicate: %v, want %v", out.Duplicate, c.kept)
			}
			if got := fmt.Sprint(p.intake.Warmups()); got != fmt.Sprint([]intake.Warming{{Model: "w", Version: "1", Rows: 30}}) {
				t.Errorf("waiting: %v, want 30 rows", got)
			}
			q, _ := breakable(t)
			for i, name := range []string{"m", "w", "w"} {
				_, err := q.offer(rows(record.Prediction, name, []int{10, 10, 20}[i], uint64(max(1, i))))
				q.must(err)
			}
			if got, want := p.intake.HeldBytes(), q.intake.HeldBytes(); got != want || got <= held {
				t.Errorf("%d bytes are held, want %d", got, want)
			}
		})
	}
}

// A checkpoint whose store was opened again after it took the counts saves
// nothing: there is more in the log than it has counted.
func TestCheckpointOverReopening(t *testing.T) {
	p, fails := breakable(t)
	_, err := p.offer(rows(record.Prediction, "m", 10, 1))
	p.must(err)
	failing := storetest.Syncs
	fails.Store(&failing)
	p.refuses(rows(record.Prediction, "m", 20, 2)) // but kept
	fails.Store(nil)
	_, err = p.offer(rows(record.Prediction, "m", 5, 3))
	p.must(err)
	err = p.intake.CheckpointAround(start, func() {
		fails.Store(&failing)
		if err := p.intake.Sync(); err == nil {
			t.Error("a sync on a broken disk succeeded")
		}
		fails.Store(nil)
		p.must(p.intake.Sync())
	}, func() {})
	if !errors.Is(err, store.ErrStale) {
		t.Errorf("the checkpoint ended with %v", err)
	}
	p.must(p.flush(start))
	if n, _, _ := p.counted("m", "1"); n != 35 {
		t.Errorf("%d predictions, want 35", n)
	}
}

// While the store cannot be read, nobody knows whether a model is known: that is
// no reason to drop its records.
func TestUnreadableIsNoRefusal(t *testing.T) {
	p, fails := breakable(t)
	failing := storetest.Changes
	fails.Store(&failing)
	if err := p.intake.Sync(); err == nil {
		t.Error("a sync on a broken disk succeeded")
	}
	p.refuses(rows(record.Prediction, "new", 10, 1))
	if len(p.refused) > 0 {
		t.Errorf("refused: %v", p.refused)
	}
	fails.Store(nil)
	_, err := p.offer(rows(record.Prediction, "new", 10, 1))
	p.must(err)
	if w := p.intake.Warmups(); len(w) != 1 || w[0].Rows != 10 {
		t.Errorf("waiting: %v, want 10 rows", w)
	}
}

// The same with many clients at a time, while the disk fails now and then. The
// evaluator is on the same disk or on another one: what that has taken it keeps,
// whatever becomes of the parcel here.
func TestFailedWritesAmongMany(t *testing.T) {
	for _, c := range []struct {
		durability store.Durability
		remote     bool
	}{{store.Sync, false}, {store.Sync, true}, {store.NoSync, false}, {store.NoSync, true}} {
		t.Run(fmt.Sprintf("sync %v, remote %v", c.durability, c.remote), func(t *testing.T) { among(t, c.durability, c.remote) })
	}
}

func among(t *testing.T, d store.Durability, remote bool) {
	disk := storetest.NewDisk(vfs.NewMem(), 25, func() {
		time.Sleep(3 * time.Millisecond) // what waits for it can be read meanwhile
	})
	p := open(t, disk, with(d))
	defer p.close()
	disk.Rough(true)
	to := p
	if remote {
		to = open(t, vfs.NewMem())
		defer to.close()
		p.evaluator = to.evaluator
	}
	const clients, batches, size = 4, 60, 5
	first := &client{process: p, durability: d}
	first.send(referenceRows("m"))
	for !first.sync() {
	}
	var all float64
	var sending, flushing sync.WaitGroup
	for i := range uint64(clients) {
		for b := range uint64(batches) {
			all += sumX(rows(record.Prediction, "m", size, i*batches+b))
		}
		sending.Go(func() {
			c := &client{process: p, durability: d}
			for b := range uint64(batches) {
				c.send(rows(record.Prediction, "m", size, i*batches+b))
				if b%2 == 1 {
					c.sync()
				}
			}
			for !c.sync() {
			}
		})
	}
	stop := make(chan struct{})
	repeat := func(do func() error) {
		flushing.Go(func() {
			for {
				if err := do(); err != nil && !expected(err) {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	repeat(func() error { return p.flush(start) })
	repeat(func() error { return p.deliver(start) }) // beside the checkpoints
	sending.Wait()
	disk.Rough(false)
	close(stop)
	flushing.Wait()
	_ = p.flush(start)
	p.must(p.flush(start))
	if got, actuals, x := to.counted("m", "1"); got != clients*batches*size || actuals != got || x != all {
		t.Errorf("%d predictions, sum %v; want %d and %v", got, x, clients*batches*size, all)
	}
	ref, ok, err := to.catalog.Reference("m", "1", model.Training)
	to.must(err)
	if !ok || ref.Rows != 200 {
		t.Errorf("there is a reference: %v, of %d rows, want 200", ok, ref.Rows)
	}
	if g := p.store.Generation(); g < 3 {
		t.Errorf("the store was opened %d times: the test proves nothing", g)
	} else {
		t.Logf("opened %d times", g)
	}
}
