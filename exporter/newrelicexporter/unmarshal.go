package newrelicexporter

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Unmarshal implements confmap.Unmarshaler. A configuration that has
// confighttp's keys among its own is decoded without a word about keys that
// nobody knows, so that a misspelt one would have no effect: they are looked for
// here.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	return unknownKeys("", conf.ToStringMap(), reflect.TypeFor[Config]())
}

// unknownKeys returns an error for each key that a struct does not have.
func unknownKeys(prefix string, values map[string]any, t reflect.Type) error {
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
			errs = append(errs, unknownKeys(prefix+key+".", inner, field))
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
