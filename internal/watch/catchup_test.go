package watch_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Of the windows that a pause left empty so many are judged as there is room for, the
// newest ones.
func TestCatchUp(t *testing.T) {
	for most, want := range map[int]int{2: 2, 48: 7} {
		w := open(t, vfs.NewMem(), at(0), silence())
		w.options.CatchUp = most
		w.restart(at(0))
		w.hour(0, told(record.Prediction, 50, 0)...)
		if sum := w.pass(8.5); sum.Evaluated != want {
			t.Errorf("after seven empty hours %d of at most %d are judged, want %d", sum.Evaluated, most, want)
		}
		w.stop()
	}
}
