package table

import (
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// field is a column of ours over the leaves of a Parquet schema that make it.
type field struct {
	Column
	leaf    int     // index of the leaf with the values
	keys    int     // of a Dict: that of the leaf with the names
	read    convert // nil if Unsupported, or Missing by type
	element int     // of a List or Dict: the definition level at which it has an element
}

// fields lists the columns of a schema. Structures disappear, and leave their
// names before a dot: a column features of type {age, region} becomes
// features.age and features.region. What we have no cell for stays, as Unsupported.
func fields(path string, root *parquet.Column) ([]field, error) {
	w := schemaWalk{}
	for _, c := range root.Columns() {
		w.column(c, 0, nil)
	}
	if len(w.found) == 0 {
		return nil, &Error{Path: path, Problem: "has no columns", Hint: "write one with a column per field"}
	}
	return w.found, nil
}

type schemaWalk struct{ found []field }

// column visits a column below parents, whose definition level is given.
func (w *schemaWalk) column(c *parquet.Column, level int, parents []string) {
	names := append(parents[:len(parents):len(parents)], c.Name())
	f := field{Column: Column{Name: strings.Join(names, ".")}}
	if c.Optional() {
		level++
	}
	switch {
	case c.Leaf() && c.Repeated():
		f.list(c, level)
	case c.Leaf():
		f.scalar(c)
	case isList(c):
		f.listOf(c, level)
	case isMap(c):
		f.dict(c, level)
	case c.Repeated() || isVariant(c):
		f.Kind = Unsupported
	default:
		for _, child := range c.Columns() {
			w.column(child, level, names)
		}
		return
	}
	w.found = append(w.found, f)
}

func (f *field) scalar(c *parquet.Column) {
	f.Kind, f.read = conversion(c.Type())
	f.leaf = c.Index()
}

// list is a leaf that repeats without an annotation, as Protobuf has it.
func (f *field) list(c *parquet.Column, level int) {
	if f.scalar(c); f.read != nil {
		f.Kind, f.element = List, level+1
	}
}

// listOf is an annotated list. Its one child repeats and is either the element
// or a group around it:
//
//	optional group scores (LIST) { repeated group list { optional double element } }
//	optional group scores (LIST) { repeated double element }
func (f *field) listOf(c *parquet.Column, level int) {
	f.Kind = Unsupported
	if len(c.Columns()) != 1 || !c.Columns()[0].Repeated() {
		return
	}
	switch child := c.Columns()[0]; {
	case child.Leaf():
		f.list(child, level)
	case len(child.Columns()) == 1 && child.Columns()[0].Leaf() && !child.Columns()[0].Repeated():
		f.list(child.Columns()[0], level)
	}
}

// dict is an annotated map from strings to values:
//
//	optional group scores (MAP) { repeated group key_value { required binary key (STRING); optional double value } }
func (f *field) dict(c *parquet.Column, level int) {
	f.Kind = Unsupported
	if len(c.Columns()) != 1 || !c.Columns()[0].Repeated() || len(c.Columns()[0].Columns()) != 2 {
		return
	}
	key, value := c.Columns()[0].Columns()[0], c.Columns()[0].Columns()[1]
	if !key.Leaf() || !value.Leaf() || key.Repeated() || value.Repeated() {
		return
	}
	if kind, _ := conversion(key.Type()); kind != Text {
		return
	}
	if f.list(value, level); f.Kind == List {
		f.Kind, f.keys = Dict, key.Index()
	}
}

func isList(c *parquet.Column) bool    { return annotated[*format.ListType](c) }
func isMap(c *parquet.Column) bool     { return annotated[*format.MapType](c) }
func isVariant(c *parquet.Column) bool { return annotated[*format.VariantType](c) }

func annotated[T any](c *parquet.Column) bool {
	t := c.Type().LogicalType()
	if t == nil {
		return false
	}
	_, ok := t.Value.(T)
	return ok
}
