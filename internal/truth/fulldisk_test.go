package truth_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// filling is a disk that says how much room it has.
type filling struct {
	vfs.FS
	left atomic.Uint64
}

func (f *filling) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.left.Load(), TotalBytes: 1 << 40}, nil
}

// A disk that has no room left refuses batches before anything is written. What
// was decided is still handed on and deleted, ids are still forgotten, and a batch
// that was refused is taken when there is room, as if it had not come before.
func TestFullDisk(t *testing.T) {
	disk := &filling{FS: vfs.NewMem()}
	disk.left.Store(1 << 30)
	p := &process{t: t, now: start}
	var err error
	p.store, err = store.Open("state", store.Options{FS: disk, ReserveBytes: 64 << 20})
	p.must(err)
	p.catalog, err = catalog.Open(p.store, nil, catalogOptions())
	p.must(err)
	p.truth, err = truth.Open(p.store, p.catalog, options())
	p.must(err)
	p.next = func([]record.Record) error { return errors.New("down") }
	p.must(p.offer(prediction("a", 0), prediction("old", 0)))

	disk.left.Store(20 << 20) // less than the reserve, more than what deleting may use
	p.next = nil
	other := prediction("b", 0)
	other.Model = "n" // with a shape that is not kept yet
	for range 2 {
		var full *store.DiskFullError
		if err := p.offer(other, actual("a", time.Minute, true)); !errors.As(err, &full) {
			t.Fatalf("without room: %v", err)
		}
	}
	if p.truth.Held() != 2 || p.truth.Awaited()["n"] != 0 {
		t.Errorf("%d held, %v awaited", p.truth.Held(), p.truth.Awaited())
	}
	p.must(p.redeliver())
	p.want("what was decided", p.took(), `ml.prediction m/1 a features.x=1 features.region=EU predictions.p=0.25
ml.prediction m/1 old features.x=1 features.region=EU predictions.p=0.25`)
	disk.left.Store(1 << 30)
	p.must(p.offer(other, actual("a", time.Minute, true)))
	p.want("when there is room", p.took(), `ml.prediction n/1 b features.x=1 features.region=EU predictions.p=0.25
ml.labelled m/1 a revision 1 predictions.p=0.25 actuals.p=true`)
	p.want("counted once", p.numbers(), "joined 1, after [60]")
	disk.left.Store(20 << 20)
	p.now = start.Add(11 * time.Hour)
	p.must(p.sweep())
	p.want("forgotten without room", p.numbers(), "unlabelled 2")
	p.close()

	disk.left.Store(1 << 30)
	p = open(t, disk, options()) // names that were kept later are kept
	defer p.close()
	if p.truth.Held() != 0 {
		t.Errorf("%d held", p.truth.Held())
	}
}
