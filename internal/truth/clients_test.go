package truth_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/store/storetest"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// deliver is hand without the notes that a test of one goroutine takes.
func (l *pipeline) deliver(seq uint64, e truth.Entry) {
	if err := l.profile(records(l.t, e)); err != nil {
		l.truth.Refused(seq)
		return
	}
	_ = l.truth.Taken(seq) // tried again by Tidy
}

func (l *pipeline) send(recs []record.Record) error {
	w := l.truth.Begin(l.now)
	for i := range recs {
		w.Add(&recs[i], i)
	}
	say := &speaker{}
	out, err := w.Commit(batch(recs), say)
	if err == nil && out.Seq != 0 {
		l.deliver(out.Seq, truth.Entry{Arrived: l.now.UnixNano(), Dropped: out.Dropped, Batch: encode(recs), Said: say.Encoder.Bytes()})
	}
	return err
}

// Many clients at once, that also repeat themselves, with everything that goes on
// in the background, while the disk fails now and then: what is counted in the
// end is what the latest labels say.
func TestManyClients(t *testing.T) {
	for _, faults := range []bool{false, true} {
		s := tell(150, 200, 4)
		disk := storetest.NewDisk(seededDisk(t), 41, nil)
		l, err := openPipeline(t, disk, options())
		if err != nil {
			t.Fatal(err)
		}
		disk.Rough(faults)
		var done atomic.Bool
		var work, background sync.WaitGroup
		background.Go(func() {
			for !done.Load() {
				_ = l.truth.Tidy()
				for after := uint64(0); ; {
					seq, e, ok, err := l.truth.Next(after)
					if err != nil || !ok {
						break
					}
					l.deliver(seq, e)
					after = seq
				}
				_, _, _ = l.truth.Sweep(l.now)
				_ = l.flush()
				_, _ = l.truth.Awaited(), l.truth.OutboxBytes()
				time.Sleep(time.Millisecond)
			}
		})
		var at atomic.Int32
		for c := range 4 {
			work.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(c), 1))
				for {
					b := int(at.Add(1)) - 1
					if b >= len(s.batches) {
						return
					}
					for range 1 + rng.IntN(2) {
						for try := 0; ; try++ {
							err := l.send(s.batches[b])
							if err == nil {
								break
							}
							if !errors.Is(err, syscall.EIO) && !errors.Is(err, store.ErrStale) || try > 10_000 {
								t.Error(err)
								return
							}
							time.Sleep(100 * time.Microsecond)
						}
					}
				}
			})
		}
		work.Wait()
		disk.Rough(false)
		done.Store(true)
		background.Wait()
		l.end()
		r := l.result()
		if r.predictions != 200 || r.confusion[:len(s.want)] != s.want || r.duplicates != 19 {
			t.Errorf("faults %v: %+v, want %s", faults, r, s.want)
		}
		if failed := disk.Failed.Load(); faults && failed < 10 {
			t.Errorf("%d writes failed: the test proves nothing", failed)
		}
		l.close()
	}
}

// An entry that is being delivered while the store is opened again is not
// delivered by somebody else too.
func TestEntriesInFlightStayThere(t *testing.T) {
	var fail atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if storetest.Changes(op) && fail.Swap(false) {
			return syscall.EIO
		}
		return nil
	}))
	p := open(t, fs, options())
	defer p.close()
	out, _, err := p.commit([]record.Record{prediction("a", 0)})
	p.must(err)
	fail.Store(true)
	if _, _, err := p.commit([]record.Record{prediction("b", 0)}); err == nil {
		t.Fatal("nothing fails")
	}
	p.must(p.offer(prediction("c", 0)))
	if p.store.Generation() < 2 {
		t.Fatal("the store was not opened again")
	}
	seen := map[uint64]bool{}
	for {
		seq, _, ok, err := p.truth.Next(0)
		p.must(err)
		if !ok {
			break
		}
		if seen[seq] = true; len(seen) > 10 {
			t.Fatal("there is no end")
		}
	}
	if seen[out.Seq] {
		t.Error("an entry in flight was given to somebody else")
	}
	p.truth.Refused(out.Seq)
	if seq, _, ok, err := p.truth.Next(0); seq != out.Seq || !ok || err != nil {
		t.Errorf("after it landed: %d %v %v", seq, ok, err)
	}
}

// A number is never given to two entries, also when nothing is left of the first.
func TestNumbersAreNotGivenTwice(t *testing.T) {
	disk := vfs.NewMem()
	var last uint64
	for i := range 3 {
		p := open(t, disk, options())
		r := prediction("", 0)
		r.ID = string(rune('a' + i))
		out, _, err := p.commit([]record.Record{r})
		p.must(err)
		if out.Seq <= last {
			t.Errorf("number %d after %d", out.Seq, last)
		}
		last = out.Seq + 1 // the ids that are due have one too
		p.must(p.truth.Taken(out.Seq))
		p.now = start.Add(100 * time.Hour)
		p.must(p.sweep())
		p.must(p.sweep())
		p.close()
	}
}
