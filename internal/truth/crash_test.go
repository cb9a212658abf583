package truth_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/store/storetest"
)

// Power is lost just before the k-th write, for every k there is, and the client
// sends again what was not acknowledged, and some of what was. In the end the
// profiles are those of a run that nothing disturbed, in every byte: each
// prediction, each label and each correction was counted once.
func TestPowerLossAtEveryWrite(t *testing.T) {
	s := tell(12, 30, 1)
	seeded := seededDisk(t)
	want := undisturbed(t, seeded, s, options())
	for _, unsynced := range []int{0, 50} {
		cuts, redelivered := 0, 0
		for k := int32(1); ; k += thin() {
			disk := seeded.CrashClone(vfs.CrashCloneCfg{})
			rng := rand.New(rand.NewPCG(uint64(unsynced), uint64(k)))
			var left, acked atomic.Int32
			var after *vfs.MemFS
			var kept int32
			fs := errorfs.Wrap(storetest.Steady(disk), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && left.Add(-1) == 0 {
					kept = acked.Load()
					after = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng})
				}
				return nil
			}))
			if unsynced == 0 {
				left.Store(k) // before the store is open, so that recovery is cut too
			}
			l, err := openPipeline(t, fs, options())
			if err != nil {
				t.Fatal(err)
			}
			if unsynced != 0 {
				left.Store(k) // Pebble's window between a manifest and its marker is the store's to test
			}
			for b := range s.batches {
				l.must(l.step(s, b))
				acked.Store(int32(b) + 1)
			}
			l.end()
			l.close()
			if after == nil {
				break // k is past the last write
			}
			cuts++
			if l, err = openPipeline(t, after, options()); err != nil {
				t.Fatalf("cut %d, unsynced %d: %v", k, unsynced, err)
			}
			l.now = start.Add(time.Duration(kept) * time.Minute)
			l.must(l.redeliver())
			redelivered += len(l.got)
			for b := max(int(kept)-2, 0); b < len(s.batches); b++ { // two that were acknowledged are sent again
				l.must(l.step(s, b))
			}
			l.end()
			if got := l.result(); got != want {
				t.Fatalf("cut %d, unsynced %d, %d batches acknowledged:\n%+v, want\n%+v", k, unsynced, kept, got, want)
			}
			l.close()
		}
		t.Logf("unsynced %d: %d cuts, %d records were delivered again", unsynced, cuts, redelivered)
		if cuts < 50/int(thin()) || redelivered == 0 && thin() == 1 {
			t.Errorf("only %d writes were seen, and %d records delivered again; is the file system watched?", cuts, redelivered)
		}
	}
}

// thin is which every write fails: under the race detector a run takes ten times
// as long, and what it looks for is in every run.
func thin() int32 {
	if testing.Short() {
		return 8
	}
	return 1
}

// fault makes writes fail: from the k-th that hits on, so many times.
type fault struct {
	name  string
	times int32
	err   error
	hits  func(errorfs.Op) bool
}

// Whichever write fails, and when the disk is full for a while: clients send
// again what was not acknowledged, without a restart, and the profiles are those
// of a run in which nothing failed, in every byte.
func TestFailedWrites(t *testing.T) {
	s := tell(12, 30, 2)
	seeded := seededDisk(t)
	want := undisturbed(t, seeded, s, options())
	for _, f := range []fault{
		{"one write fails", 1, syscall.EIO, storetest.Changes},
		{"five writes fail", 5, syscall.EIO, storetest.Changes},
		{"one sync fails", 1, syscall.EIO, storetest.Syncs},
		{"the disk is full for twenty writes", 20, syscall.ENOSPC, storetest.Changes},
	} {
		t.Run(f.name, func(t *testing.T) {
			failures, refused := 0, 0
			for k := int32(1); ; k += thin() {
				disk := seeded.CrashClone(vfs.CrashCloneCfg{})
				var armed atomic.Bool
				var n atomic.Int32
				var hit atomic.Bool
				fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
					if armed.Load() && f.hits(op) {
						if at := n.Add(1); at >= k && at < k+f.times {
							hit.Store(true)
							return f.err
						}
					}
					return nil
				}))
				l, err := openPipeline(t, fs, options())
				if err != nil {
					t.Fatal(err)
				}
				armed.Store(true)
				for b := range s.batches {
					for try := 0; ; try++ {
						if err := l.step(s, b); err == nil {
							break
						} else if !errors.Is(err, f.err) && !errors.Is(err, store.ErrStale) || try > 1000 {
							t.Fatalf("write %d: %v", k, err)
						}
						refused++
						if try > 5 {
							time.Sleep(time.Millisecond) // another goroutine is at the store
						}
					}
				}
				armed.Store(false)
				l.end()
				got := l.result()
				l.close()
				if got != want {
					t.Fatalf("write %d failed:\n%+v, want\n%+v", k, got, want)
				}
				if !hit.Load() {
					break
				}
				failures++
			}
			t.Logf("%d writes failed, %d batches were refused", failures, refused)
			if failures < 15/int(thin()) || refused == 0 && thin() == 1 {
				t.Errorf("%d writes failed, %d batches were refused: the test proves nothing", failures, refused)
			}
		})
	}
}

// A step of the profile behind fails now and then, before or after it has counted:
// the client is answered all the same, and everything is counted once.
func TestTheNextComponentFails(t *testing.T) {
	s := tell(12, 40, 3)
	seeded := seededDisk(t)
	want := undisturbed(t, seeded, s, options())
	for seed0 := range uint64(30) {
		l, err := openPipeline(t, seeded.CrashClone(vfs.CrashCloneCfg{}), options())
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed0, 1))
		take := l.next
		l.next = nil
		broken := true
		l.process.next = func(recs []record.Record) error {
			switch n := rng.IntN(3); {
			case broken && n == 0:
				return fmt.Errorf("not now")
			case broken && n == 1:
				return errors.Join(take(recs), fmt.Errorf("the answer was lost"))
			}
			return take(recs)
		}
		for b := range s.batches {
			l.must(l.step(s, b))
			if b%3 == 0 {
				l.must(l.redeliver())
			}
		}
		broken = false
		l.end()
		if got := l.result(); got != want {
			t.Fatalf("seed %d:\n%+v, want\n%+v", seed0, got, want)
		}
		l.close()
	}
}
