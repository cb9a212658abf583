package examples_test

import "testing"

// What BentoML really sent, in both forms of its bodies, becomes metrics. Request
// ids of the captures differ, and so do their rows.
func TestBentoMLExample(t *testing.T) {
	address := free(t)
	t.Setenv("PREDICTION_ENDPOINT", address)
	t.Setenv("RETENTION", "876000h") // the captures do not grow younger
	c := startAt(t, "bentoml/config.yaml", address)
	for _, name := range []string{"map", "repr"} {
		post(t, "http://"+address+"/v1/logs", "application/x-protobuf", "../internal/bentoml/testdata/"+name+".pb")
	}
	c.sees(t, `ml_model_predictions\{[^}]*ml_model_name="iris_monitor"[^}]*\} 100\n`)
	c.sees(t, `ml_model_actuals\{[^}]*ml_model_name="iris_monitor"[^}]*\} 98\n`)
	c.sees(t, `ml_field_mean\w*\{[^}]*ml_field_name="sepal len"[^}]*\} 7\.45\n`)
	c.sees(t, `ml_performance_accuracy\w*\{[^}]*ml_output_name="species"[^}]*\} 0\.897959`)
}
