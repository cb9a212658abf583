package place

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, prefix, match, not string
	}{
		{"", "", "a a/b/c.csv dt=1/x", "_SUCCESS a/_delta_log/0.json .hidden a/.b.crc a//b"},
		{"*.csv", "", "a.csv", "a/b.csv a.csv.gz"},
		{"**/*.csv", "", "a.csv x/y/a.csv", "a.parquet"},
		{"dt=*/part-?.parquet", "dt=", "dt=2026-01-01/part-1.parquet", "dt=1/part-10.parquet x/dt=1/part-1.parquet"},
		{"a/b/**", "a/b/", "a/b/c a/b/c/d", "a/bc"},
		{"a/**/b/**/c", "a/", "a/b/c a/x/b/y/z/c a/b/b/c", "a/c a/b/d"},
		{"_hour=[0-9]/*", "_hour=", "_hour=5/a", "_hour=x/a"},
		{"*/*", "", "a/b", "a a/b/c"},
		{"exact.csv", "exact.csv", "exact.csv", "exact.csv2"},
	} {
		g, err := ParseGlob(c.pattern)
		if err != nil || g.Prefix() != c.prefix {
			t.Errorf("%q: %v, prefix %q", c.pattern, err, g.Prefix())
		}
		for _, name := range strings.Fields(c.match) {
			if !g.Match(name) {
				t.Errorf("%q does not match %q", c.pattern, name)
			}
		}
		for _, name := range strings.Fields(c.not) {
			if g.Match(name) {
				t.Errorf("%q matches %q", c.pattern, name)
			}
		}
	}
	for pattern, want := range map[string]string{"../x": "leads out", "a/../../x": "leads out", "/etc/passwd": "slash", `..\x`: `\`, "a//b": "empty part", "**a": "part of its own", "[": "no pattern"} {
		if _, err := ParseGlob(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	// Patterns that make others try for years.
	g, err := ParseGlob(strings.Repeat("**/a/", 100) + "b")
	if err != nil || g.Match(strings.Repeat("a/", 5000)+"c") {
		t.Errorf("%v", err)
	}
}

// Links that lead out of the folder are told and not read, however they lead.
func TestFolderKeepsInside(t *testing.T) {
	outside, inside := t.TempDir(), t.TempDir()
	write := func(name string) {
		if err := os.WriteFile(name, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "secret.csv"))
	write(filepath.Join(inside, "a.csv"))
	link(filepath.Join(outside, "secret.csv"), "absolute.csv")
	link("../"+filepath.Base(outside)+"/secret.csv", "relative.csv")
	link(outside, "folder")
	link(".", "circle")
	link("a.csv", "same.csv")
	link("nowhere", "broken.csv")
	p, err := OpenFolder(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var found, refused []string
	if err := p.List(t.Context(), "", func(o Object) error {
		found = append(found, o.Path)
		return nil
	}, func(name string, _ error) { refused = append(refused, name) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	slices.Sort(refused)
	if got := strings.Join(found, " "); got != "a.csv same.csv" {
		t.Error(got)
	}
	if got := strings.Join(refused, " "); got != "absolute.csv folder relative.csv" {
		t.Error(got)
	}
	for _, name := range []string{"absolute.csv", "relative.csv", "folder/secret.csv", "../" + filepath.Base(outside) + "/secret.csv", filepath.Join(outside, "secret.csv")} {
		if f, err := p.Open(context.Background(), name); err == nil {
			t.Errorf("%s is opened", name)
			_ = f.Closer()
		}
	}
}
