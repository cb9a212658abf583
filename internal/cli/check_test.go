package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// events returns n records of a model.
func events(event record.Event, model string, n, seed int) []record.Record {
	recs := make([]record.Record, n)
	for i := range recs {
		r := &recs[i]
		r.Event, r.Model, r.Version, r.Stamped = event, model, "1", true
		r.ID = fmt.Sprintf("%d-%d", seed, i)
		r.Time = noon.Add(-time.Duration(i) * time.Minute).UnixNano()
		r.Append(record.Features, "x", record.Num(float64((i*37+seed)%101)))
		r.Append(record.Features, "city", record.Str(fmt.Sprintf("city %d", i%7)))
		r.Append(record.Features, "tags", record.ListOf([]record.Element{{Value: record.Str("a")}, {Value: record.Str("b")}}))
		r.Append(record.Predictions, "p", record.Num(float64(i%10)/10))
		r.Append(record.Actuals, "p", record.Bool(i%3 == 0))
	}
	recs[n-1].Last = event == record.Reference
	return recs
}

var catalogOptions = catalog.Options{
	Window: time.Hour, Retention: 1000 * time.Hour, AutoRegister: true, Warmup: 100, WarmupWait: time.Hour,
	Settle: 10 * time.Second, Models: 10, Versions: 3, Rows: 1000, Profile: profile.DefaultLimits,
}

// stateDirectory makes a directory with something of everything: a model with a
// reference and profiles, parcels that wait for delivery, a model that waits for
// a reference, and a batch that was only just acknowledged.
func stateDirectory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.Open(dir, store.Options{ReserveBytes: -1})
	must(t, err)
	c, err := catalog.Open(s, nil, catalogOptions)
	must(t, err)
	in, err := intake.Open(s, c, intake.Options{Durability: store.Sync, Dedupe: time.Hour, Skew: time.Hour}, noon)
	must(t, err)
	ev := evaluate.New(s, c, query.New(c), evaluate.Options{})
	offer := func(recs []record.Record) {
		t.Helper()
		w := in.Begin(noon)
		for i := range recs {
			w.Add(&recs[i], func(r record.Refusal) { t.Error(r) })
		}
		_, err := w.Commit()
		must(t, err)
	}
	checkpoint := func() {
		t.Helper()
		_, err := in.Checkpoint(noon)
		must(t, err)
	}
	offer(events(record.Reference, "fraud", 200, 1))
	checkpoint()
	offer(events(record.Prediction, "fraud", 150, 2))
	checkpoint()
	_, err = in.Deliver(func(parcels []store.Parcel) error {
		var all []evaluate.Parcel
		for _, p := range parcels {
			all = append(all, evaluate.Parcel{Instance: in.Instance(), Parcel: p})
		}
		m, err := ev.Merge(all, noon)
		for _, r := range m.Refused {
			t.Error(r)
		}
		return err
	})
	must(t, err)
	offer(events(record.Prediction, "fraud", 30, 3))
	offer(events(record.Reference, "churn", 50, 4))
	offer(events(record.Prediction, "new", 20, 5))
	checkpoint()
	offer(events(record.Prediction, "fraud", 10, 6))
	awaiting(t, s, c)
	tx := s.Begin()
	tx.PutState("alerts/1", []byte("firing"))
	must(t, tx.Commit(store.Sync))
	must(t, s.Close())
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// change opens a directory and writes into it what does not belong there.
func change(t *testing.T, dir string, write func(s *store.Store, tx *store.Tx)) {
	t.Helper()
	s, err := store.Open(dir, store.Options{ReserveBytes: -1})
	must(t, err)
	tx := s.Begin()
	write(s, tx)
	must(t, tx.Commit(store.Sync))
	must(t, s.Close())
}

