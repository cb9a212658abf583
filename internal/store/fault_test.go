package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/store/storetest"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// A fault makes writes fail.
type fault struct {
	name  string
	err   error
	lasts bool                     // until the test mends it; else for one write
	hits  func(op errorfs.Op) bool // which writes
	seen  int                      // faults that must be seen at least
}

func tableWrite(op errorfs.Op) bool {
	return storetest.Changes(op) && strings.HasSuffix(op.Path, ".sst")
}

var faults = []fault{
	{"the disk is full for a while", syscall.ENOSPC, true, storetest.Changes, 60},
	{"one write fails", syscall.EIO, false, storetest.Changes, 60},
	{"one sync fails", syscall.EIO, false, storetest.Syncs, 20},
	{"no table can be written for a while", syscall.ENOSPC, true, tableWrite, 5},
}

// However a write fails, at whichever write it begins: callers get an error, not
// a panic and not silence; what was acknowledged stays; and when the disk works
// again so does the store, without being opened again by its owner.
func TestFailedWrites(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			for k := 1; ; k++ {
				done := make(chan bool, 1)
				go func() { done <- failAt(t, f, k) }()
				select {
				case hit := <-done:
					if t.Failed() {
						t.Fatalf("the fault began at write %d", k)
					}
					if !hit {
						if k <= f.seen {
							t.Fatalf("only %d writes were seen, want %d", k-1, f.seen)
						}
						t.Logf("%d writes", k-1)
						return
					}
				case <-time.After(wait.Patience):
					panic(fmt.Sprintf("the store hangs when write %d fails", k)) // shows all goroutines
				}
			}
		})
	}
}

// failAt runs a store with the fault from the k-th write on, and reports whether
// there was one.
func failAt(t *testing.T, f fault, k int) (hit bool) {
	disk := vfs.NewMem()
	s := open(t, "db", small(disk))
	for seq := uint64(1); seq <= 5; seq++ {
		accept(t, s, Sync, seq)
	}
	closeIt(t, s)

	var n atomic.Int32
	var mended, bad atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !f.hits(op) {
			return nil
		}
		if i := int(n.Add(1)); i == k || i > k && f.lasts && !mended.Load() {
			bad.Store(true)
			return f.err
		}
		return nil
	}))
	failures := 0
	broken := func(err error) bool {
		if err == nil {
			return false
		}
		if !errors.Is(err, f.err) && !errors.Is(err, ErrStale) {
			t.Errorf("the error is %v, want it to wrap %v", err, f.err)
		}
		if failures++; failures >= 3 {
			mended.Store(true)
		}
		if failures > 20 {
			t.Errorf("still broken after it was mended: %v", err)
			return false
		}
		return true
	}
	var err error
	for s, err = Open("db", small(fs)); broken(err); s, err = Open("db", small(fs)) {
	}
	if err != nil {
		return true
	}
	for seq := uint64(6); seq <= 30; seq++ {
		for broken(acceptOnce(s, seq)) {
		}
	}
	mended.Store(true)
	err = s.Close()
	if err != nil && !errors.Is(err, f.err) {
		t.Errorf("close: %v", err)
	}
	s = sound(t, disk)
	defer closeIt(t, s)
	got := logOf(t, s)
	for seq := uint64(1); seq <= 30; seq++ {
		if got[seq] != string(entry(seq)) {
			t.Errorf("entry %d, which was acknowledged, is lost", seq)
		}
	}
	if len(got) != 30 {
		t.Errorf("%d entries, want 30", len(got))
	}
	return bad.Load()
}

// acceptOnce is what intake does with a batch that may have come before.
func acceptOnce(s *Store, seq uint64) error {
	if has, err := s.HasBatch(batchOf(seq)); has || err != nil {
		return err
	}
	tx := s.Begin()
	tx.PutLog(seq, entry(seq))
	tx.PutBatch(batchOf(seq), int64(seq))
	return tx.Commit(Sync)
}

// While no table can be written, Pebble repeats its flush for ever and commits
// wait for it: the store gives up instead, and what is in the log stays.
func TestNoRoomForTables(t *testing.T) {
	disk := vfs.NewMem()
	var full atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && tableWrite(op) {
			return syscall.ENOSPC
		}
		return nil
	}))
	s := open(t, "db", small(fs))
	full.Store(true)
	refused := make(chan uint64, 1)
	go func() {
		seq := uint64(1)
		for seq < 1000 && acceptOnce(s, seq) == nil {
			seq++
		}
		refused <- seq
	}()
	select {
	case seq := <-refused:
		if seq == 1000 {
			t.Fatal("6 MB were committed without a table")
		}
		if err := acceptOnce(s, seq); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("while there is no room: %v", err)
		}
		full.Store(false)
		if err := acceptOnce(s, seq); err != nil {
			t.Errorf("with room again: %v", err)
		}
		if got := logOf(t, s); uint64(len(got)) != seq {
			t.Errorf("%d entries, want %d", len(got), seq)
		}
		closeIt(t, s)
	case <-time.After(wait.Patience):
		t.Fatal("commits hang while no table can be written")
	}
}

