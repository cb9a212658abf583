package profile

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// expected is what the label of one output of one row is expected to be. An output
// that takes the scores of another one has its decision here and the rest there.
type expected struct {
	state     prospect
	predicted bool  // decided to be positive
	outside   bool  // the score counts as a probability, and is none
	class     int32 // decided, of many
	bin       int32 // of the score
	from      int32 // of many classes, the first of its chances in Rows
	score     float64
	chance    score.Chance
}

// prospect says whether anything can be expected.
type prospect uint8

const (
	unheard  prospect = iota // the output is not estimated
	unusable                 // the score, or the decision, is not there
	waiting                  // there is a score, which rank will look at
	usable
)

// chance is that of one class of many.
type chance struct {
	of  score.Chance
	bin int32
}

// estimator is what expecting the labels of one output needs.
type estimator struct {
	source int        // the output whose scores are taken
	raw    bool       // scores are taken as probabilities
	maps   []scoreMap // of the classes, if they are its own
	q      []float64  // room for a row
	others num.Sum    // likewise
}

// scoreMap finds probabilities by the bin of the score: the first knot at or
// above a score of bin i has a number from starts[i] to starts[i+1].
type scoreMap struct {
	ClassCalibration
	starts []int
}

// estimators compiles the calibrations of a layout. Outputs that take the scores
// of another one come after it in the order.
func (p *Plan) estimators() {
	outs := p.layout.Outputs
	p.estimates = make([]*estimator, len(outs))
	var borrowed []int
	for i := range outs {
		o := &outs[i]
		if o.Calibration == nil {
			continue
		}
		e := &estimator{source: p.layout.source(i)}
		if p.estimates[i] = e; e.source != i {
			borrowed = append(borrowed, i)
			continue
		}
		p.estimated = append(p.estimated, i)
		for j, g := range o.grids() {
			m := scoreMap{ClassCalibration: o.Calibration.Classes[j]}
			if m.Grid = g; g != nil {
				knots, _ := m.Knots()
				m.starts = append(m.starts, 0)
				for _, edge := range g.Edges() {
					m.starts = append(m.starts, m.From(edge))
				}
				m.starts = append(m.starts, len(knots))
			}
			e.maps = append(e.maps, m)
		}
		e.q = make([]float64, len(e.maps))
		knots, _ := e.maps[0].Knots()
		e.raw = len(knots) == 0
	}
	p.estimated = append(p.estimated, borrowed...)
}

// at returns the bin of a finite score and its probability.
func (m *scoreMap) at(x float64) (bin int32, q float64) {
	if m.Grid == nil {
		return 0, m.Probability(x)
	}
	b := m.Grid.Find(x)
	return int32(b), m.ProbabilityFrom(m.starts[b], m.starts[b+1], x)
}

// expect resolves what is expected of row n, which counts as a prediction.
func (r *Rows) expect(rec *record.Record, n int) {
	outs := r.plan.layout.Outputs
	at := n * len(outs)
	for _, i := range r.plan.estimated {
		l, e, x := &outs[i], r.plan.estimates[i], &r.expects[at+i]
		*x = expected{state: unusable}
		slot := r.plan.outputs[i].prediction
		if slot < 0 {
			continue
		}
		switch l.Kind {
		case Score:
			s, ok := r.number(slot, n)
			if !ok {
				continue
			}
			x.state, x.score, x.predicted = waiting, s, s >= l.Threshold
			x.outside = e.raw && (s < 0 || s > 1)
		case Decision:
			decision, ok := r.truth(slot, n)
			if s := &r.expects[at+e.source]; ok && s.state >= waiting {
				x.state, x.predicted = usable, decision
			}
		case Probabilities:
			r.weighAll(l, e, rec, x)
		case Class:
			name, ok := r.class(slot, n)
			if s := &r.expects[at+e.source]; ok && s.state == usable {
				x.state, x.class = usable, int32(l.Classes.Index(name))
			}
		case Quantity, Cut:
		}
	}
}

