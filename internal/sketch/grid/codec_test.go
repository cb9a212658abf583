package grid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestGridRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(sample(t), options(t))
		b := g.append(nil)
		back, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := FromParts(g.Edges(), g.Partitions()...)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []*Grid{back, again} {
			if got.ID() != g.ID() || !bytes.Equal(got.append(nil), b) || !slices.Equal(got.Edges(), g.Edges()) {
				t.Fatalf("%v came back as %v", g.Edges(), got.Edges())
			}
			if !slices.EqualFunc(got.Partitions(), g.Partitions(), func(p, q Partition) bool {
				return p.Name == q.Name && p.Groups == q.Groups && slices.Equal(p.Group, q.Group)
			}) {
				t.Fatalf("partitions %v came back as %v", g.Partitions(), got.Partitions())
			}
		}
		for i := range b {
			if _, err := Decode(b[:i]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("truncated to %d of %d bytes: %v", i, len(b), err)
			}
		}
	})
}

// The ID depends on the edges and on the partitions.
func TestID(t *testing.T) {
	edges := []float64{1, 2, 3}
	p := func(name string, group ...uint16) Partition {
		return Partition{Name: name, Group: group, Groups: int(slices.Max(group)) + 1}
	}
	seen := map[uint64]string{}
	for name, g := range map[string]*Grid{
		"plain":          must(FromParts(edges)),
		"fewer edges":    must(FromParts(edges[:2])),
		"other edge":     must(FromParts([]float64{1, 2, next(3)})),
		"partition":      must(FromParts(edges, p("p", 0, 0, 1, 1))),
		"other name":     must(FromParts(edges, p("q", 0, 0, 1, 1))),
		"other cut":      must(FromParts(edges, p("p", 0, 1, 1, 1))),
		"open ends":      must(FromParts(edges, p("p", 0, 1, 1, 2))),
		"ends as one":    must(FromParts(edges, p("p", 1, 0, 0, 1))),
		"two partitions": must(FromParts(edges, p("p", 0, 0, 1, 1), p("q", 0, 0, 1, 1))),
	} {
		if other, ok := seen[g.ID()]; ok {
			t.Errorf("%s and %s have the same ID", name, other)
		}
		seen[g.ID()] = name
	}
	a, b := p("a", 0, 0, 1, 1), p("b", 0, 1, 1, 1)
	if must(FromParts(edges, a, b)).ID() != must(FromParts(edges, b, a)).ID() {
		t.Error("the order of partitions shows")
	}
}

func must(g *Grid, err error) *Grid {
	if err != nil {
		panic(err)
	}
	return g
}

