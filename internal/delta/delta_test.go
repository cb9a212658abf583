package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
)

// tree are the files of an fs.FS.
type tree struct{ fs.FS }

func (f tree) List(_ context.Context, prefix string, fn func(string, time.Time) error) error {
	return fs.WalkDir(f.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(name, prefix) {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		return fn(name, st.ModTime())
	})
}

func (f tree) Open(_ context.Context, name string) (table.File, error) {
	b, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return table.File{}, err
	}
	return table.File{Name: name, Size: int64(len(b)), ReaderAt: strings.NewReader(string(b)), Closer: func() error { return nil }}, nil
}

var roomy = Limits{Files: 1000, Action: 1 << 20, Memory: 64 << 20}

func golden(t *testing.T, name string) (*Log, tree, map[int64][]string) {
	t.Helper()
	files := tree{os.DirFS(filepath.Join("testdata/tables", name))}
	text, err := fs.ReadFile(files.FS, "versions.json")
	if err != nil {
		t.Fatal(err)
	}
	var by map[string][]string
	if err := json.Unmarshal(text, &by); err != nil {
		t.Fatal(err)
	}
	versions := map[int64][]string{}
	for v, ids := range by {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		versions[n] = ids
	}
	l, err := Open(t.Context(), files, roomy)
	if err != nil {
		t.Fatal(err)
	}
	return l, files, versions
}

// ids reads the column id of files.
func ids(t *testing.T, files tree, adds []Add) (all []string) {
	t.Helper()
	for _, a := range adds {
		f, err := files.Open(t.Context(), a.Path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Size != a.Size {
			t.Errorf("%s has %d bytes, the log says %d", a.Path, f.Size, a.Size)
		}
		r, err := table.OpenFile(f, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]table.Cell, len(r.Columns()))
		for {
			more, err := r.Next(row)
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			for i, c := range r.Columns() {
				if c.Name == "id" {
					all = append(all, strings.Clone(row[i].Text))
				}
			}
		}
		_ = r.Close()
	}
	slices.Sort(all)
	return all
}

// Every version of each table has the rows that delta-rs finds in it.
func TestVersionsAsDeltaRSReadsThem(t *testing.T) {
	for name, want := range map[string]int{"plain": 7, "restored": 8, "partitioned": 13, "parts": 4} {
		l, files, versions := golden(t, name)
		if len(versions) != want {
			t.Errorf("%s: %d versions", name, len(versions))
		}
		for v, want := range versions {
			adds, err := l.Snapshot(t.Context(), v)
			if err != nil {
				t.Fatal(name, v, err)
			}
			if got := ids(t, files, adds); !slices.Equal(got, want) {
				t.Errorf("%s version %d: %v, want %v", name, v, got, want)
			}
		}
	}
}

