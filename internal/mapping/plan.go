// Package mapping says what the columns of a file or table are: which is the id
// of a prediction, which its time, and which field of which group the others
// hold; and it makes records of rows accordingly.
//
// Receivers take rows from anywhere with a Mapper, which knows columns and paths
// into JSON alike and is made of a Config, the key mapping of each. Reference
// sets in files are read by a Plan:
//
// There are two kinds of files. In one, columns are named by group and field:
//
//	id, timestamp, features.age, raw_inputs.comment, predictions.proba, actuals.fraud
//
// In the other they have the names that they had where the model was trained:
// there, a column named like the prediction or the actual of an output is that,
// and all others are features. One column with a group's prefix makes a file one
// of the first kind. In both, id and timestamp are what they say, columns
// without a name are left out (data frames leave them for their index), and a
// mapping in the configuration has the last word on any column.
package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Use is what a column is for.
type Use uint8

// The uses of a column.
const (
	Ignore    Use = iota // left out
	Field                // a field of the prediction, named by Target.Key
	ID                   // the id of the prediction
	Timestamp            // the time of the prediction
)

// Target says where the values of a column go.
type Target struct {
	Column string // as the file has it
	Use    Use
	Key    record.Key // of a Field
}

// Plan says what to do with the columns of a file, in their order.
type Plan struct {
	Columns   []Target
	ID        int // index of the column with the id, −1 if there is none
	Timestamp int // index of the column with the time, −1 if there is none
	// Absent are the predictions and actuals of outputs that no column holds.
	// That is no error: a reference without actuals still has features.
	Absent []record.Key
}

// Output names an answer of the model, and the ground truth that goes with it;
// an empty Actual is named like the prediction.
type Output struct{ Prediction, Actual string }

// actual returns the name in the group actuals.
func (o Output) actual() string {
	if o.Actual == "" {
		return o.Prediction
	}
	return o.Actual
}

// Error is one thing that is wrong with the columns or the mapping.
type Error struct {
	Subject string // the column, or the key of the mapping as the user wrote it
	Problem string
	Hint    string // what would be right
}

// Error returns one line.
func (e *Error) Error() string { return e.Subject + " " + e.Problem + "; " + e.Hint }

// The targets of a mapping that are not fields.
const (
	idName        = "id"
	timestampName = "timestamp"
)

// New plans what to do with columns. The values of override are group.name, id,
// timestamp, or nothing to leave the column out. The errors are of type *Error
// and joined: all that is wrong is reported at once.
func New(columns []string, outputs []Output, override map[string]string) (Plan, error) {
	p := planner{outputs: outputs, override: override, prefixed: prefixed(columns, override),
		seen: map[string]bool{}, taken: map[string]string{}}
	p.plan.ID, p.plan.Timestamp = -1, -1
	for _, column := range columns {
		p.add(column)
	}
	for _, column := range slices.Sorted(maps.Keys(override)) {
		if !slices.Contains(columns, column) {
			p.fail(entry(column, override[column]), "names a column that is not there", "columns: "+some(columns))
		}
	}
	if err := errors.Join(p.errs...); err != nil {
		return Plan{}, err
	}
	p.absent()
	return p.plan, nil
}

// prefixed tells whether columns are named by group and field.
func prefixed(columns []string, override map[string]string) bool {
	return slices.ContainsFunc(columns, func(column string) bool {
		_, mapped := override[column]
		_, ok := parseKey(column)
		return ok && !mapped
	})
}

// parseKey splits group.name.
func parseKey(s string) (record.Key, bool) {
	group, name, _ := strings.Cut(s, ".")
	g, ok := record.ParseGroup(group)
	return record.Key{Group: g, Name: name}, ok && name != ""
}

// planner builds a Plan and gathers what is wrong.
type planner struct {
	outputs  []Output
	override map[string]string
	prefixed bool
	seen     map[string]bool   // columns
	taken    map[string]string // targets, by which column
	plan     Plan
	errs     []error
}

func (p *planner) fail(subject, problem, hint string) {
	p.errs = append(p.errs, &Error{subject, problem, hint})
}