func TestFromPartsRefuses(t *testing.T) {
	long := make([]float64, EdgeLimit+1)
	for i := range long {
		long[i] = float64(i)
	}
	part := func(name string, groups int, group ...uint16) []Partition {
		return []Partition{{Name: name, Group: group, Groups: groups}}
	}
	for what, c := range map[string]struct {
		edges []float64
		parts []Partition
	}{
		"descending":            {[]float64{2, 1}, nil},
		"equal":                 {[]float64{1, 1}, nil},
		"NaN":                   {[]float64{math.NaN()}, nil},
		"infinite":              {[]float64{1, math.Inf(1)}, nil},
		"negative zero":         {[]float64{math.Copysign(0, -1)}, nil},
		"too many edges":        {long, nil},
		"too many partitions":   {nil, make([]Partition, partLimit+1)},
		"no name":               {[]float64{1}, part("", 2, 0, 1)},
		"reserved name":         {[]float64{1}, part(Every, 2, 0, 1)},
		"long name":             {[]float64{1}, part(fmt.Sprintf("%065d", 0), 2, 0, 1)},
		"one name twice":        {[]float64{1}, append(part("a", 2, 0, 1), part("a", 1, 0, 0)...)},
		"too few groups":        {[]float64{1}, part("a", 2, 0)},
		"too many groups":       {[]float64{1}, part("a", 2, 0, 1, 1)},
		"does not begin at 0":   {[]float64{1, 2}, part("a", 3, 1, 2, 2)},
		"skips a group":         {[]float64{1, 2}, part("a", 3, 0, 2, 2)},
		"descends":              {[]float64{1, 2, 3}, part("a", 2, 0, 1, 1, 0)},
		"comes back inside":     {[]float64{1, 2, 3}, part("a", 2, 1, 0, 1, 0)},
		"number of groups":      {[]float64{1, 2}, part("a", 4, 0, 1, 2)},
		"no group at all":       {[]float64{1, 2}, part("a", 0, 0, 0, 0)},
		"beyond the groups":     {[]float64{1}, part("a", 2, 0, 60000)},
		"ends as one, not last": {[]float64{1, 2}, part("a", 2, 0, 1, 0)},
	} {
		if _, err := FromParts(c.edges, c.parts...); !errors.Is(err, ErrParts) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestFromPartsCopies(t *testing.T) {
	edges := []float64{1, 2}
	p := Partition{Name: "p", Group: []uint16{0, 1, 1}, Groups: 2}
	g := must(FromParts(edges, p))
	before := g.append(nil)
	edges[0], p.Group[2] = 9, 9
	if !bytes.Equal(g.append(nil), before) {
		t.Error("the grid shares memory with the arguments")
	}
}

// malformedGrids are encodings that Decode must refuse, by what is wrong.
func malformedGrids() map[string][]byte {
	edge := func(xs ...float64) (b []byte) {
		for _, x := range xs {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return b
	}
	header := append([]byte{1, 2}, edge(1, 2)...)
	with := func(tail ...byte) []byte { return append(bytes.Clone(header), tail...) }
	m := map[string][]byte{
		"no bytes":                 {},
		"unknown version":          append([]byte{2, 2}, header[2:]...),
		"long uvarint":             {1, 0x80, 0},
		"more edges than bytes":    append([]byte{1, 0xff, 0x7f}, edge(1, 2, 3)...),
		"a huge number of edges":   {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"descending edges":         append(append([]byte{1, 2}, edge(2, 1)...), 0),
		"NaN":                      append(append([]byte{1, 1}, edge(math.NaN())...), 0),
		"negative zero":            append(append([]byte{1, 1}, edge(math.Copysign(0, -1))...), 0),
		"trailing byte":            with(0, 0),
		"too many partitions":      with(17),
		"no name":                  with(1, 0, 0, 0),
		"reserved name":            with(1, 4, 'g', 'r', 'i', 'd', 0, 0),
		"unknown outer kind":       with(1, 1, 'p', 2, 2, 1, 1),
		"one group with one cut":   with(1, 1, 'p', 1, 1, 1),
		"cut of distance 0":        with(1, 1, 'p', 0, 2, 1, 0),
		"cut beyond the edges":     with(1, 1, 'p', 0, 1, 3),
		"more cuts than edges":     with(1, 1, 'p', 0, 3, 1, 1, 1),
		"partitions not ascending": with(2, 1, 'q', 0, 0, 1, 'p', 0, 0),
		"one name twice":           with(2, 1, 'p', 0, 0, 1, 'p', 0, 0),
	}
	return m
}

func TestDecodeRefuses(t *testing.T) {
	for what, b := range malformedGrids() {
		if g, err := Decode(b); !errors.Is(err, ErrCorrupt) || g != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	ok := append([]byte{1, 1}, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1, 1, 'p', 0, 1, 1)
	if _, err := Decode(ok); err != nil {
		t.Errorf("the well-formed neighbour of these: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range malformedGrids() {
		f.Add(b)
	}
	f.Add(Build(normal(300), Options{}).append(nil))
	f.Add(Build([]float64{0, 0, 1, 2}, Options{Open: []float64{1}}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if again := g.append(nil); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		h := histOf(g, around([]float64{0}, g.Edges()[:min(len(g.Edges()), 50)]))
		for _, p := range g.Partitions() {
			if total(p.Fold(h.Counts)) != h.Total() {
				t.Fatalf("partition %v loses values", p)
			}
		}
	})
}

// malformedHists are encodings that UnmarshalBinary must refuse.
func malformedHists() map[string][]byte {
	m := map[string][]byte{
		"no bytes":             {},
		"no bins":              {0, 1, 0, 1, 0},
		"more bins than bytes": {200, 0, 1, 0, 1, 0},
		"a huge number":        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"long uvarint":         {1, 0x80, 0, 1, 0, 1, 0},
		"corrupt tail":         {1, 0, 1, 7, 1, 0},
		"empty tail":           {1, 0, 0, 1, 0},
		"trailing byte":        {1, 0, 1, 0, 1, 0, 0},
	}
	g := must(FromParts([]float64{1, 2}))
	b, _ := histOf(g, []float64{0.1, 1.5, 3}).AppendBinary(nil)
	for i := range b {
		m[fmt.Sprintf("truncated to %d bytes", i)] = b[:i]
	}
	return m
}

func TestHistDecoderRefuses(t *testing.T) {
	g := must(FromParts([]float64{1, 2}))
	for what, b := range malformedHists() {
		h := histOf(g, []float64{1.5})
		kept := encode(t, h)
		if err := h.UnmarshalBinary(b); !errors.Is(err, ErrCorrupt) || !bytes.Equal(encode(t, h), kept) {
			t.Errorf("%s: error %v, receiver %v", what, err, h)
		}
	}
}

func FuzzHistUnmarshalBinary(f *testing.F) {
	for _, b := range malformedHists() {
		f.Add(b)
	}
	g := must(FromParts([]float64{1, prev(2), 2, 3}))
	f.Add(encode(f, histOf(g, []float64{0.1, 1.5, 2, 3, 1e300})))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := histOf(g, []float64{1.5})
		kept := encode(t, h)
		if err := h.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrCorrupt) || !bytes.Equal(encode(t, h), kept) {
				t.Fatalf("refused with %v, receiver %v", err, h)
			}
			return
		}
		if again := encode(t, h); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		if h.Check(g) == nil {
			g.Quantile(h, 0.5, -1, 10)
			Regrid(g, h, must(FromParts([]float64{0, 1.5, 2})), -1, 10)
		}
	})
}

// Check finds what no stream of values can leave behind.
func TestCheck(t *testing.T) {
	g := must(FromParts([]float64{1, prev(2), 2, 3})) // bins: tail, inner, atom, inner, tail
	for what, spoil := range map[string]func(*Hist){
		"other grid":                func(h *Hist) { h.Counts = h.Counts[:4] },
		"sums of another grid":      func(h *Hist) { h.Sums = h.Sums[:4] },
		"sum without values":        func(h *Hist) { h.Counts[1] = 0 },
		"sum beyond its count":      func(h *Hist) { h.Sums[1] = 2*scale + 1 },
		"sum of an atom":            func(h *Hist) { h.Sums[2] = 1 },
		"sum of an outer bin":       func(h *Hist) { h.Sums[0] = 1 },
		"lower tail without values": func(h *Hist) { h.Counts[0] = 0 },
		"upper tail without values": func(h *Hist) { h.Counts[4] = 0 },
		"lower tail too high":       func(h *Hist) { h.Lower.Add(2) },
		"upper tail too low":        func(h *Hist) { h.Upper.Add(-2) },
	} {
		h := histOf(g, []float64{0.5, 1.5, 1.5, 2, 4})
		if err := h.Check(g); err != nil {
			t.Fatalf("before: %v", err)
		}
		if spoil(h); !errors.Is(h.Check(g), ErrCorrupt) {
			t.Errorf("%s: %v", what, h.Check(g))
		}
	}
	single := must(FromParts(nil))
	h := histOf(single, []float64{-1, 5})
	if err := h.Check(single); err != nil {
		t.Errorf("a single bin: %v", err)
	}
	if h.Upper.Add(1); h.Check(single) == nil {
		t.Error("a single bin has no upper tail")
	}
}
