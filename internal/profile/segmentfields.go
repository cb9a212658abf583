package profile

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/record"
)

// SegmentFields returns the fields that decide which slices of the segments a
// record belongs to, and more, each once, in the order of their keys. A condition that
// cannot be read decides nothing.
func SegmentFields(segments []SegmentLayout, more ...record.Key) []record.Key {
	keys := slices.Clone(more)
	for _, s := range segments {
		if s.Where == "" {
			keys = append(keys, s.Field)
			continue
		}
		n, err := expr.Parse(s.Where)
		if err != nil {
			continue
		}
		for _, f := range expr.Fields(n) {
			if g, ok := record.ParseGroup(f.Group); ok {
				keys = append(keys, record.Key{Group: g, Name: f.Name})
			}
		}
	}
	slices.SortFunc(keys, record.Key.Compare)
	return slices.Compact(keys)
}
