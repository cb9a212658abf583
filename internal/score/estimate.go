package score

import (
	"fmt"
	"math"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// An Estimate is what the labels of rows are expected to be, by calibrated
// scores: the sufficient statistic of performance where labels are missing
// (confidence-based performance estimation, CBPE).
//
// Everything in it is an integer, so estimates of the parts of a stream merge to
// that of the whole, bit for bit. The probability of a row is kept to 2⁻⁶².
type Estimate struct {
	Rows       uint64 // with a score that can be used
	Unusable   uint64 // without: missing, not finite, of the wrong type
	OutOfRange uint64 // of Rows, scores outside [0, 1]
	// Classes has one entry for a binary output, its positive class; for a
	// multiclass output one for each class against the rest.
	Classes []Expected
}

// Expected is what is expected of one class.
type Expected struct {
	Predicted uint64 // rows predicted to be of the class
	Hits      Mass   // Σ q over those: the expected true positives
	Missed    Mass   // Σ q over the other rows: the expected false negatives
	// Ranked counts the rows by the bin of their score, and keeps the sum of
	// round(q·2³²) of each bin in Sums, of the outer ones too. Nil if there is no
	// grid.
	Ranked *grid.Hist
}

// NewEstimate returns the estimate of no rows, with a class for each grid; a nil
// grid keeps no ranks of its class.
func NewEstimate(grids ...*grid.Grid) *Estimate {
	e := &Estimate{Classes: make([]Expected, len(grids))}
	for i, g := range grids {
		if g != nil {
			e.Classes[i].Ranked = g.NewHist()
		}
	}
	return e
}

// A Chance is the probability that a row is of a class, in units of 2⁻⁶².
type Chance uint64

// Certain is the Chance of 1.
const Certain Chance = 1 << 62

// ChanceOf converts a probability in [0, 1].
func ChanceOf(q float64) Chance { return Chance(q * float64(Certain)) }

// A Mass is a sum of chances. It has room for 2⁶⁴ rows.
type Mass struct{ Hi, Lo uint64 }

// Add adds a chance.
func (m *Mass) Add(c Chance) { m.merge(Mass{Lo: uint64(c)}) }

func (m *Mass) merge(o Mass) {
	lo := m.Lo + o.Lo
	m.Hi += o.Hi
	if lo < m.Lo {
		m.Hi++
	}
	m.Lo = lo
}

// Float returns the sum as a number of rows.
func (m Mass) Float() float64 { return wide{m.Hi, m.Lo}.float() / float64(Certain) }

// AtMost reports whether the mass can be that of so many rows.
func (m Mass) AtMost(rows uint64) bool {
	most := product(rows, uint64(Certain))
	return m.Hi < most.hi || m.Hi == most.hi && m.Lo <= most.lo
}

// Add counts a row of a class: whether it was predicted to be of it, its chance
// of being so, and the bin of its score, which is ignored without ranks.
func (x *Expected) Add(predicted bool, c Chance, bin int32) {
	if predicted {
		x.Predicted++
		x.Hits.Add(c)
	} else {
		x.Missed.Add(c)
	}
	if x.Ranked != nil {
		x.Ranked.AddScaled(int(bin), uint64(c+1<<29)>>30)
	}
}

// Merge adds the rows of o, which has the same classes and grids and is not
// modified; otherwise nothing is changed and the error wraps ErrMerge.
func (e *Estimate) Merge(o *Estimate) error {
	if len(e.Classes) != len(o.Classes) {
		return fmt.Errorf("%w: estimates of %d and %d classes", ErrMerge, len(e.Classes), len(o.Classes))
	}
	for i := range e.Classes {
		a, b := e.Classes[i].Ranked, o.Classes[i].Ranked
		if (a == nil) != (b == nil) || a != nil && len(a.Counts) != len(b.Counts) {
			return fmt.Errorf("%w: estimates on other grids", ErrMerge)
		}
	}
	e.Rows += o.Rows
	e.Unusable += o.Unusable
	e.OutOfRange += o.OutOfRange
	for i := range e.Classes {
		x, y := &e.Classes[i], &o.Classes[i]
		x.Predicted += y.Predicted
		x.Hits.merge(y.Hits)
		x.Missed.merge(y.Missed)
		if x.Ranked != nil {
			_ = x.Ranked.Merge(y.Ranked) // the lengths are equal
		}
	}
	return nil
}

// Equal reports whether both estimates are the same in every bit.
func (e *Estimate) Equal(o *Estimate) bool {
	if e.Rows != o.Rows || e.Unusable != o.Unusable || e.OutOfRange != o.OutOfRange || len(e.Classes) != len(o.Classes) {
		return false
	}
	for i := range e.Classes {
		x, y := &e.Classes[i], &o.Classes[i]
		if x.Predicted != y.Predicted || x.Hits != y.Hits || x.Missed != y.Missed || !sameHist(x.Ranked, y.Ranked) {
			return false
		}
	}
	return true
}

// Check reports what is impossible about an estimate; the error says what.
func (e *Estimate) Check() error {
	if e.OutOfRange > e.Rows {
		return fmt.Errorf("%d of %d scores are out of range", e.OutOfRange, e.Rows)
	}
	for i := range e.Classes {
		x := &e.Classes[i]
		if x.Predicted > e.Rows || !x.Hits.AtMost(x.Predicted) || !x.Missed.AtMost(e.Rows-x.Predicted) {
			return fmt.Errorf("class %d: of %d rows %d are predicted, %v and %v expected", i, e.Rows, x.Predicted, x.Hits.Float(), x.Missed.Float())
		}
		if x.Ranked == nil {
			continue
		}
		if n := x.Ranked.Total(); n != e.Rows || !x.Ranked.Lower.IsZero() || !x.Ranked.Upper.IsZero() {
			return fmt.Errorf("class %d: %d rows are ranked of %d", i, n, e.Rows)
		}
		for b, n := range x.Ranked.Counts {
			if n <= math.MaxUint32 && x.Ranked.Sums[b] > n<<32 {
				return fmt.Errorf("class %d: bin %d of %d rows has the sum %d", i, b, n, x.Ranked.Sums[b])
			}
		}
	}
	return nil
}

// counts are the expected confusion counts of a class.
type counts struct{ tp, fp, fn, tn float64 }

func (e *Estimate) counts(class int) counts {
	x := &e.Classes[class]
	c := counts{tp: x.Hits.Float(), fn: x.Missed.Float()}
	// Differences are taken before rounding: chances near 1 keep their digits.
	c.fp = remainder(x.Predicted, x.Hits)
	c.tn = remainder(e.Rows-x.Predicted, x.Missed)
	return c
}

// remainder is rows − m.
func remainder(rows uint64, m Mass) float64 {
	return product(rows, uint64(Certain)).minus(wide{m.Hi, m.Lo}) / float64(Certain)
}

// Normalise scales the probabilities of the classes of a row to sum up to 1; if
// all are 0, every class is as likely.
func Normalise(q []float64) {
	sum := 0.0
	for _, p := range q {
		sum += p
	}
	for i, p := range q {
		if sum > 0 {
			q[i] = min(p/sum, 1)
		} else {
			q[i] = 1 / float64(len(q))
		}
	}
}
