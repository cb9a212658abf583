// Package lenient reads the configuration of a component in such a way that all
// mistakes in it are reported together.
//
// The Collector decodes all configurations before it validates any: an unknown key
// in one hides what is wrong with the values of all. So a component that decodes
// with this package keeps what could not be decoded, and its Validate reports it
// with the rest:
//
//	func (c *Config) Unmarshal(conf *confmap.Conf) error {
//		c.mistakes = lenient.Unmarshal(conf, c)
//		return nil
//	}
//
//	func (c *Config) Validate() error {
//		…
//		return c.mistakes.Join(errs...)
//	}
package lenient

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"go.opentelemetry.io/collector/confmap"
)

// Mistakes are keys that are not known, and values that are not of their key's
// type, in the order of their keys.
type Mistakes []Mistake

// Mistake is one, with its key as the user wrote it.
type Mistake struct {
	Key   string // such as models[0].outputs[1].actual
	Value any    // or what stands for one that is not shown
	Text  string // what would be right
}

func (m Mistake) Error() string {
	if _, ok := m.Value.(hidden); ok {
		return m.Key + " " + m.Text
	}
	return fmt.Sprintf("%s=%s %s", m.Key, valueText(m.Value), m.Text)
}

// Join returns the mistakes with what else is wrong, and nil if nothing is. An
// error about a key that is among the mistakes already is left out: the value that
// it complains of is not the user's.
func (ms Mistakes) Join(others ...error) error {
	var errs []error
	for _, m := range ms {
		errs = append(errs, m)
	}
	for _, err := range Flat(others...) {
		key, _, _ := strings.Cut(err.Error(), "=")
		if !slices.ContainsFunc(ms, func(m Mistake) bool { return m.Key == key }) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Flat takes joined errors apart, and leaves out those that are nil.
func Flat(errs ...error) (all []error) {
	for _, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			all = append(all, Flat(joined.Unwrap()...)...)
		} else if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Under returns the errors that err joins, each about a key under the given one.
func Under(key string, err error) (all []error) {
	for _, e := range Flat(err) {
		all = append(all, fmt.Errorf("%s.%w", key, e))
	}
	return all
}

// Unmarshal decodes conf into cfg, a pointer to a struct that holds the defaults.
// What cannot be decoded keeps its default. The conf is that of the method
// Unmarshal of cfg, and of no use after.
func Unmarshal(conf *confmap.Conf, cfg any) Mistakes {
	w := &walk{at: map[string]place{}}
	w.value("", conf.ToStringMap(), reflect.TypeOf(cfg).Elem())
	for _, key := range w.bare { // it would be taken for nanoseconds
		conf.Delete(strings.ReplaceAll(key, ".", confmap.KeyDelimiter))
	}
	w.refused(conf.Unmarshal(cfg, confmap.WithIgnoreUnused()))
	slices.SortStableFunc(w.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(w.mistakes, func(a, b Mistake) bool { return a.Key == b.Key })
}

// place is a key of the configuration: what is there, and what should be.
type place struct {
	value any
	want  reflect.Type
}

// walk compares a configuration with the type that it is decoded into.
type walk struct {
	mistakes Mistakes
	at       map[string]place
	bare     []string // durations without a unit
}

func (w *walk) wrong(key string, value any, format string, args ...any) {
	switch value.(type) {
	case map[string]any, []any, nil:
	default:
		if secret(lastOf(key)) {
			value = hidden{}
		}
	}
	w.mistakes = append(w.mistakes, Mistake{key, value, fmt.Sprintf(format, args...)})
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	ownType      = reflect.TypeFor[confmap.Unmarshaler]()
)

// timed reports whether a value is a length of time: a time.Duration, or a type that
// reads more units from text. A bare number would be taken for nanoseconds.
func timed(t reflect.Type) bool {
	return t == durationType || t.Kind() == reflect.Int64 && reflect.PointerTo(t).Implements(textType)
}

func (w *walk) value(path string, v any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	w.at[path] = place{v, t}
	if path != "" && reflect.PointerTo(t).Implements(ownType) {
		return // it decodes itself
	}
	switch t.Kind() {
	case reflect.Struct:
		if m, ok := v.(map[string]any); ok {
			w.keys(path, m, t)
		}
	case reflect.Slice:
		if list, ok := v.([]any); ok {
			for i, v := range list {
				w.value(fmt.Sprintf("%s[%d]", path, i), v, t.Elem())
			}
		}
	case reflect.Map:
		if m, ok := v.(map[string]any); ok {
			for key, v := range m {
				w.value(fmt.Sprintf("%s[%s]", path, key), v, t.Elem())
			}
		}
	default:
		switch v.(type) {
		case int, int64, uint64, float64:
			if timed(t) && v != 0 {
				w.bare = append(w.bare, path)
				w.wrong(path, v, "must have a unit, such as %vs or %vm", v, v)
			}
		}
	}
}

// keys compares the keys of a map with the fields of a struct.
func (w *walk) keys(path string, m map[string]any, t reflect.Type) {
	fields := map[string]reflect.Type{}
	fieldsOf(t, fields)
	for key, v := range m {
		below := key
		if path != "" {
			below = path + "." + key
		}
		if f, ok := fields[key]; ok {
			w.value(below, v, f)
			continue
		}
		known := make([]string, 0, len(fields))
		for f := range fields {
			known = append(known, f)
		}
		best := nearest(key, known)
		w.wrong(below, shown(key, best, v), "is not a key; %s", suggestion(best, known))
	}
}

// fieldsOf finds the keys of a struct, with those of what is squashed into it.
func fieldsOf(t reflect.Type, fields map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			inner := f.Type
			for inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			fieldsOf(inner, fields)
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
}

// refused says of each value that could not be decoded what would be right.
func (w *walk) refused(err error) {
	if err == nil {
		return
	}
	found := decodeErrors(err)
	if found == nil {
		w.wrong("", nil, "%v", err)
	}
	for _, e := range found {
		p, ok := w.at[e.Name()]
		if !ok {
			w.wrong(e.Name(), p.value, "%v", errors.Unwrap(e))
			continue
		}
		w.wrong(e.Name(), p.value, "%s", wanted(p.want, errors.Unwrap(e)))
	}
}

// decodeErrors finds the innermost errors that name a key.
func decodeErrors(err error) (all []*mapstructure.DecodeError) {
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand, for all of them and not the first
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, decodeErrors(inner)...)
		}
	case interface{ Unwrap() error }:
		all = decodeErrors(e.Unwrap())
	}
	if e, ok := err.(*mapstructure.DecodeError); ok && all == nil { //nolint:errorlint // likewise
		all = append(all, e)
	}
	return all
}

// wanted says what a value of a type looks like.
func wanted(t reflect.Type, err error) string {
	if t == durationType {
		return "must be a duration, such as 10s, 5m or 1h"
	}
	if reflect.PointerTo(t).Implements(textType) {
		return "cannot be read: " + err.Error()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "must be a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "must be a whole number, not below 0"
	case reflect.Float32, reflect.Float64:
		return "must be a number"
	case reflect.String:
		return "must be text; put it into quotes"
	case reflect.Slice:
		return "must be a list"
	case reflect.Struct, reflect.Map:
		return "must be keys with values"
	default:
		return err.Error()
	}
}
