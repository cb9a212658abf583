package prediction

import (
	"database/sql/driver"
	"encoding"
	"fmt"
	"math"
	"reflect"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// A converter makes the value of a field of what has one Go type. ok is false for
// one that is missing. A problem is about this value, in the words of its user.
type converter func(v reflect.Value) (value attribute.Value, ok bool, problem string)

const holds = "a field holds a number, boolean, string, time, a list of these, or a map from strings to these"

var (
	timeType   = reflect.TypeFor[time.Time]()
	textType   = reflect.TypeFor[encoding.TextMarshaler]()
	valuerType = reflect.TypeFor[driver.Valuer]()
)

// converters are those of the types that have been seen, which a program has few of.
var converters sync.Map // reflect.Type → converter or string

// converterOf returns the converter of a type, or the problem that it has none.
func converterOf(t reflect.Type) (converter, string) {
	if c, seen := converters.Load(t); seen {
		if problem, bad := c.(string); bad {
			return nil, problem
		}
		return c.(converter), ""
	}
	c, problem := newConverter(t)
	if problem != "" {
		converters.Store(t, problem)
	} else {
		converters.Store(t, c)
	}
	return c, problem
}

func newConverter(t reflect.Type) (converter, string) {
	if c := scalarConverter(t); c != nil {
		return c, ""
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner, problem := converterOf(t.Elem())
		return func(v reflect.Value) (attribute.Value, bool, string) {
			if v.IsNil() {
				return attribute.Value{}, false, ""
			}
			return inner(v.Elem())
		}, problem
	case reflect.Interface:
		return func(v reflect.Value) (attribute.Value, bool, string) { return valueOf(v.Interface()) }, ""
	case reflect.Slice, reflect.Array:
		return listConverter(t)
	case reflect.Map:
		return dictConverter(t)
	default:
		return nil, fmt.Sprintf("is a %s; %s", t, holds)
	}
}

// scalarConverter returns the converter of a type that may also stand in a list
// or map, or nil.
func scalarConverter(t reflect.Type) converter {
	switch {
	case t == timeType:
		return func(v reflect.Value) (attribute.Value, bool, string) { return timeValue(v.Interface().(time.Time)) }
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && t.Implements(valuerType):
		return func(v reflect.Value) (attribute.Value, bool, string) {
			inner, err := v.Interface().(driver.Valuer).Value()
			if err != nil {
				return attribute.Value{}, false, "has no value: " + err.Error()
			}
			return valueOf(inner)
		}
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && t.Implements(textType):
		return func(v reflect.Value) (attribute.Value, bool, string) {
			text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			if err != nil {
				return attribute.Value{}, false, "has no text: " + err.Error()
			}
			return textValue(string(text))
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(v reflect.Value) (attribute.Value, bool, string) { return attribute.BoolValue(v.Bool()), true, "" }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value) (attribute.Value, bool, string) { return attribute.Int64Value(v.Int()), true, "" }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(v reflect.Value) (attribute.Value, bool, string) { return uintValue(v.Uint()) }
	case reflect.Float32, reflect.Float64:
		return func(v reflect.Value) (attribute.Value, bool, string) {
			return attribute.Float64Value(v.Float()), true, ""
		}
	case reflect.String:
		return func(v reflect.Value) (attribute.Value, bool, string) { return textValue(v.String()) }
	default:
		return nil
	}
}

// member converts an element of a list or map, which may not be one itself. What
// is missing in a list keeps its place, as NaN.
func member(t reflect.Type) (converter, string) {
	for t.Kind() == reflect.Pointer && scalarConverter(t) == nil {
		t = t.Elem()
	}
	if k := t.Kind(); k != reflect.Interface && scalarConverter(t) == nil {
		return nil, fmt.Sprintf("holds a %s; lists and maps hold numbers, booleans, strings and times", t)
	}
	return func(v reflect.Value) (attribute.Value, bool, string) {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			if v.IsNil() {
				return attribute.Float64Value(math.NaN()), true, ""
			}
			v = v.Elem()
		}
		c := scalarConverter(v.Type())
		if c == nil {
			return attribute.Value{}, false, fmt.Sprintf("holds a %s; lists and maps hold numbers, booleans, strings and times", v.Type())
		}
		value, ok, problem := c(v)
		if !ok && problem == "" {
			value = attribute.Float64Value(math.NaN())
		}
		return value, true, problem
	}, ""
}

