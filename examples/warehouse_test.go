package examples_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// A table of a running PostgreSQL: what it was trained with, scores, and labels that
// are filled in later.
func TestWarehouseExample(t *testing.T) {
	pg, err := servers.StartPostgres()
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Stop()
	run := func(file string) {
		text, err := os.ReadFile(file)
		if err == nil {
			err = pg.Exec(t.Context(), string(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run("warehouse/tables.sql")
	for key, v := range map[string]string{"DATABASE_ENDPOINT": fmt.Sprintf("127.0.0.1:%d", pg.Port), "DATABASE_USER": "driftmeter", "DATABASE_PASSWORD": "secret",
		"EVERY": "200ms", "STORAGE_DIRECTORY": t.TempDir()} {
		t.Setenv(key, v)
	}
	c := start(t, "warehouse/config.yaml")
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="loans"[^}]*\} 1000\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="income"[^}]*\} 1\n`)
	c.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="postcode"[^}]*\} 0\n`)
	run("warehouse/labels.sql")
	c.sees(t, `ml_model_actuals\{[^}]*ml_model_name="loans"[^}]*\} 500\n`)
	c.sees(t, `ml_performance_roc_auc\w*\{[^}]*ml_output_name="default_proba"[^}]*\} 0\.[789]`)
}
