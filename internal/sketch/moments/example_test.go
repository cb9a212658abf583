package moments_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/sketch/moments"
)

// Two parts of a stream, around the mean of the reference.
func Example() {
	const center = 40.0
	var a, b moments.Moments
	for _, age := range []float64{31, 35, 47} {
		a.Add(age, center)
	}
	b.Add(67, center)
	a.Merge(&b)

	mean, _ := a.Mean(center)
	variance, _ := a.Variance(center, 0)
	fmt.Println(a.N, a.Min, a.Max, mean, variance)
	// Output: 4 31 67 45 196
}
