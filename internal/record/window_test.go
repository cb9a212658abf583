package record_test

import (
	"testing"

	"github.com/driftmeter/driftmeter/internal/record"
)

// A window holds its start and not its end, before the epoch too.
func TestWindow(t *testing.T) {
	for _, c := range [][2]int64{{0, 0}, {9, 0}, {10, 10}, {-1, -10}, {-10, -10}, {-11, -20}} {
		if got := record.Window(c[0], 10); got != c[1] {
			t.Errorf("the window of %d begins at %d, want %d", c[0], got, c[1])
		}
	}
}
