package distinct_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
)

// Two shards that have seen some of the same users.
func Example() {
	var a, b distinct.Set
	for i := range int64(150) {
		a.Insert(distinct.HashInt(i))
		b.Insert(distinct.HashInt(i + 100))
	}
	a.Merge(&b)
	fmt.Println(a.Estimate())
	// Output: 250 true
}
