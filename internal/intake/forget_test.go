package intake_test

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// A version that was idle for long, and of which a batch is under way while idle ones
// are forgotten, keeps its reference, and the batch is counted by it.
func TestForgetDuringBatch(t *testing.T) {
	p := open(t, vfs.NewMem())
	defer p.close()
	for _, name := range []string{"m", "idle"} {
		_, err := p.offer(referenceRows(name))
		p.must(err)
	}
	p.must(p.flush(start))
	later := start.Add(2000 * time.Hour)
	recs := rows(record.Prediction, "m", 10, 1)
	for i := range recs {
		recs[i].Time = later.UnixNano()
	}
	w := p.intake.Begin(later)
	for i := range recs {
		w.Add(&recs[i], func(r record.Refusal) { t.Error(r) })
	}
	p.must(p.intake.Prune(later))
	_, err := w.Commit()
	p.must(err)
	p.must(p.evaluator.Prune(later))
	p.must(p.flush(later))
	if prof, _, err := p.catalog.Profile("m", "1", 0, later.Add(time.Hour).UnixNano()); err != nil || prof == nil || prof.Whole.Predictions != 10 {
		t.Errorf("10 predictions were counted as %+v, %v", prof, err)
	}
	if _, ok, err := p.catalog.Reference("idle", "1", model.Training); ok || err != nil {
		t.Errorf("the idle version is kept, %v", err)
	}
}
