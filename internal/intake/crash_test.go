package intake_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store/storetest"
)

// Power is lost just before the k-th write, for every k there is. The client
// sends again what was not acknowledged, and some of what was: in the end every
// prediction is counted once.
func TestPowerLossAtEveryWrite(t *testing.T) {
	const batches, size = 12, 5
	var all float64
	for b := range uint64(batches) {
		all += sumX(rows(record.Prediction, "m", size, b))
	}
	for _, unsynced := range []int{0, 50} {
		cuts := 0
		for k := int32(1); ; k++ {
			disk := vfs.NewCrashableMem()
			seed(t, disk)
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
			p := open(t, fs)
			if unsynced != 0 {
				left.Store(k) // Pebble's window between a manifest and its marker is the store's to test
			}
			for b := range uint64(batches) {
				_, err := p.offer(rows(record.Prediction, "m", size, b))
				p.must(err)
				acked.Store(int32(b) + 1)
				if b%3 == 2 {
					p.must(p.flush(start))
				}
			}
			p.close()
			if after == nil {
				break // k is past the last write
			}
			cuts++
			q, err := tryOpen(t, after)
			if err != nil {
				t.Fatalf("cut %d, unsynced %d: %v", k, unsynced, err)
			}
			for b := max(int(kept)-2, 0); b < batches; b++ { // two that were acknowledged are sent again
				_, err := q.offer(rows(record.Prediction, "m", size, uint64(b)))
				q.must(err)
			}
			q.must(q.flush(start))
			if n, actuals, x := q.counted("m", "1"); n != batches*size || actuals != n || x != all {
				t.Fatalf("cut %d, unsynced %d, %d batches acknowledged: %d predictions, %d actuals, sum %v; want %d and %v",
					k, unsynced, kept, n, actuals, x, batches*size, all)
			}
			q.close()
		}
		if cuts < 30 {
			t.Errorf("only %d writes were seen; is the file system watched?", cuts)
		}
	}
}

// seed prepares a directory with a reference.
func seed(t testing.TB, disk vfs.FS) {
	p := open(t, disk)
	_, err := p.offer(referenceRows("m"))
	p.must(err)
	p.must(p.flush(start))
	p.close()
}

// A checkpoint that fails gives its counts back; a batch that cannot be kept is
// not acknowledged.
func TestFullDisk(t *testing.T) {
	disk := vfs.NewMem()
	seed(t, disk)
	var full atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errorfs.ErrInjected
		}
		return nil
	}))
	p := open(t, fs)
	defer func() { p.close() }()
	_, err := p.offer(rows(record.Prediction, "m", 10, 1))
	p.must(err)
	full.Store(true)
	if err := p.flush(start); err == nil {
		t.Error("a checkpoint on a full disk succeeded")
	}
	if _, err := p.offer(rows(record.Prediction, "m", 10, 2)); err == nil {
		t.Error("a batch on a full disk was acknowledged")
	}
	full.Store(false)
	for b := range uint64(3) { // the client sends all again
		if _, err := p.offer(rows(record.Prediction, "m", 10, b+1)); err != nil {
			t.Fatalf("the store does not recover: %v", err)
		}
	}
	p.must(p.flush(start))
	if n, _, _ := p.counted("m", "1"); n != 30 {
		t.Errorf("%d predictions, want 30", n)
	}
}
