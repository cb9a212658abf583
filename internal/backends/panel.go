package backends

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// Dashboard is a page of panels.
type Dashboard struct {
	ID          string // identity, the same whenever it is generated
	Title       string
	Description string
	Scope       Scope
	Model       string   // of the scope OneModel
	Measures    []string // metrics of drift that the user can choose from, the first by default
	Rows        []Row
}

// Scope is what a dashboard is about.
type Scope int

// The scopes.
const (
	AllModels Scope = iota // every model beside the others
	AnyModel               // one model, chosen by the user
	OneModel               // one model
)

// Row is a part of a dashboard under a heading.
type Row struct {
	Title     string
	Collapsed bool // opened by those who want it
	Panels    []Panel
}

// Panel is one picture.
type Panel struct {
	Title       string
	Description string
	Kind        Kind
	Unit        Unit
	Width       int // of 24 columns
	Height      int
	Series      []Series
}

// Kind is how a panel shows its series.
type Kind int

// The kinds of panels.
const (
	Lines  Kind = iota // values over time
	Stack              // values over time, on top of each other
	Number             // the latest value, large
	Table              // the latest values: a row for each value of By, a column for each series
	Bars               // the latest values, by size
	States             // 0 or 1 over time, a line for each
)

// Unit is how a value is written.
type Unit int

// The units.
const (
	Plain   Unit = iota
	Share        // 1 is 100 %
	Integer      // a number of things
	State        // 1 is drift, 0 is none
)

// Series is one query: the metrics of a name with some attributes, kept apart by
// the attributes in By and joined over all others.
type Series struct {
	Name   string   // how it is called in a legend or as a column; the attributes in By follow it
	Metric string   // as on our wire: ml.drift.psi; Chosen for the measure that the user chose
	Where  []Match  // beside those of the scope
	By     []string // attributes
	Join   Join
	Slice  Slice
	Top    int // only so many, the greatest; 0 for all
	// OfField restricts it to the fields that the user chose.
	OfField bool
	Dashed  bool // an expectation rather than an observation
}

// Chosen stands for the metric of drift that the user of a dashboard chose.
const Chosen = "chosen"

// Has reports whether a metric has an attribute beside model, version and segment.
func Has(metric, attribute string) bool {
	if metric == Chosen {
		metric = measure.PrefixDrift + drift.DefaultNumeric()[0]
	}
	m, ok := measure.Lookup(metric)
	return ok && slices.Contains(m.Attributes, attribute)
}

// Match compares an attribute with a value.
type Match struct {
	Attribute string
	Value     string
	Not       bool
}

// Join is how values are joined that differ in attributes which are not asked for.
type Join int

// The ways to join. Two collectors that export the same are not two models, which
// is why the greatest is the first choice.
const (
	Greatest Join = iota
	Sum
	Mean
	Least
)

// Slice is which slices of a model a series is about.
type Slice int

// The slices.
const (
	Selected  Slice = iota // those that the user of the dashboard chose: by default the whole
	Whole                  // all records of a model
	EachValue              // the values of its segments, without the whole
)
