// Package examples_test runs each example as its README says: the built binary
// with the configuration, then the client.
package examples_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/ports"
	"github.com/driftmeter/driftmeter/testbed/servers"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

func TestGoExample(t *testing.T) {
	c := start(t, "go/config.yaml")
	sendLoans(t, c)
	// Incomes fell by half a standard deviation of their logarithm.
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="loans"[^}]*\} 1000\n`)
	c.sees(t, `ml_drift_detected_ratio\{[^}]*ml_model_name="loans"[^}]*\} 0\.[1-9]`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="income"[^}]*\} 1\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="purpose"[^}]*\} 0\n`)
	c.sees(t, `ml_performance_roc_auc\w*\{[^}]*ml_segment_value="car"[^}]*\} 0\.[7-9]`)
}

// collector is the built binary, running.
type collector struct{ otlp, prometheus string }

func start(t *testing.T, config string) collector {
	t.Helper()
	return startAt(t, config, free(t))
}

// startAt waits until the collector listens on an address, which is that of OTLP
// unless the configuration has another.
func startAt(t *testing.T, config, address string) collector {
	t.Helper()
	c := collector{address, free(t)}
	launch(t, c.otlp, []string{"PROMETHEUS_ENDPOINT=" + c.prometheus, "DRIFTMETER_DIRECTORY=" + t.TempDir()}, binary(t), "--config", config)
	listens(t, c.otlp)
	return c
}

// launch runs a program until the test ends.
func launch(t *testing.T, otlp string, env []string, bin string, args ...string) {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Env = append(append(os.Environ(), "OTLP_ENDPOINT="+otlp), env...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
}

// listens waits until somebody does.
func listens(t *testing.T, address string) {
	t.Helper()
	if !wait.For(func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}) {
		t.Fatalf("nobody listens on %s", address)
	}
}

// binary returns the collector to run: the one that make test has built.
func binary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("DRIFTMETER_BIN"); bin != "" {
		return bin
	}
	return built(t, "driftmeter", "..")
}

// fullBinary returns the full distribution: the one that make test has built.
func fullBinary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("DRIFTMETER_FULL_BIN"); bin != "" {
		return bin
	}
	return built(t, "driftmeter-full", "../distributions/full")
}

// builds is the folder of what tests build, until the last one has ended.
var builds string

func TestMain(m *testing.M) {
	var err error
	if builds, err = os.MkdirTemp("", "examples"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(builds)
	os.Exit(code)
}

// built returns the program of a folder, which is built once.
func built(t *testing.T, name, folder string) string {
	t.Helper()
	bin := filepath.Join(builds, name)
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = folder
	run(t, cmd)
	return bin
}

// sendLoans runs the client for Go.
func sendLoans(t *testing.T, to collector, more ...string) {
	t.Helper()
	run(t, exec.Command(built(t, "client", "go"), append([]string{"-endpoint", to.otlp}, more...)...))
}

// python returns a Python that has the requirements of a folder.
func python(t *testing.T, folder string) string {
	t.Helper()
	wanted, err := os.ReadFile(filepath.Join(folder, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	bin, err := servers.Python(filepath.Join("../dist/examples", filepath.Base(folder)), wanted)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, "python")
}

func free(t *testing.T) string {
	t.Helper()
	address, err := ports.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// sees waits for a line on the Prometheus endpoint.
func (c collector) sees(t *testing.T, line string) {
	t.Helper()
	want := regexp.MustCompile(line)
	var page string
	if wait.For(func() bool {
		page = get(t.Context(), "http://"+c.prometheus+"/metrics")
		return want.MatchString(page)
	}) {
		return
	}
	name, _, _ := strings.Cut(line, `\`)
	t.Errorf("no line matches %s; there are:\n%s", line, strings.Join(regexp.MustCompile(`(?m)^`+name+`.*$`).FindAllString(page, 20), "\n"))
}

// post sends a file, which has to be taken.
func post(t *testing.T, url, contentType, file string) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", file, resp.Status)
	}
}

func get(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}
