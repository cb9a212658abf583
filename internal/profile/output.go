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
	// Estimate is what the labels of all predictions are expected to be; nil where
	// the layout has no calibration of the output.
	Estimate *score.Estimate
	// Invalid counts labelled records whose prediction or actual is missing or
	// unusable.
	Invalid uint64
}

func newOutput(l *OutputLayout) Output {
	o := Output{Estimate: newEstimate(l)}
	switch l.Kind {
	case Score:
		o.Binary = score.NewBinary(l.Grid)
	case Decision, Cut:
		o.Binary = new(score.Binary)
	case Class, Probabilities:
		o.Multiclass = score.NewMulticlass(l.Classes.Len())
	default:
		o.Regression = new(score.Regression)
	}
	return o
}

// outcome is one resolved pair of prediction and actual.
type outcome struct {
	ok        bool
	score     score.ScoreRow
	predicted float64 // number
	actual    float64
	decision  bool
	positive  bool
	class     int32 // predicted
	truth     int32
	same      bool    // predicted and true class have one name
	p         float64 // probability of the true class; NaN where the output has none
}

// judge resolves the outputs of row n, which is labelled.
func (r *Rows) judge(rec *record.Record, n int) {
	outs := r.plan.layout.Outputs
	at := n * len(outs)
	for i := range outs {
		r.compare(rec, n, &outs[i], r.plan.outputs[i], &r.outs[at+i])
	}
}

// compare resolves one pair of prediction and actual of row n.
func (r *Rows) compare(rec *record.Record, n int, l *OutputLayout, s outputPlan, o *outcome) {
	*o = outcome{p: math.NaN()}
	if s.prediction < 0 || s.actual < 0 {
		return
	}
	switch l.Kind {
	case Score:
		x, fine := r.number(s.prediction, n)
		positive, also := r.truth(s.actual, n)
		if o.ok = fine && also; o.ok {
			bin := l.Grid.Find(x)
			o.score = score.NewScoreRow(x, bin, l.Grid.Scaled(bin, x), positive, x >= l.Threshold)
		}
	case Decision:
		var fine, also bool
		o.decision, fine = r.truth(s.prediction, n)
		o.positive, also = r.truth(s.actual, n)
		o.ok = fine && also
	case Cut:
		x, fine := r.number(s.prediction, n)
		var also bool
		o.positive, also = r.truth(s.actual, n)
		o.decision, o.ok = x >= l.Threshold, fine && also
	case Quantity:
		var fine, also bool
		o.predicted, fine = r.number(s.prediction, n)
		o.actual, also = r.number(s.actual, n)
		o.ok = fine && also
	case Class:
		answer, fine := r.class(s.prediction, n)
		truth, also := r.class(s.actual, n)
		o.class, o.truth = int32(l.Classes.Index(answer)), int32(l.Classes.Index(truth))
		o.ok, o.same = fine && also, truth == answer
	case Probabilities:
		truth, ok := r.class(s.actual, n)
		o.truth = int32(l.Classes.Index(truth))
		o.ok = ok && o.weigh(l, rec, truth)
	}
}

// number reads a field of row n as a finite number.
func (r *Rows) number(slot, n int) (x float64, ok bool) {
	c := &r.columns[slot]
	if c.state[n] != number {
		return 0, false
	}
	return c.x[n], true
}

// truth reads a field of row n as true or false: a boolean, or the number or
// category 0 or 1.
func (r *Rows) truth(slot, n int) (value, ok bool) {
	switch c := &r.columns[slot]; c.state[n] {
	case number:
		return c.x[n] == 1, c.x[n] == 0 || c.x[n] == 1
	case known, fresh:
		switch r.name(slot, n) {
		case "true", "1":
			return true, true
		case "false", "0":
			return false, true
		}
	default:
	}
	return false, false
}

// name returns the category of a field of row n, which has one.
func (r *Rows) name(slot, n int) string {
	c := &r.columns[slot]
	if c.state[n] == known {
		return r.plan.slots[slot].categories.Value(int(c.name[n]))
	}
	return r.texts[c.name[n]]
}

// class reads a field of row n as the name of a class.
func (r *Rows) class(slot, n int) (name string, ok bool) {
	switch c := &r.columns[slot]; c.state[n] {
	case known, fresh:
		return r.name(slot, n), true
	case number:
		return r.plan.value(c.x[n]), true
	default:
		return "", false
	}
}

// weigh finds the most probable class, the first by name of equal ones, and the
// probability of the true one, after the probabilities are made to sum to 1. A
// class that is not among them has the probability 0.
func (o *outcome) weigh(l *OutputLayout, rec *record.Record, truth string) bool {
	v := lastValue(rec, l.Prediction)
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
		out.Binary.AddRow(&o.score)
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
	if out.Estimate != nil && o.Estimate != nil {
		if err := out.Estimate.Merge(o.Estimate); err != nil {
			return err
		}
	}
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
