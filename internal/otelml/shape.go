package otelml

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/driftmeter/driftmeter/internal/record"
)

// What an attribute of a shape is, where it is no field.
const (
	isModel = -1 - iota
	isVersion
	isID
	isDataset
	isComplete
	isRevision
	isLateInputs
	isPrevious
)

// shape is which attributes a record has, and in which order.
type shape struct {
	head   head
	fields []record.Key
	keys   pcommon.Map // the attributes, without values
	values []int       // of each attribute: the field that it shows, or what else
}

// head is what of a record is there beside its model, version and fields.
type head struct{ id, test, last, revision, lateInputs, previous bool }

func headOf(r *record.Record) head {
	reference := r.Event == record.Reference
	return head{
		id: r.ID != "", test: reference && r.Test, last: reference && r.Last,
		revision: r.Revision != 0, lateInputs: r.LateInputs, previous: len(r.Previous) > 0,
	}
}

// maxShapes bounds the shapes that an encoder remembers: predictions and their
// labels, or rows of which some leave out what is null.
const maxShapes = 8

// shape returns that of a record.
func (e *Encoder) shape(r *record.Record) *shape {
	h := headOf(r)
	for i, s := range e.shapes {
		if s.fits(h, r.Fields) {
			if i > 0 {
				copy(e.shapes[1:i+1], e.shapes[:i])
				e.shapes[0] = s
			}
			return s
		}
	}
	if len(e.shapes) < maxShapes {
		e.shapes = append(e.shapes, &shape{})
	}
	s := e.shapes[len(e.shapes)-1] // the one that was met longest ago makes room
	copy(e.shapes[1:], e.shapes)
	e.shapes[0] = s
	e.list(s, h, r.Fields)
	return s
}

// fits looks at the last field first, by which records of one length differ most
// often: one that lacks a field in the middle has all others moved.
func (s *shape) fits(h head, fields []record.Field) bool {
	if s.head != h || len(s.fields) != len(fields) {
		return false
	}
	for i := len(fields) - 1; i >= 0; i-- {
		if k := &s.fields[i]; k.Group != fields[i].Group || k.Name != fields[i].Name {
			return false
		}
	}
	return true
}

// list makes a shape that of fields. Of those with one name, the last one counts,
// in the place of the first.
func (e *Encoder) list(s *shape, h head, fields []record.Field) {
	s.head, s.fields, s.values, e.names = h, s.fields[:0], s.values[:0], e.names[:0]
	add := func(ok bool, key string, what int) {
		if ok {
			e.names, s.values = append(e.names, key), append(s.values, what)
		}
	}
	add(true, e.model, isModel)
	add(true, e.version, isVersion)
	add(h.id, e.id, isID)
	add(h.test, e.dataset, isDataset)
	add(h.last, e.complete, isComplete)
	add(h.revision, e.revision, isRevision)
	add(h.lateInputs, e.lateInputs, isLateInputs)
	add(h.previous, e.previous, isPrevious)
	var seen map[string]int // where a key is, if they are many
	if len(fields) > few {
		seen = make(map[string]int, len(fields))
	}
	for i := range fields {
		key := e.key(fields[i].Group, fields[i].Name)
		s.fields = append(s.fields, record.Key{Group: fields[i].Group, Name: key[len(key)-len(fields[i].Name):]})
		at, twice := seen[key]
		if seen == nil {
			at = slices.Index(e.names, key)
			twice = at >= 0
		}
		if twice {
			s.values[at] = i
			continue
		}
		if seen != nil {
			seen[key] = len(e.names)
		}
		add(true, key, i)
	}
	s.keys = mapOf(len(e.names), func(i int) (string, *record.Value) { return e.names[i], nil })
}