// add plans the next column, unless its target is taken.
func (p *planner) add(column string) {
	t := Target{Column: column}
	target, mapped := p.override[column]
	if mapped {
		p.mapped(&t, target)
	} else {
		p.named(&t)
	}
	if column != "" && p.seen[column] {
		p.fail(quoted(column), "is there twice", "give each column a name of its own")
		t.Use = Ignore
	}
	p.seen[column] = true
	if other, taken := p.taken[t.name()]; taken && t.Use != Ignore {
		p.fail(fmt.Sprintf("columns %q and %q", other, column), "are both "+t.name(), "leave one out by "+entry(column, ""))
		t.Use = Ignore
	}
	p.taken[t.name()] = column
	at := len(p.plan.Columns)
	switch t.Use {
	case ID:
		p.plan.ID = at
	case Timestamp:
		p.plan.Timestamp = at
	default:
	}
	p.plan.Columns = append(p.plan.Columns, t)
}

// name returns what a mapping would call the target.
func (t Target) name() string {
	switch t.Use {
	case Ignore:
		return ""
	case ID:
		return idName
	case Timestamp:
		return timestampName
	default:
	}
	return t.Key.String()
}

// mapped plans a column by its target in the mapping.
func (p *planner) mapped(t *Target, target string) {
	switch key, ok := parseKey(target); {
	case target == "":
	case target == idName:
		t.Use = ID
	case target == timestampName:
		t.Use = Timestamp
	case ok:
		t.Use, t.Key = Field, key
	default:
		p.fail(entry(t.Column, target), "is no target", "write group.name with one of the groups "+groups()+
			"; or id, timestamp, or \"\" to leave the column out")
	}
}

// named plans a column by its name.
func (p *planner) named(t *Target) {
	key, isKey := parseKey(t.Column)
	switch {
	case t.Column == "":
	case t.Column == idName:
		t.Use = ID
	case t.Column == timestampName:
		t.Use = Timestamp
	case p.prefixed && isKey:
		t.Use, t.Key = Field, key
	case p.prefixed:
		p.fail(quoted(t.Column), "has no group, and other columns have one",
			fmt.Sprintf("name it %s, or write %s, or %s to leave it out", p.likely(t.Column), entry(t.Column, p.likely(t.Column)), entry(t.Column, "")))
	default:
		p.plain(t)
	}
}

// plain plans a column of a file without prefixes.
func (p *planner) plain(t *Target) {
	t.Use, t.Key = Field, record.Key{Group: record.Features, Name: t.Column}
	for _, o := range p.outputs {
		switch {
		case o.Prediction == t.Column && o.Actual == t.Column:
			p.fail(quoted(t.Column), "names both the prediction and the actual of an output",
				fmt.Sprintf("write %s or %s", entry(t.Column, "predictions."+t.Column), entry(t.Column, "actuals."+t.Column)))
			t.Use = Ignore
			return
		case o.Prediction == t.Column:
			t.Key.Group = record.Predictions
		case o.Actual == t.Column:
			t.Key.Group = record.Actuals
		}
	}
}

// likely guesses the target of a column that has no group.
func (p *planner) likely(column string) string {
	for _, o := range p.outputs {
		switch column {
		case o.Prediction:
			return "predictions." + column
		case o.Actual:
			return "actuals." + column
		}
	}
	return "features." + column
}

// absent lists what the outputs name and no column holds.
func (p *planner) absent() {
	for _, o := range p.outputs {
		for _, key := range []record.Key{
			{Group: record.Predictions, Name: o.Prediction},
			{Group: record.Actuals, Name: o.actual()},
		} {
			holds := func(t Target) bool { return t.Use == Field && t.Key == key }
			if key.Name != "" && !slices.ContainsFunc(p.plan.Columns, holds) && !slices.Contains(p.plan.Absent, key) {
				p.plan.Absent = append(p.plan.Absent, key)
			}
		}
	}
}

func quoted(column string) string { return fmt.Sprintf("column %q", column) }

// entry shows an entry of the mapping.
func entry(column, target string) string { return fmt.Sprintf("mapping.%s=%q", column, target) }

func groups() string {
	var names []string
	for _, g := range record.Groups() {
		names = append(names, g.String())
	}
	return strings.Join(names, ", ")
}

// some lists columns, up to as many as one cares to read.
func some(columns []string) string {
	const most = 20
	if len(columns) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(columns[:most], ", "), len(columns)-most)
	}
	return strings.Join(columns, ", ")
}
