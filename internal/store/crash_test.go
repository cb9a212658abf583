package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/driftmeter/driftmeter/internal/store/storetest"
)

// A cut says when power goes and what the disk keeps of what was not synced.
type cut struct {
	name     string
	fresh    bool // the directory is new; else it was left by a crash, with a log to recover
	fromOpen bool // writes are counted from before Open; else from after it
	unsynced int  // percent of unsynced blocks and directory entries that survive
	atLeast  int  // writes that must be seen, or the test looks at the wrong disk
}

// The first two are those that a Pebble without the fence's sync of the
// directory survives; the others are those that it does not.
var cuts = []cut{
	{name: "nothing unsynced survives, Open included", fromOpen: true, unsynced: 0, atLeast: 60},
	{name: "half of the unsynced survives, after Open", unsynced: 50, atLeast: 40},
	{name: "half of the unsynced survives, Open included", fromOpen: true, unsynced: 50, atLeast: 60},
	{name: "a new directory, half of the unsynced survives", fresh: true, fromOpen: true, unsynced: 50, atLeast: 80},
	{name: "a new directory, nothing unsynced survives", fresh: true, fromOpen: true, unsynced: 0, atLeast: 80},
}

// images is how many disks a cut leaves: one when there is no chance in it.
func (c cut) images() int {
	if c.unsynced == 0 {
		return 1
	}
	return 2
}

// small makes the log roll over and tables appear within a few commits.
func small(fs vfs.FS) Options { return Options{FS: fs, MemTableBytes: 64 << 10, CacheBytes: 1 << 20} }

// A scenario is what happens to a store before power is lost, and what must be
// so after.
type scenario[P any] struct {
	begin func()         // forgets the run before
	seed  func(s *Store) // what is there when the writes begin to count; not for a new directory
	work  func(s *Store)
	told  func() P // what callers were told so far

	// judge judges a disk that power left some time after before was told and
	// before after was: other goroutines go on while one is about to write.
	judge func(disk *vfs.MemFS, before, after P)
}

// An image is the disk as power left it, or might have.
type image[P any] struct {
	disk          *vfs.MemFS
	before, after P
}

// powerLoss runs the scenario with power lost just before the k-th write, for
// every k there is.
func powerLoss[P any](t *testing.T, c cut, sc scenario[P]) {
	for k := 1; ; k++ {
		sc.begin()
		disk := vfs.NewCrashableMem()
		if !c.fresh {
			s := open(t, "db", small(disk))
			sc.seed(s)
			left := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			closeIt(t, s)
			disk = left
		}
		rng := rand.New(rand.NewPCG(20, uint64(k)))
		var left atomic.Int32 // writes until power is lost; negative after that
		var images []image[P]
		fs := errorfs.Wrap(storetest.Steady(disk), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && left.Add(-1) == 0 {
				for range c.images() {
					before := sc.told()
					left := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.unsynced, RNG: rng})
					images = append(images, image[P]{left, before, sc.told()})
				}
			}
			return nil
		}))
		if c.fromOpen {
			left.Store(int32(k))
		}
		s := open(t, "db", small(fs))
		if !c.fromOpen {
			left.Store(int32(k))
		}
		sc.work(s)
		closeIt(t, s) // what it still writes does not reach the images
		if images == nil {
			if k <= c.atLeast {
				t.Fatalf("only %d writes were seen, want %d", k-1, c.atLeast)
			}
			t.Logf("%d cuts", k-1)
			return
		}
		for _, image := range images {
			sc.judge(image.disk, image.before, image.after)
		}
		if t.Failed() {
			t.Fatalf("power was lost before write %d", k)
		}
	}
}

// sound opens what power left, after Check has found nothing wrong with it.
func sound(t *testing.T, disk vfs.FS) *Store {
	t.Helper()
	if _, err := disk.Stat("db"); err == nil {
		r, err := Check("db", CheckOptions{Options: small(disk)})
		if err != nil {
			t.Fatalf("check: %v", err)
		}
		for _, p := range r.Problems {
			t.Errorf("check: %v", p)
		}
		if !guarded(t, disk) {
			t.Errorf("the guard knows nothing of the manifest in use")
		}
	}
	return open(t, "db", small(disk))
}

