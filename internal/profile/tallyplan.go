package profile

import (
	"fmt"
	"math"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
)

// tallyPlan is how the tallies of a layout are counted: each condition is asked
// once a row, each pair of prediction and actual is judged once a row, and then
// every slice adds what it keeps.
type tallyPlan struct {
	filters []*expr.Condition
	pairs   []pairPlan
	of      []tallyRule
	heads   []int   // tallies of rows, and of predictions and actuals
	byField [][]int // tallies of each field
	late    []int   // those of predictions that have to do with inputs
}

// pairPlan is a prediction and its actual.
type pairPlan struct {
	layout *OutputLayout
	slots  outputPlan
}

// tallyRule says which rows a tally counts.
type tallyRule struct {
	shape  *tallyShape
	filter int // −1 for none
	pair   int // −1 for none
}

// tallyPlan compiles the tallies of a layout; nil for one that has none.
func (p *Plan) tallyPlan(l *Layout) (*tallyPlan, error) {
	if len(l.Tallies) == 0 {
		return nil, nil //nolint:nilnil // nothing to count is no mistake
	}
	tp := &tallyPlan{byField: make([][]int, len(l.Fields))}
	filters, pairs := map[string]int{}, map[*OutputLayout]int{}
	for i := range l.Tallies {
		t, rule := &l.Tallies[i], tallyRule{&l.tallies[i], -1, -1}
		if t.Where != "" {
			n, ok := filters[t.Where]
			if !ok {
				c, err := expr.Compile(t.Where, resolver{l})
				if err != nil {
					return nil, fmt.Errorf("filter %q of a custom metric: %w", t.Where, err)
				}
				n = len(tp.filters)
				filters[t.Where], tp.filters = n, append(tp.filters, c)
			}
			rule.filter = n
		}
		switch {
		case rule.shape.field >= 0:
			tp.byField[rule.shape.field] = append(tp.byField[rule.shape.field], i)
		case t.Prediction != "":
			rule.pair = tp.pair(l, &rule.shape.output, pairs)
			fallthrough
		default:
			tp.heads = append(tp.heads, i)
		}
		if rule.shape.late && !rule.shape.labels {
			tp.late = append(tp.late, i)
		}
		tp.of = append(tp.of, rule)
	}
	return tp, nil
}

// pair returns the number of a pair that is judged likewise, a new one if there is
// none yet.
func (tp *tallyPlan) pair(l *Layout, o *OutputLayout, known map[*OutputLayout]int) int {
	for k, i := range known {
		if k.Prediction == o.Prediction && k.Actual == o.Actual && k.Kind == o.Kind && k.Threshold == o.Threshold && sameGrid(k.Grid, o.Grid) {
			return i
		}
	}
	slots := outputPlan{}
	slots.prediction, _ = l.Field(record.Key{Group: record.Predictions, Name: o.Prediction})
	slots.actual, _ = l.Field(record.Key{Group: record.Actuals, Name: o.Actual})
	known[o] = len(tp.pairs)
	tp.pairs = append(tp.pairs, pairPlan{o, slots})
	return len(tp.pairs) - 1
}

// tally resolves what the tallies need of row n.
func (r *Rows) tally(rec *record.Record, n int) {
	tp, head := r.plan.tallies, &r.rows[n]
	r.held = grow(r.held, len(tp.filters))
	r.pairs = grow(r.pairs, len(tp.pairs))
	if head.duplicate {
		return // no tally looks at it
	}
	r.cond = condRow{r, n}
	held := r.held[n*len(tp.filters):]
	for i, c := range tp.filters {
		held[i] = c.Eval(&r.cond)
	}
	if head.labelled {
		for i := range tp.pairs {
			p := &tp.pairs[i]
			r.compare(rec, n, p.layout, p.slots, &r.pairs[n*len(tp.pairs)+i])
		}
	}
}

// tallies reports whether a tally counts row n, given that it looks at labelled
// rows or at predictions.
func (r *Rows) tallies(rule *tallyRule, n int) bool {
	if rule.shape.labels && !r.rows[n].labelled {
		return false
	}
	return rule.filter < 0 || r.held[n*len(r.plan.tallies.filters)+rule.filter]
}

// of returns those rows of a list that a tally looks at.
func (l *list) of(s *tallyShape) []int32 {
	if s.labels {
		return l.rows
	}
	return l.counted
}

