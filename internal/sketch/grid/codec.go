package grid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
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
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != version {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrCorrupt, v, version)
	}
	edges := make([]float64, 0, r.count("edges", EdgeLimit, 8))
	for range cap(edges) {
		edges = append(edges, math.Float64frombits(r.uint64()))
	}
	if r.err == nil {
		if err := checkEdges(edges); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	parts := make([]Partition, 0, r.count("partitions", partLimit, 3))
	for i := range cap(parts) {
		p := r.partition(edges)
		if r.err == nil && i > 0 && parts[i-1].Name >= p.Name {
			r.fail("partition %q after %q", p.Name, parts[i-1].Name)
		}
		if r.err != nil {
			break
		}
		parts = append(parts, p)
	}
	if r.end(); r.err != nil {
		return nil, r.err
	}
	return newGrid(edges, parts), nil
}

func (r *reader) partition(edges []float64) Partition {
	name := string(r.bytes(r.count("bytes of a name", nameLimit, 1)))
	kind := r.byte()
	cuts := make([]float64, 0, r.count("cuts", uint64(len(edges)), 1))
	last := uint64(0) // index of the last cut, plus 1
	for range cap(cuts) {
		d := r.uvarint()
		if r.err == nil && (d == 0 || d > uint64(len(edges))-last) {
			r.fail("a cut %d after edge %d of %d", d, last, len(edges))
		}
		if r.err != nil {
			return Partition{}
		}
		last += d
		cuts = append(cuts, edges[last-1])
	}
	switch {
	case r.err != nil:
	case name == "" || name == Every:
		r.fail("partition named %q", name)
	case kind > 1 || kind == 1 && len(cuts) < 2:
		r.fail("outer kind %d with %d cuts", kind, len(cuts))
	}
	if r.err != nil {
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
	r := reader{b: b}
	n := r.count("bins", EdgeLimit+1, 1)
	if r.err == nil && n == 0 {
		r.fail("no bins")
	}
	got := Hist{Counts: make([]uint64, n), Sums: make([]uint64, n)}
	for i := range got.Counts {
		if got.Counts[i] = r.uvarint(); got.Counts[i] > 0 {
			got.Sums[i] = r.uvarint()
		}
	}
	for _, s := range [...]interface{ UnmarshalBinary([]byte) error }{&got.Lower, &got.Upper} {
		raw := r.bytes(r.count("bytes of a tail", math.MaxUint16, 1))
		if r.err == nil {
			if err := s.UnmarshalBinary(raw); err != nil {
				return fmt.Errorf("%w: %w", ErrCorrupt, err)
			}
		}
	}
	if r.end(); r.err != nil {
		return r.err
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

// A reader takes bytes apart and remembers the first error; after it everything
// it returns is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
		r.b = nil
	}
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.fail("need %d bytes, have %d", n, len(r.b))
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); r.err == nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); r.err == nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a uvarint of the least possible length.
func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 1 && r.b[n-1] == 0 {
		r.fail("not a uvarint of the least length")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads a number of things of at least size bytes each, and refuses it if
// it exceeds the limit or what is left.
func (r *reader) count(what string, limit uint64, size int) int {
	n := r.uvarint()
	if n > limit || n > uint64(len(r.b)/size) {
		r.fail("%d %s, at most %d and %d bytes left", n, what, limit, len(r.b))
		return 0
	}
	return int(n)
}

func (r *reader) end() {
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes left over", len(r.b))
	}
}
