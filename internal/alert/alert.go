// Package alert is what is said when a monitor begins or ceases to fire.
//
// An Alert is a value that travels from the evaluator to whoever delivers it. It
// keeps apart what an alert is, by which it is recognised, grouped and silenced,
// and what was measured, which differs each time it is said.
package alert

import (
	"slices"
	"time"
)

// States of an alert. A pending one is the evaluator's own business and is never
// sent.
const (
	Firing   = "firing"
	Resolved = "resolved"
)

// Severities, from the least.
const (
	Low    = "low"
	Medium = "medium"
	High   = "high"
)

// Higher returns the higher one of two severities.
func Higher(a, b string) string {
	order := []string{Low, Medium, High}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// Alert is one statement about one run of one alert: that it fires, that it still
// does, or that it is over.
//
// It is a plain value; the numbers it points to and its evidence are never
// changed once it has been made.
type Alert struct {
	ID       string // see ID
	State    string // Firing or Resolved
	Severity string // Low, Medium or High

	Started time.Time // when this run began to fire; the same in all that is said of the run
	Ended   time.Time // when it was over; zero while it fires
	At      time.Time // when the state was as this says

	Monitor      Monitor
	Environment  string // of the deployment
	Model        string
	Version      string
	Segment      string // empty for the whole
	SegmentValue string
	Field        string
	FieldGroup   string
	Importance   *float64 // of the field, as the definition of the model says
	Output       string

	Metric       string   // such as ml.drift.psi
	Value        *float64 // what was measured; nil if nothing could be
	Threshold    *float64 // the bound that was passed, or the lower one of a range
	ThresholdMax *float64 // the upper bound of a range
	Baseline     *float64 // what it was compared with

	WindowStart, WindowEnd time.Time // the focal period

	Reason         string // a fragment: "psi 0.41 above 0.2"
	Text           string // the sentence a person reads
	Recommendation string // what to look at
	DashboardURL   string
	Evidence       []Evidence // the greatest contributions, at most MaxEvidence
}

// MaxEvidence is how many rows of evidence an alert has at most.
const MaxEvidence = 10

// Monitor is what an alert says of the monitor it comes from.
type Monitor struct {
	ID, Name   string
	Type       string // one of the ten kinds, such as data_drift
	Method     string // such as training
	Owner      string
	RunbookURL string
	Mention    string // who is to be called, as the destination writes it: "<@U012345>"
}

// Evidence is a row of the small table that explains an alert: a part of what was
// measured, then and before.
type Evidence struct {
	Name     string
	Value    float64
	Baseline float64
}

// Firing reports whether the alert fires.
func (a *Alert) Firing() bool { return a.State == Firing }
