package record

import "math"

// What a record says of labels is written as fields of two groups that users do
// not have, so that it costs nothing where it is not said and is a part of the
// record's shape where it is. These bytes are on disk and do not change.
const (
	groupPrevious = groups     // the fields of Previous
	groupLabel    = groups + 1 // the rest, under the names below
)

const (
	labelRevision   = "revision"    // an integer
	labelLateInputs = "late_inputs" // its presence says it
	labelEvent      = "event"       // an integer: an event for which the flags have no room
)

// says reports whether r says anything of labels.
func says(r *Record) bool {
	return r.Revision != 0 || r.LateInputs || len(r.Previous) > 0 || r.Event > flagEvent
}

// appendLabels adds what r says of labels to its fields.
func appendLabels(fields []Field, r *Record) []Field {
	if r.Event > flagEvent {
		fields = append(fields, Field{groupLabel, labelEvent, Int(int64(r.Event))})
	}
	if r.Revision != 0 {
		fields = append(fields, Field{groupLabel, labelRevision, Int(int64(r.Revision))})
	}
	if r.LateInputs {
		fields = append(fields, Field{groupLabel, labelLateInputs, Value{}})
	}
	for i := range r.Previous {
		fields = append(fields, Field{groupPrevious, r.Previous[i].Name, r.Previous[i].Value})
	}
	return fields
}

// label takes one of the fields that appendLabels wrote.
func (d *Decoder) label(r *Record, k Key, v Value) {
	if k.Group == groupPrevious {
		r.Previous = append(r.Previous, Field{Actuals, k.Name, v})
		return
	}
	i, whole := int64(v.bits), v.kind == Integer
	switch {
	case k.Name == labelRevision && whole && i > 0 && i <= math.MaxUint32:
		r.Revision = uint32(i)
	case k.Name == labelLateInputs && v.kind == Missing:
		r.LateInputs = true
	case k.Name == labelEvent && whole && i > flagEvent && int(i) < len(eventNames):
		r.Event = Event(i)
	default:
		d.fail("label %q is %v", k.Name, v.kind)
	}
}
