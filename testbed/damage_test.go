package testbed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A damaged directory is not opened: the message names it, the file, and what
// to do, and driftmeter check says the same.
func TestDamagedDirectoryIsRefused(t *testing.T) {
	rng := seeded(t)
	r := newRig(t, "warmup: 200", "flush_interval: 100ms", nil)
	l := newLedger(t, "damaged", rng)
	r.start()
	for range 50 {
		r.check(r.sendBytes(l.bytes(l.issue())))
	}
	r.eventually(func() string { return "nothing was counted" }, func() bool { return r.sink.Total("ml.model.predictions", Whole) > 0 })
	r.stop()
	r.start() // opening writes what the log holds into tables
	r.p.Kill()

	for _, c := range []struct {
		name, pattern string
		spoil         func(b []byte) []byte
	}{
		{"cut table", "*.sst", func(b []byte) []byte { return b[:len(b)/2] }},
		{"cut manifest", "MANIFEST-*", func(b []byte) []byte { return b[:len(b)-7] }},
		{"empty manifest", "MANIFEST-*", func(b []byte) []byte { return nil }},
		{"flipped byte in the manifest", "MANIFEST-*", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			if err := os.CopyFS(dir, os.DirFS(r.dir)); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, c.pattern))
			if err != nil || len(files) == 0 {
				t.Fatalf("no %s in %s: %v", c.pattern, dir, err)
			}
			slices.SortFunc(files, func(a, b string) int { return int(size(t, b) - size(t, a)) })
			file := files[0]
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, c.spoil(b), 0o600); err != nil {
				t.Fatal(err)
			}
			other := *r
			other.t, other.values = t, map[string]any{}
			for k, v := range r.values {
				other.values[k] = v
			}
			other.values["DIR"] = dir
			other.configure("")
			code, out := run(t, "--config", other.config)
			for _, want := range []string{dir, filepath.Base(file), "damaged", "driftmeter check"} {
				if code == 0 || !strings.Contains(out, want) {
					t.Errorf("it ended with code %d, and its message lacks %q:\n%s", code, want, tail(out, 5))
				}
			}
			if strings.Contains(out, "goroutine ") {
				t.Errorf("it has panicked:\n%s", out)
			}
			if code, out := run(t, "check", dir); code == 0 || !strings.Contains(out, filepath.Base(file)) {
				t.Errorf("driftmeter check ends with code %d and does not name %s:\n%s", code, filepath.Base(file), out)
			}
		})
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A directory that another process has open is not opened a second time.
func TestDirectoryInUseIsRefused(t *testing.T) {
	r := newRig(t, "warmup: 200", "", nil)
	r.start()
	second := *r
	ports, err := FreePorts(3)
	r.check(err)
	second.values = map[string]any{"GRPC": ports[0], "HTTP": ports[1], "OWN": ports[2], "SINK": r.sink.Address, "DIR": r.dir, "STORE": "    warmup: 200"}
	second.configure("")
	code, out := run(t, "--config", second.config)
	if code == 0 || !strings.Contains(out, r.dir) || !strings.Contains(out, "in use") {
		t.Errorf("it ended with code %d, want a message that %s is in use:\n%s", code, r.dir, tail(out, 5))
	}
}

// A byte that has flipped inside a table is found when it is read, if not at the
// start: what needs it says so, naming the directory and the file, and nothing
// wrong is read from it. The check command finds it at once.
func TestFlippedByteIsFoundWhenRead(t *testing.T) {
	r := newRig(t, "warmup: 200", "flush_interval: 100ms", nil)
	l := newLedger(t, "damaged", seeded(t))
	r.start()
	for range 50 {
		r.check(r.sendBytes(l.bytes(l.issue())))
	}
	r.eventually(func() string { return "nothing was counted" }, func() bool { return r.sink.Total("ml.model.predictions", Whole) == 2000 })
	r.p.Kill()
	r.start() // opening writes what the log holds into tables
	r.p.Kill()
	files, err := filepath.Glob(filepath.Join(r.dir, "*.sst"))
	r.check(err)
	if len(files) == 0 {
		t.Fatal("there are no tables")
	}
	slices.SortFunc(files, func(a, b string) int { return int(size(t, b) - size(t, a)) })
	b, err := os.ReadFile(files[0])
	r.check(err)
	for i := 1; i < 20; i++ { // in many blocks
		b[i*len(b)/20] ^= 0x20
	}
	r.check(os.WriteFile(files[0], b, 0o600))
	r.launch()
	if r.p.Ready(r.context()) == nil {
		// Every window is read for the batch that touches it.
		_ = r.sendBytes(l.bytes(l.issue())) // it may be refused: that is an answer, too
	}
	name := filepath.Base(files[0])
	r.eventually(func() string { return "the log does not name " + r.dir + ", " + name + " and what to do" }, func() bool {
		out := r.p.Output()
		return strings.Contains(out, r.dir) && strings.Contains(out, name) && strings.Contains(out, "driftmeter check")
	})
	if strings.Contains(r.p.Output(), "panic") {
		t.Errorf("it has panicked")
	}
	r.p.Kill()
	if code, out := run(t, "check", r.dir); code == 0 || !strings.Contains(out, name) {
		t.Errorf("driftmeter check ends with code %d and does not name %s:\n%s", code, name, out)
	}
}
