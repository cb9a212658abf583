package grid

import (
	"errors"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/num"
)

// A Hist counts values in the bins of one grid and keeps the sum of the values
// of each bin. Make it with Grid.NewHist.
//
// Everything in it is an integer or an exact sum, so histograms of the parts of
// a stream merge to the histogram of the whole, bit for bit, in any order.
//
// It takes 16 bytes a bin and 1.2 kB besides, and never more.
//
// A bin's sum overflows when it holds more than 2³² values, and then says
// nothing; readers fall back to the middle of the bin. Counts are good for 2⁶⁴.
type Hist struct {
	Counts []uint64 // values in each bin
	// Sums are the sums of Grid.Scaled of the values of each inner bin that is
	// not an atom: positions in the bin in units of 2⁻³² of its width.
	Sums []uint64
	// Lower and Upper are the exact sums of the values themselves in the first
	// and the last bin. Distances from the edge are derived on reading
	// (Grid.Excess), so that values up to the largest float64 cannot overflow.
	// A grid of a single bin uses Lower.
	Lower, Upper num.Sum
}

// NewHist returns an empty histogram of g.
func (g *Grid) NewHist() *Hist {
	cells := make([]uint64, 2*g.Bins())
	n := g.Bins()
	return &Hist{Counts: cells[:n:n], Sums: cells[n:]}
}

// Add counts x, which lies in the given bin of g: bin is g.Find(x).
func (h *Hist) Add(g *Grid, bin int, x float64) {
	if g.IsOuter(bin) {
		h.AddTail(bin, x)
		return
	}
	h.AddScaled(bin, g.Scaled(bin, x))
}

// AddScaled counts a value of an inner bin by its Grid.Scaled position.
func (h *Hist) AddScaled(bin int, scaled uint64) {
	h.Counts[bin]++
	h.Sums[bin] += scaled
}

// AddTail counts a value of an outer bin, the first or the last.
func (h *Hist) AddTail(bin int, x float64) {
	h.Counts[bin]++
	if bin == 0 {
		h.Lower.Add(x)
	} else {
		h.Upper.Add(x)
	}
}

// ErrBins is returned by Merge for histograms of different grids, as far as the
// number of bins shows it. Compare Grid.ID before.
var ErrBins = errors.New("grid: histograms of different grids")

// Merge adds the counts and sums of o, a histogram of the same grid, which is
// not modified. If the numbers of bins differ it changes nothing and returns an
// error that wraps ErrBins.
func (h *Hist) Merge(o *Hist) error {
	if len(h.Counts) != len(o.Counts) {
		return fmt.Errorf("%w: %d and %d bins", ErrBins, len(h.Counts), len(o.Counts))
	}
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
	for i, s := range o.Sums {
		h.Sums[i] += s
	}
	h.Lower.Merge(&o.Lower)
	h.Upper.Merge(&o.Upper)
	return nil
}

// Sub takes away the values of o, a histogram of the same grid whose values are
// among those of h: what is left has the bytes of the rest. It does not modify o.
//
// If the numbers of bins differ, the error wraps ErrBins; if o has values that h
// does not have, as far as a bin shows it, num.ErrSub. h is then left as it was.
func (h *Hist) Sub(o *Hist) error {
	if len(h.Counts) != len(o.Counts) {
		return fmt.Errorf("%w: %d and %d bins", ErrBins, len(h.Counts), len(o.Counts))
	}
	lower, upper, last := h.Lower, h.Upper, len(h.Counts)-1
	lower.Sub(&o.Lower)
	upper.Sub(&o.Upper)
	for i, n := range h.Counts {
		left := n - o.Counts[i]
		switch sum := h.Sums[i] - o.Sums[i]; { // sums of more than 2³² values have wrapped, and unwrap
		case o.Counts[i] > n:
			return fmt.Errorf("%w: %d values of bin %d, which has %d", num.ErrSub, o.Counts[i], i, n)
		case left < scale && sum > left*scale:
			return fmt.Errorf("%w: a sum of %d is left of the %d values of bin %d", num.ErrSub, sum, left, i)
		}
	}
	if h.Counts[0] == o.Counts[0] && !lower.IsZero() || h.Counts[last] == o.Counts[last] && !upper.IsZero() {
		return fmt.Errorf("%w: an empty tail with a sum is left", num.ErrSub)
	}
	for i := range h.Counts {
		h.Counts[i] -= o.Counts[i]
		h.Sums[i] -= o.Sums[i]
	}
	h.Lower, h.Upper = lower, upper
	return nil
}

// Total returns the number of values.
func (h *Hist) Total() uint64 {
	var n uint64
	for _, c := range h.Counts {
		n += c
	}
	return n
}
