package intake_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/record"
)

// A batch of 100 predictions of a known version, with the store in memory.
func BenchmarkBatch(b *testing.B) {
	disk := vfs.NewMem()
	seed(b, disk)
	p := open(b, disk, func(o *opening) { o.store.MemTableBytes, o.store.CacheBytes = 0, 0 })
	defer p.close()
	batches := make([][]record.Record, 64)
	for i := range batches {
		batches[i] = rows(record.Prediction, "m", 100, uint64(i))
	}
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		recs := batches[n%64]
		for i := range recs {
			recs[i].Time++ // a batch of its own
		}
		out, err := p.offer(recs)
		if err != nil || out.Duplicate {
			b.Fatal(out, err)
		}
		if n++; n%200 == 0 {
			b.StopTimer()
			p.must(p.flush(start))
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/100, "ns/record")
}
