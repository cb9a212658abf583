package intake_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Records that arrive while a checkpoint writes are not in the store yet. The
// checkpoint must not take a set for complete because of them: it would make a
// reference of the rows before, and the next one a second reference, of the last
// rows alone, in its place.
func TestReferenceIsMadeOfAllItsRows(t *testing.T) {
	for _, c := range []struct {
		name string
		recs []record.Record
		rows uint64
	}{
		{"rows that are complete", referenceRows("m"), 200},
		{"warm-up", rows(record.Prediction, "m", 100, 3), 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, vfs.NewMem())
			defer p.close()
			half := len(c.recs) / 2
			_, err := p.offer(c.recs[:half])
			p.must(err)
			p.must(p.intake.CheckpointAround(start, func() {}, func() {
				_, err := p.offer(c.recs[half:])
				p.must(err)
			}))
			if _, ok, err := p.catalog.Reference("m", "1", model.Training); ok || err != nil {
				t.Errorf("there is a reference before all of its rows are in the store (%v)", err)
			}
			for range 3 { // a second reference would come with the next checkpoint
				p.must(p.flush(start))
			}
			ref, ok, err := p.catalog.Reference("m", "1", model.Training)
			p.must(err)
			if !ok || ref.Rows != c.rows {
				t.Fatalf("there is a reference: %v, of %d rows, want %d", ok, ref.Rows, c.rows)
			}
		})
	}
}

// A set that begins while the one before is made into a reference is a set of
// its own: it waits until it is complete, and is not taken for quiet.
func TestNextReferenceWaitsUntilComplete(t *testing.T) {
	p := open(t, vfs.NewMem())
	defer p.close()
	next := rows(record.Reference, "m", 150, 77)
	_, err := p.offer(referenceRows("m"))
	p.must(err)
	p.must(p.intake.CheckpointAround(start, func() {}, func() {
		_, err := p.offer(next[:50])
		p.must(err)
	}))
	want := func(n uint64) {
		t.Helper()
		p.must(p.flush(start))
		ref, ok, err := p.catalog.Reference("m", "1", model.Training)
		p.must(err)
		if !ok || ref.Rows != n {
			t.Fatalf("the reference has %d rows (there is one: %v), want %d", ref.Rows, ok, n)
		}
	}
	want(200)
	next[149].Last = true
	_, err = p.offer(next[50:])
	p.must(err)
	want(150)
}
