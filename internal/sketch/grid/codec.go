package grid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/driftmeter/driftmeter/internal/sketch/strict"
)

// ErrCorrupt is wrapped by the errors of Decode and Hist.UnmarshalBinary.
var ErrCorrupt = errors.New("grid: corrupt bytes")

const version = 1

// AppendBinary appends the grid to b. Equal grids have equal bytes:
//
//	version     01
//	edges       uvarint number, then float64 each, little endian
//	partitions  uvarint number, then each, ascending by name:
//	  name      uvarint length, bytes
//	  outer     00: a group at each end; 01: one group for both
//	  cuts      uvarint number, then uvarint each: the distance from the index
//	            of the last cut (−1 at first) to that of this edge, at least 1
//
// The error is always nil.
func (g *Grid) AppendBinary(b []byte) ([]byte, error) { return g.append(b), nil }

// MarshalBinary is AppendBinary to an empty slice.
func (g *Grid) MarshalBinary() ([]byte, error) { return g.append(nil), nil }

func (g *Grid) append(b []byte) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(g.edges)))
	for _, e := range g.edges {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(e))
	}
	b = binary.AppendUvarint(b, uint64(len(g.parts)))
	for _, p := range g.parts {
		b = binary.AppendUvarint(b, uint64(len(p.Name)))
		b = append(b, p.Name...)
		at, o := p.cuts()
		kind := byte(0)
		if o == outside {
			kind = 1
		}
		b = append(b, kind)
		b = binary.AppendUvarint(b, uint64(len(at)))
		last := -1
		for _, i := range at {
			b = binary.AppendUvarint(b, uint64(i-last))
			last = i
		}
	}
	return b
}

// Decode returns the grid that AppendBinary wrote as b. It accepts nothing else
// and allocates in proportion to b. Errors wrap ErrCorrupt.
func Decode(b []byte) (*Grid, error) {
	r := strict.NewReader(b, ErrCorrupt)
	if v := r.Byte(); r.Err == nil && v != version {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrCorrupt, v, version)
	}
	edges := make([]float64, 0, r.Number("edges", EdgeLimit, 8))
	for range cap(edges) {
		edges = append(edges, math.Float64frombits(r.Uint64()))
	}
	if r.Err == nil {
		if err := checkEdges(edges); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	parts := make([]Partition, 0, r.Number("partitions", partLimit, 3))
	for i := range cap(parts) {
		p := readPartition(r, edges)
		if r.Err == nil && i > 0 && parts[i-1].Name >= p.Name {
			r.Fail("partition %q after %q", p.Name, parts[i-1].Name)
		}
		if r.Err != nil {
			break
		}
		parts = append(parts, p)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return newGrid(edges, parts), nil
}

func readPartition(r *strict.Reader, edges []float64) Partition {
	name := string(r.Bytes(r.Number("bytes of a name", nameLimit, 1)))
	kind := r.Byte()
	cuts := make([]float64, 0, r.Number("cuts", uint64(len(edges)), 1))
	last := uint64(0) // index of the last cut, plus 1
	for range cap(cuts) {
		d := r.Uvarint()
		if r.Err == nil && (d == 0 || d > uint64(len(edges))-last) {
			r.Fail("a cut %d after edge %d of %d", d, last, len(edges))
		}
		if r.Err != nil {
			return Partition{}
		}
		last += d
		cuts = append(cuts, edges[last-1])
	}
	switch {
	case r.Err != nil:
	case name == "" || name == Every:
		r.Fail("partition named %q", name)
	case kind > 1 || kind == 1 && len(cuts) < 2:
		r.Fail("outer kind %d with %d cuts", kind, len(cuts))
	}
	if r.Err != nil {
		return Partition{}
	}
	return cut(name, edges, cuts, outer(kind == 1))
}

// AppendBinary appends the histogram to b:
//
//	bins   uvarint number, then each: uvarint count, and if it is not 0 the
//	       uvarint sum
//	tails  Lower and Upper: uvarint length, bytes of num.Sum
//
// The only error is num.ErrCapacity.
func (h *Hist) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(h.Counts)))
	for i, n := range h.Counts {
		if b = binary.AppendUvarint(b, n); n > 0 {
			b = binary.AppendUvarint(b, h.Sums[i])
		}
	}
	for _, s := range [...]interface {
		MarshalBinary() ([]byte, error)
	}{&h.Lower, &h.Upper} {
		sum, err := s.MarshalBinary()
		if err != nil {
			return b, err
		}
		b = binary.AppendUvarint(b, uint64(len(sum)))
		b = append(b, sum...)
	}
	return b, nil
}

// UnmarshalBinary replaces h by the histogram that AppendBinary wrote as b. It
// accepts nothing else, allocates in proportion to b, and leaves h as it was if
// it fails; errors wrap ErrCorrupt. It does not know the grid: see Hist.Check.
func (h *Hist) UnmarshalBinary(b []byte) error {
	r := strict.NewReader(b, ErrCorrupt)
	n := r.Number("bins", EdgeLimit+1, 1)
	if r.Err == nil && n == 0 {
		r.Fail("no bins")
	}
	got := Hist{Counts: make([]uint64, n), Sums: make([]uint64, n)}
	for i := range got.Counts {
		if got.Counts[i] = r.Uvarint(); got.Counts[i] > 0 {
			got.Sums[i] = r.Uvarint()
		}
	}
	for _, s := range [...]interface{ UnmarshalBinary([]byte) error }{&got.Lower, &got.Upper} {
		raw := r.Bytes(r.Number("bytes of a tail", math.MaxUint16, 1))
		if r.Err == nil {
			if err := s.UnmarshalBinary(raw); err != nil {
				return fmt.Errorf("%w: %w", ErrCorrupt, err)
			}
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	*h = got
	return nil
}

// Check reports what is impossible about h as a histogram of g: the number of
// bins, sums of atoms or of outer bins, a sum beyond its count, a tail that
// lies on the wrong side of its edge. Errors wrap ErrCorrupt.
func (h *Hist) Check(g *Grid) error {
	if len(h.Counts) != g.Bins() || len(h.Sums) != g.Bins() {
		return fmt.Errorf("%w: %d counts and %d sums for %d bins", ErrCorrupt, len(h.Counts), len(h.Sums), g.Bins())
	}
	for i, s := range h.Sums {
		n := h.Counts[i]
		none := n == 0 || g.IsOuter(i) || g.cells[i].inv == 0
		if none && s != 0 || n < scale && s > n*scale {
			return fmt.Errorf("%w: bin %d of %d values has the sum %d", ErrCorrupt, i, n, s)
		}
	}
	last := g.Bins() - 1
	if h.Counts[0] == 0 && !h.Lower.IsZero() || g.Bins() > 1 && g.Excess(h, 0) > 0 {
		return fmt.Errorf("%w: the lower tail of %d values has the sum %v", ErrCorrupt, h.Counts[0], h.Lower.Value())
	}
	if last == 0 && !h.Upper.IsZero() || h.Counts[last] == 0 && !h.Upper.IsZero() || last > 0 && g.Excess(h, last) < 0 {
		return fmt.Errorf("%w: the upper tail of %d values has the sum %v", ErrCorrupt, h.Counts[last], h.Upper.Value())
	}
	return nil
}