func listConverter(t reflect.Type) (converter, string) {
	if t.Elem().Kind() == reflect.Uint8 {
		return nil, fmt.Sprintf("is %s; send text, or numbers of another type", t)
	}
	elem, problem := member(t.Elem())
	return func(v reflect.Value) (attribute.Value, bool, string) {
		switch n := v.Len(); {
		case t.Kind() == reflect.Slice && v.IsNil():
			return attribute.Value{}, false, ""
		case n > contract.MaxMembers:
			return attribute.Value{}, false, fmt.Sprintf("has %d elements; the limit is %d", n, contract.MaxMembers)
		}
		switch list := v.Interface().(type) { // those that OpenTelemetry stores as they are
		case []float64:
			return attribute.Float64SliceValue(list), true, ""
		case []int64:
			return attribute.Int64SliceValue(list), true, ""
		case []float32:
			numbers := make([]float64, len(list))
			for i, x := range list {
				numbers[i] = float64(x)
			}
			return attribute.Float64SliceValue(numbers), true, ""
		}
		list := make([]attribute.Value, v.Len())
		for i := range list {
			value, _, problem := elem(v.Index(i))
			if problem != "" {
				return attribute.Value{}, false, fmt.Sprintf("[%d] %s", i, problem)
			}
			list[i] = value
		}
		return attribute.SliceValue(list...), true, ""
	}, problem
}

func dictConverter(t reflect.Type) (converter, string) {
	if t.Key().Kind() != reflect.String {
		return nil, fmt.Sprintf("is a %s; the keys of a map are strings", t)
	}
	elem, problem := member(t.Elem())
	return func(v reflect.Value) (attribute.Value, bool, string) {
		switch n := v.Len(); {
		case v.IsNil():
			return attribute.Value{}, false, ""
		case n > contract.MaxMembers:
			return attribute.Value{}, false, fmt.Sprintf("has %d members; the limit is %d", n, contract.MaxMembers)
		}
		dict := make([]attribute.KeyValue, 0, v.Len())
		for members := v.MapRange(); members.Next(); {
			name := members.Key().String()
			value, _, problem := elem(members.Value())
			if problem != "" {
				return attribute.Value{}, false, fmt.Sprintf("[%q] %s", name, problem)
			}
			dict = append(dict, attribute.KeyValue{Key: attribute.Key(name), Value: value})
		}
		return attribute.MapValue(dict...), true, ""
	}, problem
}

// valueOf converts any value. Those of most rows need no reflection.
func valueOf(v any) (attribute.Value, bool, string) {
	switch v := v.(type) {
	case nil:
		return attribute.Value{}, false, ""
	case float64:
		return attribute.Float64Value(v), true, ""
	case string:
		return textValue(v)
	case bool:
		return attribute.BoolValue(v), true, ""
	case int:
		return attribute.IntValue(v), true, ""
	case int64:
		return attribute.Int64Value(v), true, ""
	case time.Time:
		return timeValue(v)
	case attribute.Value:
		return attributeValue(v)
	}
	rv := reflect.ValueOf(v)
	c, problem := converterOf(rv.Type())
	if problem != "" {
		return attribute.Value{}, false, problem
	}
	return c(rv)
}

func textValue(s string) (attribute.Value, bool, string) {
	if len(s) > contract.MaxText {
		return attribute.Value{}, false, fmt.Sprintf("has %d bytes; the limit is %d", len(s), contract.MaxText)
	}
	return attribute.StringValue(s), true, ""
}

// timeValue writes a time as the collector reads a datetime. The zero time is a
// missing one.
func timeValue(t time.Time) (attribute.Value, bool, string) {
	if t.IsZero() {
		return attribute.Value{}, false, ""
	}
	return attribute.StringValue(t.UTC().Format(time.RFC3339Nano)), true, ""
}

func uintValue(u uint64) (attribute.Value, bool, string) {
	if u > math.MaxInt64 {
		return attribute.Value{}, false, fmt.Sprintf("is %d, more than OTLP's integers hold; send it as text if it is a category, or as a float64", u)
	}
	return attribute.Int64Value(int64(u)), true, ""
}

func attributeValue(v attribute.Value) (attribute.Value, bool, string) {
	switch v.Type() {
	case attribute.EMPTY:
		return v, false, ""
	case attribute.STRING:
		return textValue(v.AsString())
	case attribute.BYTESLICE:
		return v, false, "is []byte; send text, or numbers of another type"
	default:
		return v, true, ""
	}
}

// isNaN reports whether a value is the missing number.
func isNaN(v attribute.Value) bool {
	return v.Type() == attribute.FLOAT64 && math.IsNaN(v.AsFloat64())
}
