package dataset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

func writeArtifact(t *testing.T, ref *reference.Reference) string {
	t.Helper()
	b, err := reference.Encode(ref)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "out.ref", string(b))
}

// What was built is what is loaded, bytes and all.
func TestArtifactRoundTrip(t *testing.T) {
	def, mapping := titanic()
	built := load(t, titanicFile, def, mapping)
	built.Version = "v7"
	path := writeArtifact(t, built)
	loaded := load(t, path, def, nil)
	if !bytes.Equal(artifact(t, loaded), artifact(t, built)) {
		t.Error("the artifact differs from what was built")
	}
	if loaded.Version != "v7" || loaded.Source != built.Source || loaded.Rows != 891 || len(loaded.Warnings) != 0 {
		t.Errorf("version %q, source %q, %d rows, warnings %q", loaded.Version, loaded.Source, loaded.Rows, loaded.Warnings)
	}
	read, size, err := ReadArtifact(path)
	if err != nil || read.Layout().ID() != built.Layout().ID() || size == 0 {
		t.Errorf("size %d, error %v", size, err)
	}
	if _, _, err := ReadArtifact(titanicFile); err == nil || !strings.HasSuffix(err.Error(), "is not a reference that driftmeter reference build wrote") {
		t.Errorf("a CSV file as artifact: %v", err)
	}
}

// An artifact of no model serves any.
func TestArtifactOfAnyModel(t *testing.T) {
	ref := load(t, titanicFile, &model.Definition{Name: "titanic"}, nil)
	ref.Model = ""
	if got := load(t, writeArtifact(t, ref), &model.Definition{Name: "ship"}, nil); got.Model != "ship" || len(got.Warnings) != 0 {
		t.Errorf("model %q, warnings %q", got.Model, got.Warnings)
	}
}

// An artifact is as it was built; what the definition says otherwise is said.
func TestArtifactAndDefinitionDiffer(t *testing.T) {
	built := load(t, carLoanFile, carLoan(), nil)
	path := writeArtifact(t, built)
	def := carLoan()
	third, lo := 0.3, 5.0
	def.Outputs[0].Threshold = &third
	def.Outputs[1].Actual = "paid"
	def.Outputs = append(def.Outputs, model.Output{Prediction: "other"})
	def.Fields = map[string]model.Field{
		"features.loan_length":   {Type: model.Categorical},
		"features.driver_tenure": {Type: model.Numeric, Min: &lo},
		"features.zip":           {},
	}
	got, err := Load(path, def, model.Test, nil, reference.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tenure, _ := built.Layout().Field(key(record.Features, "driver_tenure"))
	const counts = "; the artifact counts, build it again with driftmeter reference build"
	var want []string
	for _, w := range []string{
		fmt.Sprintf("features.driver_tenure has min 5 in the definition and %v in the artifact", built.Layout().Fields[tenure].Min),
		"features.loan_length is categorical in the definition and numeric in the artifact",
		"the definition has a field features.zip and the artifact has not",
		"predictions.y_pred_proba has threshold 0.3 in the definition and 0.5 in the artifact",
		"predictions.y_pred has the actual paid in the definition and repaid in the artifact",
		"the definition has an output predictions.other and the artifact has not",
	} {
		want = append(want, w+counts)
	}
	want = append([]string{"was built as the training set and serves as the test set"}, want...)
	if got.Dataset != model.Test || !slices.Equal(got.Warnings, want) {
		t.Errorf("dataset %q, warnings\n%s\nwant\n%s", got.Dataset, strings.Join(got.Warnings, "\n"), strings.Join(want, "\n"))
	}
}

// A test set has the layout of the training set, whether it comes as rows or as
// an artifact with a layout of its own.
func TestTestSetBesideTrainingSet(t *testing.T) {
	def := carLoan()
	training := load(t, carLoanFile, def, nil)
	monitoring := strings.Replace(carLoanFile, "reference", "monitoring", 1)
	o := reference.Options{Layout: training.Layout()}
	rows, err := Load(monitoring, def, model.Test, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	own := load(t, monitoring, def, nil)
	own.Dataset = model.Test
	converted, err := Load(writeArtifact(t, own), def, model.Test, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, ref := range map[string]*reference.Reference{"rows": rows, "artifact": converted} {
		if ref.Layout().ID() != training.Layout().ID() || ref.Dataset != model.Test || ref.Rows != 50_000 {
			t.Errorf("%s: layout %s, dataset %q, %d rows", name, ref.Layout().ID(), ref.Dataset, ref.Rows)
		}
	}
	if own.Layout().ID() == training.Layout().ID() {
		t.Error("both sets have one layout by themselves: nothing was tested")
	}
	if len(rows.Warnings) != 0 || !slices.ContainsFunc(converted.Warnings, func(w string) bool { return strings.HasPrefix(w, "features.car_value") }) {
		t.Errorf("warnings of rows %q, of the artifact %q", rows.Warnings, converted.Warnings)
	}
	for i := range rows.Layout().Fields {
		a, b := &rows.Profile.Whole.Fields[i], &converted.Profile.Whole.Fields[i]
		if a.Count != b.Count || a.Missing != b.Missing || a.Zero != b.Zero {
			t.Errorf("%s: %d values and %d missing, converted %d and %d", rows.Layout().Fields[i].Key, a.Count, a.Missing, b.Count, b.Missing)
		}
	}
}
