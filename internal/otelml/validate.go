package otelml

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/record"
)

// ValidateNames reports what is wrong with the keys attribute_prefix and
// event_names of a component that decodes records.
func ValidateNames(attributePrefix string, eventNames map[string]string) error {
	var errs []error
	if !strings.HasSuffix(attributePrefix, ".") {
		errs = append(errs, fmt.Errorf("attribute_prefix=%q must end in a dot as ml. does", attributePrefix))
	}
	for _, from := range slices.Sorted(maps.Keys(eventNames)) {
		if _, ok := record.ParseEvent(eventNames[from]); !ok {
			errs = append(errs, fmt.Errorf("event_names.%s=%q is unknown; known events: ml.prediction, ml.actual, ml.reference, ml.labelled", from, eventNames[from]))
		}
	}
	return errors.Join(errs...)
}
