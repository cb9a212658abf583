package otelml

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Encoder writes records as log records with flat attributes, as a Decoder of the
// same prefix reads them. It keeps scratch memory: use one per goroutine.
//
// A Map of pdata looks for each key among all that it holds before it takes it,
// which for a record of 2 000 fields are two million comparisons. But the records
// of a source nearly always have the same fields in the same order: so the keys
// are copied from those of a record before, and only the values are written.
type Encoder struct {
	prefix string
	keys   map[record.Key]string // of the fields' attributes
	shapes []*shape              // the last ones that were met, the latest first
	names  []string              // scratch: keys of a shape

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
	s := e.shape(r)
	a := lr.Attributes()
	s.keys.CopyTo(a)
	i := 0
	for _, v := range a.All() {
		if at := s.values[i]; at >= 0 {
			put(v, &r.Fields[at].Value)
		} else {
			about(v, at, r)
		}
		i++
	}
}

// about writes what a record says beside its fields.
func about(to pcommon.Value, what int, r *record.Record) {
	switch what {
	case isModel:
		to.SetStr(r.Model)
	case isVersion:
		to.SetStr(r.Version)
	case isID:
		to.SetStr(r.ID)
	case isDataset:
		to.SetStr("test")
	case isComplete, isLateInputs:
		to.SetBool(true)
	case isRevision:
		to.SetInt(int64(r.Revision))
	case isPrevious:
		members(to, len(r.Previous), func(i int) (string, *record.Value) { return r.Previous[i].Name, &r.Previous[i].Value })
	}
}

// PutEnvironment says in a resource which environment its records are of.
func PutEnvironment(resource pcommon.Map, name string) {
	if name != "" {
		resource.PutStr(environment, name)
	}
}

// Batch is logs whose records have, for each environment, a resource of their own.
type Batch struct {
	plog.Logs
	of map[string]plog.LogRecordSlice
}

// NewBatch returns an empty one.
func NewBatch() Batch { return Batch{Logs: plog.NewLogs(), of: map[string]plog.LogRecordSlice{}} }

// Of returns the records of an environment, to append to.
func (b *Batch) Of(environment string) plog.LogRecordSlice {
	records, ok := b.of[environment]
	if !ok {
		rl := b.ResourceLogs().AppendEmpty()
		PutEnvironment(rl.Resource().Attributes(), environment)
		records = rl.ScopeLogs().AppendEmpty().LogRecords()
		b.of[environment] = records
	}
	return records
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
		es := v.Elements()
		members(to, len(es), func(i int) (string, *record.Value) { return es[i].Name, &es[i].Value })
	case record.Unusable:
		to.SetEmptyBytes()
	case record.Missing:
	}
}
