package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// open opens a store and fails the test when that fails.
func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

// memory is a store that lasts for the test.
func memory(t testing.TB) *Store {
	t.Helper()
	s := open(t, "db", Options{FS: vfs.NewMem()})
	t.Cleanup(func() { closeIt(t, s) })
	return s
}

func closeIt(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// commit applies do in one transaction.
func commit(t testing.TB, s *Store, d Durability, do func(tx *Tx)) {
	t.Helper()
	tx := s.Begin()
	do(tx)
	if err := tx.Commit(d); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// The name of a directory stays; what was closed is there again.
func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	s := open(t, dir, Options{})
	commit(t, s, NoSync, func(tx *Tx) { tx.PutProfile("m", "v", -5, []byte("p")) })
	id := s.Instance()
	closeIt(t, s)
	closeIt(t, s) // twice does nothing
	s = open(t, dir, Options{})
	if s.Instance() != id || len(id) != 32 {
		t.Fatalf("instance %q, was %q", s.Instance(), id)
	}
	if b, ok, err := s.Profile("m", "v", -5); err != nil || !ok || string(b) != "p" {
		t.Fatalf("profile %q %v %v", b, ok, err)
	}
	closeIt(t, s)
	if names := list(t, dir); strings.Contains(strings.Join(names, " "), ownerFile) {
		t.Errorf("a closed directory still has an owner: %v", names)
	}
	other := open(t, t.TempDir(), Options{})
	defer closeIt(t, other)
	if other.Instance() == id {
		t.Errorf("two directories with the instance %s", id)
	}
}

func list(t testing.TB, dir string) []string {
	t.Helper()
	names, err := vfs.Default.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// After Close every call says so.
func TestClosed(t *testing.T) {
	s := open(t, "db", Options{FS: vfs.NewMem()})
	begun := s.Begin()
	begun.PutLog(1, nil)
	closeIt(t, s)
	_, _, get := s.Profile("m", "v", 0)
	_, has := s.HasBatch([16]byte{})
	_, last := s.LastLogSeq()
	for what, err := range map[string]error{
		"commit": begun.Commit(Sync), "begin": s.Begin().Commit(Sync), "sync": s.SyncLog(), "get": get, "has": has, "last": last,
		"each": s.EachLog(func(uint64, []byte) error { return nil }),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want %v", what, err, ErrClosed)
		}
	}
}

// A transaction is used once; what is discarded leaves nothing behind.
func TestTransactionEnds(t *testing.T) {
	s := memory(t)
	tx := s.Begin()
	tx.PutLog(1, []byte("discarded"))
	tx.Discard()
	tx.PutLog(2, []byte("too late"))
	if err := tx.Commit(Sync); !errors.Is(err, ErrDone) {
		t.Errorf("commit after discard: %v", err)
	}
	tx = s.Begin()
	defer tx.Discard()
	tx.PutLog(3, []byte("kept"))
	if err := tx.Commit(NoSync); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(NoSync); !errors.Is(err, ErrDone) {
		t.Errorf("second commit: %v", err)
	}
	if got := logOf(t, s); fmt.Sprint(got) != "map[3:kept]" {
		t.Errorf("log %v", got)
	}
	tx = s.Begin()
	tx.PutState(strings.Repeat("n", maxKey), nil)
	tx.PutLog(4, nil)
	if err := tx.Commit(NoSync); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a key of more than %d bytes: %v", maxKey, err)
	}
	if err := s.Begin().Commit(Sync); err != nil {
		t.Errorf("an empty transaction: %v", err)
	}
}

func logOf(t testing.TB, s *Store) map[uint64]string {
	t.Helper()
	got := map[uint64]string{}
	last := uint64(0)
	err := s.EachLog(func(seq uint64, entry []byte) error {
		if len(got) > 0 && seq <= last {
			return fmt.Errorf("entry %d after %d", seq, last)
		}
		last = seq
		got[seq] = string(entry)
		return nil
	})
	if err != nil {
		t.Fatalf("reading the log: %v", err)
	}
	return got
}

// A second opener is told which directory and by whom, in this process and in
// another, however the directory is spelled.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	if held := os.Getenv("STORE_TEST_HELD"); held != "" {
		_, err := Open(held, Options{})
		fmt.Println("HELD:", err)
		_, err = Check(held, CheckOptions{})
		fmt.Println("HELD:", err)
		return
	}
	s := open(t, dir, Options{})
	defer closeIt(t, s)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, dir + "/", dir + "/../" + filepath.Base(dir), link} {
		var used *InUseError
		if _, err := Open(d, Options{}); !errors.As(err, &used) {
			t.Fatalf("second open of %s: %v", d, err)
		}
		wantText(t, used, dir, fmt.Sprintf("process %d", os.Getpid()))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInUse$", "-test.v")
	cmd.Env = append(os.Environ(), "STORE_TEST_HELD="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "HELD:") {
			n++
			wantText(t, errors.New(line), dir, fmt.Sprintf("process %d", os.Getpid()), "is in use")
		}
	}
	if n != 2 {
		t.Fatalf("the other process said:\n%s", out)
	}
}

func wantText(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("error %v, want it to say %q", err, p)
		}
	}
}