func TestCheck(t *testing.T) {
	dir := stateDirectory(t)
	golden(t, "check", dir, "check", "$WORK")
	golden(t, "check-json", dir, "check", "--json", "$WORK")
	// Every family that this release writes was there to be looked at.
	stdout, _, _ := execute("check", "--json", dir)
	var r jsonReport
	must(t, json.Unmarshal([]byte(stdout), &r))
	if !r.OK || len(r.Families) != 18 {
		t.Errorf("ok %t, %d families", r.OK, len(r.Families))
	}
	var keys, bytes int64
	for _, f := range r.Families {
		if f.Keys == 0 {
			t.Errorf("there are no %s to look at", f.Family)
		}
		keys, bytes = keys+f.Keys, bytes+f.KeyBytes+f.ValueBytes
	}
	stdout, _, _ = execute("check", dir)
	if want := fmt.Sprintf(" %d  %d  in all\n", keys, bytes); !strings.Contains(strings.ReplaceAll(stdout, "   ", "  "), want) || bytes < 1000 {
		t.Errorf("the table does not say%sbut\n%s", want, stdout)
	}
}

// Each kind of value is decoded, and each that is spoiled is named.
func TestCheckFindsSpoiledValues(t *testing.T) {
	first := func(t *testing.T, each func(func([]byte) error) error) (b []byte) {
		t.Helper()
		must(t, each(func(v []byte) error {
			if b == nil {
				b = append([]byte(nil), v...)
			}
			return nil
		}))
		if len(b) == 0 {
			t.Fatal("there is none")
		}
		return b
	}
	at := noon.UnixNano()
	cases := map[string]func(t *testing.T, s *store.Store, tx *store.Tx){
		"log": func(t *testing.T, s *store.Store, tx *store.Tx) {
			last, err := s.LastLogSeq()
			must(t, err)
			entry := first(t, func(fn func([]byte) error) error {
				return s.EachLog(func(_ uint64, e []byte) error { return fn(e) })
			})
			tx.PutLog(last+1, entry[:len(entry)-1])
			tx.PutLog(last+2, entry[:5])
			tx.PutLog(last+3, entry[:9]) // a batch without records
			entry[8] = 99                // its version
			tx.PutLog(last+4, entry)
		},
		"pending": func(t *testing.T, s *store.Store, tx *store.Tx) {
			rows := first(t, func(fn func([]byte) error) error {
				return s.EachPending("new", "1", "", func(_ uint64, b []byte) error { return fn(b) })
			})
			tx.PutPending("new", "1", "", 1000, rows[:len(rows)/2])
		},
		"outbox": func(t *testing.T, s *store.Store, tx *store.Tx) {
			last, err := s.LastParcelSeq()
			must(t, err)
			var window, reference store.Parcel
			must(t, s.EachParcel(func(p store.Parcel) error {
				p.Body = append([]byte(nil), p.Body...)
				if p.Kind == store.KindWindow {
					window = p
				} else {
					reference = p
				}
				return nil
			}))
			put := func(p store.Parcel, change func(p *store.Parcel)) {
				last++
				p.Seq = last
				change(&p)
				tx.PutParcel(p)
			}
			put(window, func(p *store.Parcel) { p.Kind = "letter" })
			put(window, func(p *store.Parcel) { p.Layout = "other" })
			put(window, func(p *store.Parcel) { p.Body = p.Body[:len(p.Body)-1] })
			put(window, func(p *store.Parcel) { p.Kind = store.KindReference })
			put(reference, func(p *store.Parcel) { p.Body = nil })
		},
		"references": func(t *testing.T, s *store.Store, tx *store.Tx) {
			ref, ok, err := s.Reference("fraud", "1", "training")
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			tx.PutReference("fraud", "1", "test", ref)
			tx.PutReference("fraud", "2", "training", ref[:len(ref)-4])
		},
		"layouts": func(t *testing.T, s *store.Store, tx *store.Tx) {
			// One under a wrong name, and one spoiled that profiles need.
			var id string
			l := first(t, func(fn func([]byte) error) error {
				return s.EachLayout(func(name string, b []byte) error {
					if id == "" {
						id = name
					}
					return fn(b)
				})
			})
			tx.PutLayout("wrong", l)
			_, b, ok, err := s.LatestProfile("fraud", "1", at+1)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			needed, err := profile.LayoutID(b)
			must(t, err)
			tx.PutLayout(needed, []byte("spoiled"))
		},
		"missing-layout": func(t *testing.T, s *store.Store, tx *store.Tx) {
			_, b, ok, err := s.LatestProfile("fraud", "1", at+1)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			id, err := profile.LayoutID(b)
			must(t, err)
			tx.DeleteLayout(id)
		},
		"profiles": func(t *testing.T, s *store.Store, tx *store.Tx) {
			_, b, ok, err := s.LatestProfile("fraud", "1", at+1)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			// Sound bytes, and no profile of the layout that it names.
			var m formats.Profile
			must(t, formats.Open(b, formats.KindProfile, &m))
			m.Whole.Fields = m.Whole.Fields[1:]
			short, err := formats.Seal(nil, formats.KindProfile, &m)
			must(t, err)
			tx.PutProfile("fraud", "3", at, short)
			tx.PutProfile("fraud", "1", at, b[:20])
			b[len(b)/2] ^= 1
			tx.PutProfile("fraud", "1\x00", at+1, b)
			tx.PutProfile("fraud", "2", at, nil)
		},
	}
	cases["awaited"], cases["names"] = spoilAwaited, spoilNames
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			dir := stateDirectory(t)
			change(t, dir, func(s *store.Store, tx *store.Tx) { spoil(t, s, tx) })
			stdout, stderr, err := execute("check", dir)
			if err == nil || !strings.HasPrefix(stderr, "Error: "+dir+" has ") || !strings.HasSuffix(stderr, " problems\n") && !strings.HasSuffix(stderr, " problem\n") {
				t.Errorf("error %v, stderr %q", err, stderr)
			}
			_, problems, _ := strings.Cut(stdout, "\nProblems:\n")
			compare(t, filepath.Join("testdata", "check-spoiled-"+name+".txt"), hide(strings.ReplaceAll(problems, dir, "$WORK")))
		})
	}
}