// guarded reports whether the guard knows the manifest in use, if there is one.
func guarded(t *testing.T, disk vfs.FS) bool {
	t.Helper()
	names, err := disk.List("db")
	if err != nil {
		t.Fatal(err)
	}
	number, ok := manifestInUse(names)
	if !ok {
		return true
	}
	b, _, err := manifestCopy(disk, "db", number)
	if err != nil {
		t.Fatal(err)
	}
	return len(b) > 0
}

// entry is the content of a log entry, and batchOf the identity that goes with
// it: both follow from the number.
func entry(seq uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, seq)
	return bytes.Repeat(b, int(1+seq%5*400)) // up to 13 kB
}

func batchOf(seq uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[8:], seq)
	return id
}

func accept(t testing.TB, s *Store, d Durability, seq uint64) {
	t.Helper()
	commit(t, s, d, func(tx *Tx) {
		tx.PutLog(seq, entry(seq))
		tx.PutBatch(batchOf(seq), int64(seq))
	})
}

// After power loss at any write the log holds every entry that was acknowledged,
// nothing that was never put, no entry without the one before it, and the
// identity of a batch exactly when its entry.
func TestPowerLossLog(t *testing.T) {
	for _, c := range cuts {
		t.Run(c.name, func(t *testing.T) {
			var acked, offered atomic.Uint64
			put := func(s *Store, d Durability) {
				seq := offered.Add(1)
				accept(t, s, d, seq)
				if d == Sync {
					acked.Store(seq)
				}
			}
			powerLoss(t, c, scenario[[2]uint64]{
				begin: func() { acked.Store(0); offered.Store(0) },
				seed: func(s *Store) {
					for range 5 {
						put(s, Sync)
					}
				},
				work: func(s *Store) {
					for range 5 {
						put(s, NoSync) // durability: interval
						put(s, NoSync)
						if err := s.SyncLog(); err != nil {
							t.Fatal(err)
						}
						acked.Store(offered.Load())
						put(s, Sync)
						put(s, Sync)
					}
				},
				told:  func() [2]uint64 { return [2]uint64{acked.Load(), offered.Load()} },
				judge: func(disk *vfs.MemFS, before, after [2]uint64) { checkLog(t, disk, before[0], after[1]) },
			})
		})
	}
}

func checkLog(t *testing.T, disk *vfs.MemFS, acked, offered uint64) {
	s := sound(t, disk)
	got := logOf(t, s)
	n := uint64(len(got))
	if n < acked || n > offered {
		t.Errorf("%d entries, want %d (acknowledged) to %d (offered)", n, acked, offered)
	}
	for seq := uint64(1); seq <= offered; seq++ {
		e, there := got[seq]
		if there != (seq <= n) {
			t.Errorf("entry %d is there: %v, of %d entries", seq, there, n)
		}
		if there && e != string(entry(seq)) {
			t.Errorf("entry %d has other content", seq)
		}
		has, err := s.HasBatch(batchOf(seq))
		if err != nil || has != there {
			t.Errorf("entry %d is there: %v; its batch: %v, %v", seq, there, has, err)
		}
	}
	if last, err := s.LastLogSeq(); err != nil || last != n {
		t.Errorf("last entry %d %v, want %d", last, err, n)
	}
	accept(t, s, Sync, n+1) // it can be used
	closeIt(t, s)
	s = sound(t, disk)
	if got := logOf(t, s); uint64(len(got)) != n+1 {
		t.Errorf("%d entries after one more, want %d", len(got), n+1)
	}
	closeIt(t, s)
}

// A batch that HasBatch has found may be acknowledged, so it is on stable
// storage, although whoever committed it did not wait for that.
func TestPowerLossAfterHasBatch(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, "db", small(disk))
	accept(t, s, NoSync, 1)
	before := disk.CrashClone(vfs.CrashCloneCfg{})
	if has, err := s.HasBatch(batchOf(1)); !has || err != nil {
		t.Fatal(has, err)
	}
	after := disk.CrashClone(vfs.CrashCloneCfg{})
	closeIt(t, s)
	for n, disk := range []*vfs.MemFS{before, after} {
		s := sound(t, disk)
		if got := logOf(t, s); len(got) != n {
			t.Errorf("%d entries, want %d", len(got), n)
		}
		closeIt(t, s)
	}
}

