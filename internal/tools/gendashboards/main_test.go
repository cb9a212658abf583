package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what would be generated, and nothing else lies beside it.
func TestExamplesAreUpToDate(t *testing.T) {
	const committed = "../../../dashboards"
	dir := t.TempDir()
	if err := generate(filepath.Join(committed, "example.yaml"), dir); err != nil {
		t.Fatal(err)
	}
	for _, e := range exports {
		want, got := tree(t, filepath.Join(dir, e.system)), tree(t, filepath.Join(committed, e.system))
		for name, content := range want {
			if !bytes.Equal(content, got[name]) {
				t.Errorf("dashboards/%s/%s is out of date: run `make generate`", e.system, name)
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("dashboards/%s/%s is not generated any more: remove it", e.system, name)
			}
		}
	}
}

func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(dir, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
