package predictionreceiver

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// Requests made of the description, right and wrong ones, are answered as it says:
// with its statuses, media types and bodies, and never by a failure of ours.
func TestRequestsOfTheDescription(t *testing.T) {
	requirements, err := os.ReadFile("testdata/openapi/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	bin, err := servers.Python("../../dist/schemathesis", requirements)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *Config) { c.Mapping.Model = "fraud" }, nil)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "schemathesis"), "run", r.url+"/openapi.json",
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance,missing_required_header",
		"--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--generation-deterministic", "--continue-on-failure", "--no-color", "--workers", "1")
	hooks, err := filepath.Abs("testdata/openapi")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Dir = t.TempDir() // it writes there what it has found
	cmd.Env = append(os.Environ(), "PYTHONPATH="+hooks, "SCHEMATHESIS_HOOKS=hooks")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
