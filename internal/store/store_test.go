package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
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

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	commit(t, s, Sync, func(tx *Tx) {
		tx.PutLog(1, []byte("one"))
		tx.PutProfile("m", "v", -5, []byte("p"))
	})
	id := s.Instance()
	closeIt(t, s)
	s = open(t, dir, Options{})
	if s.Instance() != id || len(id) != 32 {
		t.Fatalf("instance %q, was %q", s.Instance(), id)
	}
	if b, ok, err := s.Profile("m", "v", -5); err != nil || !ok || string(b) != "p" {
		t.Fatal(b, ok, err)
	}
	closeIt(t, s)
	r, err := Check(dir, CheckOptions{})
	if err != nil || !r.OK() || !r.Opened {
		t.Fatalf("%+v %v", r, err)
	}
	t.Logf("%+v", r)
}
