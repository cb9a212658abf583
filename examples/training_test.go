package examples_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// Predictions and late labels go in by HTTP; the labelled records come out in a
// file, which becomes Parquet, from which a reference is built.
func TestTrainingDataExample(t *testing.T) {
	address, file := free(t), filepath.Join(t.TempDir(), "out", "labelled.jsonl")
	t.Setenv("OTLP_HTTP_ENDPOINT", address)
	t.Setenv("TRAINING_DATA", file)
	start(t, "training-data/files.yaml")
	for _, name := range []string{"predictions", "actuals", "correction"} {
		body, err := os.ReadFile("training-data/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/logs", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", name, resp.Status)
		}
	}
	var text []byte
	wait.For(func() bool { // what is not there is told below
		text, _ = os.ReadFile(file)
		return bytes.Count(text, []byte("ml.labelled")) >= 4
	})
	if n := bytes.Count(text, []byte(`"eventName":"ml.labelled"`)); n != 4 || bytes.Contains(text, []byte("ml.prediction\"")) {
		t.Fatalf("%d labelled records:\n%s", n, text)
	}
	venv, parquet := filepath.Join(t.TempDir(), "venv"), filepath.Join(t.TempDir(), "labelled.parquet")
	run(t, exec.Command("python3", "-m", "venv", venv))
	run(t, exec.Command(filepath.Join(venv, "bin", "pip"), "install", "-q", "-r", "training-data/requirements.txt"))
	out, err := exec.Command(filepath.Join(venv, "bin", "python"), "training-data/to_parquet.py", "--model", "loans", file, "-o", parquet).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "3 predictions, 6 columns") {
		t.Fatalf("%v: %s", err, out)
	}
	ref := filepath.Join(t.TempDir(), "loans.ref")
	run(t, exec.Command(binary(t), "reference", "build", parquet, "--model", "loans", "-o", ref))
	out, err = exec.Command(binary(t), "reference", "show", ref).CombinedOutput()
	for _, want := range []string{"default_proba", "defaulted", "3 rows"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: no %s in\n%s", err, want, out)
		}
	}
}
