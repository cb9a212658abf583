package predictionencodingextension

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/internal/halves/halvestest"
	"github.com/driftmeter/driftmeter/internal/trial/trialtest"
)

func stored(c *Config) {
	id := halvestest.ID
	c.Format, c.Storage = formatEvents, &id
}

const joined = "ml.prediction 2026-11-01T12:00:00Z model.name=m model.version=default prediction.id=s_0 features.X0=1 predictions.Y0=2"

// What was read before a restart is half of what is read after it, and whole again
// when it is read again.
func TestHalvesWaitInTheStorage(t *testing.T) {
	request, response := []byte(event("request", "s", `"data":{"instances":[1]}`)), []byte(event("response", "s", `"data":{"predictions":[2]}`))
	for _, order := range [][2][]byte{{request, response}, {response, request}} {
		host := halvestest.NewHost(t)
		r := startOn(t, host, stored)
		r.gives(order[0])
		r.stop()
		if n := r.counted("inferences_unpaired"); n != 0 {
			t.Errorf("%d are given up", n)
		}
		r = startOn(t, host, stored)
		r.gives(order[1], joined)
		r.stop()
		r = startOn(t, host, stored)
		r.gives(order[0], joined)
		r.gives(order[1], joined)
		late, err := r.e.pairs.Expire(t.Context(), time.Now().Add(time.Hour))
		if err != nil || len(late.Halves) != 0 {
			t.Errorf("%d are given up, %v", len(late.Halves), err)
		}
		if deps := r.e.Dependencies(); !slices.Equal(deps, []component.ID{halvestest.ID}) {
			t.Errorf("depends on %v", deps)
		}
		r.stop()
	}
}

// A message that is tried keeps nothing, and needs no storage.
func TestTryingKeepsNothing(t *testing.T) {
	r := startOn(t, halvestest.NewHost(t), stored)
	path := filepath.Join(t.TempDir(), "message")
	if err := os.WriteFile(path, []byte(event("request", "s", `"data":{"instances":[1]}`)+event("response", "s", `"data":{"predictions":[2]}`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := show(trialtest.Read(t, r.e.cfg.Trials()[0], path).Logs); !slices.Equal(got, []string{joined}) || r.e.pairs.Len() != 0 {
		t.Errorf("%q, %d wait", got, r.e.pairs.Len())
	}
}

// While the disk is full no message counts as read; when the extension ends that is
// an error.
func TestFullStorage(t *testing.T) {
	host := halvestest.NewHost(t)
	synctest.Test(t, func(t *testing.T) {
		r := startOn(t, host, stored)
		host.Full.Store(true)
		read := make(chan error)
		go func() {
			_, err := r.read([]byte(event("request", "s", `"data":{"instances":[1]}`)))
			read <- err
		}()
		synctest.Wait()
		select {
		case err := <-read:
			t.Errorf("it is read: %v", err)
		default:
		}
		host.Full.Store(false)
		if err := <-read; err != nil {
			t.Error(err)
		}
		r.gives([]byte(event("response", "s", `"data":{"predictions":[2]}`)), joined)
		host.Full.Store(true)
		go func() {
			_, err := r.read([]byte(event("request", "t", `"data":{"instances":[1]}`)))
			read <- err
		}()
		synctest.Wait()
		if err := r.e.NotReady(); err != nil {
			t.Error(err)
		}
		if err := <-read; err == nil || !strings.Contains(err.Error(), "storage=file_storage: the storage cannot be written: no space left") {
			t.Error(err)
		}
		host.Full.Store(false)
		r.stop()
	})
}
