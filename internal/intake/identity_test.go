package intake_test

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// A batch that comes again with its records in another order is the same batch:
// what divides batches between the sender and us may not keep their order.
func TestBatchIsKnownInAnotherOrder(t *testing.T) {
	fs := vfs.NewMem()
	p := open(t, fs)
	recs := rows(record.Prediction, "m", 200, 3)
	first, err := p.offer(recs)
	p.must(err)
	other := slices.Clone(recs)
	slices.Reverse(other)
	again, err := p.offer(other)
	p.must(err)
	if first.Duplicate || !again.Duplicate {
		t.Errorf("duplicates: %v and %v, want the second", first.Duplicate, again.Duplicate)
	}
	other[17].ID += "x"
	if out, err := p.offer(other); err != nil || out.Duplicate {
		t.Errorf("a batch that differs in one id: duplicate %v, %v", out.Duplicate, err)
	}
	p.close()
}

// A batch that the build before has counted is known by the identity that it had
// then: the hash of its bytes.
func TestBatchOfTheFormerBuildIsKnown(t *testing.T) {
	p := open(t, vfs.NewMem())
	defer p.close()
	recs := rows(record.Prediction, "m", 200, 3)
	var e record.Encoder
	for i := range recs {
		e.Append(&recs[i])
	}
	tx := p.store.Begin()
	tx.PutBatch(xxh3.Hash128(e.Bytes()).Bytes(), start.UnixNano())
	p.must(tx.Commit(store.Sync))
	if out, err := p.offer(recs); err != nil || !out.Duplicate {
		t.Errorf("duplicate %v, %v; want true", out.Duplicate, err)
	}
}
