package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// The client for Python is installed from its folder, its tests run, and what it
// sends of data frames becomes metrics.
func TestPythonExample(t *testing.T) {
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	python := python(t, "python")
	run(t, exec.Command(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "./python"))
	tests := exec.Command(python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
	tests.Dir = "python"
	run(t, tests)
	c := start(t, "python/config.yaml")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+c.otlp)
	run(t, exec.Command(python, "python/send.py"))
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="house_prices"[^}]*\} 1000\n`)
	c.sees(t, `ml_model_actuals\{[^}]*ml_model_name="house_prices"[^}]*\} 1000\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="area"[^}]*\} 1\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="rooms"[^}]*\} 0\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="city"[^}]*\} 0\n`)
	c.sees(t, `ml_performance_mae\w*\{[^}]*ml_output_name="price"[^}]*\} 1\d{4}\.`)
}

// The names and limits of the client for Python are those of the contract.
func TestPythonContract(t *testing.T) {
	text, err := os.ReadFile("python/driftmeter_client/_contract.py")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"PREFIX": contract.Prefix, "PREDICTION": contract.Prediction, "ACTUAL": contract.Actual, "REFERENCE": contract.Reference,
		"MODEL_NAME": contract.ModelName, "MODEL_VERSION": contract.ModelVersion, "PREDICTION_ID": contract.PredictionID,
		"DATASET": contract.Dataset, "REFERENCE_COMPLETE": contract.ReferenceComplete, "TRAINING": contract.Training, "TEST": contract.Test,
		"ENVIRONMENT": contract.Environment, "FEATURES": contract.Features, "RAW_INPUTS": contract.RawInputs, "PREDICTIONS": contract.Predictions,
		"ACTUALS": contract.Actuals, "EXPLANATIONS": contract.Explanations, "METRICS": contract.Metrics,
		"MAX_FIELDS": contract.MaxFields, "MAX_NAME": contract.MaxName, "MAX_TEXT": contract.MaxText, "MAX_ID": contract.MaxID, "MAX_MEMBERS": contract.MaxMembers,
	} {
		if line := fmt.Sprintf("\n%s = %#v\n", name, want); !strings.Contains(string(text), line) {
			t.Errorf("no line %s", line)
		}
	}
}
