package testbed

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// filled makes a state directory by a Collector that is killed, with tables and a
// log, and returns a rig whose directory is a copy of it each time.
func filled(t *testing.T) (r *rig, copied func(t *testing.T) *rig) {
	t.Helper()
	r = newRig(t, "warmup: 200", "flush_interval: 100ms", nil)
	l := newLedger(t, "damaged", seeded(t))
	r.start()
	for range 50 {
		r.check(r.sendBytes(l.bytes(l.issue())))
	}
	r.eventually(func() string { return "nothing was counted" }, func() bool { return r.sink.Total("ml.model.predictions", Whole) == 2000 })
	r.stop() // this writes what the log holds into tables
	r.start()
	r.check(r.sendBytes(l.bytes(l.issue())))
	r.p.Kill()
	return r, func(t *testing.T) *rig {
		t.Helper()
		other := *r
		other.t, other.p, other.dir = t, nil, filepath.Join(t.TempDir(), "state")
		other.check(os.CopyFS(other.dir, os.DirFS(r.dir)))
		other.configureAt(other.dir)
		return &other
	}
}

// configureAt points the configuration at a directory.
func (r *rig) configureAt(dir string) {
	r.t.Helper()
	values := map[string]any{}
	for k, v := range r.values {
		values[k] = v
	}
	values["DIR"] = dir
	r.values, r.dir = values, dir
	r.configure("")
	r.t.Cleanup(func() {
		if r.p != nil {
			r.p.Kill()
		}
	})
}

// spoil changes the newest file of a pattern, of tables the largest, and returns
// its name.
func (r *rig) spoil(pattern string, do func(b []byte) []byte) string {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, pattern))
	if err != nil || len(files) == 0 {
		r.t.Fatalf("no %s in %s: %v", pattern, r.dir, err)
	}
	slices.SortFunc(files, func(a, b string) int {
		if pattern == "*.sst" {
			return int(size(r.t, b) - size(r.t, a))
		}
		return strings.Compare(b, a)
	})
	b, err := os.ReadFile(files[0])
	r.check(err)
	r.check(os.WriteFile(files[0], do(b), 0o600))
	return filepath.Base(files[0])
}

// explains looks for words in what a Collector or a command has said, and for
// what nobody should have to read.
func (r *rig) explains(out string, words ...string) {
	r.t.Helper()
	for _, want := range words {
		if !strings.Contains(out, want) {
			r.t.Errorf("it does not say %q:\n%s", want, tail(out, 5))
		}
	}
	for _, never := range []string{"goroutine ", "panic", "cockroachdb/pebble", "corruption detail"} {
		if strings.Contains(out, never) {
			r.t.Errorf("it says %q:\n%s", never, tail(out, 20))
		}
	}
}

// saves salvages the directory, and starts a Collector on what was saved.
func (r *rig) saves() (report string) {
	r.t.Helper()
	to := filepath.Join(r.t.TempDir(), "saved")
	code, out := run(r.t, "check", r.dir, "--salvage", to)
	if code != 0 {
		r.t.Fatalf("driftmeter check --salvage ends with code %d:\n%s", code, out)
	}
	if code, again := run(r.t, "check", to); code != 0 {
		r.t.Errorf("what was saved is not sound:\n%s", again)
	}
	r.configureAt(to)
	r.start()
	r.p.Kill()
	return out
}

// A directory of which something is lost is not opened: the message names it, the
// file, and what to do; driftmeter check says the same, and saves the rest.
func TestDamagedDirectoryIsRefused(t *testing.T) {
	_, copied := filled(t)
	for _, c := range []struct {
		name, pattern string
		spoil         func(b []byte) []byte
	}{
		{"cut table", "*.sst", func(b []byte) []byte { return b[:len(b)/2] }},
		{"flipped byte at the beginning of a table", "*.sst", func(b []byte) []byte { b[3] ^= 1; return b }},
		{"flipped byte at the end of a table", "*.sst", func(b []byte) []byte { b[len(b)-20] ^= 1; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := copied(t)
			name := r.spoil(c.pattern, c.spoil)
			code, out := run(t, "--config", r.config)
			if code == 0 {
				t.Error("it has started")
			}
			r.explains(out, r.dir, name, "damaged", "driftmeter check")
			code, out = run(t, "check", r.dir)
			if code == 0 {
				t.Error("driftmeter check ends with code 0")
			}
			r.explains(out, "file "+name, "Lost by the damage", "--salvage")
			r.saves()
		})
	}
}

// Damage by which nothing is lost is said, and mended.
func TestMendedDirectory(t *testing.T) {
	_, copied := filled(t)
	for _, c := range []struct {
		name, pattern string
		spoil         func(b []byte) []byte
	}{
		{"cut manifest", "MANIFEST-*[0-9]", func(b []byte) []byte { return b[:len(b)-7] }},
		{"empty manifest", "MANIFEST-*[0-9]", func(b []byte) []byte { return nil }},
		{"flipped byte in the manifest", "MANIFEST-*[0-9]", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"cut options", "OPTIONS-*", func(b []byte) []byte { return b[:len(b)/2] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := copied(t)
			name := r.spoil(c.pattern, c.spoil)
			code, out := run(t, "check", r.dir)
			if code == 0 {
				t.Error("driftmeter check ends with code 0")
			}
			r.explains(out, "file "+name, "nothing is lost")
			r.start()
			r.p.Kill()
			r.explains(r.p.Output(), name, r.dir, "damaged", "nothing is lost")
			if code, out := run(t, "check", r.dir); code != 0 {
				t.Errorf("it is not mended:\n%s", out)
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
	second.values = maps.Clone(r.values)
	second.values["GRPC"], second.values["HTTP"], second.values["OWN"] = ports[0], ports[1], ports[2]
	second.configure("")
	code, out := run(t, "--config", second.config)
	if code == 0 || !strings.Contains(out, r.dir) || !strings.Contains(out, "in use") {
		t.Errorf("it ended with code %d, want a message that %s is in use:\n%s", code, r.dir, tail(out, 5))
	}
}

// A byte that has flipped inside a table is found soon after the start, though
// nobody has read it: the log names the directory and the file, and the rest of
// the state is served. What the check command saves lacks only what lay around the
// byte.
func TestFlippedByteIsFound(t *testing.T) {
	_, copied := filled(t)
	r := copied(t)
	name := r.spoil("*.sst", func(b []byte) []byte { b[len(b)/2] ^= 0x20; return b })
	r.start()
	r.eventually(func() string { return "the log does not name " + name }, func() bool {
		return strings.Contains(r.p.Output(), "Verified the state")
	})
	r.explains(r.p.Output(), "Damage in the state", r.dir, name, "does not match its checksum", "driftmeter check")
	r.p.Kill()
	code, out := run(t, "check", r.dir)
	if code == 0 {
		t.Error("driftmeter check ends with code 0")
	}
	r.explains(out, "file "+name, "1 problem")
	r.explains(r.saves(), "Saved ")
}
