// Package examples_test runs each example as its README says: the built binary
// with the configuration, then the client.
package examples_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/ports"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

func TestGoExample(t *testing.T) {
	c := start(t, "go/config.yaml")
	run(t, exec.Command("go", "run", "./go", "-endpoint", c.otlp))
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
	cmd := exec.Command(binary(t), "--config", config)
	cmd.Env = append(os.Environ(), "OTLP_ENDPOINT="+c.otlp, "PROMETHEUS_ENDPOINT="+c.prometheus, "DRIFTMETER_DIRECTORY="+t.TempDir())
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
	listens(t, c.otlp)
	return c
}

// binary returns the collector to run: the one that make test has built.
func binary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("DRIFTMETER_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "driftmeter")
	run(t, exec.Command("go", "build", "-o", bin, ".."))
	return bin
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
