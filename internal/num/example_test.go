package num_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/num"
)

// A float64 loses the 1; the exact sum does not, whatever the order.
func ExampleSum() {
	var s num.Sum
	for _, x := range []float64{1e100, 1, -1e100} {
		s.Add(x)
	}
	fmt.Println(s.Value())
	// Output: 1
}
