package catalog

import (
	"cmp"
	"slices"

	"github.com/driftmeter/driftmeter/internal/store"
)

// Seen is a version with when it was seen.
type Seen struct {
	Name        string
	First, Last int64 // unix nanoseconds
}

// Seen returns the versions of a model of which something is kept, in the order in
// which they were first seen.
func (c *Catalog) Seen(model string) ([]Seen, error) {
	var all []Seen
	err := c.store.EachVersionOf(model, func(version string, v store.Version) error {
		all = append(all, Seen{version, v.FirstSeen, v.LastSeen})
		return nil
	})
	slices.SortFunc(all, func(a, b Seen) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name)) })
	return all, err
}

// VersionNames returns the versions of a model in the order in which they were first
// seen.
func (c *Catalog) VersionNames(model string) ([]string, error) {
	seen, err := c.Seen(model)
	names := make([]string, len(seen))
	for i := range seen {
		names[i] = seen[i].Name
	}
	return names, err
}
