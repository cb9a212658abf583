package profile

import (
	"sort"

	"github.com/driftmeter/driftmeter/internal/record"
)

// A label that changes, and an input that comes late, make a record's row more
// than one: the row itself, a row of what was counted before and is taken back,
// a row of inputs. They are rare, and they are kept aside, so that there is one
// row a record, and those that say nothing of labels pay nothing.

// aside are rows that belong to rows of another list.
type aside struct {
	rows *Rows
	of   []int32 // numbers of these, ascending
}

func (a *aside) reset() {
	a.rows.Reset()
	a.of = a.of[:0]
}

// span returns the rows that belong to the rows from from up to to.
func (a *aside) span(from, to int) (lo, hi int) {
	at := func(n int) int { return sort.Search(len(a.of), func(i int) bool { return int(a.of[i]) >= n }) }
	return at(from), at(to)
}

// correct keeps what a labelled record says beside its row n.
func (r *Rows) correct(rec *record.Record, n int) {
	if r.back == nil {
		r.back, r.late = &aside{rows: r.plan.NewRows()}, &aside{rows: r.plan.NewRows()}
		r.back.rows.taken = true
	}
	if len(rec.Previous) > 0 {
		r.back.previous(r, rec, n)
	}
	if rec.LateInputs {
		r.late.inputs(r, rec, n)
	}
}

// previous adds row n of r as it was counted before: with the actuals of the
// revision before, in the slices that they led to.
func (a *aside) previous(r *Rows, rec *record.Record, n int) {
	p, at := r.plan, a.copy(r, n, r.plan.actuals, span{})
	for i := range rec.Previous {
		f := &rec.Previous[i]
		s, ok := p.layout.Field(record.Key{Group: record.Actuals, Name: f.Name})
		if !ok {
			continue
		}
		if c := &a.rows.columns[s]; c.x != nil {
			c.fill(at, &f.Value)
		} else {
			a.rows.resolve(c, at, &p.slots[s], &f.Value)
		}
	}
	a.rows.finish(rec, row{time: rec.Time})
}

// inputs adds the raw inputs of row n of r. They belong to the slices that the
// prediction was counted in, which knew neither them nor the actuals.
func (a *aside) inputs(r *Rows, rec *record.Record, n int) {
	at := a.copy(r, n, r.plan.inputs, r.plan.actuals)
	a.rows.finish(rec, row{time: rec.Time})
	for i := r.plan.inputs.lo; i < r.plan.inputs.hi; i++ {
		a.rows.take(r, i, n, at)
	}
}

// copy makes a row of the cells of row n of r but those of some fields, and
// returns its number.
func (a *aside) copy(r *Rows, n int, but, and span) int {
	at := len(a.rows.rows)
	if at == a.rows.room {
		a.rows.enlarge()
	}
	a.of = append(a.of, int32(n))
	for i := range r.columns {
		if !but.has(i) && !and.has(i) {
			a.rows.take(r, i, n, at)
		}
	}
	return at
}

// take copies a cell of row n of another list of the same plan.
func (r *Rows) take(o *Rows, column, n, at int) {
	from, to := &o.columns[column], &r.columns[column]
	to.state[at] = from.state[n]
	switch from.state[n] {
	case number:
		to.x[at] = from.x[n]
	case known:
		to.name[at] = from.name[n]
	case fresh:
		to.name[at] = r.text(o.texts[from.name[n]])
	default:
	}
}

// newRetracted returns what a slice keeps of what it retracts, yet nothing.
func newRetracted(l *Layout) *Slice {
	s := &Slice{Fields: make([]Field, len(l.Fields)), Outputs: make([]Output, len(l.Outputs)), Tallies: newTallies(l, true), taken: true}
	for i := range l.Fields {
		if l.Fields[i].Key.Group == record.Actuals { // of inputs, only that they were missing
			s.Fields[i] = newField(&l.Fields[i], l.Limits)
		}
	}
	for i := range l.Outputs {
		s.Outputs[i] = newOutput(&l.Outputs[i])
		s.Outputs[i].Estimate = nil // of predictions, which are never taken back
	}
	return s
}

// retracted returns what a slice of p retracts.
func (p *Profile) retracted(s *Slice) *Slice {
	if s.Retracted == nil {
		s.Retracted = newRetracted(p.layout)
	}
	p.touch(s.Retracted)
	return s.Retracted
}

// retract counts what the records of rows take back.
func (p *Profile) retract(a *aside, from, to int) {
	if lo, hi := a.span(from, to); lo < hi {
		p.AddRange(a.rows, lo, hi)
	}
}

// addLate counts the inputs that came late with the records of rows, and takes
// back that their predictions lacked them.
func (p *Profile) addLate(a *aside, from, to int) {
	r := a.rows
	for n, hi := a.span(from, to); n < hi; n++ {
		p.list(r, n, n+1)
		for i := range r.scratch.lists {
			sl := r.scratch.lists[i].slice
			for j := r.plan.inputs.lo; j < r.plan.inputs.hi; j++ {
				c := &r.columns[j]
				if c.state[n] == absent {
					continue
				}
				sl.Fields[j].one(&p.layout.Fields[j], r.texts, c, n)
				p.retracted(sl).Fields[j].Missing++
			}
			if r.plan.tallies != nil {
				p.tallyLate(r, n, sl)
			}
		}
	}
}
