package grid

import (
	"testing"

	"github.com/zeebo/xxh3"
)

// The bytes of a grid and of a histogram are on disk and on the wire. They are
// the same on every machine: this runs with GOAMD64=v3 too, where the compiler
// fuses multiplications and additions unless it is told not to.
func TestBytesStay(t *testing.T) {
	var reference, window []float64
	for i := range 30_000 {
		x := float64(i*48271%65537)/65537 + float64(1e-3*float64(i%7))
		reference = append(reference, x*x*x)
		window = append(window, float64(1.1*x*x)-0.01)
	}
	g := Build(reference, Options{Open: []float64{0.5}, Closed: []float64{1}})
	if got, want := g.ID(), uint64(0x45003db4b39e2c43); got != want {
		t.Errorf("the grid of %d edges has the ID %#x, want %#x", len(g.Edges()), got, want)
	}
	b := encode(t, histOf(g, window))
	if got, want := xxh3.Hash(b), uint64(0x6cbeadf673d0a37b); got != want {
		t.Errorf("the histogram's %d bytes hash to %#x, want %#x", len(b), got, want)
	}
}
