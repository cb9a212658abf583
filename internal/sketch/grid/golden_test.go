package grid

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// golden is a row of testdata/ref/grid.json, which NumPy made.
type golden struct {
	Name                 string
	Values               []number
	Modular              []uint64 // n, a, m, power: the values are (i·a mod m)^power
	Quantiles            []number // of i/200, i = 1 … 199
	Deciles              []number
	DecileCounts         []uint64 `json:"decile_counts"`
	Doane, Sturges, Auto rule
}

// rule holds the edges and the counts of one of NumPy's rules.
type rule struct {
	Error  string   // why NumPy cannot bin the values
	Edges  []number // as numpy.histogram_bin_edges returns them
	Counts []uint64 // of the current sample, by bin, then outside
}

// number is a float64 in Python's float.hex().
type number float64

func (x *number) UnmarshalText(b []byte) error {
	v, err := strconv.ParseFloat(string(b), 64)
	*x = number(v)
	return err
}

func floats(ns []number) []float64 {
	xs := make([]float64, len(ns))
	for i, n := range ns {
		xs[i] = float64(n)
	}
	return xs
}

func (g golden) sample() []float64 {
	if g.Modular == nil {
		return floats(g.Values)
	}
	n, a, m, power := g.Modular[0], g.Modular[1], g.Modular[2], g.Modular[3]
	xs := make([]float64, n)
	for i := range xs {
		v, x := uint64(i)*a%m, uint64(1)
		for range power {
			x *= v
		}
		xs[i] = float64(x)
	}
	return xs
}

// file is testdata/ref/grid.json.
type file struct {
	Roots map[int]number `json:"inverse_cube_roots"`
	Rows  []golden
}

func read(t *testing.T) file {
	raw, err := os.ReadFile("testdata/ref/grid.json")
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Rows) < 43 || len(f.Roots) < 400 {
		t.Fatalf("%d rows and %d roots, want at least 43 and 400", len(f.Rows), len(f.Roots))
	}
	return f
}

func goldens(t *testing.T) []golden { return read(t).Rows }

// No tolerance: one unit in the last place can be a bin.
func TestInverseCubeRootAgreesWithC(t *testing.T) {
	for n, want := range read(t).Roots {
		if got := inverseCubeRoot(float64(n)); got != float64(want) {
			t.Errorf("%d^(-1/3) is %x, want %x", n, got, float64(want))
		}
	}
}

// No tolerance: quantiles are NumPy's to the last bit.
func TestQuantilesAgreeWithNumPy(t *testing.T) {
	for _, row := range goldens(t) {
		sorted := ascending(row.sample())
		if len(row.Quantiles) != 199 {
			t.Fatalf("%s: %d quantiles", row.Name, len(row.Quantiles))
		}
		for i, want := range floats(row.Quantiles) {
			got := quantile(sorted, float64(i+1)/200)
			if math.IsInf(want, 0) || math.IsNaN(want) { // NumPy overflows
				if lo, hi := sorted[0], sorted[len(sorted)-1]; !(lo <= got && got <= hi) {
					t.Errorf("%s: quantile %d/200 is %v, outside the data", row.Name, i+1, got)
				}
				continue
			}
			if got != want {
				t.Errorf("%s: quantile %d/200 is %x, want %x", row.Name, i+1, got, want)
			}
		}
	}
}

// NumPy's interpolation overflows here; ours is the middle.
func TestQuantileOverTheWholeRange(t *testing.T) {
	xs := []float64{-math.MaxFloat64, math.MaxFloat64}
	for q, want := range map[float64]float64{0.25: -math.MaxFloat64 / 2, 0.5: 0, 0.75: math.MaxFloat64 / 2} {
		if got := quantile(xs, q); math.Abs(got-want) > 1e-15*math.Abs(want) {
			t.Errorf("%v-quantile %v, want %v", q, got, want)
		}
	}
}

func TestDecilesAgreeWithNumPy(t *testing.T) {
	for _, row := range goldens(t) {
		x := row.sample()
		g := Build(x, Options{})
		p, ok := g.Partition(Deciles)
		if !ok {
			t.Fatalf("%s: no deciles", row.Name)
		}
		deciles := floats(row.Deciles)
		if got := cutsOf(g, p); !equal(got, deciles) {
			t.Errorf("%s: deciles %v, want %v", row.Name, got, deciles)
			continue
		}
		if got := p.Fold(count(g, around(x, deciles))); !slices.Equal(got, row.DecileCounts) {
			t.Errorf("%s: counts %v, want %v", row.Name, got, row.DecileCounts)
		}
	}
}

