package grid_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// The grid comes from the reference; a window is counted on it in two parts.
func Example() {
	var reference []float64
	for i := range 1000 {
		reference = append(reference, float64(i))
	}
	g := grid.Build(reference, grid.Options{Closed: []float64{120}})

	morning, evening := g.NewHist(), g.NewHist()
	for i := range 500 {
		x := float64(i) / 2
		morning.Add(g, g.Find(x), x)
		x = float64(1100 - i)
		evening.Add(g, g.Find(x), x)
	}
	if err := morning.Merge(evening); err != nil {
		fmt.Println(err)
	}

	deciles, _ := g.Partition(grid.Deciles)
	fmt.Println(deciles.Fold(morning.Counts))
	inRange, exact := g.AtMost(morning, 120)
	fmt.Println(inRange, exact)
	// Output:
	// [200 200 100 0 0 0 99 100 100 201]
	// 241 true
}
