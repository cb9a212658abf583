package profile

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Output is what is kept of one output in a slice: the sufficient statistics of
// its metrics. One of the pointers is set, by the kind of the output.
type Output struct {
	Binary     *score.Binary
	Multiclass *score.Multiclass
	Regression *score.Regression
	// Invalid counts labelled records whose prediction or actual is missing or
	// unusable.
	Invalid uint64
}

func newOutput(l *OutputLayout) Output {
	switch l.Kind {
	case Score:
		return Output{Binary: score.NewBinary(l.Grid)}
	case Decision:
		return Output{Binary: new(score.Binary)}
	case Class, Probabilities:
		return Output{Multiclass: score.NewMulticlass(l.Classes.Len())}
	default:
		return Output{Regression: new(score.Regression)}
	}
}

// outcome is one resolved pair of prediction and actual.
type outcome struct {
	ok        bool
	predicted float64 // score or number
	actual    float64
	decision  bool
	positive  bool
	bin       int32
	scaled    uint64
	class     int32 // predicted
	truth     int32
	same      bool    // predicted and true class have one name
	p         float64 // probability of the true class; NaN where the output has none
}

// judge resolves the outputs of a labelled record.
func (r *Rows) judge(rec *record.Record, cells []cell) {
	outs := r.plan.layout.Outputs
	at := len(r.outs)
	r.outs = grow(r.outs, len(outs))
	for i := range outs {
		l, o := &outs[i], &r.outs[at+i]
		*o = outcome{p: math.NaN()}
		s := r.plan.outputs[i]
		if s.prediction < 0 || s.actual < 0 {
			continue
		}
		pred, act := &cells[s.prediction], &cells[s.actual]
		switch l.Kind {
		case Score:
			if pred.state != number {
				continue
			}
			o.positive, o.ok = r.truth(s.actual, act)
			o.predicted, o.decision = pred.x, pred.x >= l.Threshold
			bin := l.Grid.Find(pred.x)
			o.bin, o.scaled = int32(bin), l.Grid.Scaled(bin, pred.x)
		case Decision:
			var ok bool
			o.positive, o.ok = r.truth(s.actual, act)
			o.decision, ok = r.truth(s.prediction, pred)
			o.ok = o.ok && ok
		case Quantity:
			o.predicted, o.actual = pred.x, act.x
			o.ok = pred.state == number && act.state == number
		case Class:
			var truth, answer string
			var ok bool
			o.truth, truth, o.ok = r.class(l.Classes, s.actual, act)
			o.class, answer, ok = r.class(l.Classes, s.prediction, pred)
			o.ok, o.same = o.ok && ok, truth == answer
		case Probabilities:
			var truth string
			if o.truth, truth, o.ok = r.class(l.Classes, s.actual, act); o.ok {
				o.ok = o.weigh(l, rec, truth)
			}
		}
	}
}

// truth reads a cell as true or false: a boolean, or the number or category 0
// or 1.
func (r *Rows) truth(slot int, c *cell) (value, ok bool) {
	switch c.state {
	case number:
		return c.x == 1, c.x == 0 || c.x == 1
	case known, fresh:
		switch r.name(slot, c) {
		case "true", "1":
			return true, true
		case "false", "0":
			return false, true
		}
	default:
	}
	return false, false
}

// name returns the category of a cell.
func (r *Rows) name(slot int, c *cell) string {
	if c.state == known {
		return r.plan.layout.Fields[slot].Categories.Value(int(c.bin))
	}
	return r.texts[c.bin]
}

// class returns the number of the class that a cell names. same tells other
// classes, those beyond the list, apart.
func (r *Rows) class(l *score.Classes, slot int, c *cell) (n int32, name string, ok bool) {
	switch c.state {
	case known, fresh:
		name = r.name(slot, c)
	case number:
		name = r.plan.value(c.x)
	default:
		return 0, "", false
	}
	return int32(l.Index(name)), name, true
}

// weigh finds the most probable class, the first by name of equal ones, and the
// probability of the true one, after the probabilities are made to sum to 1. A
// class that is not among them has the probability 0.
func (o *outcome) weigh(l *OutputLayout, rec *record.Record, truth string) bool {
	var v record.Value
	for i := range rec.Fields {
		if f := &rec.Fields[i]; f.Group == record.Predictions && f.Name == l.Prediction {
			v = f.Value // a field that comes twice counts as it came last
		}
	}
	if v.Kind() != record.Dict || len(v.Elements()) == 0 {
		return false
	}
	answer, best, sum, p := "", math.Inf(-1), 0.0, 0.0
	for _, e := range v.Elements() {
		x, ok := e.Value.Float()
		if !ok || !(x >= 0 && x <= 1) {
			return false
		}
		x = min(max(x, smallest), 1-smallest)
		sum += x
		if e.Name == truth {
			p = x
		}
		if x > best || x == best && e.Name < answer { // senders write maps in any order
			best, answer = x, e.Name
		}
	}
	if p == 0 {
		p = smallest
		sum += p
	}
	o.class, o.same, o.p = int32(l.Classes.Index(answer)), answer == truth, p/sum
	return true
}

// smallest is how far from 0 and 1 a probability is taken to be at least, as
// internal/score does.
const smallest = 1e-15

func (out *Output) add(l *OutputLayout, o *outcome) {
	switch {
	case !o.ok:
		out.Invalid++
	case out.Binary != nil && out.Binary.Pos != nil:
		out.Binary.AddScore(o.predicted, int(o.bin), o.scaled, o.positive, o.decision)
	case out.Binary != nil:
		out.Binary.AddDecision(o.decision, o.positive)
	case out.Multiclass != nil:
		if other := int32(l.Classes.Other()); o.class == other && o.truth == other {
			out.Multiclass.AddOther(o.same)
		} else {
			out.Multiclass.AddClass(int(o.class), int(o.truth))
		}
		if o.p == o.p {
			out.Multiclass.AddLogLoss(o.p)
		}
	default:
		out.Regression.Add(o.predicted, o.actual)
	}
}

func (out *Output) merge(o *Output) error {
	out.Invalid += o.Invalid
	switch {
	case out.Binary != nil:
		return out.Binary.Merge(o.Binary)
	case out.Multiclass != nil:
		return out.Multiclass.Merge(o.Multiclass)
	default:
		out.Regression.Merge(o.Regression)
		return nil
	}
}