// The edges are NumPy's to the last bit, stored one float64 lower as far as
// NumPy's bins are open on the right, and so the counts are NumPy's.
func TestRulesAgreeWithNumPy(t *testing.T) {
	for _, row := range goldens(t) {
		x := row.sample()
		g := Build(x, Options{MaxEdges: 5000})
		for name, want := range map[string]rule{Doane: row.Doane, Sturges: row.Sturges, Auto: row.Auto} {
			p, ok := g.Partition(name)
			if want.Error != "" || slices.Min(x) == slices.Max(x) {
				continue // see the tests below
			}
			if !ok {
				t.Errorf("%s: no %s", row.Name, name)
				continue
			}
			edges := floats(want.Edges)
			if got, stored := cutsOf(g, p), stored(edges, name); !equal(got, stored) {
				t.Errorf("%s: %s has %d cuts %v\nwant %d %v", row.Name, name, len(got), got, len(stored), stored)
				continue
			}
			got := p.Fold(count(g, around(x, slices.Compact(edges))))
			counts := want.Counts
			if name == Auto { // the outer groups are open: compare the inner ones, and the total
				counts = inner(counts)
				got = inner(append(got, 0))
			}
			if !slices.Equal(got, counts) {
				t.Errorf("%s: %s counts %v, want %v", row.Name, name, got, counts)
			}
		}
	}
}

// inner replaces the first, the last and the outside count by their sum.
func inner(counts []uint64) []uint64 {
	n := len(counts)
	if n < 3 {
		return []uint64{total(counts)}
	}
	return append([]uint64{counts[0] + counts[n-2] + counts[n-1]}, counts[1:n-2]...)
}

func total(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// stored returns the cuts that stand for NumPy's edges.
func stored(edges []float64, name string) []float64 {
	var cuts []float64
	for i, e := range edges {
		switch {
		case i < len(edges)-1:
			e = math.Nextafter(e, math.Inf(-1))
			if name == Auto && i == 0 || math.IsInf(e, 0) {
				continue
			}
		case name == Auto:
			continue
		}
		cuts = append(cuts, e)
	}
	return slices.Compact(cuts)
}

// around returns the sample, and each edge with its neighbours.
func around(x, edges []float64) []float64 {
	x = slices.Clone(x)
	for _, e := range edges {
		for _, v := range []float64{e, math.Nextafter(e, math.Inf(-1)), math.Nextafter(e, math.Inf(1))} {
			if !math.IsInf(v, 0) {
				x = append(x, v)
			}
		}
	}
	return x
}

func count(g *Grid, xs []float64) []uint64 {
	counts := make([]uint64, g.Bins())
	for _, x := range xs {
		counts[g.Find(x)]++
	}
	return counts
}

// cutsOf returns the edges that separate the groups of p.
func cutsOf(g *Grid, p Partition) []float64 {
	at, _ := p.cuts()
	var edges []float64
	for _, i := range at {
		edges = append(edges, g.Edges()[i])
	}
	return edges
}

// equal treats both zeros alike, as NumPy's edges may be either.
func equal(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y })
}

// Where NumPy fails, because the range or the deviation is beyond float64, the
// rule is left out; a constant reference has its own bins instead of NumPy's
// interval of ±½.
func TestRulesWhereNumPyFails(t *testing.T) {
	failed := 0
	for _, row := range goldens(t) {
		x := row.sample()
		g := Build(x, Options{})
		for name, want := range map[string]rule{Doane: row.Doane, Sturges: row.Sturges, Auto: row.Auto} {
			p, ok := g.Partition(name)
			if want.Error != "" {
				if failed++; ok {
					t.Errorf("%s: %s exists, NumPy says %q", row.Name, name, want.Error)
				}
				continue
			}
			if slices.Min(x) == slices.Max(x) {
				if below, at, above := p.Group[g.Find(x[0]-1)], p.Group[g.Find(x[0])], p.Group[g.Find(x[0]+1)]; at == below || at == above {
					t.Errorf("%s: %s groups %d, %d, %d: the constant is not alone", row.Name, name, below, at, above)
				}
			}
		}
	}
	if failed < 4 {
		t.Errorf("%d rows at which NumPy fails, want at least 4", failed)
	}
}