// A damaged file is named once, and everything that can be read is.
func TestCheckDamagedFile(t *testing.T) {
	dir := stateDirectory(t)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	b, err := os.ReadFile(tables[0])
	must(t, err)
	b[len(b)/3] ^= 0xff
	must(t, os.WriteFile(tables[0], b, 0o600))
	stdout, stderr, err := execute("check", "--json", dir)
	var r jsonReport
	must(t, json.Unmarshal([]byte(stdout), &r))
	if err == nil || r.OK || len(r.Problems) != 1 || r.Problems[0].File != filepath.Base(tables[0]) || len(r.Lost) == 0 || !strings.Contains(stderr, "1 problem\n") {
		t.Errorf("error %v, stderr %q, report\n%s", err, stderr, stdout)
	}
	stdout, _, _ = execute("check", dir)
	name := filepath.Base(tables[0])
	for _, want := range []string{"- file " + name + ": the block at byte ", "does not match its checksum\n", "\nLost by the damage:\n- ", "driftmeter check " + dir + " --salvage NEWDIR"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, stdout)
		}
	}
}

// What is sound is saved, and the new directory is as good as any.
func TestCheckSalvage(t *testing.T) {
	dir := stateDirectory(t)
	change(t, dir, func(s *store.Store, tx *store.Tx) {
		tx.PutProfile("fraud", "2", noon.UnixNano(), []byte("spoiled"))
		tx.PutLayout("spoiled", nil)
	})
	work := t.TempDir()
	must(t, os.Rename(dir, filepath.Join(work, "state")))
	golden(t, "check-salvage", work, "check", "$WORK/state", "--salvage", "$WORK/saved")
	golden(t, "check-salvaged", work, "check", "$WORK/saved")
	golden(t, "check-salvage-again", work, "check", "$WORK/state", "--salvage", "$WORK/saved")
	must(t, os.Mkdir(filepath.Join(work, "empty"), 0o700))
	golden(t, "check-salvage-nothing", work, "check", "$WORK/empty", "--salvage", "$WORK/nothing")
	stdout, _, err := execute("check", filepath.Join(work, "state"), "--salvage", filepath.Join(work, "second"), "--json")
	var r jsonReport
	must(t, errors.Join(err, json.Unmarshal([]byte(stdout), &r)))
	if r.OK || len(r.Problems) != 2 || r.Saved == nil || r.Saved.Keys != keysOf(r)-2 || r.Saved.NewInstance {
		t.Errorf("the report is %s", stdout)
	}
	s, err := store.Open(filepath.Join(work, "saved"), store.Options{ReserveBytes: -1})
	must(t, err)
	defer s.Close()
	c, err := catalog.Open(s, nil, catalogOptions)
	must(t, err)
	in, err := intake.Open(s, c, intake.Options{Durability: store.Sync, Dedupe: time.Hour, Skew: time.Hour}, noon)
	must(t, err)
	_, err = in.Checkpoint(noon)
	must(t, err)
	if p, err := c.WindowProfile("fraud", "1", noon.UnixNano()); err != nil || p == nil {
		t.Errorf("the profile of a window: %v, %v", p, err)
	}
}

