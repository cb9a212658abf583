package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/otelcol"
)

// dataDir holds the data sets.
const dataDir = "../../testdata/data"

// hidden is what differs from run to run, and the sizes of what is encoded, which
// are no business of a command.
var hidden = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`\b[0-9a-f]{30,32}\b`), "HEX"},
	{regexp.MustCompile(`\(\d[\d.]* k?B\)`), "(SIZE)"},
	{regexp.MustCompile(`of \d[\d.]* [kM]?B\b`), "of SIZE"},
	{regexp.MustCompile(`\d+ tables? of`), "TABLES of"}, // compaction decides
	{regexp.MustCompile(`(_bytes": )\d+`), "${1}0"},
	{regexp.MustCompile(`(?m)^( *\d+) +\d+  (\w[\w ]*)$`), "$1  N  $2"},
	{regexp.MustCompile(`\d+ bytes where the header says \d+`), "N bytes where the header says N"},
}

func hide(s string) string {
	for _, h := range hidden {
		s = h.pattern.ReplaceAllString(s, h.text)
	}
	return s
}

// golden runs a command and compares what it writes with testdata/NAME.stdout
// and .stderr, where $DATA stands for the data sets and $WORK for dir. A missing
// file is an empty one. A command fails exactly when it writes to stderr: nobody
// watches here, so there is no bar. UPDATE=1 writes the files anew.
func golden(t *testing.T, name, dir string, args ...string) {
	t.Helper()
	goldenOf(t, none, name, dir, args...)
}

// goldenOf runs a command of a distribution likewise.
func goldenOf(t *testing.T, factories func() (otelcol.Factories, error), name, dir string, args ...string) {
	t.Helper()
	for i, a := range args {
		args[i] = strings.NewReplacer("$DATA", dataDir, "$WORK", dir).Replace(a)
	}
	stdout, stderr, err := executeOf(factories, args...)
	if (err != nil) != (stderr != "") {
		t.Errorf("%q: error %v, stderr %q", args, err, stderr)
	}
	real, evalErr := filepath.EvalSymlinks(dir)
	if evalErr != nil {
		t.Fatal(evalErr)
	}
	for ext, got := range map[string]string{"stdout": stdout, "stderr": stderr} {
		got = strings.NewReplacer(dataDir, "$DATA", dir, "$WORK", real, "$WORK").Replace(got)
		compare(t, filepath.Join("testdata", name+"."+ext), hide(got))
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		var err error
		if got == "" {
			err = os.RemoveAll(path)
		} else {
			err = os.WriteFile(path, []byte(got), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (UPDATE=1 go test ./internal/cli writes it anew)\n%s", path, difference(string(want), got))
	}
}

// difference shows the lines that are not common to the beginning and the end.
func difference(want, got string) string {
	a, b := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return "-" + strings.Join(a, "-") + "\n+" + strings.Join(b, "+")
}
