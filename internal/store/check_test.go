package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// fill puts something into every family.
func fill(t testing.TB, s *Store, n uint64) {
	for i := range n {
		commit(t, s, NoSync, func(tx *Tx) {
			seq := i + 1
			at := int64(seq)
			tx.PutLog(seq, entry(seq))
			tx.PutBatch(batchOf(seq), at)
			tx.PutPending("m", "v", "training", seq, entry(seq))
			tx.PutParcel(Parcel{Seq: seq, Kind: "profile", Model: "m", Body: entry(seq)})
			tx.PutReference("m", fmt.Sprint(seq), "training", entry(seq))
			tx.PutLayout(fmt.Sprint(seq), entry(seq))
			tx.PutProfile("m", "v", at, entry(seq))
			tx.MarkDirty("m", "v", at, at, at)
			var seen Seen
			seen.Add(seq)
			tx.PutSeen("i", fmt.Sprint(seq), &seen)
			tx.PutVersion("m", fmt.Sprint(seq), Version{FirstSeen: at})
			tx.PutState(fmt.Sprint(seq), entry(seq))
			id := batchOf(seq)
			tx.PutAwaited(&id, entry(seq))
			tx.PutDue(Due{Arrival: at, Seq: seq, IDs: id[:]})
			tx.PutName(uint32(seq), entry(seq))
			tx.PutTally(fmt.Sprint(seq), Tally{Awaited: seq, Held: seq})
			tx.PutJoined(seq, entry(seq))
			tx.RaiseJoined(seq)
		})
	}
}

// A report counts what is there.
func TestCheckCounts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	fill(t, s, 9)
	closeIt(t, s)
	calls, last := 0, int64(0)
	r, err := Check(dir, CheckOptions{
		Progress: func(done, total int64) {
			if calls++; done < last || done > total {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		},
		Validators: map[Family]Validator{FamilyProfile: func(key, value []byte) error {
			if _, _, start, err := readWindowKey(FamilyProfile, key); err != nil || !bytes.Equal(value, entry(uint64(start))) {
				return errors.New("not a profile of mine")
			}
			if bytes.Equal(value, entry(4)) {
				return errors.New("I do not like it")
			}
			return nil
		}},
	})
	if err != nil || !r.Opened || r.Format != Format || r.Instance != s.Instance() || r.Tables == 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), `profiles, model "m", version "v"`) || !strings.Contains(r.Problems[0].String(), "I do not like it") {
		t.Errorf("problems %v, want the validator's", r.Problems)
	}
	for _, f := range r.Families {
		want := int64(9)
		if f.Family == FamilyMeta {
			want = 5
		}
		if f.Count != want || f.KeyBytes == 0 {
			t.Errorf("%s: %+v, want %d", f.Family, f, want)
		}
	}
	if calls < 3 || last == 0 {
		t.Errorf("%d calls of progress, the last at %d", calls, last)
	}
	if _, err := Check(filepath.Join(dir, "no"), CheckOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	if r, err := Check(t.TempDir(), CheckOptions{}); err != nil || !r.OK() || r.Opened {
		t.Errorf("an unused directory: %+v %v", r, err)
	}
}

