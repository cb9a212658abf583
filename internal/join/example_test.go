package join_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

// A label that comes before its prediction, and another one that corrects it.
func Example() {
	m := join.Machine{Wait: 720 * 3600e9, Emit: func(r *record.Record) {
		now, _ := r.Fields[len(r.Fields)-1].Value.Bool()
		fmt.Printf("%s, revision %d: %v", r.Event, r.Revision, now)
		for _, f := range r.Previous {
			was, _ := f.Value.Bool()
			fmt.Printf(" instead of %v", was)
		}
		fmt.Println()
	}}
	var table join.Table
	shape := table.Shape(&join.Shape{Model: "fraud", Version: "1", Keys: []record.Key{{Group: record.Predictions, Name: "score"}}})
	var state join.State // of the id "7", which was never seen

	label := func(v bool, at int64) {
		told := m.Label(&state, &join.Actual{ID: "7", Model: "fraud", Labels: []join.Label{{Name: "fraud", Value: record.Bool(v), Time: at}}}, at)
		fmt.Println("joined:", told.Has(join.Joined))
	}
	label(true, 10e9)
	told := m.Predict(&state, &join.Prediction{ID: "7", Shape: shape, Time: 5e9, Values: []record.Value{record.Num(0.9)}}, 20e9)
	fmt.Println("the prediction goes on:", told.Has(join.Passes))
	label(false, 30e9)
	// Output:
	// joined: false
	// ml.labelled, revision 1: true
	// the prediction goes on: true
	// ml.labelled, revision 2: false instead of true
	// joined: true
}