// A directory of a later release is refused with both numbers, by Check too.
func TestNewerFormat(t *testing.T) {
	for what, newer := range map[string]func(dir string, fs vfs.FS) error{
		"store": func(dir string, fs vfs.FS) error {
			db, err := pebble.Open(dir, &pebble.Options{FS: fs, Merger: largest, Logger: quietLogger{log: noLogger{}}})
			if err != nil {
				return err
			}
			return errors.Join(db.Set(keyFormat, []byte{0, 0, 0, 77}, pebble.Sync), db.Close())
		},
		"Pebble": func(dir string, fs vfs.FS) error {
			return writeFile(fs, fs.PathJoin(dir, "marker.format-version.000099.077"), nil)
		},
	} {
		mem := vfs.NewMem()
		closeIt(t, open(t, "db", Options{FS: mem}))
		if err := newer("db", mem); err != nil {
			t.Fatal(err)
		}
		_, err := Open("db", Options{FS: mem})
		_, check := Check("db", CheckOptions{Options: Options{FS: mem}})
		for _, err := range []error{err, check} {
			var e *NewerError
			if !errors.As(err, &e) || e.What != what || e.Have != 77 {
				t.Fatalf("%s: %v", what, err)
			}
			wantText(t, err, "db", "77", fmt.Sprint(e.Know))
		}
	}
}

// Keys without a format are not taken for a new directory.
func TestForeignKeys(t *testing.T) {
	mem := vfs.NewMem()
	db, err := pebble.Open("db", &pebble.Options{FS: mem, Merger: largest, Logger: quietLogger{log: noLogger{}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("hello"), nil, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open("db", Options{FS: mem})
	if e := new(CorruptError); !errors.As(err, &e) {
		t.Fatalf("opened a directory of somebody else: %v", err)
	}
	wantText(t, err, "no format", "driftmeter check db")
}

// What can only be read is read, its log included, and nothing is written.
func TestReadOnly(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, "db", Options{FS: disk})
	commit(t, s, Sync, func(tx *Tx) { tx.PutLog(1, []byte("from the log")); tx.PutBatch([16]byte{1}, 7) })
	frozen := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0}) // so that a log is left
	closeIt(t, s)
	written := 0
	ro := errorfs.Wrap(frozen, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
			written++
			return &fs.PathError{Op: "write", Path: op.Path, Err: syscall.EROFS}
		}
		return nil
	}))
	s = open(t, "db", Options{FS: ro, ReadOnly: true})
	if written != 1 {
		t.Errorf("%d writes were tried, want only the lock", written)
	}
	if got := logOf(t, s); got[1] != "from the log" {
		t.Errorf("log %v", got)
	}
	if ok, err := s.HasBatch([16]byte{1}); !ok || err != nil {
		t.Errorf("batch %v %v", ok, err)
	}
	tx := s.Begin()
	tx.PutLog(2, nil)
	if err := tx.Commit(Sync); !errors.Is(err, ErrReadOnly) {
		t.Errorf("commit: %v", err)
	}
	closeIt(t, s)
	if r, err := Check("db", CheckOptions{Options: Options{FS: ro}}); err != nil || !r.OK() {
		t.Errorf("check: %+v %v", r, err)
	}
	if _, err := Open("nothing", Options{FS: ro, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a directory that is not there: %v", err)
	}
	if _, err := Open("db", Options{FS: ro}); err == nil {
		t.Error("opened a read-only directory to write")
	} else {
		wantText(t, err, "the state cannot be kept in db: its file system is read-only", "configure another")
	}
}

// Where nothing can be kept the error says why, and what to do.
func TestUnusableDirectory(t *testing.T) {
	failing := func(cause error) vfs.FS {
		return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
				return &fs.PathError{Op: "open", Path: op.Path, Err: cause}
			}
			return nil
		}))
	}
	for cause, want := range map[syscall.Errno]string{
		syscall.EROFS: "its file system is read-only", syscall.EACCES: "this user may not write there",
		syscall.ENOSPC: "its disk is full", syscall.ENOTDIR: "it is a file", syscall.EIO: "input/output error",
	} {
		_, err := Open("db", Options{FS: failing(cause)})
		if !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
			continue
		}
		wantText(t, err, "cannot be kept in db: ", want)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := Open(dir, Options{}); err == nil {
			t.Errorf("%s is taken for a directory", dir)
		} else {
			wantText(t, err, dir, "it is a file")
		}
	}
}

// A disk that has less left than is kept free is told at the start.
func TestLittleRoomAtStart(t *testing.T) {
	fs := &roomFS{FS: vfs.NewMem()}
	fs.total.Store(10 << 30)
	fs.avail.Store(3 << 20)
	log := &keptLog{}
	closeIt(t, open(t, "db", Options{FS: fs, Logger: log}))
	wantText(t, errors.New(log.text()), "the disk of db has 3 MB left", "64 MB", "make room", "batches are refused")
}

// keptLog keeps what is logged.
type keptLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *keptLog) Infof(format string, args ...any) { l.Errorf(format, args...) }

func (l *keptLog) Errorf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *keptLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// The small reader of numbers.
func TestMetrics(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	defer closeIt(t, s)
	commit(t, s, Sync, func(tx *Tx) { tx.PutLog(1, make([]byte, 1<<20)) })
	m, err := s.Metrics()
	if err != nil || m.DiskBytes < 1<<20 || m.LogBytes < 1<<20 || m.AvailBytes == 0 || m.Generation != 1 {
		t.Errorf("%+v %v", m, err)
	}
	if n, err := s.DiskBytes(); err != nil || n < 1<<20 {
		t.Errorf("%d bytes %v", n, err)
	}
}
