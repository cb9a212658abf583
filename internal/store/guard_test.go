package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The guard keeps what it was told last of the manifest in use, while it is told
// of the next one, and over torn slots.
func TestGuardRemembersTwo(t *testing.T) {
	mem := vfs.NewMem()
	write := func(name, text string) {
		t.Helper()
		if err := writeFile(mem, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	told := func(number uint64, text string) guardRecord {
		file := &fencedFile{File: void{}, fence: newFence(mem, nil), manifest: &guardRecord{number: number}}
		if _, err := file.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return *file.manifest
	}
	damaged := func(inUse string) bool {
		t.Helper()
		_, err := openGuard(mem, "", []string{"marker.manifest.000001.MANIFEST-000000", "marker.manifest.000002." + inUse})
		if bad := new(CorruptError); err != nil && (!errors.As(err, &bad) || bad.File != inUse) {
			t.Errorf("the problem is %v", err)
		}
		return err != nil
	}
	write("MANIFEST-000001", "one and more")
	g, err := openGuard(mem, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	note := func(r guardRecord) {
		t.Helper()
		if err := g.note(r); err != nil {
			t.Fatal(err)
		}
	}
	note(told(1, "o"))
	note(told(1, "one"))
	if damaged("MANIFEST-000001") {
		t.Error("more than was told is damage")
	}
	note(told(2, "two")) // no marker names it yet
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
	// After a restart the slot that matters is not the one that is written first.
	write("MANIFEST-000001", "one")
	if g, err = openGuard(mem, "", []string{"marker.manifest.000002.MANIFEST-000001"}); err != nil {
		t.Fatal(err)
	}
	note(told(3, "three"))
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	write("MANIFEST-000001", "onf")
	if !damaged("MANIFEST-000001") {
		t.Error("the manifest in use was forgotten for one that is not")
	}
	// A torn slot says nothing.
	f, err := mem.OpenReadWrite(guardFile, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	for slot := range int64(2) {
		if _, err := f.WriteAt([]byte{0xee}, slot*guardStride+9); err != nil {
			t.Fatal(err)
		}
	}
	if damaged("MANIFEST-000001") {
		t.Error("a torn slot is believed")
	}
}
