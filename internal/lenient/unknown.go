package lenient

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Unknown returns an error for each key that a struct of type t does not have.
//
// A struct into which one of the Collector's own is squashed (confighttp's) is
// decoded without a word about keys that nobody knows, so that a misspelt one would
// have no effect. Its Unmarshal decodes, then asks this. The prefix is that of the
// keys in messages.
func Unknown(prefix string, values map[string]any, t reflect.Type) error {
	fields := map[string]reflect.Type{}
	collectKeys(t, fields)
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		field, ok := fields[key]
		if !ok {
			errs = append(errs, fmt.Errorf("%s%s is no key of this exporter", prefix, key))
			continue
		}
		inner, ok := values[key].(map[string]any)
		_, decodes := reflect.New(field).Interface().(confmap.Unmarshaler) // and says itself what it does not know
		if ok && field.Kind() == reflect.Struct && !decodes {
			errs = append(errs, Unknown(prefix+key+".", inner, field))
		}
	}
	return errors.Join(errs...)
}

// collectKeys adds the keys of a struct and those that are squashed into it.
func collectKeys(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, opts, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(opts, "squash"):
			collectKeys(f.Type, into)
		case f.IsExported() && key != "" && key != "-":
			into[key] = f.Type
		}
	}
}