func keysOf(r jsonReport) (n int64) {
	for _, f := range r.Families {
		n += f.Keys
	}
	return n
}

func TestCheckErrors(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o700))
	must(t, os.Mkdir(filepath.Join(dir, "photos"), 0o700))
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg", "d.jpg"} {
		must(t, os.WriteFile(filepath.Join(dir, "photos", name), []byte("x"), 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, "unused"), 0o700))
	for _, name := range []string{"LOCK", "OWNER"} { // as a crash of the first start leaves it
		must(t, os.WriteFile(filepath.Join(dir, "unused", name), nil, 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, "log"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "log", "000002.log"), []byte("x"), 0o600))
	used := filepath.Join(dir, "used")
	s, err := store.Open(used, store.Options{ReserveBytes: -1})
	must(t, err)
	defer s.Close()
	must(t, os.Remove(filepath.Join(used, "OWNER"))) // it names the test's process
	newer := filepath.Join(dir, "newer")
	raiseFormat(t, newer)
	lost := stateDirectory(t)
	must(t, os.Rename(lost, filepath.Join(dir, "lost")))
	for _, pattern := range []string{"MANIFEST-*", "marker.*"} {
		files, err := filepath.Glob(filepath.Join(dir, "lost", pattern))
		must(t, err)
		for _, f := range files {
			must(t, os.Remove(f))
		}
	}
	for name, args := range map[string][]string{
		"nothing":   {"check"},
		"gone":      {"check", "$WORK/gone"},
		"file":      {"check", "$WORK/file"},
		"empty":     {"check", "$WORK/empty"},
		"unused":    {"check", "$WORK/unused"},
		"json-none": {"check", "$WORK/empty", "--json"},
		"photos":    {"check", "$WORK/photos"},
		"used":      {"check", "$WORK/used"},
		"newer":     {"check", "$WORK/newer"},
		"lost":      {"check", "$WORK/lost"},
		"log":       {"check", "$WORK/log"},
	} {
		golden(t, "check-error-"+name, dir, args...)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "empty")); err != nil || len(entries) != 0 {
		t.Errorf("the check has changed a directory: %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "photos")); err != nil || len(entries) != 4 {
		t.Errorf("the check has changed a directory: %v, %v", entries, err)
	}
	if runtime.GOOS == "linux" && os.Getuid() != 0 {
		must(t, os.Mkdir(filepath.Join(dir, "locked"), 0o000))
		if _, stderr, err := execute("check", filepath.Join(dir, "locked")); err == nil || strings.Count(stderr, "\n") != 1 {
			t.Errorf("a directory that may not be read: %q", stderr)
		}
	}
}

// raiseFormat makes a directory of a later release.
func raiseFormat(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(dir, store.Options{ReserveBytes: -1})
	must(t, err)
	must(t, s.Close())
	largest := *pebble.DefaultMerger
	largest.Name = "driftmeter.largest"
	db, err := pebble.Open(dir, &pebble.Options{FS: vfs.Default, Merger: &largest, Logger: quiet{}, FormatMajorVersion: pebble.FormatTableFormatV6})
	must(t, err)
	must(t, db.Set(append([]byte{byte(store.FamilyMeta)}, "format"...), []byte{0, 0, 0, store.Format + 1}, pebble.Sync))
	must(t, db.Close())
}

// quiet drops what Pebble says.
type quiet struct{}

func (quiet) Infof(string, ...any)              {}
func (quiet) Errorf(string, ...any)             {}
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
