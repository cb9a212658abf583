package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Python returns the directory of programs of an environment with what pip is asked
// for, made if it is not there yet, or is of something else: in dist, where the next
// run finds it again. Packages that are tested at the same time may share one: the
// first makes it, and others wait.
func Python(into string, requirements []byte) (bin string, err error) {
	if into, err = filepath.Abs(into); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(into), 0o750); err != nil {
		return "", err
	}
	unlock, err := locked(into + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	bin, mark := filepath.Join(into, "bin"), filepath.Join(into, "installed")
	if have, err := os.ReadFile(mark); err == nil && string(have) == string(requirements) {
		return bin, nil
	}
	wanted := filepath.Join(into, "requirements.txt")
	if out, err := exec.Command("python3", "-m", "venv", "--clear", into).CombinedOutput(); err != nil {
		return "", fmt.Errorf("python3 -m venv: %w\n%s", err, out)
	}
	if err := os.WriteFile(wanted, requirements, 0o600); err != nil {
		return "", err
	}
	if out, err := exec.Command(filepath.Join(bin, "pip"), "install", "-q", "--disable-pip-version-check", "-r", wanted).CombinedOutput(); err != nil {
		return "", fmt.Errorf("pip install -r %s: %w\n%s", wanted, err, out)
	}
	return bin, os.Rename(wanted, mark)
}
