package alert

import "time"

// Phase is where an alert is.
type Phase uint8

// The phases. Only changes from and to PhaseFiring are told.
const (
	PhaseOK      Phase = iota
	PhasePending       // violated, but not for as many evaluations as hold.firing says
	PhaseFiring
)

// String returns ok, pending or firing.
func (p Phase) String() string {
	switch p {
	case PhaseFiring:
		return Firing
	case PhasePending:
		return "pending"
	default:
		return "ok"
	}
}

// State is what is remembered of one alert, that is of one monitor in one version,
// segment value and field, between two evaluations: a hundred bytes at most, however
// long it lasts. The zero State is that of one that was never evaluated.
type State struct {
	Run
	End    int64  // of the newest focal period that was judged, unix nanoseconds
	Reason string // why the newest evaluation could not judge; empty if it could

	evaluated bool
	before    Run // the run before the newest focal period was evaluated
}

// Run is where an alert is in its course. It is a comparable value, whose times are
// of UTC.
type Run struct {
	Phase    Phase
	Severity string    // with which it fires; empty unless it does
	Since    time.Time // end of the first focal period of the row of violations; zero if none
	Started  time.Time // when it began to fire; zero unless it does

	row     uint32 // evaluations in a row that speak for leaving the phase
	changes uint32 // of the last memory evaluations, the newest lowest: 1 where it began or ended to fire
}