// A transaction from before a recovery is refused: what it was built on may be
// gone. A walk from before it ends with the recovery waiting for it.
func TestRecoveryEndsOldTransactions(t *testing.T) {
	disk := vfs.NewMem()
	var broken atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && storetest.Changes(op) {
			return syscall.EIO
		}
		return nil
	}))
	s := open(t, "db", small(fs))
	defer closeIt(t, s)
	accept(t, s, Sync, 1)
	accept(t, s, Sync, 2)
	old := s.Begin()
	old.PutLog(9, nil)
	err := s.EachLog(func(uint64, []byte) error {
		broken.Store(true)
		failed := new(FailedError)
		if err := acceptOnce(s, 3); !errors.As(err, &failed) {
			t.Errorf("commit on a broken disk: %v", err)
		}
		broken.Store(false)
		if err := acceptOnce(s, 3); !errors.As(err, &failed) { // the walk is under way
			t.Errorf("recovered under a walk: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("the walk: %v", err)
	}
	if g := s.Generation(); g != 1 {
		t.Errorf("generation %d, want 1", g)
	}
	if err := acceptOnce(s, 3); err != nil {
		t.Errorf("after the walk: %v", err)
	}
	if g := s.Generation(); g != 2 {
		t.Errorf("generation %d, want 2", g)
	}
	if err := old.Commit(Sync); !errors.Is(err, ErrStale) {
		t.Errorf("the old transaction: %v", err)
	}
	if got := logOf(t, s); len(got) != 3 {
		t.Errorf("%d entries, want 3", len(got))
	}
}

// roomFS says how much room there is.
type roomFS struct {
	vfs.FS
	avail, total atomic.Uint64
}

func (f *roomFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.avail.Load(), TotalBytes: f.total.Load()}, nil
}

// Before the disk is full commits are refused, cleanly; those that make room
// are not.
func TestReserve(t *testing.T) {
	fs := &roomFS{FS: vfs.NewMem()}
	fs.total.Store(10 << 30)
	fs.avail.Store(65 << 20)
	s := open(t, "db", Options{FS: fs})
	defer closeIt(t, s)
	accept(t, s, Sync, 1)
	fs.avail.Store(63 << 20)
	full := new(DiskFullError)
	if err := acceptOnce(s, 2); !errors.As(err, &full) || full.Avail != 63<<20 || full.Need != 64<<20 {
		t.Errorf("below the reserve: %v", err)
	} else {
		wantText(t, err, "db", "63 MB", "64 MB")
	}
	if has, err := s.HasBatch(batchOf(2)); has || err != nil {
		t.Errorf("a refused batch is there: %v %v", has, err)
	}
	checkpoint(t, s, 1, 1) // moves, so it may use more
	fs.avail.Store(15 << 20)
	tx := s.Begin()
	tx.DeleteLogThrough(1)
	tx.PutState("s", nil)
	if err := tx.Commit(Sync); !errors.As(err, &full) || full.Need != 16<<20 {
		t.Errorf("below a quarter of the reserve: %v", err)
	}
	commit(t, s, Sync, func(tx *Tx) { tx.DeleteModel("m") }) // only deletes
	fs.total.Store(100 << 20)                                // a small disk keeps 5 MB
	accept(t, s, Sync, 2)
	if g := s.Generation(); g != 1 {
		t.Errorf("generation %d: a refusal is not a failure", g)
	}
}

// Many goroutines write and read while the disk fails now and then: nothing
// that was acknowledged is lost.
func TestConcurrentFailures(t *testing.T) {
	disk := vfs.NewMem()
	fs := storetest.NewDisk(disk, 30, nil)
	fs.Rough(true)
	var s *Store
	for s == nil {
		s, _ = Open("db", small(fs))
	}
	const writers, each = 4, 60
	var failed atomic.Int32
	var wg sync.WaitGroup
	for w := range uint64(writers) {
		wg.Go(func() {
			for i := range uint64(each) {
				for seq := w*each + i + 1; acceptOnce(s, seq) != nil; {
					failed.Add(1)
					time.Sleep(100 * time.Microsecond) // another one is opening it
				}
				_ = s.EachParcel(func(Parcel) error { return nil })
				_, _ = s.Metrics()
			}
		})
	}
	wg.Wait()
	fs.Rough(false)
	if failed.Load() == 0 || s.Generation() == 1 {
		t.Errorf("%d failures, generation %d: the test proves nothing", failed.Load(), s.Generation())
	}
	t.Logf("%d failures, %d openings", failed.Load(), s.Generation())
	_ = s.Close()
	s = sound(t, disk)
	defer closeIt(t, s)
	if got := logOf(t, s); len(got) != writers*each {
		t.Errorf("%d entries, want %d", len(got), writers*each)
	}
}
