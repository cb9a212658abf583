package table

import (
	"strconv"
	"strings"
)

// Error is why a file cannot be read, or not further.
type Error struct {
	Path    string
	Row     int64  // counts from 1 and leaves out the header; 0 if it is about no row
	Column  string // empty if it is about no column
	Problem string // what was found
	Hint    string // what would be right; may be empty
	Err     error  // the cause, if there is one
}

// Error returns one line: file, row, column, problem and remedy.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Row > 0 {
		b.WriteString(": row " + strconv.FormatInt(e.Row, 10))
	}
	if e.Column != "" {
		b.WriteString(": column " + strconv.Quote(e.Column))
	}
	b.WriteString(": " + e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
