package otelml

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/driftmeter/driftmeter/internal/record"
)

// body reads the compact form: a map of groups.
func (d *Decoder) body(m pcommon.Map, r *record.Record, refuse func(record.Refusal)) {
	for k, v := range m.All() {
		g, ok := record.ParseGroup(k)
		switch {
		case ok && v.Type() == pcommon.ValueTypeMap:
			d.group(r, g, v.Map(), refuse)
		case ok && v.Type() != pcommon.ValueTypeEmpty:
			refuse(record.Refusal{Reason: record.BadType, Key: k, Detail: "is " + v.Type().String() + "; a group is a map of fields"})
		}
	}
}

func (d *Decoder) group(r *record.Record, g record.Group, m pcommon.Map, refuse func(record.Refusal)) {
	for name, v := range m.All() {
		d.field(r, g, name, v, refuse)
	}
}

func (d *Decoder) field(r *record.Record, g record.Group, name string, v pcommon.Value, refuse func(record.Refusal)) {
	if len(r.Fields) >= maxFields {
		refuse(record.Refusal{Reason: record.TooManyFields, Key: name, Detail: fmt.Sprintf("the record has more than %d fields", maxFields)})
		return
	}
	if len(name) > maxName || name == "" {
		refuse(record.Refusal{Reason: record.TooLarge, Key: name[:min(len(name), 64)], Detail: fmt.Sprintf("a field's name has 1 to %d bytes", maxName)})
		return
	}
	f := r.Next()
	f.Group, f.Name = g, name
	set(r, f, v)
}

// set converts a value in place.
func set(r *record.Record, f *record.Field, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		f.Value.SetNum(v.Double())
	case pcommon.ValueTypeInt:
		f.Value.SetInt(v.Int())
	case pcommon.ValueTypeBool:
		f.Value.SetBool(v.Bool())
	case pcommon.ValueTypeStr:
		if s := v.Str(); len(s) <= maxText {
			f.Value.SetStr(s)
		} else {
			f.Value = record.Bad()
		}
	default:
		f.Value = value(r, v)
	}
}

// value converts a value. Lists and maps may hold scalars only.
func value(r *record.Record, v pcommon.Value) record.Value {
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		return record.Num(v.Double())
	case pcommon.ValueTypeInt:
		return record.Int(v.Int())
	case pcommon.ValueTypeBool:
		return record.Bool(v.Bool())
	case pcommon.ValueTypeStr:
		s := v.Str()
		if len(s) > maxText {
			return record.Bad()
		}
		return record.Str(s)
	case pcommon.ValueTypeSlice:
		s := v.Slice()
		if s.Len() > maxMembers {
			return record.Bad()
		}
		elems := r.Elements(s.Len())
		for i := range elems {
			elems[i] = record.Element{Value: scalar(r, s.At(i))}
		}
		return record.ListOf(elems)
	case pcommon.ValueTypeMap:
		m := v.Map()
		if m.Len() > maxMembers {
			return record.Bad()
		}
		elems := r.Elements(m.Len())
		i := 0
		for k, e := range m.All() {
			elems[i] = record.Element{Name: k, Value: scalar(r, e)}
			i++
		}
		return record.DictOf(elems)
	case pcommon.ValueTypeBytes:
		return record.Bad()
	default:
	}
	return record.Value{}
}

// scalar converts a member of a list or map, which may not nest further.
func scalar(r *record.Record, v pcommon.Value) record.Value {
	if t := v.Type(); t == pcommon.ValueTypeMap || t == pcommon.ValueTypeSlice {
		return record.Bad()
	}
	return value(r, v)
}
