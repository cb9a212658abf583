package iceberg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// folderOf are the files of an fs.FS.
type folderOf struct{ fs.FS }

func (f folderOf) List(_ context.Context, prefix string, fn func(string, time.Time) error) error {
	return fs.WalkDir(f.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(name, prefix) {
			return err
		}
		return fn(name, time.Time{})
	})
}

func (f folderOf) Open(_ context.Context, name string) (table.File, error) {
	b, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return table.File{}, err
	}
	return table.File{Name: name, Size: int64(len(b)), ReaderAt: strings.NewReader(string(b)), Closer: func() error { return nil }}, nil
}

var roomy = Limits{Files: 1000, Memory: 64 << 20}

// said is what PyIceberg reads of a snapshot.
type said struct {
	ID        int64    `json:"id"`
	Operation string   `json:"operation"`
	IDs       []string `json:"ids"`
	Columns   []string `json:"columns"`
}

func golden(t testing.TB, name string) (folderOf, []said) {
	t.Helper()
	files := folderOf{os.DirFS(filepath.Join("testdata/tables", name))}
	text, err := fs.ReadFile(files.FS, "snapshots.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []said
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return files, all
}

func open(t testing.TB, files Files) *Table {
	t.Helper()
	table, err := Open(t.Context(), files, "", roomy)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// ids reads the column id of files, and which columns there are that were not
// dropped.
func ids(t *testing.T, files folderOf, adds []File) (all, columns []string) {
	t.Helper()
	for _, a := range adds {
		f, err := files.Open(t.Context(), a.Path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Size != a.Size {
			t.Errorf("%s has %d bytes, the manifest says %d", a.Path, f.Size, a.Size)
		}
		r, err := table.OpenFile(f, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Columns() {
			if !slices.Contains(a.Dropped, c.Name) && !slices.Contains(columns, c.Name) {
				columns = append(columns, c.Name)
			}
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
	slices.Sort(columns)
	return all, columns
}

// Every snapshot of each table has the rows and columns that PyIceberg finds in it.
func TestSnapshotsAsPyIcebergReadsThem(t *testing.T) {
	for name, want := range map[string]int{"plain": 6, "first": 2, "partitioned": 5, "evolved": 3} {
		files, all := golden(t, name)
		if len(all) != want {
			t.Errorf("%s: %d snapshots", name, len(all))
		}
		table := open(t, files)
		for _, s := range all {
			adds, err := table.Files(t.Context(), s.ID)
			if err != nil {
				t.Fatal(name, s.ID, err)
			}
			got, columns := ids(t, files, adds)
			slices.Sort(s.Columns)
			if !slices.Equal(got, s.IDs) || len(got) > 0 && !slices.Equal(columns, s.Columns) {
				t.Errorf("%s snapshot %d: %v %v, want %v %v", name, s.ID, got, columns, s.IDs, s.Columns)
			}
		}
	}
}

func TestChanges(t *testing.T) {
	files, all := golden(t, "plain")
	table := open(t, files)
	after, err := table.After(0)
	if err != nil || len(after) != len(all) {
		t.Fatal(after, err)
	}
	var got []string
	for i, s := range after {
		c, err := table.Change(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if s.ID != all[i].ID || c.Time.Year() < 2026 {
			t.Errorf("%+v is not %+v", s, all[i])
		}
		rows, _ := ids(t, files, c.Adds)
		got = append(got, fmt.Sprintf("%s %d-%d %v %d", c.Operation, len(c.Adds), c.Removes, c.Rewrites(), len(rows)))
	}
	want := []string{"append 1-0 false 10", "append 1-0 false 10", "append 1-0 false 10", "overwrite 1-1 true 9", "delete 0-3 false 0", "append 1-0 false 5"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for i := range all {
		if after, err := table.After(all[i].ID); err != nil || len(after) != len(all)-1-i {
			t.Errorf("after %d there are %v, %v", i, after, err)
		}
	}
}

// Files come in the order of their partitions, whose values have types; the day of a
// date is no column.
func TestPartitions(t *testing.T) {
	files, all := golden(t, "partitioned")
	adds, err := open(t, files).Files(t.Context(), all[len(all)-1].ID)
	if err != nil {
		t.Fatal(err)
	}
	days, none, kinds := []int64(nil), 0, map[string]bool{}
	for _, a := range adds {
		for _, p := range a.Partitions {
			kinds[p.Name+" "+p.Kind.String()] = true
			switch {
			case p.Name == "dt" && p.Kind == tree.Wall:
				days = append(days, p.Int)
			case p.Name == "dt":
				none++
			}
		}
	}
	if len(days) != 6 || !slices.IsSorted(days) || time.Unix(0, days[0]).UTC().Format(time.DateOnly) != "2026-01-10" || none != 1 || len(kinds) != 3 || !kinds["sex an integer"] {
		t.Errorf("%v %d %v", days, none, kinds)
	}
}

func TestTimeTravel(t *testing.T) {
	files, all := golden(t, "first")
	table := open(t, files)
	for i, s := range all {
		snapshot, err := table.Snapshot(s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := table.At(snapshot.Time); err != nil || at.ID != s.ID {
			t.Errorf("%+v, %v", at, err)
		}
		if at, err := table.At(snapshot.Time.Add(-time.Millisecond)); i > 0 && (err != nil || at.ID != all[i-1].ID) {
			t.Errorf("%+v, %v", at, err)
		}
	}
	for _, f := range []func() error{
		func() error { _, err := table.At(time.Unix(0, 0)); return err },
		func() error { _, err := table.Snapshot(1); return err },
		func() error { _, err := table.Files(t.Context(), 1); return err },
		func() error { _, err := table.Change(t.Context(), 1); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "has no snapshot") {
			t.Error(err)
		}
	}
}

// written is the metadata of a table whose current snapshot is 3, with what a test
// has it say.
func written(change ...string) string {
	text := `{"format-version":2,"table-uuid":"u","location":"s3a://b/t/","current-schema-id":0,` +
		`"schemas":[{"schema-id":0,"fields":[{"id":1,"name":"a","type":"long"},{"id":2,"name":"s","type":{"type":"struct","fields":[{"id":3,"name":"x","type":"long"}]}}]}],` +
		`"partition-specs":[{"spec-id":0,"fields":[]}],"current-snapshot-id":3,"snapshots":[` +
		`{"snapshot-id":2,"parent-snapshot-id":1,"timestamp-ms":2,"manifest-list":"s3://b/t/metadata/l.avro","summary":{"operation":"append"}},` +
		`{"snapshot-id":3,"parent-snapshot-id":2,"timestamp-ms":3,"manifest-list":"s3://b/t/metadata/l.avro","summary":{"operation":"append"}},` +
		`{"snapshot-id":4,"parent-snapshot-id":2,"timestamp-ms":4,"manifest-list":"s3://b/t/metadata/l.avro","summary":{"operation":"append"}}]}`
	return strings.NewReplacer(change...).Replace(text)
}

func lying(metadata string) fstest.MapFS {
	return fstest.MapFS{"metadata/v1.metadata.json": {Data: []byte(metadata)}}
}

// After a rollback only what another history has added is new; what expired before it
// was read is told.
func TestHistory(t *testing.T) {
	table := open(t, folderOf{lying(written())})
	for last, want := range map[int64]string{0: "expired", 1: "2 3", 2: "3", 3: "", 4: "3", 9: "expired"} {
		after, err := table.After(last)
		var got []string
		for _, s := range after {
			got = append(got, fmt.Sprint(s.ID))
		}
		if err != nil {
			got = []string{"expired"}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("after %d: %v, %v; want %s", last, got, err, want)
		}
	}
	if _, err := open(t, folderOf{lying(written(`"parent-snapshot-id":1`, `"parent-snapshot-id":3`))}).After(7); err == nil || !strings.Contains(err.Error(), "comes before itself") {
		t.Error(err)
	}
	empty := open(t, folderOf{lying(written(`"current-snapshot-id":3`, `"current-snapshot-id":-1`))})
	if _, ok := empty.Current(); ok {
		t.Error("an empty table has a snapshot")
	}
	if after, err := empty.After(0); err != nil || len(after) > 0 {
		t.Error(after, err)
	}
}

// refusals are metadata that are not read, and why.
var refusals = []struct{ text, want string }{
	{"", "damaged metadata"},
	{"{}", "does not say the version"},
	{"\x1f\x8bx", "damaged metadata"},
	{strings.Repeat("[", 1<<15), "damaged metadata"},
	{written(`"format-version":2`, `"format-version":3`), "is of version 3"},
	{written(`s3a://b/t/`, ``), "where it lies"},
	{written(`"table-uuid"`, `"properties":{"encryption.key-id":"k"},"table-uuid"`), "is encrypted"},
	{written(`"current-snapshot-id":3`, `"current-snapshot-id":8`), "knows nothing"},
	{written(`"current-schema-id":0`, `"current-schema-id":5`), "no schema 5"},
	{written(`"type":"struct","fields":[`, `"type":"struct","fields":[7,`), "damaged schema"},
	{written(`"schemas":[`, `"schemas":[{"schema-id":1,"fields":[{"id":1,"name":"b","type":"long"}]},`), `renamed the column`},
	{written(`"schemas":[`, `"schemas":[{"schema-id":1,"fields":[{"id":9,"name":"a","type":"long"}]},`), `added another of that name`},
	{written(`"schemas":[`, `"schemas":[{"schema-id":1,"fields":[{"id":9,"name":"s.x","type":"long"}]},`), `added another of that name`},
}

func TestWhatIsRefused(t *testing.T) {
	for _, c := range refusals {
		_, err := Open(t.Context(), folderOf{lying(c.text)}, "", roomy)
		if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%.80q: %v; want %s", c.text, err, c.want)
		}
	}
	renamed, _ := golden(t, "renamed")
	if _, err := Open(t.Context(), renamed, "", roomy); err == nil || !strings.Contains(err.Error(), `renamed the column`) {
		t.Error(err)
	}
	two := lying(written())
	two["metadata/00001-x.metadata.json"] = two["metadata/v1.metadata.json"]
	if _, err := Open(t.Context(), folderOf{two}, "", roomy); err == nil || !strings.Contains(err.Error(), "only one of them was committed") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), folderOf{two}, "metadata/00001-x.metadata.json", roomy); err != nil {
		t.Error(err) // a catalogue says which
	}
	if _, err := Open(t.Context(), folderOf{fstest.MapFS{"a.parquet": {}}}, "", roomy); err == nil || !strings.Contains(err.Error(), "has no metadata") {
		t.Error(err)
	}
	for is, files := range map[bool]fstest.MapFS{true: two, false: {"metadata/x.json": {}, "metadata/a/v1.metadata.json": {}}} {
		if got, err := Is(t.Context(), folderOf{files}); got != is || err != nil {
			t.Error(got, err)
		}
	}
}

// Limits hold for metadata, for what manifests unfold to, and for files.
func TestLimits(t *testing.T) {
	files, all := golden(t, "plain")
	if _, err := Open(t.Context(), files, "", Limits{Files: 10, Memory: 1000}); err == nil || !strings.Contains(err.Error(), "more than 1000 bytes of metadata") {
		t.Error(err)
	}
	table := open(t, files)
	table.limits.Files = 2
	if _, err := table.Files(t.Context(), all[2].ID); err == nil || !strings.Contains(err.Error(), "more than 2 files") {
		t.Error(err)
	}
	table.limits = Limits{Files: 100, Memory: 4000}
	if _, err := table.Files(t.Context(), all[2].ID); err == nil || !strings.Contains(err.Error(), "more than 4000 bytes of metadata in metadata/") {
		t.Error(err)
	}
}

func TestPathsOfTheTable(t *testing.T) {
	m := &metadata{}
	for _, c := range []struct{ location, uri, want string }{
		{"s3://b/t", "s3a://b/t/data/a=1/x.parquet", "data/a=1/x.parquet"},
		{"s3n://b/t/", "s3://b/t/x", "x"},
		{"file:/w/t", "file:///w/t/a%20b", "a%20b"},
		{"/w/t", "file:///w/t/x", "x"},
		{"s3://b/t", "s3://b/t2/x", "outside of its location"},
		{"s3://b/t", "s3://c/t/x", "outside of its location"},
		{"s3://b/t", "/etc/passwd", "outside of its location"},
		{"s3://b/t", "s3://b/t/../x", "leads out of it"},
		{"s3://b/t", "s3://b/t/a/../../x", "leads out of it"},
		{"s3://b/t", "s3://b/t//x", "leads out of it"},
		{"s3://b/t", "s3://b/t/", "leads out of it"},
	} {
		m.Location = c.location
		got, err := m.relative(c.uri)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s in %s: %s, want %s", c.uri, c.location, got, c.want)
		}
	}
}

// Whatever metadata say, reading ends, and names no file outside of the table.
func FuzzMetadata(f *testing.F) {
	files, _ := golden(f, "partitioned")
	at, err := newest(f.Context(), files)
	if err != nil {
		f.Fatal(err)
	}
	real, err := fs.ReadFile(files.FS, at)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(real))
	f.Add(written())
	for _, c := range refusals {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table := &Table{files: files, limits: roomy}
		if table.meta, err = parse([]byte(text), 1<<20); err != nil {
			return
		}
		_, _ = table.After(0)
		if s, ok := table.Current(); ok {
			inside(t, table, s.ID)
		}
	})
}

// inside fails if a snapshot names files outside of the table.
func inside(t *testing.T, table *Table, id int64) {
	adds, err := table.Files(t.Context(), id)
	if err != nil {
		return
	}
	for _, a := range adds {
		if strings.HasPrefix(a.Path, "/") || slices.Contains(strings.Split(a.Path, "/"), "..") || a.Size <= 0 {
			t.Errorf("%+v", a)
		}
	}
}
