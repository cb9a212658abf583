package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Many ids at once: each gets its state, or none.
func TestAwaited(t *testing.T) {
	s := memory(t)
	var ids [][16]byte
	commit(t, s, NoSync, func(tx *Tx) {
		for i := range byte(20) {
			id := [16]byte{i}
			if ids = append(ids, id); i%3 == 0 {
				tx.PutAwaited(&id, entry(uint64(i)))
			}
		}
	})
	n := 0
	err := s.Awaited(ids, func(i int, state []byte, damaged error) error {
		if i != n || damaged != nil || (i%3 == 0) != (state != nil) || i%3 == 0 && string(state) != string(entry(uint64(i))) {
			t.Errorf("%d: %d bytes, %v", i, len(state), damaged)
		}
		n++
		return nil
	})
	if err != nil || n != len(ids) {
		t.Errorf("%d of %d ids, %v", n, len(ids), err)
	}
	stop := errors.New("enough")
	if err := s.Awaited(ids, func(int, []byte, error) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("it ends with %v", err)
	}
}

// A state that lies in a damaged block is said to be damaged; the others can be
// read.
func TestAwaitedInADamagedTable(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	var ids [][16]byte
	commit(t, s, NoSync, func(tx *Tx) {
		for range 2000 {
			var id [16]byte
			binary.BigEndian.PutUint64(id[:], rng.Uint64())
			ids = append(ids, id)
			tx.PutAwaited(&id, id[:])
		}
	})
	closeIt(t, s)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatal(tables, err)
	}
	b, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		b[len(b)/2+i] ^= 0xff // more than the one bit that Pebble can mend
	}
	if err := os.WriteFile(tables[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	defer closeIt(t, s)
	slices.SortFunc(ids, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	bad := 0
	err = s.Awaited(ids, func(i int, state []byte, damaged error) error {
		switch {
		case damaged != nil:
			bad++
			wantText(t, damaged, dir, filepath.Base(tables[0]))
		case string(state) != string(ids[i][:]):
			t.Errorf("%x has the state %x", ids[i], state)
		}
		return nil
	})
	if err != nil || bad == 0 || bad > 1000 {
		t.Errorf("%d of %d damaged, %v", bad, len(ids), err)
	}
}

// A sync is asked of the opening that a commit went to: when the store was opened
// again meanwhile, the answer is not yes.
func TestSyncGeneration(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, "db", small(disk))
	tx := s.Begin()
	generation, err := tx.Generation()
	if err != nil {
		t.Fatal(err)
	}
	tx.PutState("a", nil)
	if err := tx.Commit(NoSync); err != nil {
		t.Fatal(err)
	}
	if err := s.SyncGeneration(generation); err != nil {
		t.Fatal(err)
	}
	left := disk.CrashClone(vfs.CrashCloneCfg{})
	s.engine.fence.trip(errors.New("planted"))
	if err := s.SyncGeneration(generation); !errors.Is(err, ErrStale) {
		t.Errorf("after it was opened again: %v", err)
	}
	if err := s.SyncGeneration(s.Generation()); err != nil {
		t.Error(err)
	}
	closeIt(t, s)
	s = open(t, "db", small(left))
	defer closeIt(t, s)
	if _, ok, err := s.State("a"); !ok || err != nil {
		t.Errorf("what was synced is there: %v %v", ok, err)
	}
}

func TestClaim(t *testing.T) {
	s := memory(t)
	release, err := s.Claim("groundtruth")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim("groundtruth"); err == nil {
		t.Error("claimed twice")
	}
	if _, err := s.Claim("profile"); err != nil {
		t.Error(err)
	}
	release()
	if _, err := s.Claim("groundtruth"); err != nil {
		t.Error(err)
	}
}

// BenchmarkAwaited looks up ids among many, of which every second one is there.
func BenchmarkAwaited(b *testing.B) {
	for _, there := range []bool{true, false} {
		b.Run(fmt.Sprintf("there=%v", there), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{})
			defer closeIt(b, s)
			const n = 500_000
			id := func(i uint64) (id [16]byte) {
				binary.BigEndian.PutUint64(id[:], i*0x9e3779b97f4a7c15)
				return id
			}
			state := make([]byte, 30)
			for from := uint64(0); from < n; from += 1000 {
				commit(b, s, NoSync, func(tx *Tx) {
					for i := from; i < from+1000; i++ {
						key := id(2 * i)
						tx.PutAwaited(&key, state)
					}
				})
			}
			if err := s.engine.db.Flush(); err != nil {
				b.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 1))
			ids := make([][16]byte, 1000)
			b.ReportAllocs()
			for b.Loop() {
				for i := range ids {
					ids[i] = id(2 * rng.Uint64N(n))
					if !there {
						ids[i] = id(2*rng.Uint64N(n) + 1)
					}
				}
				slices.SortFunc(ids, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
				found := 0
				if err := s.Awaited(ids, func(_ int, state []byte, _ error) error {
					if state != nil {
						found++
					}
					return nil
				}); err != nil || (found == len(ids)) != there {
					b.Fatal(found, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ids)), "ns/id")
		})
	}
}
