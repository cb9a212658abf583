package reference_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// From rows alone: what the fields are, and how the output is scored.
func Example() {
	rows := func(yield func(*record.Record, error) bool) {
		for i := range 100 {
			var r record.Record
			r.Append(record.Features, "amount", record.Num(float64(i)*1.5))
			r.Append(record.Features, "region", record.Str([]string{"EU", "US"}[i%2]))
			r.Append(record.Predictions, "proba", record.Num(float64(i)/100))
			r.Append(record.Actuals, "fraud", record.Bool(i%3 == 0))
			if !yield(&r, nil) {
				return
			}
		}
	}
	ref, err := reference.Build(&model.Definition{Name: "fraud"}, rows, reference.Options{})
	if err != nil {
		panic(err)
	}
	for _, f := range ref.Layout().Fields {
		fmt.Println(f.Key, f.Type)
	}
	for _, o := range ref.Layout().Outputs {
		fmt.Println(o.Prediction, "is a", o.Kind, "judged by", o.Actual)
	}
	// Output:
	// features.amount numeric
	// features.region categorical
	// predictions.proba numeric
	// actuals.fraud boolean
	// proba is a score judged by fraud
}
