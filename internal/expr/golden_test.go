package expr

import (
	"os"
	"strings"
	"testing"
)

const goldenFile = "testdata/errors.txt"

// goldenSources returns the sources of the golden file: the lines before each
// answer, which is indented. Sources cannot hold line breaks there; \n stands for one.
func goldenSources(t testing.TB) []string {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "    ") && line[0] != '#' {
			sources = append(sources, strings.ReplaceAll(line, "␤", "\n"))
		}
	}
	return sources
}

// Every mistake is answered with the text in the golden file. UPDATE=1 rewrites it.
func TestErrorTexts(t *testing.T) {
	var b strings.Builder
	b.WriteString("# A condition with a mistake, and what its author is told. ␤ stands for a line break.\n")
	sources := goldenSources(t)
	if len(sources) < 60 {
		t.Errorf("only %d sources in %s", len(sources), goldenFile)
	}
	for _, src := range sources {
		b.WriteString("\n" + strings.ReplaceAll(src, "\n", "␤") + "\n")
		_, err := Compile(src, shop)
		if err == nil {
			t.Errorf("%s: no error", src)
			continue
		}
		b.WriteString("    " + strings.ReplaceAll(err.Error(), "\n", "\n    ") + "\n")
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, _ := os.ReadFile(goldenFile); string(want) != b.String() {
		t.Errorf("texts differ from %s; UPDATE=1 rewrites it:\n%s", goldenFile, b.String())
	}
}
