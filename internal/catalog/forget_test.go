package catalog_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// later is when what was seen at the beginning of time has been idle for long.
var later = time.Unix(0, 0).Add(100 * time.Hour)

func retaining() catalog.Options {
	o := options()
	o.Retention = 24 * time.Hour
	return o
}

// forget returns the versions of m that were forgotten.
func (s *shop) forget(now time.Time) (names []string) {
	s.t.Helper()
	gone, err := s.Forget(now)
	s.must(err)
	for _, v := range gone {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	return names
}

// The place of a version that nobody has seen for the retention is free, in memory,
// in the store and after a restart; its reference and layout are gone with it.
func TestForget(t *testing.T) {
	s := open(t, retaining())
	s.admit("m", "1")
	s.admit("m", "2")
	ref := s.keep("m", "1", model.Training, build(t, sliced("m"), rows(10)))
	full := func(version string) error { _, err := s.Admit("m", version, later); return err }
	var refused record.Refusal
	if err := full("3"); !errors.As(err, &refused) || refused.Reason != record.TooManyVersions {
		t.Fatal(err)
	}
	if gone := s.forget(time.Unix(0, 1).Add(24 * time.Hour)); gone != nil {
		t.Errorf("%q are forgotten before the retention is over", gone)
	}
	if _, err := s.Admit("m", "2", later); err != nil { // it is alive
		t.Fatal(err)
	}
	if gone := s.forget(later); !slices.Equal(gone, []string{"1"}) {
		t.Fatalf("%q are forgotten, want 1", gone)
	}
	if err := full("3"); err != nil {
		t.Errorf("the place is not free: %v", err)
	}
	s.restart(retaining())
	if _, ok, err := s.Reference("m", "1", model.Training); ok || err != nil {
		t.Errorf("its reference is kept, %v", err)
	}
	if _, ok, err := s.store.Layout(ref.Layout().ID()); ok || err != nil {
		t.Errorf("its layout is kept, %v", err)
	}
	if _, ok := s.Version("m", "1"); ok {
		t.Error("it is back after a restart")
	}
	if v, err := s.Admit("m", "1", later); err != nil || v.Layout() != nil {
		t.Errorf("what comes of it later has the layout of before: %v", err)
	}
}

// Models that nobody defined go with their last version, and leave nothing.
func TestForgetModels(t *testing.T) {
	s := open(t, retaining(), sliced("defined"))
	s.admit("defined", "")
	s.admit("a", "")
	s.admit("b", "1")
	s.keep("a", "", model.Training, build(t, sliced("a"), rows(10)))
	if _, err := s.Admit("c", "1", later); err == nil {
		t.Fatal("a model beyond the limit")
	}
	if gone := s.forget(later); len(gone) != 3 {
		t.Fatalf("%q are forgotten", gone)
	}
	if _, ok := s.Definition("defined"); !ok {
		t.Error("a defined model is forgotten")
	}
	if _, err := s.Admit("c", "1", later); err != nil {
		t.Error(err)
	}
	if v, err := s.Admit("a", "", later); err != nil || v.Layout() != nil {
		t.Errorf("its reference is kept: %v", err)
	}
}

// What is still there of a version, or may come, keeps its place.
func TestNotForgotten(t *testing.T) {
	ref := build(t, sliced("m"), rows(10))
	for name, do := range map[string]func(s *shop){
		"a profile": func(s *shop) {
			s.commit(func(tx *store.Tx) { tx.PutProfile("m", "1", hour, window(t, ref.Layout(), rows(10))) })
		},
		"a parcel": func(s *shop) {
			s.commit(func(tx *store.Tx) { tx.PutParcel(store.Parcel{Seq: 1, Model: "m", Version: "1"}) })
		},
		"waiting records": func(s *shop) { s.commit(func(tx *store.Tx) { tx.PutPending("m", "1", "", 1, []byte("x")) }) },
		"seen lately, as the store has it": func(s *shop) {
			s.commit(func(tx *store.Tx) { tx.PutVersion("m", "1", store.Version{LastSeen: later.UnixNano()}) })
		},
		"seen lately, in memory": func(s *shop) { v, _ := s.Version("m", "1"); v.Seen(later) },
		"awaits labels":          func(s *shop) { s.Await(1000 * time.Hour) },
		"a monitor names it": func(s *shop) {
			s.restart(retaining(), &model.Definition{Name: "m", Monitors: []model.Monitor{{Baseline: model.MonitorBaseline{Version: "1"}}}})
		},
		"a reference in the configuration": func(s *shop) {
			s.restart(retaining(), &model.Definition{Name: "m", Reference: model.Reference{Path: "training.csv"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, retaining())
			s.admit("m", "1")
			do(s)
			if gone := s.forget(later); gone != nil {
				t.Errorf("%q are forgotten", gone)
			}
		})
	}
}

// Versions with the reference of the configuration make room when there is no more.
func TestForgetWhenFull(t *testing.T) {
	d := &model.Definition{Name: "m", Reference: model.Reference{Path: "training.csv"}}
	s := open(t, retaining(), d)
	s.admit("m", "1")
	s.admit("m", "2")
	s.keep("m", "", model.Training, build(t, d, rows(10)))
	if gone := s.forget(later); len(gone) != 2 {
		t.Errorf("%q are forgotten", gone)
	}
	if v, err := s.Admit("m", "3", later); err != nil || v.Layout() == nil {
		t.Errorf("the reference of the configuration is gone: %v", err)
	}
}

// A layout that something else is read by is kept.
func TestSharedLayout(t *testing.T) {
	for name, use := range map[string]func(s *shop, ref *reference.Reference){
		"a profile of another model": func(s *shop, ref *reference.Reference) {
			s.commit(func(tx *store.Tx) { tx.PutProfile("other", "1", hour, window(t, ref.Layout(), rows(10))) })
		},
		"a parcel of another model": func(s *shop, ref *reference.Reference) {
			s.commit(func(tx *store.Tx) {
				tx.PutParcel(store.Parcel{Seq: 1, Model: "other", Version: "1", Layout: ref.Layout().ID()})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, retaining())
			s.admit("m", "1")
			ref := s.keep("m", "1", model.Training, build(t, sliced("m"), rows(10)))
			use(s, ref)
			if gone := s.forget(later); len(gone) != 1 {
				t.Fatalf("%q are forgotten", gone)
			}
			s.restart(retaining())
			if _, ok, err := s.Layout(ref.Layout().ID()); !ok || err != nil {
				t.Errorf("the layout is gone: %v", err)
			}
		})
	}
}

// Whoever was admitted while others are forgotten has the version that the catalog
// has.
func TestForgetAmongMany(t *testing.T) {
	s := open(t, retaining())
	for round := range 200 {
		now := later.Add(time.Duration(round) * 100 * time.Hour)
		var wg sync.WaitGroup
		var got *catalog.Version
		wg.Go(func() { s.forget(now) })
		wg.Go(func() { got, _ = s.Admit("m", "1", now) })
		wg.Wait()
		if v, ok := s.Version("m", "1"); !ok || v != got {
			t.Fatalf("round %d: an admitted version was forgotten", round)
		}
	}
}

// Power that is lost while a version is forgotten leaves all of it, or nothing.
func TestForgetAndPowerLoss(t *testing.T) {
	for unsynced := 0; unsynced <= 100; unsynced += 50 {
		disk := vfs.NewCrashableMem()
		s := &shop{t: t, disk: disk}
		s.restart(retaining())
		s.admit("m", "1")
		s.keep("m", "1", model.Training, build(t, sliced("m"), rows(10)))
		if gone := s.forget(later); len(gone) != 1 {
			t.Fatal(gone)
		}
		after := &shop{t: t, disk: disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(0, 1))})}
		after.restart(retaining())
		_, version := after.Version("m", "1")
		_, ref, err := after.Reference("m", "1", model.Training)
		if err != nil || version != ref {
			t.Errorf("version %v, reference %v, %v", version, ref, err)
		}
		if version != (len(after.forget(later)) == 1) {
			t.Error("what is left is not forgotten")
		}
		s.must(errors.Join(s.store.Close(), after.store.Close()))
	}
}
