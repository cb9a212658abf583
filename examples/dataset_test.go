package examples_test

import (
	"os"
	"os/exec"
	"testing"
)

// A batch job leaves files: training set, predictions of a day, outcomes.
func TestDatasetExample(t *testing.T) {
	t.Setenv("SCORES", t.TempDir())
	c := startAt(t, "dataset/config.yaml", free(t))
	cmd := exec.Command("sh", "dataset/job.sh")
	cmd.Env = os.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="loans"[^}]*\} 400\n`)
	c.sees(t, `ml_performance_roc_auc\w*\{[^}]*ml_output_name="default_proba"[^}]*\} 0\.[89]`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="income"[^}]*\} 1\n`)
}
