package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence stands between Pebble and the disk, and makes a failed write look to
// the disk like the end of the process, and to Pebble like no failure at all.
//
// Pebble does not survive a failed write to its log or manifest: it panics, in
// some places with its locks held, or ends the process. So the fence keeps the
// first such error for itself. From then on nothing changes on disk any more:
// every change is reported as done and dropped, until the store, which looks at
// tripped after each commit, closes Pebble and opens the directory anew. What
// is on disk is what a crash at that moment would have left.
//
// The fence also syncs the directory before a marker names a new manifest.
// Pebble v2.1.7 syncs once for both, so a power loss in between could leave a
// marker that names a file that is not there (mended upstream in 79b311b81). It
// tells the guard what of a manifest was synced, and verifies the blocks of
// tables that are read.
type fence struct {
	vfs.FS
	view    *view                 // of damaged files; may be nil
	guard   *guard                // nil when nothing is written
	opening atomic.Bool           // from creation until Pebble is open: every failed change trips
	cause   atomic.Pointer[error] // the first failure; nil while all is well

	damaged atomic.Pointer[CorruptError] // that reading has found last
}

func newFence(inner vfs.FS, g *guard) *fence {
	f := &fence{FS: inner, guard: g}
	f.opening.Store(true)
	return f
}

// tripped returns the failure that stopped all writing, or nil.
func (f *fence) tripped() error {
	if p := f.cause.Load(); p != nil {
		return *p
	}
	return nil
}

func (f *fence) trip(err error) { f.cause.CompareAndSwap(nil, &err) }

// compactionPause slows down the retries of a compaction that cannot write,
// which Pebble repeats at once.
const compactionPause = 100 * time.Millisecond

// change performs a change of the file name, or drops it when the fence has
// tripped. A failure is returned to Pebble only where Pebble can live with it:
// while it writes a table.
func (f *fence) change(name string, do func() error) error {
	if f.cause.Load() != nil {
		return nil
	}
	err := do()
	if err == nil {
		return nil
	}
	if !f.opening.Load() && !vital(f.FS.PathBase(name)) {
		time.Sleep(compactionPause) //nolint:forbidigo // a pause, not a clock: Pebble repeats at once
		return err
	}
	f.trip(err)
	return nil
}

// vital tells the files whose failure Pebble does not survive from tables.
func vital(base string) bool { return !strings.HasSuffix(base, ".sst") }

// open performs a change that yields a file; a dropped one yields a file that
// swallows everything.
func (f *fence) open(name string, do func() (vfs.File, error)) (vfs.File, error) {
	var file vfs.File
	err := f.change(name, func() (err error) {
		file, err = do()
		return err
	})
	if err != nil {
		return nil, err
	}
	if file == nil {
		file = void{name: f.FS.PathBase(name)}
	}
	ff := &fencedFile{File: file, fence: f, name: name}
	if n, ok := manifestNumber(f.FS.PathBase(name)); ok && f.guard != nil {
		ff.manifest = &manifestPart{number: n}
	}
	return ff, nil
}

func (f *fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(name, func() (vfs.File, error) {
		if strings.HasPrefix(f.PathBase(name), "marker.manifest.") {
			if err := syncDir(f.FS, f.PathDir(name)); err != nil {
				return nil, err
			}
		}
		return f.FS.Create(name, c)
	})
}

func (f *fence) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(to, func() (vfs.File, error) { return f.FS.ReuseForWrite(from, to, c) })
}

func (f *fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open(name, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, opts...) })
}

func (f *fence) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: file, fence: f, name: name}, nil
}

func (f *fence) Link(from, to string) error {
	return f.change(to, func() error { return f.FS.Link(from, to) })
}

func (f *fence) Rename(from, to string) error {
	return f.change(to, func() error { return f.FS.Rename(from, to) })
}