// weighAll finds the chance of each class from its probability in the record, by
// its calibration, and then made to sum up to 1. A class without one has 0.
func (r *Rows) weighAll(l *OutputLayout, e *estimator, rec *record.Record, x *expected) {
	raw := e.q
	clear(raw)
	answer, ok := l.probabilities(rec, raw, &e.others)
	if !ok {
		return
	}
	x.state, x.class, x.from = usable, int32(answer), int32(len(r.chances))
	for i, p := range raw {
		bin, q := e.maps[i].at(p)
		r.chances = append(r.chances, chance{bin: bin})
		raw[i] = q
	}
	score.Normalise(raw)
	for i, q := range raw {
		r.chances[int(x.from)+i].of = score.ChanceOf(q)
	}
}

// probabilities reads those of a record by class into p, which is empty, and
// returns the most probable class, the first by name of equal ones, as
// outcome.weigh does. What the classes beyond the list have is added up.
func (o *OutputLayout) probabilities(rec *record.Record, p []float64, sum *num.Sum) (answer int, ok bool) {
	v := lastValue(rec, o.Prediction)
	if v.Kind() != record.Dict || len(v.Elements()) == 0 {
		return 0, false
	}
	best, name := math.Inf(-1), ""
	others := 0
	for _, el := range v.Elements() {
		x, isNumber := el.Value.Float()
		if !isNumber || !(x >= 0 && x <= 1) {
			return 0, false
		}
		i := o.Classes.Index(el.Name)
		switch {
		case i != o.Classes.Other():
			p[i] = x
		case others == 0:
			p[i] = x
			others++
		default: // exactly, whatever order the sender's map has
			if others++; others == 2 {
				*sum = num.Sum{}
				sum.Add(p[i])
			}
			sum.Add(x)
		}
		if x = min(max(x, smallest), 1-smallest); x > best || x == best && el.Name < name {
			best, name, answer = x, el.Name, i
		}
	}
	if others > 1 {
		p[o.Classes.Other()] = min(sum.Value(), 1)
	}
	return answer, true
}

// lastValue returns the value of a prediction; of one that comes twice the last.
func lastValue(rec *record.Record, prediction string) (v record.Value) {
	for i := range rec.Fields {
		if f := &rec.Fields[i]; f.Group == record.Predictions && f.Name == prediction {
			v = f.Value
		}
	}
	return v
}

// rank finds the bins and the chances of scores that wait for it, many at a time.
func (r *Rows) rank(from, to int) {
	outs, s := r.plan.layout.Outputs, r.scratch
	for _, i := range r.plan.estimated {
		if outs[i].Kind != Score {
			continue
		}
		n := 0
		for k := from; k < to; k++ {
			if !r.rows[k].counted {
				continue
			}
			if x := &r.expects[k*len(outs)+i]; x.state == waiting {
				s.xs[n], s.row[n] = x.score, int32(k)
				n++
			}
		}
		m := &r.plan.estimates[i].maps[0]
		m.Grid.FindAll(s.xs[:n], s.found[:])
		for j, bin := range s.found[:n] {
			x := &r.expects[int(s.row[j])*len(outs)+i]
			q := m.ProbabilityFrom(m.starts[bin], m.starts[bin+1], x.score)
			x.state, x.bin, x.chance = usable, bin, score.ChanceOf(q)
		}
	}
}

// expect counts what is expected of the rows of a list that count as predictions.
func (s *Slice) expect(r *Rows, l *list, from int) {
	outs := len(r.plan.layout.Outputs)
	for _, j := range r.plan.estimated {
		e, kind, source := s.Outputs[j].Estimate, r.plan.layout.Outputs[j].Kind, r.plan.estimates[j].source
		for _, i := range l.counted {
			row := (from + int(i)) * outs
			x, by := &r.expects[row+j], &r.expects[row+source]
			if x.state != usable {
				e.Unusable++
				continue
			}
			e.Rows++
			if by.outside {
				e.OutOfRange++
			}
			if kind == Score || kind == Decision {
				e.Classes[0].Add(x.predicted, by.chance, by.bin)
				continue
			}
			for k := range e.Classes {
				c := &r.chances[int(by.from)+k]
				e.Classes[k].Add(int32(k) == x.class, c.of, c.bin)
			}
		}
	}
}
