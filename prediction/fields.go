package prediction

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// A group is one of the six groups of fields, with the beginning of its keys.
type group struct {
	name, prefix string
	sparse       bool         // what is missing is not known yet, and is left out
	plans        sync.Map     // reflect.Type → *plan
	keys         sync.Map     // name → key, of maps
	known        atomic.Int64 // how many keys there are
}

// maxKeys bounds the keys of maps that a group remembers: a map that is keyed by
// users would fill the memory.
const maxKeys = 2 * contract.MaxFields

func newGroup(prefix, name string) *group {
	return &group{name: name, prefix: prefix + name + ".", sparse: name == contract.Actuals}
}

// append adds the fields of v to attrs.
func (g *group) append(attrs []attribute.KeyValue, v any) ([]attribute.KeyValue, error) {
	switch v := v.(type) {
	case nil:
		return attrs, nil
	case []attribute.KeyValue:
		for _, kv := range v {
			value, ok, problem := attributeValue(kv.Value)
			var err error
			if attrs, err = g.field(attrs, string(kv.Key), value, ok, problem); err != nil {
				return attrs, err
			}
		}
		return attrs, nil
	case map[string]any:
		return appendMap(g, attrs, v, valueOf)
	case map[string]float64:
		return appendMap(g, attrs, v, func(x float64) (attribute.Value, bool, string) { return attribute.Float64Value(x), true, "" })
	}
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return attrs, nil
		}
		rv = rv.Elem()
	}
	switch {
	case rv.Kind() == reflect.Struct:
		return g.appendStruct(attrs, rv)
	case rv.Kind() == reflect.Map && rv.Type().Key().Kind() == reflect.String:
		return g.appendReflected(attrs, rv)
	}
	return attrs, invalid(g.name, "is a %s; give a struct, a map with string keys, or []attribute.KeyValue", rv.Type())
}

// appendMap adds the members of a map in the order of their names: the collector
// is quickest where each field stands where it stood in the record before.
func appendMap[V any](g *group, attrs []attribute.KeyValue, m map[string]V, convert func(V) (attribute.Value, bool, string)) ([]attribute.KeyValue, error) {
	start := len(attrs)
	for name, v := range m {
		value, ok, problem := convert(v)
		var err error
		if attrs, err = g.field(attrs, name, value, ok, problem); err != nil {
			return attrs, err
		}
	}
	sortByKey(attrs[start:])
	return attrs, nil
}

func (g *group) appendReflected(attrs []attribute.KeyValue, m reflect.Value) ([]attribute.KeyValue, error) {
	convert, problem := converterOf(m.Type().Elem())
	if problem != "" {
		return attrs, invalid(g.name, "is a map whose value %s", problem)
	}
	start := len(attrs)
	for members := m.MapRange(); members.Next(); {
		value, ok, problem := convert(members.Value())
		var err error
		if attrs, err = g.field(attrs, members.Key().String(), value, ok, problem); err != nil {
			return attrs, err
		}
	}
	sortByKey(attrs[start:])
	return attrs, nil
}

func sortByKey(attrs []attribute.KeyValue) {
	slices.SortFunc(attrs, func(a, b attribute.KeyValue) int { return strings.Compare(string(a.Key), string(b.Key)) })
}

// field adds one field that is named at run time.
func (g *group) field(attrs []attribute.KeyValue, name string, value attribute.Value, ok bool, problem string) ([]attribute.KeyValue, error) {
	if problem == "" {
		problem = checkName(name)
	}
	switch {
	case problem != "":
		return attrs, invalid(g.name+"."+name[:min(len(name), 64)], "%s", problem)
	case !ok || g.sparse && isNaN(value):
		return attrs, nil
	}
	return append(attrs, attribute.KeyValue{Key: g.key(name), Value: value}), nil
}

func (g *group) key(name string) attribute.Key {
	if key, ok := g.keys.Load(name); ok {
		return key.(attribute.Key)
	}
	key := attribute.Key(g.prefix + name)
	if g.known.Load() < maxKeys {
		g.known.Add(1)
		g.keys.Store(name, key)
	}
	return key
}