// Remove passes failures on: Pebble tries again later. With a manifest goes its
// copy, first: a copy without its manifest would stay for good.
func (f *fence) Remove(name string) error {
	if f.cause.Load() != nil {
		return nil
	}
	if _, ok := manifestNumber(f.FS.PathBase(name)); ok {
		if err := f.FS.Remove(name + guardSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return f.FS.Remove(name)
}

func (f *fence) RemoveAll(name string) error {
	if f.cause.Load() != nil {
		return nil
	}
	return f.FS.RemoveAll(name)
}

func (f *fence) Unwrap() vfs.FS { return f.FS }

// fencedFile is a file, or an open directory, that may be changed.
type fencedFile struct {
	vfs.File
	fence    *fence
	name     string
	manifest *manifestPart // nil when it is none
}

// manifestPart is what was written to a manifest and is not synced yet.
type manifestPart struct {
	number uint64
	bytes  []byte
}

func (f *fencedFile) Write(p []byte) (int, error) {
	err := f.fence.change(f.name, func() error {
		if f.manifest != nil { // first: Write may change p
			f.manifest.bytes = append(f.manifest.bytes, p...)
		}
		_, err := f.File.Write(p)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *fencedFile) WriteAt(p []byte, at int64) (int, error) {
	err := f.fence.change(f.name, func() error {
		_, err := f.File.WriteAt(p, at)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *fencedFile) Sync() error     { return f.synced(f.File.Sync) }
func (f *fencedFile) SyncData() error { return f.synced(f.File.SyncData) }

// synced syncs, and tells the guard.
func (f *fencedFile) synced(sync func() error) error {
	return f.fence.change(f.name, func() error {
		if err := sync(); err != nil || f.manifest == nil {
			return err
		}
		part := f.manifest.bytes
		f.manifest.bytes = nil
		return f.fence.guard.note(f.manifest.number, part)
	})
}

func (f *fencedFile) SyncTo(length int64) (full bool, err error) {
	err = f.fence.change(f.name, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Preallocate is advice; the write itself will tell when there is no room.
func (f *fencedFile) Preallocate(at, length int64) error {
	if f.fence.cause.Load() == nil {
		_ = f.File.Preallocate(at, length)
	}
	return nil
}

// Close closes the file even behind a tripped fence.
func (f *fencedFile) Close() error {
	err := f.File.Close()
	if err == nil || f.fence.cause.Load() != nil {
		return nil
	}
	return f.fence.change(f.name, func() error { return err })
}

// void is the file behind a tripped fence.
type void struct{ name string }

var _ vfs.File = void{}

func (void) Close() error                           { return nil }
func (void) Read([]byte) (int, error)               { return 0, io.EOF }
func (void) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (void) Write(p []byte) (int, error)            { return len(p), nil }
func (void) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (void) Preallocate(int64, int64) error         { return nil }
func (void) Sync() error                            { return nil }
func (void) SyncTo(int64) (bool, error)             { return true, nil }
func (void) SyncData() error                        { return nil }
func (void) Prefetch(int64, int64) error            { return nil }
func (void) Fd() uintptr                            { return vfs.InvalidFd }
func (v void) Stat() (vfs.FileInfo, error)          { return voidInfo(v), nil }

type voidInfo struct{ name string }

func (i voidInfo) Name() string         { return i.name }
func (voidInfo) Size() int64            { return 0 }
func (voidInfo) Mode() os.FileMode      { return 0o600 }
func (voidInfo) ModTime() time.Time     { return time.Time{} }
func (voidInfo) IsDir() bool            { return false }
func (voidInfo) Sys() any               { return nil }
func (voidInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readOnlyFS lets a directory that cannot be written be read: where the lock
// file cannot be made, nobody else can be writing either.
type readOnlyFS struct{ vfs.FS }

func (f readOnlyFS) Lock(name string) (io.Closer, error) {
	c, err := f.FS.Lock(name)
	var file *fs.PathError // else somebody holds the lock
	if errors.As(err, &file) && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) {
		return io.NopCloser(nil), nil
	}
	return c, err
}

func (f readOnlyFS) Unwrap() vfs.FS { return f.FS }
