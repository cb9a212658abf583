package grid

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Names of the partitions that Build makes.
const (
	Deciles  = "deciles"  // quantiles .1 … .9, equal edges merged; outer groups open
	Ventiles = "ventiles" // quantiles .05 … .95, likewise
	Doane    = "doane"    // NumPy's rules; values outside the reference's range form one group, the last
	Sturges  = "sturges"
	Auto     = "auto" // NumPy's rule with at most 50 bins; outer groups open
	Every    = "grid" // each bin a group of its own
)

// A Partition joins the bins of a grid into groups of neighbours.
type Partition struct {
	Name string
	// Group is the group of each bin of the grid. Groups ascend with the bins by
	// steps of one; only the last group may hold both ends instead.
	Group  []uint16
	Groups int
}

// Fold adds up the counts of each group.
func (p Partition) Fold(counts []uint64) []uint64 {
	folded := make([]uint64, p.Groups)
	for i, g := range p.Group {
		folded[g] += counts[i]
	}
	return folded
}

// Partition returns the partition of that name; ok is false when the grid does
// not have it. A grid built from no values has only "grid"; "ventiles" needs
// 20 quantile bins, so 200 reference values; the equal-width rules need two
// different values and room below Options.MaxEdges.
func (g *Grid) Partition(name string) (p Partition, ok bool) {
	if name == Every {
		return every(g.Bins()), true
	}
	i, ok := slices.BinarySearchFunc(g.parts, name, func(p Partition, name string) int {
		return strings.Compare(p.Name, name)
	})
	if !ok {
		return Partition{}, false
	}
	return g.parts[i], true
}

// Partitions returns the named partitions, ascending by name, without "grid".
// They are what FromParts needs. The slices belong to the grid: read only.
func (g *Grid) Partitions() []Partition { return g.parts }

func every(bins int) Partition {
	p := Partition{Name: Every, Group: make([]uint16, bins), Groups: bins}
	for i := range p.Group {
		p.Group[i] = uint16(i)
	}
	return p
}

// outer says what becomes of the two ends of a partition.
type outer bool

const (
	open    outer = false // a group each
	outside outer = true  // one group for both, the last
)

// cut returns the partition of the bins between edges at the cuts, which are
// ascending and occur among the edges.
func cut(name string, edges, cuts []float64, o outer) Partition {
	p := Partition{Name: name, Group: make([]uint16, len(edges)+1), Groups: len(cuts) + 1}
	n := 0 // cuts at or below the bin's lower edge
	for i := range p.Group {
		if n < len(cuts) && i > 0 && cuts[n] == edges[i-1] {
			n++
		}
		p.Group[i] = uint16(n)
	}
	if o == open || len(cuts) < 2 {
		return p
	}
	p.Groups--
	for i, g := range p.Group {
		switch int(g) {
		case 0, len(cuts):
			p.Group[i] = uint16(p.Groups - 1)
		default:
			p.Group[i] = g - 1
		}
	}
	return p
}

// cuts returns the indices of the edges that separate groups, and the outer
// kind: the inverse of cut.
func (p Partition) cuts() (at []int, o outer) {
	for i := 1; i < len(p.Group); i++ {
		if p.Group[i] != p.Group[i-1] {
			at = append(at, i-1)
		}
	}
	return at, outer(len(at) > 1 && p.Group[0] == p.Group[len(p.Group)-1])
}

// ErrParts is wrapped by the errors of FromParts.
var ErrParts = errors.New("grid: invalid parts")

// Limits of what FromParts and Decode accept. Build stays below them by
// Options.MaxEdges, unless there are more extra edges than that.
const (
	EdgeLimit = 1<<15 - 1 // edges; groups are numbered by uint16
	nameLimit = 64        // bytes in the name of a partition
	partLimit = 16        // partitions of a grid
)

// FromParts returns the grid of these edges and partitions, as Edges and
// Partitions return them. Everything is checked: the edges are finite,
// ascending, without −0 and at most EdgeLimit; the partitions have different
// names, a group for every bin, and groups of neighbours. Errors wrap ErrParts.
// The arguments are copied.
func FromParts(edges []float64, parts ...Partition) (*Grid, error) {
	if err := checkEdges(edges); err != nil {
		return nil, err
	}
	if len(parts) > partLimit {
		return nil, fmt.Errorf("%w: %d partitions, at most %d", ErrParts, len(parts), partLimit)
	}
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Partition) int { return strings.Compare(a.Name, b.Name) })
	for i, p := range parts {
		if err := p.check(len(edges) + 1); err != nil {
			return nil, err
		}
		if i > 0 && parts[i-1].Name == p.Name {
			return nil, fmt.Errorf("%w: two partitions %q", ErrParts, p.Name)
		}
		parts[i].Group = slices.Clone(p.Group)
	}
	return newGrid(slices.Clone(edges), parts), nil
}

func checkEdges(edges []float64) error {
	if len(edges) > EdgeLimit {
		return fmt.Errorf("%w: %d edges, at most %d", ErrParts, len(edges), EdgeLimit)
	}
	for i, e := range edges {
		switch {
		case math.IsNaN(e) || math.IsInf(e, 0):
			return fmt.Errorf("%w: edge %d is %v", ErrParts, i, e)
		case e == 0 && math.Signbit(e):
			return fmt.Errorf("%w: edge %d is -0, want 0", ErrParts, i)
		case i > 0 && !(edges[i-1] < e):
			return fmt.Errorf("%w: edge %d is %v, after %v", ErrParts, i, e, edges[i-1])
		}
	}
	return nil
}

func (p Partition) check(bins int) error {
	if p.Name == "" || p.Name == Every || len(p.Name) > nameLimit {
		return fmt.Errorf("%w: partition named %q", ErrParts, p.Name)
	}
	if len(p.Group) != bins {
		return fmt.Errorf("%w: partition %q has groups for %d bins of %d", ErrParts, p.Name, len(p.Group), bins)
	}
	// A partition is what cut makes of its cuts, and nothing else.
	at, o := p.cuts()
	edges := make([]float64, bins-1)
	for i := range edges {
		edges[i] = float64(i)
	}
	cuts := make([]float64, len(at))
	for i, c := range at {
		cuts[i] = float64(c)
	}
	if want := cut(p.Name, edges, cuts, o); p.Groups != want.Groups || !slices.Equal(p.Group, want.Group) {
		return fmt.Errorf("%w: partition %q does not number neighbouring groups in order", ErrParts, p.Name)
	}
	return nil
}
