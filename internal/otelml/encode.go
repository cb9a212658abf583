package otelml

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Encoder writes records as log records with flat attributes, as a Decoder of the
// same prefix reads them. It keeps scratch memory: use one per goroutine.
type Encoder struct {
	prefix string
	keys   map[record.Key]string // of the fields' attributes

	model, version, id, dataset, complete, revision, lateInputs, previous string
}

// NewEncoder returns an encoder whose attributes begin with prefix.
func NewEncoder(prefix string) *Encoder {
	return &Encoder{
		prefix: prefix, keys: map[record.Key]string{},
		model: prefix + modelName, version: prefix + modelVersion, id: prefix + predictionID, dataset: prefix + dataset, complete: prefix + referenceEnd,
		revision: prefix + labelRevision, lateInputs: prefix + labelLateInputs, previous: prefix + labelPrevious,
	}
}

// maxKeys bounds the keys that an encoder remembers.
const maxKeys = 4 * maxFields

// key returns the key of a field's attribute.
func (e *Encoder) key(g record.Group, name string) string {
	k := record.Key{Group: g, Name: name}
	s, ok := e.keys[k]
	if !ok {
		if len(e.keys) >= maxKeys {
			clear(e.keys)
		}
		s = e.prefix + g.String() + "." + name
		k.Name = s[len(s)-len(name):] // not a part of somebody's batch
		e.keys[k] = s
	}
	return s
}

// Append writes a record. Its environment belongs to its resource, which is the
// caller's: see PutEnvironment.
//
// What no field can use is written as empty bytes, which no field can use either.
func (e *Encoder) Append(dst plog.LogRecordSlice, r *record.Record) {
	lr := dst.AppendEmpty()
	lr.SetEventName(r.Event.String())
	if r.Stamped {
		lr.SetTimestamp(pcommon.Timestamp(r.Time))
	}
	a := lr.Attributes()
	a.EnsureCapacity(len(r.Fields) + 6)
	a.PutStr(e.model, r.Model)
	a.PutStr(e.version, r.Version)
	if r.ID != "" {
		a.PutStr(e.id, r.ID)
	}
	if r.Event == record.Reference {
		if r.Test {
			a.PutStr(e.dataset, "test")
		}
		if r.Last {
			a.PutBool(e.complete, true)
		}
	}
	if r.Revision != 0 {
		a.PutInt(e.revision, int64(r.Revision))
	}
	if r.LateInputs {
		a.PutBool(e.lateInputs, true)
	}
	if len(r.Previous) > 0 {
		m := a.PutEmptyMap(e.previous)
		m.EnsureCapacity(len(r.Previous))
		for i := range r.Previous {
			put(m.PutEmpty(r.Previous[i].Name), &r.Previous[i].Value)
		}
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		put(a.PutEmpty(e.key(f.Group, f.Name)), &f.Value)
	}
}

// PutEnvironment says in a resource which environment its records are of.
func PutEnvironment(resource pcommon.Map, name string) {
	if name != "" {
		resource.PutStr(environment, name)
	}
}

// put writes a value. It leaves a missing one empty.
func put(to pcommon.Value, v *record.Value) {
	switch v.Kind() {
	case record.Number:
		x, _ := v.Float()
		to.SetDouble(x)
	case record.Integer:
		i, _ := v.Int()
		to.SetInt(i)
	case record.Boolean:
		b, _ := v.Bool()
		to.SetBool(b)
	case record.Text:
		s, _ := v.Text()
		to.SetStr(s)
	case record.List:
		s := to.SetEmptySlice()
		es := v.Elements()
		s.EnsureCapacity(len(es))
		for i := range es {
			put(s.AppendEmpty(), &es[i].Value)
		}
	case record.Dict:
		m := to.SetEmptyMap()
		es := v.Elements()
		m.EnsureCapacity(len(es))
		for i := range es {
			put(m.PutEmpty(es[i].Name), &es[i].Value)
		}
	case record.Unusable:
		to.SetEmptyBytes()
	case record.Missing:
	}
}
