package iceberg

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hamba/avro/v2/ocf"
)

const listSchema = `{"type":"record","name":"manifest_file","fields":[{"name":"manifest_path","type":"string"},{"name":"partition_spec_id","type":"int"},
{"name":"content","type":"int"},{"name":"added_snapshot_id","type":"long"},{"name":"added_files_count","type":["null","int"]},
{"name":"existing_files_count","type":["null","int"]},{"name":"key_metadata","type":["null","bytes"]}]}`

const entrySchema = `{"type":"record","name":"manifest_entry","fields":[{"name":"status","type":"int"},{"name":"snapshot_id","type":["null","long"]},
{"name":"data_file","type":{"type":"record","name":"r2","fields":[{"name":"content","type":"int"},{"name":"file_path","type":"string"},
{"name":"file_format","type":"string"},{"name":"file_size_in_bytes","type":"long"},{"name":"key_metadata","type":["null","bytes"]}]}}]}`

// container writes an Avro file of one row.
func container(t testing.TB, schema string, row map[string]any) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := ocf.NewEncoder(schema, &b, ocf.WithCodec(ocf.Deflate))
	if err == nil {
		err = e.Encode(row)
	}
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// made is a table with one manifest of one file, with what a test has them say.
func made(t testing.TB, list, file map[string]any) fstest.MapFS {
	t.Helper()
	m := map[string]any{"manifest_path": "s3://b/t/metadata/m.avro", "partition_spec_id": 0, "content": 0, "added_snapshot_id": int64(3),
		"added_files_count": 1, "existing_files_count": 0, "key_metadata": nil}
	f := map[string]any{"content": 0, "file_path": "s3://b/t/data/x.parquet", "file_format": "PARQUET", "file_size_in_bytes": int64(5), "key_metadata": nil}
	for k, v := range list {
		m[k] = v
	}
	for k, v := range file {
		f[k] = v
	}
	files := lying(written())
	files["metadata/l.avro"] = &fstest.MapFile{Data: container(t, listSchema, m)}
	files["metadata/m.avro"] = &fstest.MapFile{Data: container(t, entrySchema, map[string]any{"status": 1, "snapshot_id": nil, "data_file": f})}
	return files
}

func TestManifestsThatAreRefused(t *testing.T) {
	type say = map[string]any
	for _, c := range []struct {
		list, file say
		want       string
	}{
		{nil, nil, "data/x.parquet of 5"},
		{say{"content": 1, "added_files_count": 0}, nil, ""}, // delete files that have all been applied
		{say{"content": 1}, nil, "has delete files"},
		{say{"content": 1, "added_files_count": 0, "existing_files_count": 2}, nil, "has delete files"},
		{say{"content": 1, "added_files_count": nil}, nil, "has delete files"},
		{say{"key_metadata": []byte("k")}, nil, "encrypted manifest"},
		{say{"partition_spec_id": 7}, nil, "partitioning 7"},
		{say{"manifest_path": "s3://b/other/m.avro"}, nil, "outside of its location"},
		{say{"manifest_path": "s3://b/t/metadata/none.avro"}, nil, "cannot be read"},
		{say{"manifest_path": "s3://b/t/metadata/v1.metadata.json"}, nil, "damaged metadata"},
		{nil, say{"content": 2}, "a delete file among those of rows"},
		{nil, say{"file_format": "ORC"}, "of the format ORC"},
		{nil, say{"file_format": "AVRO"}, "of the format AVRO"},
		{nil, say{"key_metadata": []byte("k")}, "encrypted files"},
		{nil, say{"file_path": "/etc/passwd"}, "outside of its location"},
		{nil, say{"file_path": "s3://b/t/../x"}, "leads out of it"},
		{nil, say{"file_size_in_bytes": int64(-1)}, "a file without a size"},
	} {
		table := open(t, folderOf{made(t, c.list, c.file)})
		for _, own := range []bool{false, true} {
			var adds []File
			var err error
			if own {
				var change *Change
				if change, err = table.Change(t.Context(), 3); err == nil {
					adds = change.Adds
				}
			} else {
				adds, err = table.Files(t.Context(), 3)
			}
			got := ""
			for _, a := range adds {
				got += fmt.Sprintf("%s of %d", a.Path, a.Size)
			}
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || c.want == "" || !strings.Contains(got, c.want)) {
				t.Errorf("%v %v: %s, want %s", c.list, c.file, got, c.want)
			}
		}
	}
}

// Whatever stands in a list of manifests or a manifest, reading ends, and names no
// file outside of the table.
func FuzzManifest(f *testing.F) {
	files := made(f, nil, nil)
	f.Add(files["metadata/l.avro"].Data, files["metadata/m.avro"].Data)
	f.Fuzz(func(t *testing.T, list, manifest []byte) {
		m := lying(written())
		m["metadata/l.avro"], m["metadata/m.avro"] = &fstest.MapFile{Data: list}, &fstest.MapFile{Data: manifest}
		table := open(t, folderOf{m})
		table.limits.Memory = 1 << 20
		inside(t, table, 3)
	})
}
