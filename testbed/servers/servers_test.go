package servers

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Nothing is left of a server that is stopped, also of one that goes on making files
// until it is gone, nor of one that never serves.
func TestNothingIsLeft(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	made := func() string {
		dir, err := directory()
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for range 20 {
		dir := made()
		s, err := begin(dir, exec.Command("sh", "-c", "while mkdir -p x/y 2>/dev/null && : >x/y/z; do :; done"), func() error {
			_, err := os.Stat(dir + "/x/y/z")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
	}
	never := func() error { return fs.ErrNotExist }
	if _, err := begin(made(), exec.Command("sh", "-c", "echo no room; exit 3"), never); err == nil || !strings.Contains(err.Error(), "has ended (exit status 3)\nno room") {
		t.Error(err)
	}
	if _, err := begin(made(), exec.Command("/none"), never); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := run(made(), "false"); err == nil {
		t.Error("no error")
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