func TestCommits(t *testing.T) {
	for name, want := range map[string][]string{
		"plain":    {"WRITE 1-0 false 10", "WRITE 1-0 false 10", "WRITE 1-0 false 10", "DELETE 1-1 true 9", "UPDATE 1-1 true 9", "OPTIMIZE 0-0 false 0", "WRITE 1-1 false 5"},
		"restored": {"WRITE 1-0 false 10", "WRITE 1-0 false 10", "DELETE 1-1 true 9", "DELETE 1-2 true 2", "RESTORE 2-1 true 20", "WRITE 1-0 false 5", "DELETE 0-3 false 0", "RESTORE 3-0 true 25"},
	} {
		l, files, _ := golden(t, name)
		var said []string
		for v := range l.Latest() + 1 {
			c, err := l.Commit(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			if c.Time.Year() < 2026 {
				t.Errorf("commit %d is of %s", v, c.Time)
			}
			said = append(said, fmt.Sprintf("%s %d-%d %v %d", c.Operation, len(c.Adds), c.Removes, c.Rewrites(), len(ids(t, files, c.Adds))))
		}
		if !slices.Equal(said, want) {
			t.Errorf("%s: %q", name, said)
		}
	}
}

// Files come in the order of their partitions, whose values have types.
func TestPartitions(t *testing.T) {
	l, _, _ := golden(t, "partitioned")
	adds, err := l.Snapshot(t.Context(), l.Latest())
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for i, a := range adds {
		p := a.Partitions
		if len(p) != 2 || p[0].Name != "dt" || p[0].Type != "date" || p[1].Name != "sex" || p[1].Type != "integer" {
			t.Fatalf("%+v", p)
		}
		if i == 0 && p[0].Value != nil {
			t.Errorf("the null partition is %q", *p[0].Value)
		}
		if now := text(p[0].Value) + text(p[1].Value); now < last {
			t.Errorf("%s after %s", now, last)
		} else {
			last = now
		}
	}
}

func TestTimeTravel(t *testing.T) {
	l, _, _ := golden(t, "plain")
	for v := range l.Latest() + 1 {
		c, err := l.Commit(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := l.At(t.Context(), c.Time); at != v || err != nil {
			t.Errorf("at %s: %d, %v; want %d", c.Time, at, err, v)
		}
		if at, err := l.At(t.Context(), c.Time.Add(-time.Millisecond)); v > 0 && (at != v-1 || err != nil) {
			t.Errorf("just before %s: %d, %v; want %d", c.Time, at, err, v-1)
		}
	}
	if _, err := l.At(t.Context(), time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), "no version that is as old") {
		t.Error(err)
	}
	l, _, _ = golden(t, "parts")
	for v, want := range map[int64]string{3: "no commit 0 in its log any more", 99: "no version 99; the newest is 12"} {
		if _, err := l.Snapshot(t.Context(), v); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
	}
}

// A checkpoint of which a part is missing is none.
func TestCheckpointInParts(t *testing.T) {
	part := filepath.Join("_delta_log", "00000000000000000009.checkpoint.0000000002.0000000003.parquet")
	l, err := Open(t.Context(), tree{without{os.DirFS("testdata/tables/parts"), part}}, roomy)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Snapshot(t.Context(), 12); err == nil || !strings.Contains(err.Error(), "no commit 0") {
		t.Error(err)
	}
}

// without is a file system that lacks a file.
type without struct {
	fs.FS
	name string
}

func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(all, func(d fs.DirEntry) bool { return name+"/"+d.Name() == filepath.ToSlash(w.name) }), err
}

