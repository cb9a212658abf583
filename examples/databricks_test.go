package examples_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Rows of an inference table become predictions, from the Delta table and by HTTP:
// requests in both of pandas' orientations, batches, and those that failed.
func TestDatabricksExample(t *testing.T) {
	address := free(t)
	t.Setenv("PREDICTION_ENDPOINT", address)
	t.Setenv("INFERENCE_TABLE", "databricks/served")
	t.Setenv("STORAGE_DIRECTORY", t.TempDir())
	t.Setenv("RETENTION", "876000h") // the rows do not grow younger
	out, err := exec.Command(binary(t), "mapping", "test", "databricks/payload.ndjson", "--config", "databricks/config.yaml", "--component", "dataset").CombinedOutput()
	for _, want := range []string{"892f902bd23f0824_0", "6b0d549b6f03675a_1", "2026-11-02T09:00:10Z", `"Lyon"`, "383400", "3 rows: 4 predictions, 0 refused"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("no %s: %v: %s", want, err, out)
		}
	}
	c := startAt(t, "databricks/config.yaml", address)
	// Of the second hour's 720 predictions 18 failed; its houses are larger.
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="house_prices",ml_model_version="3"[^}]*\} 702\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="area"[^}]*\} 1\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="city"[^}]*\} 0\n`)

	// The same rows by HTTP are known by their ids, and counted once.
	post(t, "http://"+address+"/v1/predictions?format=ndjson", "application/x-ndjson", "databricks/payload.ndjson")
	c.sees(t, `ml_integrity_duplicates\w*\{[^}]*ml_model_name="house_prices"[^}]*\} 3\n`)
}
