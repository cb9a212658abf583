package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/otelcol/otelcoltest"
)

// yamlBlock is a fenced block of a Markdown file, its text in group 1.
var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// Every configuration that we ship goes through the real factories: the built-in
// ones, the examples, and each whole one in a README. What has no service section
// (a compose file, a fragment) is not a configuration.
func TestShippedConfigsAreValid(t *testing.T) {
	texts := map[string]string{} // by where it stands
	for _, path := range find(t, "confmap/builtinprovider/*.yaml", "examples/*/*.yaml") {
		texts[path] = read(t, path)
	}
	if len(texts) == 0 {
		t.Fatal("no configuration found")
	}
	for _, path := range find(t, "README.md", "*/*/README.md") {
		for _, block := range yamlBlock.FindAllStringSubmatch(read(t, path), -1) {
			first, _, _ := strings.Cut(block[1], "\n")
			texts[path+": "+first] = block[1]
		}
	}

	factories, err := components()
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range texts {
		if !strings.Contains("\n"+text, "\nservice:") {
			continue
		}
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := otelcoltest.LoadConfigAndValidate(file, factories); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// The full distribution has everything that the default one has.
func TestFullManifestIsASuperset(t *testing.T) {
	full := read(t, "builder-config-full.yaml")
	lines := 0
	for line := range strings.Lines(read(t, "builder-config.yaml")) {
		if !strings.HasPrefix(line, "  - gomod:") && !strings.HasPrefix(line, "    import:") {
			continue
		}
		lines++
		if !strings.Contains(full, line) {
			t.Errorf("builder-config-full.yaml lacks %s", strings.TrimSpace(line))
		}
	}
	if lines < 20 {
		t.Fatalf("only %d components found", lines)
	}
}

func find(t *testing.T, patterns ...string) []string {
	t.Helper()
	var paths []string
	for _, p := range patterns {
		got, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, got...)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
