package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/dataset"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// build and show write the same summary.
func TestReference(t *testing.T) {
	dir := t.TempDir()
	golden(t, "reference-titanic", dir, "reference", "build", "$DATA/titanic/reference.csv.gz", "--model", "titanic", "-o", "$WORK/titanic.ref",
		"--column", "PassengerId=id", "--column", "Survived=actuals.survived", "--column", "boat=", "--field", "features.Pclass=categorical")
	golden(t, "reference-titanic", dir, "reference", "show", "$WORK/titanic.ref")
	golden(t, "reference-titanic-fields", dir, "reference", "show", "--fields", "$WORK/titanic.ref")
	golden(t, "reference-loan", dir, "reference", "build", "$DATA/car_loan/reference.csv.gz", "--model", "car loan", "-o", "$WORK/loan.ref", "--version", "v7",
		"--type", "binary", "--output", "y_pred_proba=repaid:0.5", "--output", "predictions.y_pred=actuals.repaid", "--output", "score=repaid")
	golden(t, "reference-loan", dir, "reference", "show", "$WORK/loan.ref")
	golden(t, "reference-loan-test", dir, "reference", "build", "$DATA/car_loan/monitoring.csv.gz", "--model", "car loan", "-o", "$WORK/test.ref",
		"--dataset", "test", "--training", "$WORK/loan.ref", "--output", "y_pred_proba=repaid:0.5", "--output", "y_pred=repaid")
	training, _, err := dataset.ReadArtifact(filepath.Join(dir, "loan.ref"))
	if err != nil {
		t.Fatal(err)
	}
	test, _, err := dataset.ReadArtifact(filepath.Join(dir, "test.ref"))
	if err != nil {
		t.Fatal(err)
	}
	if test.Layout().ID() != training.Layout().ID() {
		t.Error("the test set has another layout than the training set that it was built for")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%d files are left, want the three artifacts: %v", len(entries), err)
	}
}

// An artifact is what modelstore would have made of the rows.
func TestArtifactIsWhatLoadMakes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dataDir, "car_loan", "reference.csv.gz")
	out := filepath.Join(dir, "loan.ref")
	config := filepath.Join(dir, "mine.yaml")
	yaml := `
extensions:
  health_check: {anything: goes}
  modelstore/other: {models: [{name: churn}]}
  modelstore:
    directory: ${env:NO_SUCH_VARIABLE}
    window: 45m
    limits: {segment_values: 7}
    models:
      - name: loan
        type: binary
        outputs: [{prediction: p, actual: repaid, threshold: 0.25}]
        fields:
          features.loan_length: {type: numeric, min: 1, max: 30}
        segments: [{name: down, field: features.size_of_downpayment}]
        drift: {baselines: [{period: 90m}]}
        reference: {path: ` + out + `, mapping: {y_pred_proba: predictions.p, repaid: actuals.repaid, y_pred: ""}}
`
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := execute("reference", "build", file, "--model", "loan", "-o", out, "--config", config, "--field", "features.loan_length=categorical", "--column", "driver_tenure="); err == nil ||
		!strings.Contains(stderr, "min and max are for type=numeric") {
		t.Fatalf("a flag that does not fit the configuration: %v", err)
	}
	if _, _, err := execute("reference", "build", file, "--model", "loan", "-o", out, "--config", config, "--field", "features.salary_range=text", "--column", "driver_tenure="); err != nil {
		t.Fatal(err)
	}
	got, _, err := dataset.ReadArtifact(out)
	if err != nil {
		t.Fatal(err)
	}
	quarter, lo, hi := 0.25, 1.0, 30.0
	def := &model.Definition{
		Name: "loan", Type: model.Binary, Outputs: []model.Output{{Prediction: "p", Actual: "repaid", Threshold: &quarter}},
		Fields: map[string]model.Field{
			"features.loan_length": {Type: model.Numeric, Min: &lo, Max: &hi}, "features.salary_range": {Type: model.Text},
		},
		Segments: []model.Segment{{Name: "down", Field: "features.size_of_downpayment"}},
	}
	o := reference.Options{}
	o.Limits.SegmentValues, o.Limits.NewCategories = 7, 1000
	want, err := dataset.Load(file, def, model.Training,
		map[string]string{"y_pred_proba": "predictions.p", "repaid": "actuals.repaid", "y_pred": "", "driver_tenure": ""}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := reference.Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := reference.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("the artifact has %d bytes, Load gives %d:\n%v\n%v", len(a), len(b), got.Layout(), want.Layout())
	}
	// Outputs on the command line stand instead of those in the configuration.
	if _, _, err := execute("reference", "build", file, "--model", "loan", "-o", out, "--config", config, "--output", "p=repaid:0.75"); err != nil {
		t.Fatal(err)
	}
	if got, _, err = dataset.ReadArtifact(out); err != nil || len(got.Layout().Outputs) != 1 || got.Layout().Outputs[0].Threshold != 0.75 {
		t.Errorf("outputs %+v, %v", got.Layout().Outputs, err)
	}
}

