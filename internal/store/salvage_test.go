package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// saved salvages dir, and returns the report and what is in the new directory,
// which Check finds sound.
func saved(t *testing.T, dir, what string) (*Report, *Saved, map[string]string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "saved")
	r, done, err := Salvage(dir, to, CheckOptions{})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if again, err := Check(to, CheckOptions{}); err != nil || !again.OK() || again.Unlisted > 0 {
		t.Errorf("%s: the new directory: %v %v %v", what, again.Problems, again.Gaps, err)
	}
	return r, done, contents(t, to)
}

// contents returns every key and value but for those of the meta family, which a
// directory has for itself.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, line := range strings.Split(dump(t, dir), "\n") {
		k, v, _ := strings.Cut(line, " ")
		key, err := hex.DecodeString(k)
		if err != nil {
			t.Fatal(err)
		}
		if Family(key[0]) != FamilyMeta {
			all[string(key)] = v
		}
	}
	return all
}

// Of a sound directory everything is saved, and its name.
func TestSalvageOfASoundDirectory(t *testing.T) {
	dir, s := realDirectory(t, true, 8)
	r, done, got := saved(t, dir, "sound")
	want := contents(t, dir)
	if !r.OK() || done.NewInstance || len(got) != len(want) || done.Keys != int64(len(want)+2+len(allMarks)) {
		t.Errorf("%v %+v, %d keys, want %d", r.Problems, done, len(got), len(want))
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s differs", KeyText([]byte(k)))
		}
	}
	again := open(t, done.Dir, Options{ReadOnly: true})
	defer closeIt(t, again)
	for _, last := range []func(*Store) (uint64, error){(*Store).LastLogSeq, (*Store).LastParcelSeq} {
		if n, err := last(again); err != nil || n != filled {
			t.Errorf("a mark of %d, %v, want %d", n, err, filled)
		}
	}
	if again.Instance() != s.Instance() {
		t.Errorf("the instance is %s, was %s", again.Instance(), s.Instance())
	}
}

// Whatever happens to a table, each finding is reported once, and everything that
// does not lie in a gap is saved as it was.
func TestSalvageOfADamagedTable(t *testing.T) {
	dir, _ := realDirectory(t, false, 100)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) < 2 {
		t.Fatalf("tables %v %v, want some", tables, err)
	}
	want := contents(t, dir)
	rng := rand.New(rand.NewPCG(5, 6))
	damages := []damageDone{
		{"the footer flipped", flip(func(n int) int { return n - 20 })},
		{"cut to half", func(b []byte) []byte { return b[:len(b)/2] }},
		{"gone", func([]byte) []byte { return nil }},
		{"five bytes flipped", func(b []byte) []byte {
			b = bytes.Clone(b)
			for range 5 {
				b[rng.IntN(len(b))] ^= 1
			}
			return b
		}},
	}
	for range 15 {
		damages = append(damages, damageDone{"a byte flipped", flip(func(n int) int { return rng.IntN(n) })})
	}
	most := 0
	for i, d := range damages {
		file := tables[i%len(tables)]
		what := filepath.Base(file) + " " + d.name
		b := spoil(t, file, d)
		r, done, got := saved(t, dir, what)
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if len(r.Problems) != 1 || r.Problems[0].File != filepath.Base(file) {
			t.Errorf("%s: problems %v, want one with its name", what, r.Problems)
		}
		lost := 0
		for k, v := range want {
			switch have, ok := got[k]; {
			case ok && have != v:
				t.Errorf("%s: %s differs", what, KeyText([]byte(k)))
			case !ok && !inGap(r, []byte(k)):
				t.Errorf("%s: %s is lost, and no gap says so: %v", what, KeyText([]byte(k)), r.Gaps)
			case !ok:
				lost++
			}
		}
		if d.name == "a byte flipped" && lost > len(want)/10 {
			t.Errorf("%s: %d of %d keys are lost: %v", what, lost, len(want), r.Gaps)
		}
		most = max(most, lost)
		if metaGap(r) != done.NewInstance {
			t.Errorf("%s: %+v with %v", what, done, r.Gaps)
		}
	}
	if most == 0 {
		t.Error("nothing was ever lost: the damage was none")
	}
}

