package store

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The guard has what it was told of each manifest, and tells damage from what
// came after it was told last.
func TestGuard(t *testing.T) {
	mem := vfs.NewMem()
	write := func(name, text string) {
		t.Helper()
		if err := writeFile(mem, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	g := &guard{fs: mem}
	tell := func(number uint64, text string) {
		t.Helper()
		f := newFence(mem, g)
		file := &fencedFile{File: void{}, fence: f, manifest: &manifestPart{number: number}}
		if _, err := file.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	damaged := func(inUse string) bool {
		t.Helper()
		err := checkManifest(mem, "", []string{"marker.manifest.000001.MANIFEST-000000", "marker.manifest.000002." + inUse})
		if bad := new(CorruptError); err != nil && (!errors.As(err, &bad) || bad.File != inUse) {
			t.Errorf("the problem is %v", err)
		}
		return err != nil
	}
	write("MANIFEST-000001", "one and more")
	if damaged("MANIFEST-000001") {
		t.Error("a manifest that nobody told of is damaged")
	}
	tell(1, "o")
	tell(1, "ne")
	if damaged("MANIFEST-000001") {
		t.Error("more than was told is damage")
	}
	tell(2, "two") // no marker names it yet
	for text, want := range map[string]bool{"one": false, "one!": false, "on": true, "": true, "onf": true} {
		write("MANIFEST-000001", text)
		if damaged("MANIFEST-000001") != want {
			t.Errorf("%q, told of \"one\": damaged %v, want %v", text, !want, want)
		}
	}
	if !damaged("MANIFEST-000002") {
		t.Error("a missing manifest is no damage")
	}
	write("MANIFEST-000002", "two")
	if damaged("MANIFEST-000002") {
		t.Error("the second manifest is damaged")
	}
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	for number, want := range map[uint64]string{1: "one", 2: "two", 3: ""} {
		if b, damaged, err := manifestCopy(mem, "", number); string(b) != want || damaged || err != nil {
			t.Errorf("the copy of %d is %q, damaged %v, %v; want %q", number, b, damaged, err, want)
		}
	}
	// What is removed goes with its copy.
	if err := newFence(mem, g).Remove("MANIFEST-000001"); err != nil {
		t.Fatal(err)
	}
	if names, _ := mem.List(""); bytes.Contains([]byte(names[0]), []byte("000001")) {
		t.Errorf("there is %v", names)
	}
}

// A copy that is torn ends where it is; one that is damaged before says so; and
// nothing is ever read that was not written.
func TestDamagedGuard(t *testing.T) {
	var b []byte
	whole := ""
	for _, part := range []string{"the first", "", "a second part", "x"} {
		b = appendGuard(b, []byte(part))
		whole += part
	}
	if got, damaged := readGuard(b); string(got) != whole || damaged {
		t.Fatalf("%q, damaged %v", got, damaged)
	}
	if got, damaged := readGuard(append(bytes.Clone(b), make([]byte, 100)...)); string(got) != whole || damaged {
		t.Errorf("with zeros behind: %q, damaged %v", got, damaged)
	}
	last := len(b) - 1 - 4 // of the last part, behind its length
	for i := range b {
		if got, damaged := readGuard(b[:i]); !bytes.HasPrefix([]byte(whole), got) || damaged || len(got) == len(whole) {
			t.Errorf("cut to %d: %q, damaged %v", i, got, damaged)
		}
		for bit := range 8 {
			c := bytes.Clone(b)
			c[i] ^= 1 << bit
			got, damaged := readGuard(c)
			if !bytes.HasPrefix([]byte(whole), got) || len(got) == len(whole) {
				t.Errorf("bit %d of %d flipped: %q", bit, i, got)
			}
			if i >= last && damaged {
				t.Errorf("bit %d of %d flipped, in the last part: it may be torn", bit, i)
			}
		}
	}
}
