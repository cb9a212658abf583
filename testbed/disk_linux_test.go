package testbed

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// refusedAt starts the Collector with a directory in which nothing can be kept.
// It ends, and says in one sentence which directory that is, and why.
func refusedAt(t *testing.T, dir string, words ...string) {
	t.Helper()
	r := newRig(t, "warmup: 200", "", nil)
	r.configureAt(dir)
	code, out := run(t, "--config", r.config)
	if code == 0 {
		t.Error("it has started")
	}
	r.explains(out, append(words, dir)...)
}

func TestFileInPlaceOfTheDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refusedAt(t, file, "it is a file", "configure another")
}

// disk mounts a small file system. It returns false where that is not permitted.
func disk(t *testing.T) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=30m"); err != nil {
		t.Logf("this user may not mount (%v): %s is not tested", err, t.Name())
		return "", false
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	return dir, true
}

// A directory that cannot be written is refused at the start, and checked
// nevertheless.
func TestReadOnlyDirectory(t *testing.T) {
	dir, ok := disk(t)
	if !ok { // then this is no superuser either
		dir = t.TempDir()
		if os.Getuid() == 0 {
			return
		}
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		refusedAt(t, filepath.Join(dir, "state"), "this user may not write there")
		return
	}
	r := newRig(t, "warmup: 200", "", nil)
	r.configureAt(dir)
	r.start()
	r.p.Kill()
	r.check(syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	refusedAt(t, dir, "its file system is read-only", "configure another")
	refusedAt(t, filepath.Join(dir, "new"), "its file system is read-only")
	if code, out := run(t, "check", dir); code != 0 {
		t.Errorf("it cannot be checked:\n%s", out)
	}
}

// With a full disk the Collector does not start; when there is room again it does,
// with all that was there.
func TestFullDiskAtStart(t *testing.T) {
	dir, ok := disk(t)
	if !ok {
		return
	}
	r := newRig(t, "warmup: 200", "", nil)
	state := filepath.Join(dir, "state")
	r.configureAt(state)
	r.start()
	l := newLedger(t, "full", seeded(t))
	r.check(r.sendBytes(l.bytes(l.issue())))
	r.p.Kill()
	fill := filepath.Join(dir, "fill")
	f, err := os.Create(fill)
	r.check(err)
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	for b := make([]byte, 1); ; { // the last page
		if _, err := f.Write(b); err != nil {
			break
		}
	}
	_ = f.Close()
	refusedAt(t, state, "full", "make room")
	r.check(os.Remove(fill))
	r.start()
	r.p.Kill()
	if code, out := run(t, "check", state); code != 0 {
		t.Errorf("it is not sound:\n%s", out)
	}
}
