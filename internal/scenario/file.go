package scenario

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/synth"
)

// File is a test.
type File struct {
	Path      string
	Model     Source
	Window    time.Duration
	Start     time.Time
	Reference Reference
	Loads     []Load
	Checks    []Check
}

// Source says where the definition of the model is.
type Source struct {
	Line int
	YAML string // the definition itself
	Name string // or the model's name in the configuration at From
	From string
}

// Reference says what predictions are compared with.
type Reference struct {
	Line int
	Rows int    // of the first traffic
	From string // or a file of rows, or an artifact
	None bool   // or nothing, so that the first records become it
}

// Load is a stretch of traffic.
type Load struct {
	Line    int
	For     time.Duration
	Empty   bool
	From    string // file of rows, spread evenly
	Version string // of the rows of From
	Stored  string // state directory: what is kept there of this time
	Traffic *synth.Traffic
	Faults  []synth.Fault
}

// Check is an expectation with the evaluations that it is about: that at To, or
// with Between those after From up to To.
type Check struct {
	Line     int
	Between  bool
	From, To time.Duration // since Start
	Want     Want
	Most     int // of AtMost
	Monitor  string
	Where    map[string]string // selectors
}

// Want is what is expected.
type Want string

// The expectations.
const (
	Silent       Want = "silent"        // nothing fires
	Firing       Want = "firing"        // an alert fires
	Resolved     Want = "resolved"      // an alert has fired and is over
	Pending      Want = "pending"       // a violation waits for hold.firing
	NotEvaluated Want = "not_evaluated" // a monitor could not judge
	AtMost       Want = "at_most"       // so many alerts began to fire
)

// selectors are the keys that narrow an expectation.
var selectors = []string{"field", "version", "segment", "value", "severity", "reason"}

// defaults of a file.
const (
	defaultWindow = time.Hour
	defaultRows   = 5000
)

// defaultStart is a Monday.
var defaultStart = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
