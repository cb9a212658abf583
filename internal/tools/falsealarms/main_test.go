package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/scenario"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// docs/false-alarms.md in short: on 18 days of each model that is well no
// default monitor fires, though most are judged.
func TestHealthyModelsAreSilent(t *testing.T) {
	paths, err := filepath.Glob("../../../" + folder + "/year/*.txt")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d tests, %v", len(paths), err)
	}
	for _, path := range paths {
		f, _, err := parse(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Loads[0].For = 18 * 24 * time.Hour
		f.Checks = []scenario.Check{{Between: true, To: f.Loads[0].For, Want: scenario.Silent}}
		r, err := f.Run(scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, failure := range r.Failures {
			t.Error(failure)
		}
		if strings.HasSuffix(path, "small.txt") {
			continue // too small for an hour
		}
		n := 0
		for _, judged := range r.Timeline.Evaluated() {
			n += judged
		}
		if n < 3*r.Windows {
			t.Errorf("%s: %d judgements in %d windows", path, n, r.Windows)
		}
	}
}

// The tables have a row for each monitor and each fault, and all faults are caught
// within two windows.
func TestTables(t *testing.T) {
	var b strings.Builder
	if err := tables(&b, "../../..", 1); err != nil {
		t.Fatal(err)
	}
	caught := regexp.MustCompile(`(?m)^\| \d+\. .* \| [12] of its windows \| .+ \|$`)
	if n := len(caught.FindAllString(b.String(), -1)); n != 13 {
		t.Errorf("%d faults are caught within two windows:\n%s", n, b.String())
	}
}

// The documentation has a row for each default monitor.
func TestDefaultsAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../../docs/false-alarms.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range watch.Defaults(time.Hour) {
		if !strings.Contains(string(b), "\n| "+m.Name+" | ") || !strings.Contains(string(b), " | "+m.Severity+" |") {
			t.Errorf("docs/false-alarms.md has no row for the default monitor %q", m.Name)
		}
	}
}
