package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// The commands of scale-out/README.md, on other ports: three agents, three
// gateways and three evaluators, predictions by one agent and labels by another.
func TestScaleOutExample(t *testing.T) {
	driftmeter, full, example, dir := binary(t), fullBinary(t), built(t, "scale-out", "scale-out"), t.TempDir()
	t.Setenv("REFERENCES", dir)
	csv := filepath.Join(dir, "train.csv")
	run(t, exec.Command(example, "-train", csv))
	run(t, exec.Command(driftmeter, "reference", "build", csv, "--model", "loans", "--config", "scale-out/models.yaml", "-o", filepath.Join(dir, "loans.ref")))

	var agents, gateways, evaluators, metrics [3]string
	for i := range 3 {
		agents[i], gateways[i], evaluators[i], metrics[i] = free(t), free(t), free(t), free(t)
	}
	to := func(hosts [3]string) string {
		return fmt.Sprintf("--set=exporters::load_balancing::resolver::static::hostnames=[%q, %q, %q]", hosts[0], hosts[1], hosts[2])
	}
	for i := range 3 {
		launch(t, evaluators[i], []string{"PROMETHEUS_ENDPOINT=" + metrics[i], "DRIFTMETER_DIRECTORY=" + filepath.Join(dir, fmt.Sprint("evaluator", i))},
			driftmeter, "--config", "scale-out/evaluator.yaml", "--config", "scale-out/models.yaml")
		launch(t, gateways[i], []string{"DRIFTMETER_DIRECTORY=" + filepath.Join(dir, fmt.Sprint("gateway", i))},
			full, "--config", "scale-out/gateway.yaml", "--config", "scale-out/models.yaml", to(evaluators))
		launch(t, agents[i], nil, full, "--config", "scale-out/agent.yaml", to(gateways))
	}
	for _, hosts := range [][3]string{evaluators, gateways, agents} {
		for _, h := range hosts {
			listens(t, h)
		}
	}
	run(t, exec.Command(example, "-predictions", agents[0], "-labels", agents[1]))
	want := regexp.MustCompile(`ml_model_actuals\{ml_model_name="loans",ml_model_version="3",otel[^}]*\} 3000\n`)
	if !wait.For(func() bool {
		return slices.ContainsFunc(metrics[:], func(m string) bool {
			page := get(t.Context(), "http://"+m+"/metrics")
			return want.MatchString(page) && strings.Contains(page, `ml_performance_roc_auc`)
		})
	}) {
		t.Error("no evaluator has 3000 actuals of loans, and a performance")
	}
}

// The configurations for Kafka are ones that the binaries take.
func TestKafkaExampleIsValid(t *testing.T) {
	driftmeter, full, dir := binary(t), fullBinary(t), t.TempDir()
	t.Setenv("REFERENCES", dir)
	if err := os.WriteFile(filepath.Join(dir, "loans.ref"), nil, 0o600); err != nil { // validate asks only whether it is there
		t.Fatal(err)
	}
	run(t, exec.Command(driftmeter, "validate", "--config", "scale-out/kafka/agent.yaml"))
	run(t, exec.Command(full, "validate", "--config", "scale-out/gateway.yaml", "--config", "scale-out/kafka/gateway.yaml", "--config", "scale-out/models.yaml"))
}