func TestReferenceErrors(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"rows.csv": "a,b\n1,2\n", "short.csv": "a,b\n1,2\n3\n",
		"none.yaml": "receivers: {}", "empty.yaml": "extensions: {modelstore: }",
		"two.yaml":  "extensions: {modelstore: {models: [{name: fraud}, {name: churn}]}}",
		"typo.yaml": "extensions: {modelstore: {models: [{name: m, tpye: binary}]}}",
		"bad.yaml":  "extensions: {modelstore: {models: [{name: m, segments: [{name: s, field: zip}]}]}}",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := func(args ...string) []string {
		return append([]string{"reference", "build", "$WORK/rows.csv", "--model", "m", "-o", "$WORK/m.ref"}, args...)
	}
	if _, _, err := execute("reference", "build", dir+"/rows.csv", "--model", "m", "-o", dir+"/other.ref"); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"unknown":       {"reference", "buidl"},
		"no-file":       {"reference", "build", "--model", "m", "-o", "$WORK/m.ref"},
		"no-model":      {"reference", "build", "$WORK/rows.csv", "-o", "$WORK/m.ref"},
		"gone":          {"reference", "build", "$WORK/gone.csv", "--model", "m", "-o", "$WORK/m.ref"},
		"short-row":     {"reference", "build", "$WORK/short.csv", "--model", "m", "-o", "$WORK/m.ref"},
		"overwrite":     {"reference", "build", "$WORK/rows.csv", "--model", "m", "-o", "$WORK/rows.csv"},
		"no-directory":  {"reference", "build", "$WORK/rows.csv", "--model", "m", "-o", "$WORK/none/m.ref"},
		"artifact":      {"reference", "build", "$WORK/other.ref", "--model", "m", "-o", "$WORK/m.ref"},
		"flags":         build("--output", "=a", "--output", "a=b=c", "--field", "a=b", "--field", "features.a", "--column", "x", "--dataset", "tset", "--training", "t.ref"),
		"definition":    build("--type", "tree", "--field", "a=text"),
		"column":        build("--column", "c=features.c"),
		"no-config":     build("--config", "$WORK/gone.yaml"),
		"no-modelstore": build("--config", "$WORK/none.yaml"),
		"no-models":     build("--config", "$WORK/empty.yaml"),
		"other-models":  build("--config", "$WORK/two.yaml"),
		"typo":          build("--config", "$WORK/typo.yaml"),
		"segment":       build("--config", "$WORK/bad.yaml"),
		"training":      build("--dataset", "test", "--training", "$WORK/rows.csv"),
		"show-gone":     {"reference", "show", "$WORK/gone.ref"},
		"show-rows":     {"reference", "show", "$WORK/rows.csv"},
	} {
		golden(t, "reference-error-"+name, dir, args...)
	}
	if _, err := os.Stat(filepath.Join(dir, "m.ref")); err == nil {
		t.Error("a build that failed has left an artifact")
	}
}

func TestParseOutput(t *testing.T) {
	half := 0.5
	for text, want := range map[string]model.Output{
		"proba":                        {Prediction: "proba"},
		"proba:0.5":                    {Prediction: "proba", Threshold: &half},
		"proba=fraud":                  {Prediction: "proba", Actual: "fraud"},
		"proba=fraud:0.5":              {Prediction: "proba", Actual: "fraud", Threshold: &half},
		"a:b=c:d":                      {Prediction: "a:b", Actual: "c:d"},
		"predictions.p=actuals.a:5e-1": {Prediction: "p", Actual: "a", Threshold: &half},
	} {
		got, err := parseOutput(text)
		if err != nil || got.Prediction != want.Prediction || got.Actual != want.Actual || (got.Threshold == nil) != (want.Threshold == nil) ||
			got.Threshold != nil && *got.Threshold != *want.Threshold {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestYAMLText(t *testing.T) {
	for text, want := range map[string]string{
		"./train.parquet": "./train.parquet", "fraud-v2": "fraud-v2", "car loan": `"car loan"`, "": `""`, "12": `"12"`, "No": `"No"`, "a: b": `"a: b"`, "null": `"null"`,
	} {
		if got := yamlText(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}
