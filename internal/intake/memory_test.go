package intake_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// room is a disk that says how much room there is.
type room struct {
	vfs.FS
	avail atomic.Uint64
}

func (r *room) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: r.avail.Load(), TotalBytes: 1 << 40}, nil
}

// Records that wait for a reference are held in memory as profiles are, and the
// limit is for both.
func TestFullOfWaitingRecords(t *testing.T) {
	const limit = 20_000
	p := open(t, vfs.NewMem(), memory(limit))
	defer p.close()
	for b := uint64(1); ; b++ {
		before := p.intake.HeldBytes()
		_, err := p.offer(rows(record.Prediction, "w", 5, b))
		p.must(err)
		held := p.intake.HeldBytes()
		full := false
		select {
		case <-p.intake.Full():
			full = true
		default:
		}
		if held <= before || full != (held > limit) {
			t.Fatalf("after batch %d: %d bytes are held, %d before; full: %v, want above %d", b, held, before, full, limit)
		}
		if full {
			break
		}
	}
	p.must(p.flush(start))
	if n := p.intake.HeldBytes(); n != 0 {
		t.Errorf("%d bytes are held after a checkpoint", n)
	}
}

// A checkpoint without room gives back what it took, also in the account of
// memory, and the next one has it all.
func TestGiveBack(t *testing.T) {
	begin := func() (*process, *room) {
		disk := &room{FS: vfs.NewMem()}
		disk.avail.Store(1 << 40)
		seed(t, disk)
		p := open(t, disk, reserve(1<<20))
		t.Cleanup(p.close)
		return p, disk
	}
	p, disk := begin()
	q, _ := begin() // whose disk is never full
	offer := func(to *process, seed uint64) {
		for _, name := range []string{"m", "w"} {
			_, err := to.offer(rows(record.Prediction, name, 30, seed))
			to.must(err)
		}
	}
	offer(p, 1)
	offer(q, 1)
	err := p.intake.CheckpointAround(start, func() {
		offer(p, 2)
		disk.avail.Store(0)
	}, func() {})
	if full := new(store.DiskFullError); !errors.As(err, &full) {
		t.Fatalf("a checkpoint without room ended with %v", err)
	}
	disk.avail.Store(1 << 40)
	offer(q, 2)
	offer(p, 3)
	offer(q, 3)
	if got, want := p.intake.HeldBytes(), q.intake.HeldBytes(); got != want {
		t.Errorf("%d bytes are held, want %d as without a checkpoint", got, want)
	}
	offer(p, 4) // enough for a warm-up
	p.must(p.flush(start))
	for _, name := range []string{"m", "w"} {
		if n, _, _ := p.counted(name, "1"); n != 120 {
			t.Errorf("%d predictions of %s, want 120", n, name)
		}
	}
}
