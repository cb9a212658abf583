package score

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/num"
)

// Multiclass summarises the labelled rows of an output with one class of many.
//
// The zero value is the summary of no rows: it merges with any other, and takes
// rows once it has come to a list of classes that way. NewMulticlass makes one
// for a list. Multiclass is not safe for concurrent use.
type Multiclass struct {
	// Matrix counts rows by actual and predicted class: with k classes, the row of
	// actual class i is Matrix[i·k : (i+1)·k]. The last class is OtherClass.
	Matrix []uint64
	// OtherWrong counts the rows of Matrix whose actual and predicted class are
	// both beyond the list, but not the same.
	OtherWrong uint64
	// LogLoss is −Σ ln p(actual) over LogLossN rows, p clipped to
	// [1e-15, 1−1e-15]. OutOfRange counts the rows among these whose p was no
	// probability; LogLoss leaves them out, and cannot be read while there are any.
	LogLoss    num.Sum
	LogLossN   uint64
	OutOfRange uint64
}

// NewMulticlass returns an empty summary of that many classes, Classes.Len.
func NewMulticlass(classes int) *Multiclass {
	return &Multiclass{Matrix: make([]uint64, classes*classes)}
}

// Len returns the number of classes, 0 for the zero value.
func (m *Multiclass) Len() int { return int(math.Sqrt(float64(len(m.Matrix)))) }

// AddClass counts a row by the numbers of its classes, Classes.Index. Numbers
// that are not in the list are the caller's mistake and are ignored. Where both
// are OtherClass they count as the same class; call AddOther if they may differ.
func (m *Multiclass) AddClass(pred, actual int) {
	k := m.Len()
	if uint(pred) < uint(k) && uint(actual) < uint(k) {
		m.Matrix[actual*k+pred]++
	}
}

// AddOther counts a row whose actual and predicted class are both beyond the
// list; same says whether they are the same one.
func (m *Multiclass) AddOther(same bool) {
	if len(m.Matrix) == 0 {
		return
	}
	m.Matrix[len(m.Matrix)-1]++
	if !same {
		m.OtherWrong++
	}
}

// AddLogLoss counts the probability that a row gave to its actual class. See
// Probability for rows whose probabilities do not add up to 1.
func (m *Multiclass) AddLogLoss(p float64) {
	m.LogLossN++
	if !(p >= 0 && p <= 1) {
		m.OutOfRange++
		return
	}
	m.LogLoss.Add(-math.Log(clip(p)))
}

// Probability returns the share of the actual class in the probabilities of a
// row, each clipped to [1e-15, 1−1e-15], as sklearn.metrics.log_loss does. It is
// NaN, which AddLogLoss counts as out of range, if any of them is no probability
// or if there is none for the actual class.
func Probability(row []float64, actual int) float64 {
	if uint(actual) >= uint(len(row)) {
		return math.NaN()
	}
	sum := 0.0
	for _, p := range row {
		if !(p >= 0 && p <= 1) {
			return math.NaN()
		}
		sum += clip(p)
	}
	return clip(row[actual]) / sum
}

// Merge adds the rows of o, which has the same list of classes and is not
// modified. With different numbers of classes it changes nothing and returns an
// error that wraps ErrMerge.
func (m *Multiclass) Merge(o *Multiclass) error {
	switch {
	case len(o.Matrix) == 0:
	case len(m.Matrix) == 0:
		m.Matrix = slices.Clone(o.Matrix)
	case len(m.Matrix) != len(o.Matrix):
		return fmt.Errorf("%w: %d and %d classes", ErrMerge, m.Len(), o.Len())
	default:
		for i, n := range o.Matrix {
			m.Matrix[i] += n
		}
	}
	m.OtherWrong += o.OtherWrong
	m.LogLoss.Merge(&o.LogLoss)
	m.LogLossN += o.LogLossN
	m.OutOfRange += o.OutOfRange
	return nil
}

// Equal reports whether both summaries are the same in every bit that matters.
func (m *Multiclass) Equal(o *Multiclass) bool {
	return slices.Equal(m.Matrix, o.Matrix) && m.OtherWrong == o.OtherWrong &&
		m.LogLossN == o.LogLossN && m.OutOfRange == o.OutOfRange && m.LogLoss.Equal(&o.LogLoss)
}

// N returns the number of rows.
func (m *Multiclass) N() uint64 {
	var n uint64
	for _, c := range m.Matrix {
		n += c
	}
	return n
}

// Confusion returns the counts of one class against the rest.
func (m *Multiclass) Confusion(class int) Confusion {
	return newMargins(m).confusion(class)
}

// margins are the row and column sums of the matrix.
type margins struct {
	hits, actual, predicted []uint64 // a class each
	n, correct              uint64
	other                   uint64 // rows with the last class on either side
}

func newMargins(m *Multiclass) margins {
	k := m.Len()
	cells := make([]uint64, 3*k)
	s := margins{hits: cells[:k], actual: cells[k : 2*k], predicted: cells[2*k:]}
	for i := range k {
		for j, n := range m.Matrix[i*k : (i+1)*k] {
			s.actual[i] += n
			s.predicted[j] += n
			s.n += n
			if i == j {
				s.hits[i] = n
				s.correct += n
			}
			if i == k-1 || j == k-1 {
				s.other += n
			}
		}
	}
	s.correct -= min(s.correct, m.OtherWrong)
	return s
}

// confusion counts one class against the rest. OtherClass counts as one class.
func (s margins) confusion(class int) Confusion {
	tp := s.hits[class]
	fp, fn := s.predicted[class]-tp, s.actual[class]-tp
	return Confusion{TP: tp, FP: fp, FN: fn, TN: s.n - tp - fp - fn}
}

// occurs reports whether the class is among the actuals or the predictions.
func (s margins) occurs(class int) bool { return s.actual[class]+s.predicted[class] > 0 }
