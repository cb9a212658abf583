package intake_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// models are many enough that the references of some lie in other blocks than those of
// others.
var models = strings.Split("abcdefghij", "")

// spoiled returns a copy of a disk on which one table is damaged, so that the reference
// of one model cannot be read, that of another can, and nothing else is lost.
func spoiled(t *testing.T, disk vfs.FS) (fs vfs.FS, lost, sound string) {
	t.Helper()
	names, err := disk.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		path := "state/" + name
		table := readFile(t, disk, path)
		for at := 0; at < len(table); at += 256 {
			b := []byte(table)
			for i := at; i < min(at+8, len(b)); i++ {
				b[i] ^= 0xff
			}
			fresh := func() vfs.FS {
				other := vfs.NewMem()
				if _, err := vfs.Clone(disk, other, "state", "state"); err != nil {
					t.Fatal(err)
				}
				writeFile(t, other, path, b)
				return other
			}
			if lost, sound = only(fresh()); lost != "" && sound != "" {
				return fresh(), lost, sound
			}
		}
	}
	t.Fatalf("no byte of %v is of references alone", names)
	return nil, "", ""
}

func readFile(t *testing.T, fs vfs.FS, path string) string {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, fs vfs.FS, path string, b []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// only returns a model whose reference is lost and one whose is not, if nothing else
// is.
func only(fs vfs.FS) (lost, sound string) {
	s, err := store.Open("state", store.Options{FS: fs, ReserveBytes: -1})
	if err != nil {
		return "", ""
	}
	defer func() { _ = s.Close() }()
	if s.EachVersion(func(string, string, store.Version) error { return nil }) != nil ||
		s.EachLog(func(uint64, []byte) error { return nil }) != nil ||
		s.EachLayout(func(string, []byte) error { return nil }) != nil ||
		s.EachWindow(func(string, string, int64, []byte) error { return nil }) != nil ||
		s.EachState("", func(string, []byte) error { return nil }) != nil ||
		s.EachParcel(func(store.Parcel) error { return nil }) != nil ||
		s.EachDirty(func(store.Dirty) error { return nil }) != nil {
		return "", ""
	}
	if _, err := s.PendingSets(); err != nil {
		return "", ""
	}
	for _, name := range models {
		if _, ok, err := s.Reference(name, "1", model.Training); err != nil {
			lost = name
		} else if ok {
			sound = name
		}
	}
	return lost, sound
}

// lived is a disk on which models have a reference, some profiles, and records
// in the log that no checkpoint has counted.
func lived(t *testing.T) vfs.FS {
	t.Helper()
	disk := vfs.NewMem()
	p := open(t, disk)
	for _, name := range models {
		_, err := p.offer(referenceRows(name))
		p.must(err)
		p.must(p.flush(start))
		_, err = p.offer(rows(record.Prediction, name, 50, 1))
		p.must(err)
		p.must(p.flush(start))
	}
	for _, name := range models {
		_, err := p.offer(rows(record.Prediction, name, 20, 2))
		p.must(err)
	}
	p.close()
	return disk
}

// A model whose reference is damaged is refused, with its own reason, and stops no
// other: not at the start, and not in a batch of both. Nothing takes the place of what
// is lost but another reference: then the model is counted again, with what had been
// acknowledged before, and no restart.
func TestDamagedReference(t *testing.T) {
	disk, b, a := spoiled(t, lived(t))
	p := open(t, disk)
	defer p.close()
	v, _ := p.catalog.Version(b, "1")
	if err := v.Unusable(); err == nil || !strings.Contains(err.Error(), `reference of model "`+b+`" version "1"`) || !strings.Contains(err.Error(), "driftmeter check") {
		t.Fatalf("the version is unusable: %v", err)
	}
	mixed := append(rows(record.Prediction, a, 30, 3), rows(record.Prediction, b, 30, 3)...)
	for range 2 {
		_, err := p.offer(mixed)
		p.must(err)
		p.must(p.flush(start.Add(time.Hour)))
	}
	if n, _, _ := p.counted(a, "1"); n != 100 {
		t.Errorf("%d predictions of the other model are counted, want 100", n)
	}
	if n, _, _ := p.counted(b, "1"); n != 50 || p.refused[record.UnusableReference] != 60 {
		t.Errorf("%d predictions are counted, refused %v", n, p.refused)
	}
	due, err := p.evaluator.Due(start.Add(10 * time.Hour))
	p.must(err)
	for _, w := range due {
		if w.Model == b {
			t.Errorf("a window is due of what cannot be compared: %+v", w)
		}
	}

	again := rows(record.Reference, b, 200, 77)
	again[199].Last = true
	_, err = p.offer(again)
	p.must(err)
	p.must(p.flush(start.Add(2 * time.Hour)))
	if err := v.Unusable(); err != nil || v.Layout() == nil {
		t.Fatalf("with another reference: %v", err)
	}
	_, err = p.offer(rows(record.Prediction, b, 10, 4))
	p.must(err)
	p.must(p.flush(start.Add(3 * time.Hour)))
	if n, _, _ := p.counted(b, "1"); n != 50+20+10 {
		t.Errorf("%d predictions are counted, want those from before the damage, 20 that waited and 10", n)
	}
	if due, err = p.evaluator.Due(start.Add(10 * time.Hour)); err != nil || !strings.Contains(fmt.Sprint(due), "{"+b+" 1 ") {
		t.Errorf("due is %v, %v", due, err)
	}
}

// An evaluator whose reference is damaged asks for it again, and its sender has it.
func TestDamagedReferenceOfAnEvaluator(t *testing.T) {
	sender := open(t, lived(t))
	defer sender.close()
	disk, b, a := spoiled(t, lived(t))
	p := open(t, disk)
	defer p.close()
	_, err := sender.offer(append(rows(record.Prediction, a, 30, 3), rows(record.Prediction, b, 30, 3)...))
	sender.must(err)
	_, err = sender.intake.Checkpoint(start)
	sender.must(err)
	deliver := func() error {
		_, err := sender.intake.Deliver(func(parcels []store.Parcel) error {
			var all []evaluate.Parcel
			for _, q := range parcels {
				all = append(all, evaluate.Parcel{Instance: "another", Parcel: q})
			}
			_, err := p.evaluator.Merge(all, start)
			return err
		})
		return err
	}
	_ = deliver() // the first answer may be that something is unknown
	sender.must(deliver())
	for _, name := range []string{a, b} {
		if n, _, _ := p.counted(name, "1"); n != 50+50 { // both have 50 of their own; 50 are sent
			t.Errorf("%d predictions of %q are counted, want 100", n, name)
		}
	}
	if v, _ := p.catalog.Version(b, "1"); v.Unusable() != nil {
		t.Errorf("it has come: %v", v.Unusable())
	}
}
