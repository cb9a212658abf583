package testbed

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A writer makes a file or a body of rows.
type writer func(*testing.T, *world, *frame) []byte

func csvOf(_ *testing.T, _ *world, f *frame) []byte   { return f.csv() }
func linesOf(_ *testing.T, _ *world, f *frame) []byte { return f.lines() }

// parquetOf is what pyarrow has written of them.
func parquetOf(t *testing.T, w *world, f *frame) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.lake(), "parquet", w.path(f)+".parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zipped(write writer) writer {
	return func(t *testing.T, w *world, f *frame) []byte {
		t.Helper()
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write(write(t, w, f))
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
}

func zstandard(write writer) writer {
	return func(t *testing.T, w *world, f *frame) []byte {
		t.Helper()
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return z.EncodeAll(write(t, w, f), nil)
	}
}

// tables calls do for each part of each table: car_loan/served/1.
func (w *world) tables(do func(path string, f *frame)) {
	for _, s := range w.sets {
		for table, parts := range map[string][]*frame{"reference": s.training, "served": s.predicted, "actuals": s.labelled} {
			for k, f := range parts {
				do(fmt.Sprintf("%s/%s/%d", s.name, table, k), f)
			}
		}
	}
}

// path is that of a part.
func (w *world) path(of *frame) (path string) {
	w.tables(func(p string, f *frame) {
		if f == of {
			path = p
		}
	})
	return path
}

// writeFile writes a file, and the folders that it is in.
func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeLake has pyarrow write each part as Parquet, and delta-rs each table as one of
// Delta Lake, below a folder.
func writeLake(t *testing.T, sets []*loadedSet) string {
	t.Helper()
	w, dir := &world{sets: sets}, t.TempDir()
	schemas := map[string]map[string]string{}
	w.tables(func(path string, f *frame) {
		schemas[path] = map[string]string{}
		for _, c := range f.columns {
			schemas[path][c.name] = types[c.kind].arrow
		}
		writeFile(t, filepath.Join(dir, "csv", path+".csv.gz"), f.csv())
	})
	b, err := json.Marshal(schemas)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "schemas.json"), b)
	runPython(t, "lake.py", dir)
	return dir
}

// asFiles writes each part into a file with an end, below a folder.
func asFiles(end string, write writer) func(*testing.T, *world) string {
	return func(t *testing.T, w *world) string {
		dir := t.TempDir()
		w.tables(func(path string, f *frame) { writeFile(t, filepath.Join(dir, path+end), write(t, w, f)) })
		return dir
	}
}

func deltaTables(_ *testing.T, w *world) string { return filepath.Join(w.lake(), "delta") }

// inFolder reads what lies below a folder.
func inFolder(made func(*testing.T, *world) string) func(*testing.T, *world) *rig {
	return func(t *testing.T, w *world) *rig { return fromURL(t, w, made(t, w), "") }
}

// inBucket puts it into one before.
func inBucket(name string, made func(*testing.T, *world) string) func(*testing.T, *world) *rig {
	return func(t *testing.T, w *world) *rig {
		server := w.bucket()
		runPython(t, "s3.py", server, name, made(t, w))
		return fromURL(t, w, "s3://"+name, "?region=us-east-1&use_path_style=true&endpoint="+server)
	}
}

// fromURL starts a Collector that reads the tables below a url.
func fromURL(t *testing.T, w *world, url, query string) *rig {
	sources := ""
	for _, s := range w.sets {
		for _, table := range []struct {
			name, kind string
			parts      []*frame
		}{{"reference", "reference", s.training}, {"served", "predictions", s.predicted}, {"actuals", "actuals", s.labelled}} {
			if table.parts != nil {
				sources += fmt.Sprintf("{url: %q, kind: %s, mapping: %s}, ", url+"/"+s.name+"/"+table.name+query, table.kind, s.mapping())
			}
		}
	}
	r := newWayRig(t, w, []part{{"dataset", "{storage: file_storage, interval: 100ms, min_age: 0s, batch_rows: 777, sources: [" + sources + "]}"}}, nil)
	r.start()
	return r
}