func checkName(name string) string {
	if name == "" || len(name) > contract.MaxName {
		return fmt.Sprintf("has a name of %d bytes; it may have 1 to %d", len(name), contract.MaxName)
	}
	return ""
}

// A plan says how the structs of one type become the fields of a group.
type plan struct {
	fields []planned
	err    error // the type cannot be logged
}

type planned struct {
	name     string
	key      attribute.Key
	index    []int
	omitZero bool
	convert  converter
}

func (g *group) appendStruct(attrs []attribute.KeyValue, v reflect.Value) ([]attribute.KeyValue, error) {
	known, ok := g.plans.Load(v.Type())
	if !ok {
		known, _ = g.plans.LoadOrStore(v.Type(), g.plan(v.Type()))
	}
	p := known.(*plan)
	if p.err != nil {
		return attrs, p.err
	}
	for i := range p.fields {
		f := &p.fields[i]
		field, err := v.FieldByIndexErr(f.index)
		if err != nil || f.omitZero && field.IsZero() { // an embedded pointer is nil
			continue
		}
		value, ok, problem := f.convert(field)
		switch {
		case problem != "":
			return attrs, invalid(g.name+"."+f.name, "%s", problem)
		case !ok || g.sparse && isNaN(value):
			continue
		}
		attrs = append(attrs, attribute.KeyValue{Key: f.key, Value: value})
	}
	return attrs, nil
}

// plan reads a type once. What is wrong with it is wrong with all of its values.
func (g *group) plan(t reflect.Type) *plan {
	p := &plan{}
	taken := map[string]string{}
	var left []int // the index of the embedded struct that was left out last
	for _, f := range reflect.VisibleFields(t) {
		if left != nil && len(f.Index) > len(left) && slices.Equal(f.Index[:len(left)], left) {
			continue
		}
		if f.Anonymous && f.Tag.Get("ml") == "-" {
			left = f.Index
		}
		name, omitZero, problem := nameOf(f)
		if name == "" && problem == "" {
			continue
		}
		var convert converter
		if problem == "" {
			if problem = checkName(name); problem == "" {
				convert, problem = converterOf(f.Type)
			}
		}
		if other := taken[name]; other != "" && problem == "" {
			problem = fmt.Sprintf("is the name of both %s.%s and %s.%s", t, other, t, f.Name)
		}
		if problem != "" {
			if name == "" {
				name = f.Name
			}
			return &plan{err: invalid(g.name+"."+name, "%s", problem)}
		}
		taken[name] = f.Name
		p.fields = append(p.fields, planned{name, attribute.Key(g.prefix + name), f.Index, omitZero, convert})
	}
	if len(p.fields) == 0 {
		p.err = invalid(g.name, "is a %s, which has no exported fields", t)
	}
	return p
}

// nameOf returns the name of a field of a struct, or "" for one that is none of
// ours.
func nameOf(f reflect.StructField) (name string, omitZero bool, problem string) {
	tag, tagged := f.Tag.Lookup("ml")
	if !tagged {
		tag, _, _ = strings.Cut(f.Tag.Get("json"), ",") // its options are about JSON
	}
	name, options, _ := strings.Cut(tag, ",")
	embedded := f.Type
	if f.Anonymous && embedded.Kind() == reflect.Pointer {
		embedded = embedded.Elem()
	}
	switch {
	case tag == "-":
		return "", false, ""
	case f.Anonymous && name == "" && embedded.Kind() == reflect.Struct:
		return "", false, "" // its fields are visible themselves
	case !f.IsExported():
		if tagged {
			return "", false, "is tagged but not exported"
		}
		return "", false, ""
	case tagged && options != "" && options != "omitzero":
		return "", false, fmt.Sprintf("has the tag `ml:%q`; known options: omitzero", tag)
	case name == "":
		name = f.Name
	}
	return name, options == "omitzero", ""
}
