package catalog

import (
	"errors"
	"time"

	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// SegmentFields returns the fields that decide about the segments of a version's
// records, and those that its custom metrics need of labelled ones: of the layout
// that it is counted by, else of the model's definition. The version is registered as by Admit; one that is refused has
// none. Errors are of the store.
func (c *Catalog) SegmentFields(name, version string, now time.Time) ([]record.Key, error) {
	v, err := c.Admit(name, version, now)
	if _, refused := errors.AsType[record.Refusal](err); refused {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if v.Unusable() != nil {
		return nil, nil
	}
	if l := v.Layout(); l != nil {
		return l.LabelFields(), nil
	}
	segments, err := reference.Segments(v.Definition)
	return profile.SegmentFields(segments, v.Definition.LabelFields()...), err
}
