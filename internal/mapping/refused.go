package mapping

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/record"
)

// RowError is why a row is refused.
type RowError struct {
	Row     int64  // in the order of the source, from 1; 0 if it is not known
	Column  string // column or path; empty if it is about the row as a whole
	Reason  string // a stable word
	Problem string // what was found
	Hint    string // what would be right
}

// The reasons of a RowError, beside those of package tree. They do not change.
const (
	BadTime   = "bad_time"   // a time that cannot be read
	BadType   = "bad_type"   // a value of a kind that cannot stand where it is
	Unmapped  = "not_mapped" // a column of which nothing is said
	NoModel   = "no_model"   // no model is named
	NoID      = "no_id"      // an actual without the id of its prediction
	NoFields  = "no_groups"  // no field in any group
	TooMany   = "too_many_fields"
	TooLong   = "too_large"
	Unequal   = "unequal_lists" // lists to explode of different lengths
	TooManyIn = "too_many_rows" // more rows in one than the limit
)

// Error returns one line: row, column, problem and remedy.
func (e *RowError) Error() string {
	var b strings.Builder
	if e.Row > 0 {
		b.WriteString("row " + strconv.FormatInt(e.Row, 10) + ": ")
	}
	if e.Column != "" {
		b.WriteString("column " + strconv.Quote(e.Column) + " ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// shorten cuts names that nobody would read to their end, between two characters.
// Those that a field may have are left whole.
func shorten(s string) string {
	const most = 64
	if len(s) <= maxName {
		return s
	}
	end := most
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// Check tells what a record lacks to be one of its event.
func Check(r *record.Record) error {
	if r.Model == "" {
		return &RowError{Column: "model", Reason: NoModel, Problem: "is missing", Hint: "name the model in the row, or for all rows with ?model= or mapping.model"}
	}
	if r.Event == record.Actual && r.ID == "" {
		return &RowError{Column: "id", Reason: NoID, Problem: "is missing", Hint: "an actual needs the id of its prediction"}
	}
	for i := range r.Fields {
		if g := r.Fields[i].Group; r.Event != record.Actual || g == record.Actuals || g == record.RawInputs {
			return nil
		}
	}
	hint := `send for example {"features": {"age": 41}, "predictions": {"proba": 0.8}}`
	if r.Event == record.Actual {
		hint = `send for example {"id": "1", "actuals": {"fraud": true}}, or raw_inputs`
	}
	return &RowError{Reason: NoFields, Problem: "has no fields that count", Hint: hint}
}
