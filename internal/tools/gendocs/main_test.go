package main

import (
	"os"
	"testing"
)

// Names, units and attributes of metrics, and keys with their defaults, are a
// contract: a change shows here.
func TestDocumentationIsCurrent(t *testing.T) {
	files, err := generate("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1+len(components()) {
		t.Errorf("%d generated files, want %d", len(files), 1+len(components()))
	}
	for path, want := range files {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the code says; run make generate", path)
		}
	}
}
