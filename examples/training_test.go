package examples_test

import (
	"bytes"
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
		post(t, "http://"+address+"/v1/logs", "application/json", "training-data/"+name+".json")
	}
	var text []byte
	wait.For(func() bool { // what is not there is told below
		text, _ = os.ReadFile(file)
		return bytes.Count(text, []byte("ml.labelled")) >= 4
	})
	if n := bytes.Count(text, []byte(`"eventName":"ml.labelled"`)); n != 4 || bytes.Contains(text, []byte("ml.prediction\"")) {
		t.Fatalf("%d labelled records:\n%s", n, text)
	}
	parquet := filepath.Join(t.TempDir(), "labelled.parquet")
	out, err := exec.Command(python(t, "training-data"), "training-data/to_parquet.py", "--model", "loans", file, "-o", parquet).CombinedOutput()
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
