package counts_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/sketch/counts"
)

// Values of the reference are counted by number, others by name.
func Example() {
	regions := counts.NewDictionary([]string{"EU", "US"})
	c := counts.New(regions.Len(), 1000)
	for _, s := range []string{"EU", "US", "EU", "MARS", "EU", "MARS"} {
		if i, ok := regions.Index(s); ok {
			c.AddKnown(i)
		} else {
			c.AddNew(s)
		}
	}
	fmt.Println(regions.Values(), c.Known, c.NewValues(), c.Other, c.Total())
	// Output: [EU US] [3 1] [{MARS 2}] 0 6
}