const (
	protocol1 = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}` + "\n"
	schema    = `{"metaData":{"id":"x","format":{"provider":"parquet"},"schemaString":"{\"fields\":[{\"name\":\"a\",\"type\":\"long\"},{\"name\":\"s\",\"type\":{\"type\":\"struct\",\"fields\":[]}}]}","partitionColumns":[],"configuration":{}}}` + "\n"
	addA      = `{"add":{"path":"a%20b.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}` + "\n"
)

func logOf(commits ...string) tree {
	m := fstest.MapFS{}
	for v, c := range commits {
		m[fmt.Sprintf("_delta_log/%020d.json", v)] = &fstest.MapFile{Data: []byte(c)}
	}
	return tree{m}
}

func snapshot(t testing.TB, files tree, l Limits) ([]Add, error) {
	log, err := Open(t.Context(), files, l)
	if err != nil {
		return nil, err
	}
	return log.Snapshot(t.Context(), log.Latest())
}

// refusals are logs that are not read, and why.
var refusals = []struct{ log, want string }{
	{"", "no protocol in version 0"},
	{protocol1, "no schema in version 0"},
	{"{", "damaged commit 0: line 1"},
	{protocol1 + schema + "\x00", "damaged commit 0: line 3"},
	{`{"protocol":{"minReaderVersion":4}}` + "\n" + schema, "needs readers of version 4"},
	{`{"protocol":{"minReaderVersion":3,"readerFeatures":["variantType"]}}` + "\n" + schema, "needs the feature variantType"},
	{protocol1 + strings.Replace(schema, `"configuration":{}`, `"configuration":{"delta.columnMapping.mode":"name"}`, 1), "maps its columns by name"},
	{protocol1 + strings.Replace(schema, `:"parquet"`, `:"orc"`, 1), "is written in orc"},
	{protocol1 + strings.Replace(schema, `{\"fields\"`, `[\"fields\"`, 1), "damaged schema"},
	{protocol1 + schema + strings.Replace(addA, `"dataChange"`, `"deletionVector":{"storageType":"u","pathOrInlineDv":"ab","offset":1,"sizeInBytes":36,"cardinality":2},"dataChange"`, 1), "deletion vector for the file"},
	{protocol1 + schema + strings.Replace(addA, "a%20b", "..%2Fsecret", 1), "leads out of it"},
	{protocol1 + schema + strings.Replace(addA, "a%20b", "s3://other/x", 1), "outside of it"},
	{protocol1 + schema + strings.Replace(addA, "a%20b", "/etc/passwd", 1), "outside of it"},
	{protocol1 + schema + strings.Replace(addA, "a%20b", "a%zz", 1), "is no path"},
	{protocol1 + schema + `{"commitInfo":{"operation":"` + strings.Repeat("x", 2<<20) + `"}}`, "an action of more than"},
	{protocol1 + schema + addA + strings.Replace(addA, "a%20b", "b", 1), "more than 1 files"},
	{strings.Repeat("[", 1<<19), "damaged commit 0"},
}

func TestWhatIsRefused(t *testing.T) {
	tight := roomy
	tight.Files = 1
	for _, c := range refusals {
		_, err := snapshot(t, logOf(c.log), tight)
		if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%.80q: %v; want %s", c.log, err, c.want)
		}
	}
	adds, err := snapshot(t, logOf(protocol1+schema+addA, addA), tight)
	if err != nil || len(adds) != 1 || adds[0].Path != "a b.parquet" {
		t.Errorf("%v, %v", adds, err)
	}
	if _, err := Open(t.Context(), tree{fstest.MapFS{"a.parquet": {}}}, tight); err == nil || !strings.Contains(err.Error(), "has no log") {
		t.Error(err)
	}
	if is, err := Is(t.Context(), tree{fstest.MapFS{"a.parquet": {}}}); is || err != nil {
		t.Error(is, err)
	}
	if is, err := Is(t.Context(), logOf("")); !is || err != nil {
		t.Error(is, err)
	}
}

// Whatever stands in a commit, reading ends, and names no file outside of the
// table.
func FuzzCommit(f *testing.F) {
	for _, c := range refusals {
		if len(c.log) < 1000 {
			f.Add(c.log)
		}
	}
	f.Add(protocol1 + schema + addA + `{"remove":{"path":"a%20b.parquet","dataChange":true}}`)
	f.Fuzz(func(t *testing.T, text string) {
		adds, err := snapshot(t, logOf(text), roomy)
		if err != nil {
			return
		}
		for _, a := range adds {
			if strings.HasPrefix(a.Path, "/") || slices.Contains(strings.Split(a.Path, "/"), "..") || a.Size < 0 {
				t.Errorf("%+v", a)
			}
		}
	})
}

// Names of files in the log say versions and parts; whatever they are, no checkpoint
// is read that is not whole.
func FuzzNames(f *testing.F) {
	f.Add("00000000000000000009.checkpoint.0000000002.0000000003.parquet\n00000000000000000000.json")
	f.Add("00000000000000000001.checkpoint.parquet")
	f.Fuzz(func(t *testing.T, names string) {
		m := fstest.MapFS{}
		for _, name := range strings.Split(names, "\n") {
			if name = "_delta_log/" + name; fs.ValidPath(name) {
				m[name] = &fstest.MapFile{}
			}
		}
		l, err := Open(t.Context(), tree{m}, roomy)
		if err != nil {
			return
		}
		for _, c := range l.checkpoints {
			if len(c.paths) == 0 || c.version < 0 || c.version > l.latest {
				t.Errorf("%+v", c)
			}
		}
	})
}