// tallyHeads counts rows, and predictions with their actuals.
func (s *Slice) tallyHeads(r *Rows, l *list, from int) {
	tp := r.plan.tallies
	for _, k := range tp.heads {
		rule, t := &tp.of[k], &s.Tallies[k]
		for _, i := range l.of(rule.shape) {
			n := from + int(i)
			switch {
			case !r.tallies(rule, n):
			case rule.pair >= 0:
				t.Output.add(&rule.shape.output, &r.pairs[n*len(tp.pairs)+rule.pair])
			default:
				t.N++
			}
		}
	}
}

// tallyField counts a field of the rows of a chunk, which locate has seen if it has
// a grid.
func (s *scratch) tallyField(r *Rows, c *column, j, from int, actual bool) {
	tp := r.plan.tallies
	for _, k := range tp.byField[j] {
		rule := &tp.of[k]
		for i := range s.lists {
			t := &s.lists[i].slice.Tallies[k]
			for _, row := range s.lists[i].of(rule.shape) {
				if r.tallies(rule, from+int(row)) {
					t.cell(r.texts, c, int(row), s.bin[row], s.scaled[row], actual)
				}
			}
		}
	}
}

// tallyRow counts the fields of one row.
func (p *Profile) tallyRow(r *Rows, n int) {
	tp, s := r.plan.tallies, r.scratch
	for j, of := range tp.byField {
		c := &r.columns[j]
		for _, k := range of {
			rule := &tp.of[k]
			if !rule.shape.labels && !r.rows[n].counted || !r.tallies(rule, n) {
				continue
			}
			bin, scaled := p.layout.Fields[j].place(c, n)
			for i := range s.lists {
				s.lists[i].slice.Tallies[k].cell(r.texts, c, n, bin, scaled, r.plan.actuals.has(j))
			}
		}
	}
}

// place finds where the number of row n lies in the grid of its field.
func (l *FieldLayout) place(c *column, n int) (bin int32, scaled uint64) {
	if l.Grid == nil || c.state[n] != number {
		return 0, 0
	}
	b := l.Grid.Find(c.x[n])
	return int32(b), l.Grid.Scaled(b, c.x[n])
}

// cell counts row n of a column in a tally of its field.
func (t *Tally) cell(texts []string, c *column, n int, bin int32, scaled uint64, actual bool) {
	f := &t.Field
	switch c.state[n] {
	case number:
		x := c.x[n]
		f.Count++
		f.bin(x, bin, scaled)
		if f.Moments != nil {
			f.Moments.Add(x, 0)
		}
		if f.Distinct != nil {
			f.Distinct.Insert(distinct.HashFloat(x))
		}
		if t.Absolute != nil {
			t.Absolute.Add(math.Abs(x))
		}
	case known, fresh:
		if f.Counts == nil {
			f.Count++
			return
		}
		f.other(texts, c, n, actual)
	default:
		f.other(texts, c, n, actual)
	}
}

// tallyLate counts the tallies that have to do with the inputs which came late in
// row n, and takes back what they had counted without them.
func (p *Profile) tallyLate(r *Rows, n int, sl *Slice) {
	tp := r.plan.tallies
	r.cond = condRow{r, n}
	for _, k := range tp.late {
		rule := &tp.of[k]
		before := r.tallies(rule, n)
		after := rule.filter < 0 || tp.filters[rule.filter].Eval(&r.cond)
		j := rule.shape.field
		if before == after && (j < 0 || !r.plan.inputs.has(j) || r.columns[j].state[n] == absent) {
			continue
		}
		if before {
			back := &p.retracted(sl).Tallies[k]
			switch {
			case j < 0:
				back.N++
			case r.plan.inputs.has(j):
				back.Field.Missing++
			default:
				bin, scaled := p.layout.Fields[j].place(&r.columns[j], n)
				back.cell(r.texts, &r.columns[j], n, bin, scaled, false)
			}
		}
		switch {
		case !after:
		case j < 0:
			sl.Tallies[k].N++
		default:
			bin, scaled := p.layout.Fields[j].place(&r.columns[j], n)
			sl.Tallies[k].cell(r.texts, &r.columns[j], n, bin, scaled, false)
		}
	}
}

// LabelFields returns the fields that labelled records need beside their
// predictions and actuals: those that segments and tallies ask for, each once, by
// key.
func (l *Layout) LabelFields() []record.Key {
	var keys []record.Key
	for i := range l.tallies {
		if l.tallies[i].taken() {
			keys = append(keys, l.tallies[i].fields...)
		}
	}
	return SegmentFields(l.Segments, keys...)
}