func inGap(r *Report, key []byte) bool {
	for _, g := range r.Gaps {
		if g.Family == Family(key[0]) && (g.After == nil || bytes.Compare(key, g.After) > 0) && (g.Before == nil || bytes.Compare(key, g.Before) < 0) {
			return true
		}
	}
	return false
}

// Of a damaged log what was committed before is saved, and nothing that came
// later; numbers that later parcels had are not given again.
func TestSalvageOfADamagedLog(t *testing.T) {
	dir, s := realDirectory(t, true, 0)
	want := contents(t, dir)
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	file := logs[len(logs)-1]
	for at := range 10 {
		what := fmt.Sprintf("%d tenths", at)
		b := spoil(t, file, damageDone{"", flip(func(n int) int { return n*at/20 + 40 })})
		r, done, got := saved(t, dir, what)
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if len(r.Problems) == 0 && maps.Equal(got, want) {
			continue // a byte between two records, which says nothing
		}
		if len(r.Problems) != 1 || r.Problems[0].File != filepath.Base(file) || !strings.Contains(r.Problems[0].Text(), "is lost") {
			t.Fatalf("%s: %v, %d of %d keys", what, r.Problems, len(got), len(want))
		}
		n := 0
		for ; got[string(keyOf(FamilyState, tail(n)))] != ""; n++ {
		}
		if len(got) != len(want)-30+n || n > 3*at+3 || n < 3*at/2-2 {
			t.Errorf("%s: %d of the 30 last commits, and %d keys of %d", what, n, len(got), len(want))
		}
		again := open(t, done.Dir, Options{ReadOnly: true})
		if last, err := again.LastParcelSeq(); err != nil || last < filled+skipped || again.Instance() != s.Instance() {
			t.Errorf("%s: the last parcel has number %d, %v", what, last, err)
		}
		closeIt(t, again)
	}
}

// Damage to the other files takes nothing away that their copies, or other files,
// do not have.
func TestSalvageOfOtherFiles(t *testing.T) {
	dir, _ := realDirectory(t, false, 8)
	want := contents(t, dir)
	flipped := damageDone{"flipped", flip(func(n int) int { return n / 2 })}
	gone := damageDone{"gone", func([]byte) []byte { return nil }}
	for pattern, damages := range map[string][]damageDone{
		"MANIFEST-*[0-9]": {flipped, gone, {"cut", func(b []byte) []byte { return b[:7] }}},
		"OPTIONS-*":       {{"cut", func(b []byte) []byte { return b[:len(b)/2] }}, gone},
		"marker.*":        {gone},
	} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			for _, d := range damages {
				what := filepath.Base(file) + " " + d.name
				b := spoil(t, file, d)
				_, done, got := saved(t, dir, what)
				if len(got) != len(want) || done.NewInstance {
					t.Errorf("%s: %d keys, want %d; %+v", what, len(got), len(want), done)
				}
				if err := os.WriteFile(file, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	// Both the manifest and its copy.
	for _, pattern := range []string{"MANIFEST-*[0-9]", "MANIFEST-*.guard"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		spoil(t, files[0], gone)
	}
	to := filepath.Join(t.TempDir(), "to")
	if _, _, err := Salvage(dir, to, CheckOptions{}); err == nil || !strings.Contains(err.Error(), "nothing can be saved of "+dir) {
		t.Errorf("without manifest: %v", err)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("it has left %s: %v", to, err)
	}
}

// A directory that holds something is not written into.
func TestSalvageIntoUsedDirectory(t *testing.T) {
	dir, _ := realDirectory(t, false, 0)
	to := t.TempDir()
	if err := os.WriteFile(filepath.Join(to, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Salvage(dir, to, CheckOptions{}); err == nil || !strings.Contains(err.Error(), to+" is not empty") {
		t.Errorf("%v", err)
	}
	if _, _, err := Salvage(dir, dir, CheckOptions{}); err == nil {
		t.Error("it writes into itself")
	}
	// In use: nothing is left behind.
	s := open(t, dir, Options{})
	defer closeIt(t, s)
	to = filepath.Join(t.TempDir(), "to")
	if _, _, err := Salvage(dir, to, CheckOptions{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("it has left %s: %v", to, err)
	}
}
