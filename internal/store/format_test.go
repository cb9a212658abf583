package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A directory of each format that was ever released, as a killed process left
// it: some of it in tables, some in the log. testdata/formatN.txt lists its keys
// and values. They are made once, with UPDATE=1, and never again.
func TestReleasedFormatsOpen(t *testing.T) {
	name := filepath.Join("testdata", "format1")
	if _, err := os.Stat(name); os.IsNotExist(err) && os.Getenv("UPDATE") != "" {
		makeFormat(t, name)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	if r, err := Check(dir, CheckOptions{}); err != nil || !r.OK() || !r.Opened || r.Tables == 0 || r.LogBytes == 0 {
		t.Errorf("check: %+v %v", r, err)
	}
	want, err := os.ReadFile(name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := dump(t, dir); got != strings.TrimSpace(string(want)) {
		t.Errorf("it holds\n%s\nwant\n%s", got, want)
	}
	s := open(t, dir, Options{})
	accept(t, s, Sync, 100)
	closeIt(t, s)
	if r, err := Check(dir, CheckOptions{}); err != nil || !r.OK() {
		t.Errorf("after it was used: %+v %v", r, err)
	}
}

func makeFormat(t *testing.T, name string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, Options{MemTableBytes: 64 << 10})
	for _, part := range []string{"table", "log"} {
		commit(t, s, Sync, func(tx *Tx) {
			seq := uint64(len(part))
			at := int64(-seq)
			tx.PutLog(seq, []byte(part))
			tx.PutBatch(batchOf(seq), at)
			tx.PutPending("m\x00", part, "training", seq, []byte(part))
			tx.PutParcel(Parcel{Seq: seq, Kind: "profile", Model: "m\x00", Version: part, Start: at, End: 1, Layout: "l", Body: []byte(part)})
			tx.PutReference("m\x00", "", part, []byte(part))
			tx.PutLayout(part, []byte(part))
			tx.PutProfile("m\x00", "v", at, []byte(part))
			tx.MarkDirty("m\x00", part, at, -1, 1)
			var seen Seen
			seen.Add(seq)
			seen.Add(300)
			tx.PutSeen("i", part, &seen)
			tx.PutVersion("m\x00", part, Version{FirstSeen: at, LastSeen: 1, Info: []byte(part)})
			tx.PutState(part, []byte(part))
			tx.DeleteParcel(5)
		})
		if part == "table" {
			if err := s.engine.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.CopyFS(name, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(name, ownerFile)); err != nil {
		t.Fatal(err)
	}
	closeIt(t, s)
	copied := t.TempDir() // reading leaves a lock
	if err := os.CopyFS(copied, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".txt", []byte(dump(t, copied)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
