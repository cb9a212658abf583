package testbed

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/driftmeter/driftmeter/testbed/ports"
	"github.com/driftmeter/driftmeter/testbed/servers"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// Registry is Apicurio Registry as it is released, with its schemas in memory. It
// has the interface of Confluent's. internal/tools/registry says which version, and
// fetches it.
type Registry struct {
	*servers.Server
	URL string // of that interface
}

// StartRegistry starts one, and waits until it answers.
func StartRegistry() (*Registry, error) {
	script, err := upwards("internal/tools/registry/registry.sh")
	if err != nil {
		return nil, err
	}
	var said strings.Builder
	fetch := exec.Command("bash", script)
	fetch.Stderr = &said
	home, err := fetch.Output()
	if err != nil {
		return nil, fmt.Errorf("fetching the schema registry (needs Maven): %w\n%s", err, said.String())
	}
	runner, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(home)), "*-runner.jar"))
	if err != nil || len(runner) != 1 {
		return nil, fmt.Errorf("the schema registry has the programs %q: %w", runner, err)
	}
	address, err := ports.Address()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", runner[0])
	cmd.Env = append(os.Environ(), "QUARKUS_HTTP_HOST="+host, "QUARKUS_HTTP_PORT="+port)
	s, err := servers.Listening(cmd, address)
	if err != nil {
		return nil, fmt.Errorf("starting the schema registry (needs Java 17): %w", err)
	}
	r := &Registry{s, "http://" + address + "/apis/ccompat/v7"}
	if !wait.For(r.answers) {
		s.Stop()
		return nil, fmt.Errorf("the schema registry does not answer:\n%s", s.Said())
	}
	return r, nil
}

func (r *Registry) answers() bool {
	resp, err := http.Get(r.URL + "/subjects")
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // nothing is read of it
	return resp.StatusCode == http.StatusOK
}
