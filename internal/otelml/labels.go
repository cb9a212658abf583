package otelml

import (
	"fmt"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/driftmeter/driftmeter/internal/record"
)

// label reads what a labelled record says of its label; of other events it is
// not a part. A record that says it in a way that cannot be read is refused as a
// whole: counted without it, one prediction would have two labels.
func (d *Decoder) label(k string, v pcommon.Value, r *record.Record, refuse func(record.Refusal)) bool {
	if r.Event != record.Labelled || v.Type() == pcommon.ValueTypeEmpty {
		return true
	}
	var needs string
	switch k {
	case d.keys.revision:
		if v.Type() == pcommon.ValueTypeInt && v.Int() > 0 && v.Int() <= math.MaxUint32 {
			r.Revision = uint32(v.Int())
			return true
		}
		needs = fmt.Sprintf("an integer from 1 to %d", uint32(math.MaxUint32))
	case d.keys.lateInputs:
		if v.Type() == pcommon.ValueTypeBool {
			r.LateInputs = v.Bool()
			return true
		}
		needs = "a boolean"
	default:
		if v.Type() == pcommon.ValueTypeMap {
			return d.previous(k, v.Map(), r, refuse)
		}
		needs = "a map of actuals"
	}
	refuse(record.Refusal{Reason: record.BadType, Key: k, Detail: fmt.Sprintf("is the %s %.32q; it must be %s", v.Type(), v.AsString(), needs)})
	return false
}

func (d *Decoder) previous(k string, m pcommon.Map, r *record.Record, refuse func(record.Refusal)) bool {
	if m.Len() > maxFields {
		refuse(record.Refusal{Reason: record.TooManyFields, Key: k, Detail: fmt.Sprintf("has %d fields; the limit is %d", m.Len(), maxFields)})
		return false
	}
	for name, v := range m.All() {
		if len(name) > maxName || name == "" {
			refuse(record.Refusal{Reason: record.TooLarge, Key: k, Detail: fmt.Sprintf("a field's name has 1 to %d bytes", maxName)})
			return false
		}
		f := r.NextPrevious()
		f.Name = name
		set(r, f, v)
	}
	return true
}
