package reference

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// judged yields n rows: a score, a decision by it, probabilities of three classes
// and their choice, and the truths, where labelled(i) says that there are any.
func judged(n int, labelled func(i int) bool) Rows {
	return func(yield func(*record.Record, error) bool) {
		for i := range n {
			s := math.Mod(float64(i)*0.6180339887498949, 1)
			u := math.Mod(float64(i)*0.7548776662466927, 1)
			rec := &record.Record{Event: record.Reference}
			rec.Append(record.Predictions, "score", record.Num(s))
			rec.Append(record.Predictions, "decision", record.Bool(s > 0.7))
			rec.Append(record.Predictions, "share", record.DictOf([]record.Element{
				{Name: "a", Value: record.Num(s)}, {Name: "b", Value: record.Num((1 - s) / 2)}, {Name: "c", Value: record.Num((1 - s) / 2)},
			}))
			rec.Append(record.Predictions, "choice", record.Str(string("ab"[i%2])))
			if labelled(i) {
				rec.Append(record.Actuals, "truth", record.Bool(u < s*s))
				rec.Append(record.Actuals, "class", record.Str(map[bool]string{true: "a", false: string("bc"[i%2])}[u < s*s]))
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func judgedModel() *model.Definition {
	return &model.Definition{Name: "m", Outputs: []model.Output{
		{Prediction: "decision", Actual: "truth"}, {Prediction: "score", Actual: "truth", Threshold: new(float64)},
		{Prediction: "share", Actual: "class"}, {Prediction: "choice", Actual: "class"},
	}}
}

// calibrations says in words how the outputs of a layout are estimated.
func calibrations(l *profile.Layout) string {
	var all []string
	for _, o := range l.Outputs {
		c := o.Calibration
		if c == nil {
			all = append(all, o.Prediction+": not")
			continue
		}
		s := o.Prediction + ":"
		if c.Source != "" {
			s += " by " + c.Source
		}
		for _, k := range c.Classes {
			knots, _ := k.Knots()
			s += fmt.Sprintf(" %v/%v", len(knots) > 0, k.Grid != nil)
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// Every score that has labels is calibrated; a decision goes by the score beside
// it, and a choice by the probabilities.
func TestCalibrations(t *testing.T) {
	all := func(int) bool { return true }
	for name, c := range map[string]struct {
		def  *model.Definition
		rows Rows
		want string
	}{
		"labels": {judgedModel(), judged(2000, all),
			"decision: by score; score: true/false; share: true/true true/true true/true false/true; choice: by share"},
		"labels of some rows": {judgedModel(), judged(2000, func(i int) bool { return i%7 == 0 }),
			"decision: by score; score: true/false; share: true/true true/true true/true false/true; choice: by share"},
		"few labels": {judgedModel(), judged(2000, func(i int) bool { return i < 29 }), "decision: not; score: not; share: not; choice: not"},
		"another actual": {&model.Definition{Name: "m", Outputs: []model.Output{
			{Prediction: "score", Actual: "truth", Threshold: new(float64)}, {Prediction: "choice", Actual: "class"},
		}}, judged(2000, all), "score: true/false; choice: not"},
	} {
		ref := build(t, c.def, c.rows, Options{})
		// The class other never occurs, and takes what has no name.
		if got := calibrations(ref.Layout()); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if len(ref.Warnings) > 0 {
			t.Errorf("%s: %q", name, ref.Warnings)
		}
		for i := range ref.Layout().Outputs {
			e := ref.Profile.Whole.Outputs[i].Estimate
			if (e == nil) != (ref.Layout().Outputs[i].Calibration == nil) || e != nil && e.Rows != 2000 {
				t.Errorf("%s: output %d is expected of %+v", name, i, e)
			}
		}
		b, err := Encode(ref)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(b)
		if err != nil || calibrations(again.Layout()) != c.want || again.Layout().ID() != ref.Layout().ID() {
			t.Errorf("%s: read again: %s, %v", name, calibrations(again.Layout()), err)
		}
	}
}

// A reference without labels has the layout, and the bytes, that it had before
// there were calibrations.
func TestNothingToCalibrateChangesNothing(t *testing.T) {
	rows := judged(500, func(int) bool { return false })
	ref := build(t, judgedModel(), rows, Options{})
	s := newSample(judgedModel())
	for rec := range rows {
		s.add(rec)
	}
	l, err := s.layout(profile.DefaultLimits)
	if err != nil || l.ID() != ref.Layout().ID() {
		t.Fatalf("layout %s, without calibration %s, %v", ref.Layout().ID(), l.ID(), err)
	}
	one, err := ref.Layout().Encode()
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Encode()
	if err != nil || !bytes.Equal(one, other) {
		t.Error("other bytes")
	}
}

// A test set beside a training set is calibrated as that is.
func TestCalibrationOfTheGivenLayout(t *testing.T) {
	training := build(t, judgedModel(), judged(2000, func(int) bool { return true }), Options{})
	test := build(t, judgedModel(), judged(300, func(i int) bool { return i%2 == 0 }), Options{Layout: training.Layout()})
	if test.Layout().ID() != training.Layout().ID() || test.Profile.Whole.Outputs[1].Estimate.Rows != 300 {
		t.Errorf("layout %s with %d rows, want %s", test.Layout().ID(), test.Profile.Whole.Outputs[1].Estimate.Rows, training.Layout().ID())
	}
}

// The rows that are fitted to are bounded, and labels that are all alike are told.
func TestCalibrationWarnings(t *testing.T) {
	ref := build(t, judgedModel(), judged(2000, func(int) bool { return true }), Options{SampleRows: 400})
	if !slices.Contains(ref.Warnings, "the calibrations come from the first 320 rows") { // of five scores each
		t.Errorf("%q", ref.Warnings)
	}
	alike := func(yield func(*record.Record, error) bool) {
		for rec := range judged(100, func(int) bool { return false }) {
			rec.Append(record.Actuals, "truth", record.Bool(true))
			if !yield(rec, nil) {
				return
			}
		}
	}
	ref = build(t, &model.Definition{Name: "m", Outputs: []model.Output{{Prediction: "score", Actual: "truth", Threshold: new(float64)}}}, alike, Options{})
	if want := `output "score": all labels are alike; its scores are taken as probabilities where its performance is estimated`; !slices.Contains(ref.Warnings, want) {
		t.Errorf("%q", ref.Warnings)
	}
	if got := calibrations(ref.Layout()); got != "score: false/false" {
		t.Error(got)
	}
}

// An error while rows are read for the calibrations ends the build.
func TestCalibrationReadsRows(t *testing.T) {
	walks, broken := 0, errors.New("broken")
	rows := func(yield func(*record.Record, error) bool) {
		if walks++; walks == 2 {
			yield(nil, broken)
			return
		}
		judged(50, func(int) bool { return true })(yield)
	}
	if _, err := Build(judgedModel(), rows, Options{}); !errors.Is(err, broken) || walks != 2 {
		t.Errorf("%v in walk %d", err, walks)
	}
}
