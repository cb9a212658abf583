package watch

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/store"
)

// commit keeps states in a store on disk that is then closed.
func commit(t *testing.T, dir string, states map[string][]byte) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tx := s.Begin()
	for name, b := range states {
		tx.PutState(name, b)
	}
	if err := tx.Commit(store.Sync); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// some returns the states of so many watches.
func some(t *testing.T, n int) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for i := range n {
		k := sample()
		k.Field = "features.x" + strconv.Itoa(i)
		b, err := k.encode()
		if err != nil {
			t.Fatal(err)
		}
		all[prefix+alert.ID(k.Monitor, k.Model, k.Version, k.Segment, k.Value, k.Field)] = b
	}
	return all
}

// loaded reads the states of a directory.
func loaded(t *testing.T, dir string) (watches int, unreadable []Unreadable) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	e := &Evaluator{store: s}
	if err := e.load(); err != nil {
		t.Fatal(err)
	}
	again := len(e.unreadable)
	if err := e.load(); err != nil || len(e.unreadable) != again {
		t.Errorf("read again: %v, %d unreadable, %d before", err, len(e.unreadable), again)
	}
	return e.count(), e.Unreadable()
}

// A record that cannot be read is set aside, once, and stops no other.
func TestUnreadableRecords(t *testing.T) {
	dir, states := t.TempDir(), some(t, 20)
	n := 0
	for name, b := range states {
		switch n++; n {
		case 1:
			states[name] = b[:len(b)/2]
		case 2:
			states[name] = nil
		case 3:
			states[name] = append([]byte{recordVersion + 1}, b[1:]...)
		}
	}
	commit(t, dir, states)
	watches, unreadable := loaded(t, dir)
	if watches != 17 || len(unreadable) != 3 {
		t.Errorf("%d watches are known, %d states unreadable", watches, len(unreadable))
	}
	for _, u := range unreadable {
		if _, there := states[u.Name]; !there || u.Err == nil {
			t.Errorf("%+v", u)
		}
	}
	if watches, unreadable = loaded(t, dir); watches != 17 || len(unreadable) != 0 {
		t.Errorf("at the next start %d watches are known, %d states unreadable", watches, len(unreadable))
	}
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	if err := s.EachState(aside+prefix, func(name string, b []byte) error {
		kept++
		if string(b) != string(states[strings.TrimPrefix(name, aside)]) {
			t.Errorf("%s is not what was there", name)
		}
		return CheckState(name, b)
	}); err != nil || kept != 3 {
		t.Errorf("%d records are set aside, %v", kept, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A damaged block costs the states that lie in it.
func TestStatesInADamagedBlock(t *testing.T) {
	dir := t.TempDir()
	commit(t, dir, some(t, 2000))
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for i := range min(8, len(b)/2) {
			b[len(b)/2+i] ^= 0xff
		}
		if err := os.WriteFile(table, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	watches, unreadable := loaded(t, dir)
	if watches < 1000 || watches == 2000 || len(unreadable) == 0 {
		t.Fatalf("%d of 2000 watches are known, %d places unreadable", watches, len(unreadable))
	}
	for _, u := range unreadable {
		if !strings.HasPrefix(u.Name, prefix) || !strings.Contains(u.Err.Error(), "driftmeter check") {
			t.Errorf("%s: %v", u.Name, u.Err)
		}
	}
}
