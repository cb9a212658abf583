package otelml

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/record"
)

// AppendRecord writes a record as a log record with flat attributes, as a Decoder
// of that prefix reads it. The environment of a record belongs to its resource,
// which is the caller's: see PutEnvironment.
//
// What no field can use is written as empty bytes, which no field can use either.
func AppendRecord(dst plog.LogRecordSlice, prefix string, r *record.Record) {
	lr := dst.AppendEmpty()
	lr.SetEventName(r.Event.String())
	if r.Stamped {
		lr.SetTimestamp(pcommon.Timestamp(r.Time))
	}
	a := lr.Attributes()
	a.EnsureCapacity(len(r.Fields) + 6)
	a.PutStr(prefix+modelName, r.Model)
	a.PutStr(prefix+modelVersion, r.Version)
	if r.ID != "" {
		a.PutStr(prefix+predictionID, r.ID)
	}
	if r.Event == record.Reference {
		if r.Test {
			a.PutStr(prefix+dataset, "test")
		}
		if r.Last {
			a.PutBool(prefix+referenceEnd, true)
		}
	}
	if r.Revision != 0 {
		a.PutInt(prefix+labelRevision, int64(r.Revision))
	}
	if r.LateInputs {
		a.PutBool(prefix+labelLateInputs, true)
	}
	if len(r.Previous) > 0 {
		m := a.PutEmptyMap(prefix + labelPrevious)
		m.EnsureCapacity(len(r.Previous))
		for i := range r.Previous {
			put(m.PutEmpty(r.Previous[i].Name), &r.Previous[i].Value)
		}
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		put(a.PutEmpty(prefix+f.Group.String()+"."+f.Name), &f.Value)
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
