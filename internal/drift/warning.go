package drift

import "fmt"

// Word is the stable name of a warning: what dashboards show and count.
type Word string

const (
	SmallSample         Word = "small_sample"
	Insufficient        Word = "insufficient_data"
	WarnEmptyCurrent    Word = "empty_current"
	WarnEmptyReference  Word = "empty_reference"
	WarnConstant        Word = "constant_reference"
	MergedSmallCells    Word = "merged_small_cells"
	Overflow            Word = "overflow"
	Regridded           Word = "regridded"
	ReferenceTooSmall   Word = "reference_too_small"
	ClippedP            Word = "clipped_p"
	FewReferenceWindows Word = "few_reference_windows"
	SizeMismatch        Word = "size_mismatch"
	SingleClass         Word = "single_class"
	LabelsIncomplete    Word = "labels_incomplete"
	Approximate         Word = "approximate"
)

// Words are all warnings there are, in the order of their documentation.
func Words() []Word {
	return []Word{
		SmallSample, Insufficient, WarnEmptyCurrent, WarnEmptyReference, WarnConstant, MergedSmallCells,
		Overflow, Regridded, ReferenceTooSmall, ClippedP, FewReferenceWindows, SizeMismatch, SingleClass,
		LabelsIncomplete, Approximate,
	}
}

// Warning says why to distrust a value. It does not make it invalid; whether an
// alert may fire on a value with a warning is decided elsewhere.
//
// It is a plain, comparable value. Which facts are set depends on the word; the
// others are 0.
type Warning struct {
	Kind   Word
	Have   uint64  // observations, bins, windows: what there was
	Need   uint64  // and what there should have been
	Amount float64 // a share, a ratio or a bound
}

// Word returns the stable word.
func (w Warning) Word() string { return string(w.Kind) }

// String is the sentence for people.
func (w Warning) String() string {
	switch w.Kind {
	case SmallSample:
		return fmt.Sprintf("only %d values on one side, %d are needed for a reliable value", w.Have, w.Need)
	case Insufficient:
		return fmt.Sprintf("only %d values on one side, %d are needed for a verdict", w.Have, w.Need)
	case WarnEmptyCurrent:
		return reasonTexts[EmptyCurrent]
	case WarnEmptyReference:
		return reasonTexts[EmptyReference]
	case WarnConstant:
		return reasonTexts[ConstantReference]
	case MergedSmallCells:
		return fmt.Sprintf("%d rare categories or bins went into others, so that cells expect enough values", w.Have)
	case Overflow:
		return fmt.Sprintf("%.3g of the values are beyond the cap of categories; measures are lower bounds", w.Amount)
	case Regridded:
		return "the sides were counted on different grids; one was re-binned"
	case ReferenceTooSmall:
		return fmt.Sprintf("the reference has %d values, %d are needed for its bins", w.Have, w.Need)
	case ClippedP:
		return fmt.Sprintf("the p-value %g is the end of its table", w.Amount)
	case FewReferenceWindows:
		return fmt.Sprintf("only %d windows of the reference, %d are needed to learn a threshold", w.Have, w.Need)
	case SizeMismatch:
		return fmt.Sprintf("the window is %.3g times as large as the reference windows", w.Amount)
	case SingleClass:
		return "only one class occurs"
	case LabelsIncomplete:
		return fmt.Sprintf("%.3g of the labels have arrived", w.Amount)
	case Approximate:
		return fmt.Sprintf("the value is off by at most %.3g", w.Amount)
	}
	return string(w.Kind)
}
