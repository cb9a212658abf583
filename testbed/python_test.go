package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// python returns the programs of an environment with testdata/requirements.txt.
var python = sync.OnceValues(func() (string, error) {
	wanted, err := os.ReadFile("testdata/requirements.txt")
	if err != nil {
		return "", err
	}
	return servers.Python("../dist/testbed-python", wanted)
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
	server, err := servers.StartMoto("../dist/moto")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	return server.URL
}
