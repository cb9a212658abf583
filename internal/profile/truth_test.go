package profile

import (
	"bytes"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// A reference from a file says of the truth 1 and 0, services say true and false:
// both count the same. Of a number that is no truth, true and false are invalid.
func TestTruthInNumbers(t *testing.T) {
	l := &Layout{Limits: DefaultLimits}
	for _, f := range []string{"features.a", "predictions.decision", "actuals.truth"} {
		l.Fields = append(l.Fields, FieldLayout{Key: key(f), Type: model.Numeric, Min: 0, Max: 1, Grid: grid.Build([]float64{0, 1}, grid.Options{})})
	}
	l.Outputs = []OutputLayout{{Prediction: "decision", Actual: "truth", Kind: Decision, Threshold: 0.5}}
	l, err := l.Seal()
	if err != nil {
		t.Fatal(err)
	}
	count := func(value func(bool) record.Value) *Profile {
		p, rows := New(l), mustPlan(l).NewRows()
		for i := range 8 {
			r := record.Record{Event: record.Prediction}
			r.Append(record.Features, "a", record.Bool(true))
			r.Append(record.Predictions, "decision", value(i%2 == 0))
			r.Append(record.Actuals, "truth", value(i%4 == 0))
			rows.Add(&r)
			p.Add(rows, i)
		}
		return p
	}
	number := func(b bool) record.Value {
		if b {
			return record.Num(1)
		}
		return record.Num(0)
	}
	words, numbers := count(record.Bool), count(number)
	a, err1 := words.Encode()
	b, err2 := numbers.Encode()
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Errorf("true and false are counted otherwise than 1 and 0: %v %v", err1, err2)
	}
	if words.Whole.Actuals != 8 || words.Whole.Fields[0].Invalid != 8 {
		t.Errorf("%d actuals, %d invalid values of a feature", words.Whole.Actuals, words.Whole.Fields[0].Invalid)
	}
}
