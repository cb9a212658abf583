package monitor

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/drift"
)

// drift follows the alarm rule: a score is an alarm if it is large enough to
// matter, and larger than what chance alone reaches,
//
//	score ≥ threshold  and  score ≥ floor,
//
// as drift.Judge has it, which knows the score's kin: p-values of tests, and
// psi_smoothed where bins hold too few values for psi. Its verdict is followed; the
// bound that is told is the higher of the two.
func (j *judge) drift() Verdict {
	d := j.o.Drift
	if !finite(d.Threshold) || !finite(d.Floor) {
		return j.notEvaluated(NotFinite)
	}
	x := math.Abs(*j.v.Value) // mean_shift has a sign
	if d.Threshold > 0 {
		j.v.Upper = new(max(d.Threshold, d.Floor))
	}
	verdict := d.Verdict
	if verdict == "" {
		switch {
		case d.Threshold <= 0:
			return j.notEvaluated(NoCondition)
		case x >= d.Threshold && x >= d.Floor:
			verdict = drift.VerdictDrift
		default:
			verdict = drift.VerdictOK
		}
	}
	name := Short(j.v.Metric)
	switch verdict {
	case drift.VerdictDrift:
		j.v.Outcome = Violated
		switch {
		case d.Threshold > 0 && x > d.Threshold:
			j.v.Says = compare(name, x, "above", d.Threshold)
		case d.Threshold > 0 && x == d.Threshold:
			j.v.Says = name + " " + Number(x) + " reaches its level"
		default: // judged by the size of the effect behind a test
			j.v.Says = name + " " + Number(x) + ", a drift beyond chance"
		}
	case drift.VerdictOK, drift.VerdictWarning:
		j.v.Outcome = OK
		switch {
		case d.Threshold > 0 && x >= d.Threshold:
			j.v.Says = name + " " + Number(x) + ", which chance alone reaches (" + Number(d.Floor) + ")"
		case d.Threshold > 0:
			j.v.Says = compare(name, x, "below", d.Threshold)
		default:
			j.v.Says = name + " " + Number(x) + ", no drift"
		}
	default: // insufficient_data, not_computable
		return j.notEvaluated(string(verdict))
	}
	return j.v
}
