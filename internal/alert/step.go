package alert

import (
	"math/bits"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// Damping of what flaps: an alert that began or ended to fire at least flaps times
// in the last memory evaluations needs twice hold.resolved evaluations in order to
// end, and twice as many again for every two changes more, up to maxDamping times.
// So an alert that goes to and fro with every evaluation is told five times, and
// then fires until it is over for good.
const (
	memory     = 24
	flaps      = 4
	maxDamping = 8
)

// Rule is what decides when a state changes.
type Rule struct {
	Hold     model.Hold
	Severity string // Low, Medium or High; Medium if it is none of them
}

// Evaluation is one verdict about one focal period.
type Evaluation struct {
	Verdict monitor.Verdict
	End     int64     // of the focal period, unix nanoseconds
	Now     time.Time // when it is judged: what a run that begins or ends now is dated
}

// Change is a run that begins to fire, changes its severity, or is over.
type Change struct {
	State    string // Firing or Resolved
	Severity string
	Since    time.Time // end of the first focal period that was violated
	Started  time.Time
	Ended    time.Time // zero while it fires
}

// Step returns the state after an evaluation, with what there is to tell in the
// order in which it is told.
//
// Focal periods come in the order of their ends. An older one than the newest
// changes nothing. The newest one may be judged again, as when data came late: then
// the state is what it would be had it been judged so at first, and what was told of
// it is corrected, a run that goes on with the start that it had. A period that could
// not be judged neither begins nor ends anything, and is not the newest: what it
// takes, such as labels, may come later than that of newer ones was missed. Its reason
// is kept.
func Step(prev State, e Evaluation, r Rule) (State, []Change) {
	if prev.evaluated && e.End < prev.End {
		return prev, nil
	}
	if o := e.Verdict.Outcome; o != monitor.Violated && o != monitor.OK {
		prev.Reason = e.Verdict.Reason
		return prev, nil
	}
	base, again := prev.Run, prev.evaluated && e.End == prev.End
	if again {
		base = prev.before
	}
	next := State{Run: base, End: e.End, evaluated: true, before: base}
	if e.Verdict.Outcome == monitor.Violated {
		next.violated(e, r)
	} else {
		next.inOrder(r)
	}
	if again && prev.Phase == PhaseFiring && next.Phase == PhaseFiring {
		next.Started = prev.Started // what was told of it
	}
	if next.Phase == PhaseFiring {
		next.Severity = severity(r.Severity)
	}
	return next, told(prev.Run, next.Run, e.Now)
}

// Over ends a run that fires because nobody watches any more: its monitor, version
// or segment value is gone.
func Over(prev State, now time.Time) (State, []Change) {
	return State{}, told(prev.Run, Run{}, now)
}

func (r *Run) violated(e Evaluation, rule Rule) {
	r.changes = r.changes << 1 & (1<<memory - 1)
	if r.Phase == PhaseFiring {
		r.row = 0
		return
	}
	if r.Phase == PhaseOK {
		r.Phase, r.Since, r.row = PhasePending, utc(time.Unix(0, e.End)), 0
	}
	if r.row++; r.row >= atLeastOne(rule.Hold.Firing) {
		r.Phase, r.Started, r.row = PhaseFiring, utc(e.Now), 0
		r.changes |= 1
	}
}

func (r *Run) inOrder(rule Rule) {
	r.changes = r.changes << 1 & (1<<memory - 1)
	if r.Phase != PhaseFiring {
		*r = Run{changes: r.changes}
		return
	}
	if r.row++; r.row >= atLeastOne(rule.Hold.Resolved)*r.damping() {
		*r = Run{changes: r.changes | 1}
	}
}

// damping returns how many times hold.resolved it takes to end.
func (r *Run) damping() uint32 {
	n := bits.OnesCount32(r.changes)
	if n < flaps {
		return 1
	}
	return min(uint32(2)<<((n-flaps)/2), maxDamping)
}

// told returns what there is to tell when a run was one thing and is another.
func told(was, is Run, now time.Time) []Change {
	switch fired, fires := was.Phase == PhaseFiring, is.Phase == PhaseFiring; {
	case fires && (!fired || was.Severity != is.Severity):
		return []Change{{State: Firing, Severity: is.Severity, Since: is.Since, Started: is.Started}}
	case fired && !fires:
		ended := utc(now)
		if ended.Before(was.Started) {
			ended = was.Started // the clock was set back
		}
		return []Change{{State: Resolved, Severity: was.Severity, Since: was.Since, Started: was.Started, Ended: ended}}
	}
	return nil
}

// utc returns a time that compares with ==, and that the encoded state can hold.
func utc(t time.Time) time.Time { return time.Unix(0, t.UnixNano()).UTC() }

func severity(s string) string {
	if s == Low || s == High {
		return s
	}
	return Medium
}

func atLeastOne(n int) uint32 { return uint32(min(max(n, 1), 1000)) }
