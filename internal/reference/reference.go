// Package reference makes the set that a model's predictions are compared
// with: from its rows it infers what the fields are, lays the grids, calibrates
// the scores, and takes the profile of the rows themselves.
package reference

import (
	"errors"
	"fmt"
	"iter"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Reference is a set to compare with.
type Reference struct {
	Model    string
	Version  string // empty: for every version of the model
	Dataset  string // model.Training or model.Test
	Source   string // where the rows came from, for people
	Rows     uint64
	Profile  *profile.Profile
	Warnings []string
}

// Warmup is the Source of a reference that nobody gave: the first records of a
// version.
const Warmup = "warm-up: the first records"

// Layout is that of the profile: what the predictions of the model are counted
// by.
func (r *Reference) Layout() *profile.Layout { return r.Profile.Layout() }

// Rows yields the rows of a set. It is walked two or three times and must give the
// same rows each time; the record is reused between them. An error ends the build.
type Rows = iter.Seq2[*record.Record, error]

// ErrNoRows is returned for a set without rows.
var ErrNoRows = errors.New("the reference has no rows")

// Options of a build.
type Options struct {
	Limits profile.Limits
	// SampleRows is how many rows the grids, the categories and the calibrations
	// are made from, the first ones; every row is counted. It bounds the memory of
	// a build to 8 B a numeric value, and then to some 70 B a score. 0 means
	// 1 000 000.
	SampleRows int
	// Layout, if given, is kept instead of being made: of a test set beside a
	// training set.
	Layout *profile.Layout
}

// Build makes a reference from rows.
func Build(def *model.Definition, rows Rows, o Options) (*Reference, error) {
	if o.SampleRows == 0 {
		o.SampleRows = 1_000_000
	}
	if o.Limits == (profile.Limits{}) {
		o.Limits = profile.DefaultLimits
	}
	ref := &Reference{Model: def.Name, Dataset: model.Training}
	layout := o.Layout
	if layout == nil {
		s := newSample(def)
		n := 0
		for r, err := range rows {
			if err != nil {
				return nil, err
			}
			if n++; n > o.SampleRows {
				ref.Warnings = append(ref.Warnings, fmt.Sprintf("the grids come from the first %d rows", o.SampleRows))
				break
			}
			s.add(r)
		}
		if n == 0 {
			return nil, ErrNoRows
		}
		var err error
		if layout, err = s.layout(o.Limits); err != nil {
			return nil, err
		}
		ref.Warnings = append(ref.Warnings, s.warnings...)
		if layout, err = ref.calibrate(layout, rows, o.SampleRows); err != nil {
			return nil, err
		}
	}
	if err := ref.count(layout, rows); err != nil {
		return nil, err
	}
	if ref.Rows == 0 {
		return nil, ErrNoRows
	}
	return ref, nil
}

// together is how many rows are counted at a time.
const together = 256

// count takes the profile of all rows.
func (r *Reference) count(l *profile.Layout, rows Rows) error {
	plan, err := profile.NewPlan(l)
	if err != nil {
		return err
	}
	r.Profile = profile.New(l)
	buf := plan.NewRows()
	flush := func() {
		r.Profile.AddRange(buf, 0, buf.Len())
		buf.Reset()
	}
	for rec, err := range rows {
		if err != nil {
			return err
		}
		if buf.Add(rec); buf.Len() == together {
			flush()
		}
	}
	flush()
	// Nothing is added from here on, so what was taken back need not be kept.
	r.Profile = r.Profile.Net()
	r.Rows = r.Profile.Whole.Predictions
	return nil
}
