package drift

import "errors"

// Reason is the stable word under which a value that cannot be computed is
// shown and counted.
type Reason string

const (
	// EmptyCurrent: the current side has no usable value.
	EmptyCurrent Reason = "empty_current"
	// EmptyReference: the reference has no usable value.
	EmptyReference Reason = "empty_reference"
	// ConstantReference: the reference has no spread to divide by, and the
	// current side differs from it.
	ConstantReference Reason = "constant_reference"
	// Infinite: a bin is empty on one side and zero shares are taken as they are.
	Infinite Reason = "infinite"
	// NotFinite: a sum, a width or a variance lies beyond the range of float64.
	NotFinite Reason = "not_finite"
	// BinsNotKept: the grid does not hold the binning that was asked for.
	BinsNotKept Reason = "bins_not_kept"
)

var reasonTexts = map[Reason]string{
	EmptyCurrent:      "the window has no usable value",
	EmptyReference:    "the reference has no usable value",
	ConstantReference: "the reference is constant, so there is no spread to measure in",
	Infinite:          "a bin is empty on one side only and zero shares are not treated",
	NotFinite:         "the values exceed the range of floating-point numbers",
	BinsNotKept:       "the grid of this field does not keep these bins",
}

// NotComputable says that the data, not the question, stand in the way of a
// value. Callers ask for it with errors.AsType and never look at the text.
type NotComputable struct{ Reason Reason }

func (e NotComputable) Error() string {
	if text, ok := reasonTexts[e.Reason]; ok {
		return "not computable: " + text
	}
	return "not computable: " + string(e.Reason)
}

// Mistakes of the caller; no data can cause them.
var (
	// ErrBins: the two sides do not have the same number of bins.
	ErrBins = errors.New("drift: the sides have different numbers of bins")
	// ErrTotal: the counts of one side add up to more than an uint64 holds.
	ErrTotal = errors.New("drift: the counts of a side overflow their total")
	// ErrKind: the measure does not apply to this type of field, or one side is
	// numeric and the other categorical.
	ErrKind = errors.New("drift: the measure does not apply to this type of field")
)
