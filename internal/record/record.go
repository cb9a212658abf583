// Package record holds prediction logs as the core sees them: events with
// groups of fields, free of any wire format, and the codec in which they are
// kept until they are counted.
//
// A Record is meant to be reused: a decoder fills it, the core reads it, and
// Reset makes it ready for the next event without giving memory back, so that
// the steady state allocates nothing.
package record

import (
	"cmp"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// Event says what a record tells.
type Event uint8

// The events.
const (
	Prediction Event = iota // ml.prediction: a model answered
	Actual                  // ml.actual: ground truth for an earlier prediction
	Reference               // ml.reference: a row of the set to compare with
	Labelled                // ml.labelled: a prediction whose actual has been joined
	Duplicate               // ml.duplicate: a prediction's id came again; groundtruth says so, no service does
)

var eventNames = [...]string{contract.Prediction, contract.Actual, contract.Reference, contract.Labelled, contract.Duplicate}

// String returns the event's name on the wire.
func (e Event) String() string { return eventNames[e] }

// ParseEvent returns the event with a name on the wire.
func ParseEvent(name string) (Event, bool) {
	for e, n := range eventNames {
		if n == name {
			return Event(e), true
		}
	}
	return 0, false
}

// Group is one of the six groups of fields of an event.
type Group uint8

// The groups of fields.
const (
	Features     Group = iota
	RawInputs          // not inputs of the model; for slicing and text
	Predictions        // what the model answered
	Actuals            // ground truth, under the names of the predictions
	Explanations       // contribution of each feature
	Metrics            // any number per prediction, such as a latency
	groups             // how many there are
)

var groupNames = [groups]string{
	contract.Features, contract.RawInputs, contract.Predictions, contract.Actuals, contract.Explanations, contract.Metrics,
}

// String returns the group's name in keys and files.
func (g Group) String() string {
	if g < groups {
		return groupNames[g]
	}
	return fmt.Sprintf("group(%d)", uint8(g))
}

// ParseGroup returns the group with a name.
func ParseGroup(name string) (Group, bool) {
	for g, n := range groupNames {
		if n == name {
			return Group(g), true
		}
	}
	return 0, false
}

// Groups returns all groups in their order.
func Groups() []Group {
	return []Group{Features, RawInputs, Predictions, Actuals, Explanations, Metrics}
}

// Key names a field: its group and its name in it.
type Key struct {
	Group Group
	Name  string
}

// String returns the key as users write it, such as features.age.
func (k Key) String() string { return k.Group.String() + "." + k.Name }

// Compare orders keys by group, then name.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Group, o.Group), cmp.Compare(k.Name, o.Name))
}

// Field is one field of a record.
type Field struct {
	Group Group
	Name  string
	Value Value
}

// Record is one event.
type Record struct {
	Event       Event
	Test        bool // of Reference: a row of the test set, not of the training set
	Last        bool // of Reference: the set is complete with this row
	Stamped     bool // Time came with the record and was not set on arrival
	Model       string
	Version     string
	Environment string
	ID          string  // prediction id; may be empty
	Time        int64   // unix nanoseconds, event time
	Fields      []Field // in the order in which they came

	// Of Labelled, where labels may change. Revision numbers the statements about
	// one prediction from 1; 0 where nobody counts them. Previous is the actuals as
	// the revision before had them: whoever counts takes these back. LateInputs says
	// that the raw inputs were not in the prediction and came after it.
	Revision   uint32
	LateInputs bool
	Previous   []Field

	elems []Element
}

// Reset forgets everything and keeps the memory.
func (r *Record) Reset() {
	*r = Record{Fields: r.Fields[:0], Previous: r.Previous[:0], elems: r.elems[:0]}
}

// Append adds a field.
func (r *Record) Append(g Group, name string, v Value) {
	r.Fields = append(r.Fields, Field{Group: g, Name: name, Value: v})
}

// Next adds a field and returns it to be filled in. Its value is what stood at
// this place in a record before; use the setters of Value.
func (r *Record) Next() *Field { return next(&r.Fields) }

// NextPrevious adds an actual that is taken back, likewise.
func (r *Record) NextPrevious() *Field {
	f := next(&r.Previous)
	f.Group = Actuals
	return f
}

func next(fields *[]Field) *Field {
	fs := *fields
	n := len(fs)
	if n < cap(fs) {
		fs = fs[:n+1]
	} else {
		fs = append(fs, Field{})
	}
	*fields = fs
	return &fs[n]
}

// Elements returns room for n elements of a List or Dict. It belongs to the
// record and is valid until Reset.
func (r *Record) Elements(n int) []Element {
	if cap(r.elems)-len(r.elems) < n {
		// Earlier values keep the old array; the new one serves what follows.
		r.elems = make([]Element, 0, max(2*cap(r.elems), n, 64))
	}
	at := len(r.elems)
	r.elems = r.elems[:at+n]
	return r.elems[at : at+n : at+n]
}

// Get returns the value of a field, Missing if it is not there. It scans, and
// is meant for what is not hot.
func (r *Record) Get(k Key) Value {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Group == k.Group && f.Name == k.Name {
			return f.Value
		}
	}
	return Value{}
}