// Records that cannot be, and keys that nobody has.
func TestCheckFindsForeignRecords(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, "db", small(mem))
	fill(t, s, 3)
	db := s.engine.db
	bad := map[string][2]string{
		"log, key 1000":                    {"\x10\x00", ""},
		"after the last":                   {string(logKey(99)), ""},
		"parcel 98 is there":               {string(parcelKey(98)), string((&Parcel{}).appendHead(nil))},
		"would never be forgotten":         {string(batchKey([16]byte{7})), string(appendTime(nil, 7))},
		"a value of 1 bytes, want none":    {string(batchTimeKey(7, [16]byte{7, 7})), "x"},
		"batch of 2 bytes":                 {string(batchKey([16]byte{8})), "xx"},
		"no such key is known":             {"\x01what", ""},
		"mark of 3 bytes":                  {string(keyOutboxLast) + "x", "xxx"},
		"has version 9":                    {string(keyOf(FamilyVersion, "m", "x")), "\x09"},
		"dirty mark ends early":            {string(dirtyKey("m", "x", 1)), "\x01"},
		"set of sequences is empty":        {string(keyOf(FamilySeen, "i", "x")), ""},
		"no family has this key":           {"\x02", ""},
		"family 0x7f, key 7f":              {"\x7f", ""},
		"profiles, key 226d":               {"\x22m", ""},
		"pending has 4 bytes, want 8 more": {string(keyOf(FamilyPending, "", "", "")) + "\x00\x00\x00\x00", ""},
		"references has an unterminated":   {"\x20m\x00\x01", ""},
		"layouts has 1 bytes too many":     {string(keyOf(FamilyLayout, "l")) + "x", ""},
		"states has 00 02 in a string":     {"\x26a\x00\x02", ""},
		"awaited has 1 bytes, want 16":     {"\x30a", "x"},
		"due has no class":                 {"\x31\x02", ""},
		"ids of 15 bytes":                  {string(dueKey(DueGone, 1, 1)), "fifteen bytes .."[:15]},
		"names has 5 bytes, want 4":        {"\x32\x00\x00\x00\x01\x00", ""},
		"has 2 awaited of 1":               {string(keyOf(FamilyTally, "x")), "\x01\x02\x01"},
		"joined, entry 97":                 {string(joinedKey(97)), ""},
	}
	delete(bad, "after the last")
	bad["although the last was 3"] = [2]string{string(logKey(99)), ""}
	delete(bad, "mark of 3 bytes")
	for _, kv := range bad {
		if err := db.Set([]byte(kv[0]), []byte(kv[1]), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	closeIt(t, s)
	r, err := Check("db", CheckOptions{Options: small(mem)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range r.Problems {
		all = append(all, p.String())
	}
	text := strings.Join(all, "\n")
	for want := range bad {
		if !strings.Contains(text, want) {
			t.Errorf("no problem says %q:\n%s", want, text)
		}
	}
	if len(r.Problems) != len(bad) {
		t.Errorf("%d problems, want %d:\n%s", len(r.Problems), len(bad), text)
	}
	r, err = Check("db", CheckOptions{Options: small(mem), MaxProblems: 2})
	if err != nil || len(r.Problems) != 2 || r.Unlisted != len(bad)-2 {
		t.Errorf("at most 2: %d and %d unlisted, %v", len(r.Problems), r.Unlisted, err)
	}
}

// filled is how much a real directory is filled.
const filled = 12

// realDirectory is a closed store in real files with several tables and, if
// running, a log that was not moved into them.
func realDirectory(t *testing.T, running bool, layouts int) (dir string, s *Store) {
	t.Helper()
	dir = t.TempDir()
	s = open(t, dir, Options{MemTableBytes: 512 << 10})
	fill(t, s, filled)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range layouts { // they do not compress, so they need several tables
		commit(t, s, NoSync, func(tx *Tx) {
			for j := range 20 {
				b := make([]byte, 3000)
				for k := range b {
					b[k] = byte(rng.Uint32())
				}
				tx.PutLayout(fmt.Sprintf("random %d %d", i, j), b)
			}
		})
	}
	if !running {
		closeIt(t, s)
		return dir, s
	}
	if err := s.engine.db.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		commit(t, s, Sync, func(tx *Tx) { tx.PutState(tail(i), bytes.Repeat([]byte{byte(i)}, 6000)) })
	}
	copied := snapshot(t, dir)
	closeIt(t, s)
	return copied, s
}

// snapshot copies a directory that is in use. Compactions may remove and add
// files meanwhile; then it is copied again.
func snapshot(t *testing.T, dir string) (copied string) {
	t.Helper()
	names := func() string {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(all)
	}
	for range 100 {
		before := names()
		copied = t.TempDir()
		err := os.CopyFS(copied, os.DirFS(dir))
		if err == nil && names() == before {
			return copied
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the directory changes all the time")
	return ""
}

// tail names the states that are only in the log.
func tail(i int) string { return fmt.Sprintf("tail %02d", i) }

// A damage is something that happens to a file.
type damageDone struct {
	name string
	do   func(b []byte) []byte // nil: the file is gone
}

func flip(at func(n int) int) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		b[at(len(b))] ^= 0x10
		return b
	}
}

// Whatever happens to a table, Check names it and goes on with the others, and
// reading what it held is an error that names it, not a wrong answer.
func TestDamagedTable(t *testing.T) {
	dir, _ := realDirectory(t, false, 100)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) < 2 {
		t.Fatalf("tables %v %v, want some", tables, err)
	}
	whole, err := Check(dir, CheckOptions{})
	if err != nil || !whole.OK() {
		t.Fatalf("%+v %v", whole, err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	damages := []damageDone{
		{"the first byte flipped", flip(func(int) int { return 0 })},
		{"the last byte flipped", flip(func(n int) int { return n - 1 })},
		{"the footer flipped", flip(func(n int) int { return n - 20 })},
		{"cut to half", func(b []byte) []byte { return b[:len(b)/2] }},
		{"cut by one byte", func(b []byte) []byte { return b[:len(b)-1] }},
		{"empty", func([]byte) []byte { return []byte{} }},
		{"gone", func([]byte) []byte { return nil }},
		{"longer", func(b []byte) []byte { return append(bytes.Clone(b), 0) }},
	}
	for range 30 {
		damages = append(damages,
			damageDone{"a byte flipped", flip(func(n int) int { return rng.IntN(n) })},
			damageDone{"a byte behind the data flipped", flip(func(n int) int { return n - 1 - rng.IntN(min(n, 3000)) })})
	}
	for i, d := range damages {
		file := tables[i%len(tables)]
		name := filepath.Base(file)
		b := spoil(t, file, d)
		r, err := Check(dir, CheckOptions{})
		if err != nil {
			t.Fatalf("%s %s: %v", name, d.name, err)
		}
		if r.OK() || !strings.Contains(r.Problems[0].String(), name) {
			t.Errorf("%s %s: problems %v, want its name", name, d.name, r.Problems)
		}
		if others := problemsOfOthers(r, name); len(others) > 0 {
			t.Errorf("%s %s: problems with others: %v", name, d.name, others)
		}
		if !r.Opened || len(r.Families) != len(families) {
			t.Errorf("%s %s: opened %v, %d families; want that it goes on", name, d.name, r.Opened, len(r.Families))
		}
		readAll(t, dir, name+" "+d.name, name)
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := Check(dir, CheckOptions{}); err != nil || !r.OK() {
		t.Fatalf("mended: %v %v", r.Problems, err)
	}
}

func problemsOfOthers(r *Report, name string) (others []Problem) {
	for _, p := range r.Problems {
		if p.File != "" && p.File != name {
			others = append(others, p)
		}
	}
	return others
}

// spoil damages a file and returns what it was.
func spoil(t *testing.T, file string, d damageDone) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if after := d.do(b); after == nil {
		err = os.Remove(file)
	} else {
		err = os.WriteFile(file, after, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readAll opens a damaged directory to read, and reads everything: what it gets
// is right, or an error that names directory, file and the command to run.
func readAll(t *testing.T, dir, what, file string) {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		if err == nil {
			return
		}
		if bad := new(CorruptError); !errors.As(err, &bad) {
			t.Errorf("%s: reading gives %v, want a CorruptError", what, err)
		}
		wantText(t, err, dir, file, "driftmeter check "+dir)
	}
	s, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		fail(err)
		return
	}
	defer s.Close()
	fail(s.EachLog(func(seq uint64, e []byte) error {
		if !bytes.Equal(e, entry(seq)) {
			t.Errorf("%s: entry %d has other content", what, seq)
		}
		return nil
	}))
	fail(s.EachProfile("m", "v", 0, 100, func(start int64, b []byte) error {
		if !bytes.Equal(b, entry(uint64(start))) {
			t.Errorf("%s: profile %d has other content", what, start)
		}
		return nil
	}))
	for i := range uint64(filled) {
		b, ok, err := s.Reference("m", fmt.Sprint(i+1), "training")
		fail(err)
		if err == nil && (!ok || !bytes.Equal(b, entry(i+1))) {
			t.Errorf("%s: reference %d: %v", what, i+1, ok)
		}
	}
}

// What happens to the other files is seen too, and named, when something would
// be lost by it. The one exception is the end of the log: damage there looks
// like the last commits of a process that was killed before they were written.
func TestDamagedOtherFiles(t *testing.T) {
	for _, running := range []bool{false, true} {
		dir, _ := realDirectory(t, running, 8)
		before := dump(t, dir)
		seen, mended, harmless, ends := map[string]int{}, map[string]int{}, map[string]int{}, 0
		newestLog := ""
		for _, file := range list(t, dir) {
			if strings.HasSuffix(file, ".log") {
				newestLog = max(newestLog, file)
			}
		}
		for _, file := range list(t, dir) {
			if strings.HasSuffix(file, ".sst") || file == "LOCK" || file == ownerFile {
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			kind := strings.Trim(file, "0123456789.-")
			places := 3
			if strings.HasPrefix(file, "MANIFEST") || file == newestLog {
				places = 30
			}
			for _, d := range damagesOf(b, places) {
				what := fmt.Sprintf("running=%v %s %s", running, file, d.name)
				switch judgeDamage(t, dir, file, what, d, before) {
				case "seen":
					seen[kind]++
				case "mended":
					mended[kind]++
				case "harmless":
					harmless[kind]++
				case "shorter":
					ends++
					if !strings.HasSuffix(file, ".log") {
						t.Errorf("%s: not seen, and something is lost", what)
					}
				}
			}
		}
		t.Logf("running=%v: seen %v, mended %v, harmless %v, taken for the end of the log %d", running, seen, mended, harmless, ends)
		if mended["MANIFEST"] < 50 || mended["OPTIONS"] == 0 || running && seen["log"] < 10 {
			t.Errorf("seen %v, mended %v: too few to prove anything", seen, mended)
		}
	}
}

// damagesOf damages a file of these bytes at so many places.
func damagesOf(b []byte, places int) []damageDone {
	all := []damageDone{{"gone", func([]byte) []byte { return nil }}}
	for i := range min(places, len(b)) {
		at := len(b) * i / places
		all = append(all,
			damageDone{fmt.Sprintf("byte %d of %d flipped", at, len(b)), flip(func(int) int { return at })},
			damageDone{fmt.Sprintf("cut to %d of %d", at, len(b)), func(b []byte) []byte { return b[:at] }})
	}
	return all
}

// judgeDamage does d to a file of dir, and puts it back. Damage is seen, seen and
// mended, harmless, or takes the last states of the log away.
func judgeDamage(t *testing.T, dir, file, what string, d damageDone, before string) string {
	t.Helper()
	path := filepath.Join(dir, file)
	b := spoil(t, path, d)
	defer func() {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}()
	r, err := Check(dir, CheckOptions{})
	if err != nil {
		t.Errorf("%s: check: %v", what, err)
		return ""
	}
	if !r.OK() {
		name, _, _ := strings.Cut(file, ".0")
		if p := r.Problems[0].String(); !strings.Contains(p, name) {
			t.Errorf("%s: problem %v, want the name %s", what, p, name)
		}
		s, err := Open(dir, Options{ReadOnly: true})
		if err != nil {
			wantText(t, err, dir, name, "driftmeter check "+dir)
			return "seen"
		}
		closeIt(t, s)
		if !strings.Contains(r.Problems[0].String(), "nothing is lost") || dump(t, dir) != before {
			t.Errorf("%s: it opens, and the problem is %v", what, r.Problems[0])
		}
		return "mended"
	}
	after := dump(t, dir)
	if after == before {
		return "harmless"
	}
	n := 0
	for ; strings.Contains(after, fmt.Sprintf("%x ", keyOf(FamilyState, tail(n)))); n++ {
	}
	want := strings.Split(before, "\n")
	for i := n; i < 30; i++ {
		key := fmt.Sprintf("%x ", keyOf(FamilyState, tail(i)))
		want = slices.DeleteFunc(want, func(line string) bool { return strings.HasPrefix(line, key) })
	}
	if after != strings.Join(want, "\n") {
		t.Errorf("%s: not seen, and what is left is not the beginning of the log", what)
	}
	return "shorter"
}

// dump lists every key and value.
func dump(t *testing.T, dir string) string {
	t.Helper()
	s := open(t, dir, Options{ReadOnly: true})
	defer closeIt(t, s)
	var out []string
	err := s.each([]byte{0}, []byte{0xff}, func(k, v []byte) error {
		out = append(out, fmt.Sprintf("%x %x", k, v))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
