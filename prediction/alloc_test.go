//go:build !race

// The race detector empties pools at random.

package prediction_test

import (
	"context"
	"testing"

	"github.com/driftmeter/driftmeter/prediction"
)

// What becomes a record without reflection on maps or lists costs the record's own
// two allocations, and no other.
func TestAllocations(t *testing.T) {
	c, err := prediction.New(t.Context(), prediction.Model{Name: "loans", Version: "7"}, prediction.WithLoggerProvider(nowhere{}))
	must(t, err)
	p := prediction.Prediction{ID: "b1946ac9", Features: &applicant{Region: "EU"}, Outputs: &decision{}}
	if n := testing.AllocsPerRun(1000, func() { _ = c.Log(context.Background(), p) }); n > 2 {
		t.Errorf("%v allocations for a record of ten fields", n)
	}
}
