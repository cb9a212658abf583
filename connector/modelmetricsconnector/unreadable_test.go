package modelmetricsconnector_test

import (
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/store"
)

// A state that cannot be read is a line of the log with its name; what it was about is
// watched on, from the beginning.
func TestUnreadableState(t *testing.T) {
	dir := t.TempDir()
	w := wire(t, dir, false, true)
	at := time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour)
	reference(w, at)
	w.send(at, 0, 2)
	w.send(at.Add(time.Hour), 500, 3)
	w.until("holes firing features.age")
	w.stop()

	s, err := store.Open(dir, store.Options{})
	w.check(err)
	tx, spoiled := s.Begin(), ""
	w.check(s.EachState("monitor/", func(name string, _ []byte) error {
		spoiled = name
		return nil
	}))
	tx.PutState(spoiled, []byte("\x01{"))
	w.check(tx.Commit(store.Sync))
	w.check(s.Close())

	w = wire(t, dir, false, true)
	lines := w.said.FilterMessageSnippet("cannot be read and is set aside").All()
	if len(lines) != 1 || lines[0].ContextMap()["state"] != spoiled {
		t.Errorf("the log says %v, want one line about %s", lines, spoiled)
	}
	w.send(at.Add(2*time.Hour), 500, 4)
	w.until("holes firing features.age")
}
