package testbed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Broken configurations are refused by validate and by a start alike, with
// every mistake in the user's spelling. What is printed is compared with a file
// of testdata/config; UPDATE=1 writes it.
func TestBrokenConfigurationsAreExplained(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("found only %d configurations: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			code, validate := run(t, "validate", "--config", file)
			if code == 0 {
				t.Fatalf("validate takes it:\n%s", validate)
			}
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(validate), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if validate != string(want) {
				t.Errorf("validate says\n%s\nwant\n%s", validate, want)
			}
			code, start := run(t, "--config", file)
			if code == 0 {
				t.Fatalf("a start takes it:\n%s", start)
			}
			// A start says the same, after a few words about the step.
			_, mistakes, _ := strings.Cut(string(want), ": ")
			if !strings.Contains(start, mistakes) {
				t.Errorf("a start says\n%s\nwhich lacks\n%s", start, mistakes)
			}
		})
	}
}
