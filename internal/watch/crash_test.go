package watch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/store/storetest"
)

// hours are what comes of a model: the share of x that is missing; below 0, nothing
// comes at all.
var hours = []float64{0, 0.5, 0.5, 0, 0, 0.5, -1, -1, 0.5, 0.5, 0, 0, 0.5, 0}

// watched are the monitors of the crash tests: one that needs two windows in a row,
// so that states matter which nobody is told of, and one of time that passes.
func watched() []model.Monitor {
	m := missing()
	m.Hold = model.Hold{Firing: 2, Resolved: 2}
	return []model.Monitor{m, silence()}
}

// live goes through an hour: its window is kept and judged, and then noted as done,
// as the mark of a changed window is cleared. An hour that was not done is gone
// through again, a little later.
func (w *world) live(h int) error {
	w.tries++
	later := time.Duration(w.tries) * time.Millisecond
	if hours[h] >= 0 {
		c, err := w.fill("1", h, holes(100, hours[h])...)
		if err != nil {
			return err
		}
		if _, err := w.run(at(float64(h)+1.02).Add(later), c); err != nil {
			return err
		}
	} else if _, err := w.run(at(float64(h) + 1.2).Add(later)); err != nil {
		return err
	}
	tx := w.store.Begin()
	tx.PutState("done", []byte{byte(h + 1)})
	return tx.Commit(store.NoSync)
}

// done returns the hour to go on with.
func (w *world) done() int {
	b, ok, err := w.store.State("done")
	if err != nil {
		w.t.Fatal(err)
	}
	if !ok {
		return 0
	}
	return int(b[0])
}

// story is what was told, with repetitions left out: a repetition has the same words.
func story(t *testing.T, told []alert.Alert) (text string, repeated int) {
	t.Helper()
	type key struct {
		id, state string
		started   time.Time
	}
	seen := map[key]alert.Alert{}
	var last = map[string]string{}
	for _, a := range told {
		k := key{a.ID, a.State, a.Started}
		if was, ok := seen[k]; ok {
			if fmt.Sprint(was.At, was.Reason, was.Ended) != fmt.Sprint(a.At, a.Reason, a.Ended) {
				t.Errorf("told %+v, then %+v", was, a)
			}
			repeated++
			continue
		}
		seen[k] = a
		if last[a.ID] == a.State {
			t.Errorf("twice %s: %+v", a.State, a)
		}
		last[a.ID] = a.State
		text += fmt.Sprintf("%s %s %s\n", a.Monitor.Name, a.State, a.WindowEnd.Sub(origin))
	}
	return text, repeated
}

// seeded is a disk with a store that has a reference.
func seeded(t *testing.T) *vfs.MemFS {
	t.Helper()
	disk := vfs.NewCrashableMem()
	w := open(t, storetest.Steady(disk), at(0), watched()...)
	w.stop()
	return disk.CrashClone(vfs.CrashCloneCfg{})
}

// undisturbed is the story of a run in which nothing fails.
func undisturbed(t *testing.T, disk *vfs.MemFS) string {
	t.Helper()
	w := open(t, disk.CrashClone(vfs.CrashCloneCfg{}), at(-1), watched()...)
	defer w.stop()
	for h := range hours {
		if err := w.live(h); err != nil {
			t.Fatal(err)
		}
	}
	text, repeated := story(t, w.told)
	if repeated > 0 || len(w.told) < 6 {
		t.Fatalf("the story is\n%s", text)
	}
	return text
}

// Power is lost just before each write there is. Everything that happens is told all
// the same, in the same order; at most what was told last is told again, in the same
// words.
func TestPowerLossAtEveryWrite(t *testing.T) {
	disk := seeded(t)
	want := undisturbed(t, disk)
	for _, unsynced := range []int{0, 50} {
		cuts, repetitions := 0, 0
		for k := int32(1); ; k++ {
			disk := disk.CrashClone(vfs.CrashCloneCfg{})
			rng := rand.New(rand.NewPCG(uint64(unsynced), uint64(k)))
			var left, told, kept atomic.Int32
			var after *vfs.MemFS
			fs := errorfs.Wrap(storetest.Steady(disk), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && left.Add(-1) == 0 {
					kept.Store(told.Load())
					after = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng})
				}
				return nil
			}))
			w := open(t, fs, at(-1), watched()...)
			left.Store(k)
			for h := range hours {
				if err := w.live(h); err != nil {
					t.Fatal(err)
				}
				told.Store(int32(len(w.told)))
			}
			before := w.told
			w.stop()
			if after == nil {
				break // k is past the last write
			}
			cuts++
			w = open(t, after, at(-1), watched()...)
			w.tries = 1000
			w.told = append(w.told, before[:kept.Load()]...)
			for h := w.done(); h < len(hours); h++ {
				if err := w.live(h); err != nil {
					t.Fatal(err)
				}
			}
			got, repeated := story(t, w.told)
			if got != want {
				t.Fatalf("cut %d, unsynced %d, after %d: told\n%swant\n%s", k, unsynced, kept.Load(), got, want)
			}
			repetitions += repeated
			w.stop()
		}
		t.Logf("unsynced %d: %d cuts, %d repetitions", unsynced, cuts, repetitions)
		if cuts < 20 {
			t.Errorf("only %d writes were seen; is the file system watched?", cuts)
		}
	}
}

// Whichever write fails, without a restart: it is tried again until it is done, and
// the story is the same.
func TestFailedWrites(t *testing.T) {
	disk := seeded(t)
	want := undisturbed(t, disk)
	failures, refused := 0, 0
	for k := int32(1); ; k++ {
		var armed, hit atomic.Bool
		var n atomic.Int32
		fs := errorfs.Wrap(disk.CrashClone(vfs.CrashCloneCfg{}), errorfs.InjectorFunc(func(op errorfs.Op) error {
			switch op.Kind {
			case errorfs.OpFileClose, errorfs.OpRemove, errorfs.OpRemoveAll, errorfs.OpLock:
				return nil
			}
			if armed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && n.Add(1) == k {
				hit.Store(true)
				return syscall.EIO
			}
			return nil
		}))
		w := open(t, fs, at(-1), watched()...)
		armed.Store(true)
		for h := range hours {
			for try := 0; ; try++ {
				err := w.live(h)
				if err == nil {
					break
				}
				if !errors.Is(err, syscall.EIO) && !errors.Is(err, store.ErrStale) || try > 1000 {
					t.Fatalf("write %d: %v", k, err)
				}
				refused++
				if try > 5 {
					time.Sleep(time.Millisecond) // the store is opening itself again
				}
			}
		}
		armed.Store(false)
		if got, _ := story(t, w.told); got != want {
			t.Fatalf("write %d failed: told\n%swant\n%s", k, got, want)
		}
		w.stop()
		if !hit.Load() {
			break
		}
		failures++
	}
	t.Logf("%d writes failed, %d hours were gone through again", failures, refused)
	if failures < 15 || refused == 0 {
		t.Errorf("%d writes failed, %d refused: the test proves nothing", failures, refused)
	}
}
