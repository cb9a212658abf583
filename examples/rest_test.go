package examples_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A table goes in by curl: training set, predictions, labels. What is refused is
// named.
func TestRESTExample(t *testing.T) {
	address := free(t)
	t.Setenv("PREDICTION_ENDPOINT", address)
	out, err := exec.Command(binary(t), "mapping", "test", "rest/served.csv", "--config", "rest/config.yaml").CombinedOutput()
	if err != nil || !strings.Contains(string(out), `features.postcode          "02139"`) {
		t.Fatalf("%v: %s", err, out)
	}
	c := startAt(t, "rest/config.yaml", address)
	cmd := exec.Command("sh", "rest/send.sh")
	cmd.Env = append(os.Environ(), "PREDICTION_ENDPOINT="+address)
	out, err = cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), `{"accepted":400,"refused":0}`) != 3 || !strings.Contains(string(out), `"reason":"bad_time"`) {
		t.Fatalf("%v: %s", err, out)
	}
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="loans"[^}]*\} 400\n`)
	c.sees(t, `ml_performance_roc_auc\w*\{[^}]*ml_output_name="default_proba"[^}]*\} 0\.[89]`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="income"[^}]*\} 1\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="postcode"[^}]*\} 0\n`)
}
