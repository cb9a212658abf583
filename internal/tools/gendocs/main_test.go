package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Names, units and attributes of metrics are a contract: a change shows here.
func TestMetricReferenceIsCurrent(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("../../..", metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != metrics() {
		t.Errorf("%s is not what the code says; run make generate", metricsFile)
	}
}
