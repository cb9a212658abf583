package alert

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// Phase is where an alert is.
type Phase uint8

// The phases. Only changes from and to PhaseFiring are told.
const (
	PhaseOK      Phase = iota
	PhasePending       // violated, but not for as many evaluations as hold.firing says
	PhaseFiring
)

// State is what is remembered of one alert, that is of one monitor in one version,
// segment value and field, between two evaluations. The zero State is that of one
// that was never evaluated.
type State struct {
	Phase    Phase
	Severity string    // of the run that fires
	Since    time.Time // end of the first focal period of the row of violations; zero if none
	Started  time.Time // when this run began to fire; zero unless it fires
	End      int64     // of the newest focal period that was evaluated, unix nanoseconds
	Reason   string    // why the newest evaluation could not judge; empty if it could
}

// Rule is what decides when a state changes.
type Rule struct {
	Hold     model.Hold
	Severity string
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
func Step(prev State, e Evaluation, r Rule) (State, []Change) {
	_ = r
	prev.End = e.End
	return prev, nil
}
