package synth

import (
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// Reference builds a reference of a definition from rows of healthy traffic, in
// equal parts from each hour of the week that begins at from, with its seasons.
func (t *Traffic) Reference(def *model.Definition, from int64, rows int) (*reference.Reference, error) {
	const hours = 7 * 24
	week := *t
	week.Seed = ^t.Seed // other rows than those that are monitored
	week.Rows = float64(rows) / hours
	return reference.Build(def, func(yield func(*record.Record, error) bool) {
		for r := range week.Records(from, from+hours*hour, nil) {
			r.Event = record.Reference
			if !yield(r, nil) {
				return
			}
		}
	}, reference.Options{})
}

// Maker counts records into profiles of a layout, as the profile processor does.
// It is not safe for concurrent use.
type Maker struct {
	plan *profile.Plan
	rows *profile.Rows
}

// NewMaker returns a maker of profiles of a layout.
func NewMaker(l *profile.Layout) (*Maker, error) {
	p, err := profile.NewPlan(l)
	if err != nil {
		return nil, err
	}
	return &Maker{plan: p, rows: p.NewRows()}, nil
}

// together is how many rows are counted at a time.
const together = 512

// Profile counts all records; nil if there are none.
func (m *Maker) Profile(records func(yield func(*record.Record) bool)) *profile.Profile {
	var p *profile.Profile
	flush := func() {
		if p == nil {
			p = profile.New(m.plan.Layout())
		}
		p.AddRange(m.rows, 0, m.rows.Len())
		m.rows.Reset()
	}
	for r := range records {
		if m.rows.Add(r); m.rows.Len() == together {
			flush()
		}
	}
	if m.rows.Len() > 0 {
		flush()
	}
	return p
}
