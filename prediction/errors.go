package prediction

import (
	"errors"
	"fmt"
)

// Errors of a call whose record is not sent.
var (
	ErrQueueFull = errors.New("prediction: the queue is full: the collector takes records more slowly than they are logged, or not at all; see WithQueueSize")
	ErrShutdown  = errors.New("prediction: the client has been shut down")
)

// An InvalidError is a mistake in what was logged. Nothing of the call is sent,
// since the collector would refuse it.
type InvalidError struct {
	Field   string // such as features.age, or id
	Problem string // what was found, and what would be right
}

// Error names the field and the problem.
func (e *InvalidError) Error() string { return "prediction: " + e.Field + " " + e.Problem }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// A LostError tells the handler of records that were accepted or offered and will
// not arrive.
type LostError struct {
	Records int
	Err     error // ErrQueueFull, or why the exporter gave up
}

// Error says how many and why.
func (e *LostError) Error() string {
	return fmt.Sprintf("prediction: %d records are lost: %v", e.Records, e.Err)
}

// Unwrap returns why.
func (e *LostError) Unwrap() error { return e.Err }