// promise is what callers of a checkpoint were told.
type promise struct{ entries, moved uint64 }

// After power loss at any write each acknowledged entry is in the log or in a
// parcel, never in both or neither; the rows and the reference of a checkpoint
// are there exactly when its parcels are; and no number is given twice.
func TestPowerLossCheckpoint(t *testing.T) {
	for _, c := range cuts[:4] {
		t.Run(c.name, func(t *testing.T) {
			var p promise                    // of the goroutine that works
			var told atomic.Pointer[promise] // of all
			tell := func() { q := p; told.Store(&q) }
			run := func(s *Store, n int) {
				for range n {
					accept(t, s, Sync, p.entries+1)
					p.entries++
					tell()
					if p.entries%3 == 0 {
						checkpoint(t, s, p.moved+1, p.entries)
						p.moved = p.entries
						tell()
					}
					if p.entries%7 == 0 { // the oldest parcel was delivered
						commit(t, s, NoSync, func(tx *Tx) { tx.DeleteParcel(p.entries / 7) })
					}
				}
			}
			powerLoss(t, c, scenario[promise]{
				begin: func() { p = promise{}; tell() },
				seed:  func(s *Store) { run(s, 7) },
				work:  func(s *Store) { run(s, 15) },
				told:  func() promise { return *told.Load() },
				judge: func(disk *vfs.MemFS, before, after promise) { checkCheckpoint(t, disk, before, after) },
			})
		})
	}
}

// checkpoint moves the entries from..through out of the log: a parcel for each,
// rows and a reference that say how far.
func checkpoint(t testing.TB, s *Store, from, through uint64) {
	commit(t, s, Sync, func(tx *Tx) {
		tx.DeleteLogThrough(through)
		for seq := from; seq <= through; seq++ {
			tx.PutParcel(Parcel{Seq: seq, Kind: "profile", Model: "m", Body: entry(seq)})
		}
		tx.PutPending("m", "v", "training", through, entry(through))
		tx.PutReference("m", "v", "training", binary.BigEndian.AppendUint64(nil, through))
	})
}

func checkCheckpoint(t *testing.T, disk *vfs.MemFS, before, after promise) {
	s := sound(t, disk)
	defer closeIt(t, s)
	entries := logOf(t, s)
	parcels := map[uint64]bool{}
	if err := s.EachParcel(func(p Parcel) error {
		if !bytes.Equal(p.Body, entry(p.Seq)) {
			return fmt.Errorf("parcel %d has other content", p.Seq)
		}
		parcels[p.Seq] = true
		return nil
	}); err != nil {
		t.Error(err)
	}
	moved, err := s.LastParcelSeq()
	if err != nil || moved < before.moved {
		t.Errorf("moved through %d %v, want at least %d", moved, err, before.moved)
	}
	accepted, err := s.LastLogSeq()
	if err != nil || accepted < before.entries || accepted > after.entries+1 {
		t.Errorf("entries through %d %v, want %d to %d", accepted, err, before.entries, after.entries+1)
	}
	delivered := accepted / 7
	for seq := uint64(1); seq <= accepted; seq++ {
		_, inLog := entries[seq]
		switch {
		case inLog && parcels[seq]:
			t.Errorf("entry %d is in the log and in a parcel", seq)
		case !inLog && !parcels[seq] && seq > delivered:
			t.Errorf("entry %d is neither in the log nor in a parcel", seq)
		case inLog != (seq > moved):
			t.Errorf("entry %d is in the log: %v, although entries are moved through %d", seq, inLog, moved)
		}
		if has, err := s.HasBatch(batchOf(seq)); !has || err != nil {
			t.Errorf("batch of entry %d: %v %v", seq, has, err)
		}
	}
	ref, ok, err := s.Reference("m", "v", "training")
	if err != nil || ok != (moved > 0) || ok && binary.BigEndian.Uint64(ref) != moved {
		t.Errorf("the reference is of %x %v %v, want %d", ref, ok, err, moved)
	}
	n, last := uint64(0), uint64(0)
	if err := s.EachPending("m", "v", "training", func(seq uint64, _ []byte) error { n++; last = seq; return nil }); err != nil {
		t.Error(err)
	}
	if last != moved || n != moved/3 {
		t.Errorf("%d pending parts through %d, want %d through %d", n, last, moved/3, moved)
	}
}
