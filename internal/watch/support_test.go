package watch_test

import (
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	ref "github.com/driftmeter/driftmeter/internal/reference"
)

// definition is a model with a number, a category, a score and a segment.
func definition() *model.Definition {
	half := 0.5
	return &model.Definition{
		Name:     "m",
		Outputs:  []model.Output{{Prediction: "score", Actual: "truth", Threshold: &half}},
		Segments: []model.Segment{{Name: "region", Field: "features.region"}},
	}
}

// told returns n records: x is 0 to 9 in turn, shifted, the region EU or US, the
// score right every time.
func told(event record.Event, n int, shift float64) []record.Record {
	rs := make([]record.Record, n)
	for i := range rs {
		r := &rs[i]
		r.Event = event
		r.Append(record.Features, "x", record.Num(float64(i%10)+shift))
		r.Append(record.Features, "region", record.Str([]string{"EU", "US"}[i%2]))
		r.Append(record.Predictions, "score", record.Num([]float64{0.25, 0.75}[i%2]))
		r.Append(record.Actuals, "truth", record.Bool(i%2 == 1))
	}
	return rs
}

func reference(t testing.TB) *ref.Reference {
	t.Helper()
	rs := told(record.Reference, 1000, 0)
	r, err := ref.Build(definition(), func(yield func(*record.Record, error) bool) {
		for i := range rs {
			if !yield(&rs[i], nil) {
				return
			}
		}
	}, ref.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Model, r.Version, r.Dataset = "m", "", model.Training
	return r
}
