package profile_test

import (
	"fmt"
	"math"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Two shards count their part of a stream; merged, they are the profile of the
// whole.
func Example() {
	age := record.Key{Group: record.Features, Name: "age"}
	layout, err := (&profile.Layout{
		Fields: []profile.FieldLayout{{
			Key: age, Type: model.Numeric, Min: 0, Max: 120,
			Grid: grid.Build([]float64{18, 30, 41, 58, 73}, grid.Options{Open: []float64{65}}),
		}},
		Segments: []profile.SegmentLayout{{Name: "seniors", Where: "features.age >= 65"}},
		Limits:   profile.DefaultLimits,
	}).Seal()
	if err != nil {
		panic(err)
	}
	count := func(ages ...float64) *profile.Profile {
		plan, err := profile.NewPlan(layout)
		if err != nil {
			panic(err)
		}
		rows, p := plan.NewRows(), profile.New(layout)
		var r record.Record
		for _, x := range ages {
			r.Reset()
			r.Append(age.Group, age.Name, record.Num(x))
			rows.Add(&r)
		}
		p.AddRange(rows, 0, rows.Len())
		return p
	}

	p := count(30, 71, math.NaN())
	if err := p.Merge(count(58, 130)); err != nil {
		panic(err)
	}
	for _, seg := range append([]profile.Segment{{}}, p.Segments()...) {
		s, _ := p.Slice(seg)
		f := &s.Fields[0]
		mean, _ := f.Moments.Mean(0)
		fmt.Printf("%s: %d predictions, %d missing, %d out of range, mean age %.2f\n", seg.Name, s.Predictions, f.Missing, f.OutOfRange, mean)
	}
	// Output:
	// : 5 predictions, 1 missing, 1 out of range, mean age 72.25
	// seniors: 2 predictions, 0 missing, 1 out of range, mean age 100.50
}
