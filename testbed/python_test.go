package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// python returns the programs of an environment with testdata/requirements.txt,
// made once for all tests in dist, where the next run finds it again.
var python = sync.OnceValues(func() (string, error) {
	wanted, err := os.ReadFile("testdata/requirements.txt")
	if err != nil {
		return "", err
	}
	venv, err := filepath.Abs("../dist/testbed-python")
	if err != nil {
		return "", err
	}
	bin, mark := filepath.Join(venv, "bin"), filepath.Join(venv, "requirements.txt")
	if have, err := os.ReadFile(mark); err == nil && string(have) == string(wanted) {
		return bin, nil
	}
	for _, c := range [][]string{
		{"python3", "-m", "venv", "--clear", venv},
		{filepath.Join(bin, "pip"), "install", "-q", "--disable-pip-version-check", "-r", "testdata/requirements.txt"},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", c, err, out)
		}
	}
	return bin, os.WriteFile(mark, wanted, 0o600)
})

// runPython runs a script of testdata.
func runPython(t *testing.T, script string, args ...string) {
	t.Helper()
	bin, err := python()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(bin, "python"), append([]string{filepath.Join("testdata", script)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", script, args, err, out)
	}
}

// moto starts a server that speaks the protocols of AWS, until the test ends, and
// returns its address. The environment has credentials for it.
func moto(t *testing.T) string {
	t.Helper()
	bin, err := python()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	cmd := exec.Command(filepath.Join(bin, "moto_server"), "-H", "127.0.0.1", "-p", fmt.Sprint(ports[0]))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to save
		_ = cmd.Wait()
	})
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if listens(address) {
			return "http://" + address
		}
		if time.Now().After(end) {
			t.Fatalf("moto does not listen on %s after %v", address, patience)
		}
	}
}
