package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Verify names each damaged table while the store is in use, and goes on.
func TestVerify(t *testing.T) {
	dir, _ := realDirectory(t, false, 100)
	verify := func() (tables int, damaged map[string]string) {
		t.Helper()
		s := open(t, dir, Options{ReadOnly: true})
		defer closeIt(t, s)
		damaged = map[string]string{}
		err := s.Verify(func(n int64, err error) bool {
			tables++
			if bad := new(CorruptError); errors.As(err, &bad) {
				damaged[bad.File] = err.Error()
				wantText(t, err, dir, bad.File, "does not match its checksum", "driftmeter check "+dir)
			} else if err != nil || n == 0 {
				t.Errorf("%d bytes, %v", n, err)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return tables, damaged
	}
	tables, damaged := verify()
	if tables < 2 || len(damaged) != 0 {
		t.Fatalf("%d tables, damaged %v", tables, damaged)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files[:2] {
		spoil(t, file, damageDone{"a byte in the middle flipped", flip(func(n int) int { return n / 2 })})
	}
	n, damaged := verify()
	if n != tables || len(damaged) != 2 || damaged[filepath.Base(files[0])] == "" || damaged[filepath.Base(files[1])] == "" {
		t.Errorf("%d tables of %d, damaged %v, want %v", n, tables, damaged, files[:2])
	}
	// It ends when it is told to, and a table that is gone by then is no damage.
	s := open(t, dir, Options{ReadOnly: true})
	defer closeIt(t, s)
	calls := 0
	if err := s.Verify(func(int64, error) bool {
		for _, file := range files {
			_ = os.Remove(file) // the second time it is gone
		}
		calls++
		return true
	}); err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// A table of which the disk does not even tell the size is named as well.
func TestVerifyWithoutSize(t *testing.T) {
	dir, _ := realDirectory(t, false, 0)
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpStat {
			return syscall.EIO
		}
		return nil
	}))
	s := open(t, dir, Options{FS: fs, ReadOnly: true})
	defer closeIt(t, s)
	broken.Store(true)
	tables := 0
	if err := s.Verify(func(_ int64, err error) bool {
		tables++
		if bad, ok := errors.AsType[*CorruptError](err); !ok || bad.File == "" || !errors.Is(err, syscall.EIO) {
			t.Errorf("it says %v", err)
		}
		return true
	}); err != nil || tables == 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

// A damaged block is found before Pebble gets it, which would spend seconds on
// the search for the bit.
func TestDamagedBlockIsFoundFirst(t *testing.T) {
	dir, _ := realDirectory(t, false, 0)
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		spoil(t, file, damageDone{"", flip(func(int) int { return 5 })})
	}
	_, err = Open(dir, Options{ReadOnly: true})
	if _, ok := errors.AsType[*blockError](err); !ok {
		t.Errorf("reading the format gives %v", err)
	}
}

// Messages are one sentence each, without what Pebble's errors carry along.
func TestPlain(t *testing.T) {
	for said, want := range map[string]string{
		"L6: 000018: object size mismatch (/x/000018.sst): 1420945 (disk) != 2841891 (MANIFEST)":                                                    "it has 1420945 bytes, 2841891 were written",
		"L6: 000018: file 000018 (type sstable) unknown to the objstorage provider: file does not exist":                                            "it is missing",
		"pebble: backing file 000018 error: pebble/table: invalid table 000018: (footer corrupted, checksum mismatch)\n<corruption detail carrier>": "its end is not that of a table",
		"pebble: error when replaying WAL: pebble/record: unexpected EOF":                                                                           "a transaction in it is not whole, and more was written after it",
		`invalid key=value syntax: "{Version]"`:                                                                                                     "it cannot be read",
		"pebble: something new\n<corruption detail carrier>":                                                                                        "something new",
	} {
		if got := plain(errors.New(said)); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}

// Young tables cannot be merged into a damaged one. Commits do not wait for that,
// which would be for good, but answer why; what is there can be read.
//
// Where Pebble merges the young ones among themselves, again and again, commits go on
// instead. Which it does depends on when it looks, so this is tried until it waits.
func TestCommitsOverADamagedTable(t *testing.T) {
	for range 20 {
		if refusedOverADamagedTable(t) {
			return
		}
	}
	t.Error("no commit was refused")
}

// refusedOverADamagedTable reports whether one of many commits was refused.
func refusedOverADamagedTable(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	put := func(s *Store, n int) error {
		rng := rand.New(rand.NewPCG(7, 8))
		for i := range n {
			tx := s.Begin()
			for j := range 4 {
				b := make([]byte, 16<<10)
				for k := range b {
					b[k] = byte(rng.Uint32())
				}
				tx.PutLayout(fmt.Sprintf("%d %d", i*7%40, j), b)
			}
			if err := tx.Commit(NoSync); err != nil {
				return err
			}
		}
		return nil
	}
	s := open(t, dir, Options{MemTableBytes: 256 << 10})
	if err := put(s, 40); err != nil {
		t.Fatal(err)
	}
	closeIt(t, s)
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		spoil(t, file, damageDone{"", flip(func(n int) int { return n * 2 / 3 })})
	}
	s = open(t, dir, Options{MemTableBytes: 256 << 10})
	err = put(s, 400)
	if err == nil {
		closeIt(t, s)
		return false
	}
	if _, ok := errors.AsType[*CorruptError](err); !ok {
		t.Fatalf("committing gives %v", err)
	}
	wantText(t, err, dir, ".sst", "driftmeter check "+dir)
	if _, ok, err := s.Layout("0 0"); err != nil || !ok {
		t.Errorf("reading what was committed last: %v, %v", ok, err)
	}
	closeIt(t, s)
	return true
}
