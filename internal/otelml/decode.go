package otelml

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Options of a Decoder: the names of the contract.
type Options struct {
	Prefix string            // of attributes; "ml." by default
	Events map[string]string // event name on the wire → event name of the contract
}

// Decoder turns log records into records. It keeps scratch memory: use one per
// goroutine.
type Decoder struct {
	names  groupPrefixes
	prefix string
	events map[string]record.Event
	keys   struct {
		model, version, id, dataset, complete string
		revision, previous, lateInputs        string
	}

	// The attributes of the record before: those of the next one are nearly always
	// the same, in the same order.
	guesses []guess

	// What the resource of the current records says.
	resource struct{ service, serviceVersion, environment, model, version string }
}

// guess is what the key of an attribute was found to mean.
type guess struct {
	key   string
	group record.Group
	name  string
	ok    bool // it belongs to a group
}

// meaning returns what the key of the i-th attribute means.
func (d *Decoder) meaning(i int, key string) *guess {
	for len(d.guesses) <= i {
		d.guesses = append(d.guesses, guess{})
	}
	g := &d.guesses[i]
	if g.key != key {
		*g = guess{key: key}
		g.group, g.name, g.ok = d.names.split(key)
	}
	return g
}

// NewDecoder returns a decoder.
func NewDecoder(o Options) *Decoder {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	d := &Decoder{names: newGroupPrefixes(o.Prefix), prefix: o.Prefix, events: map[string]record.Event{}}
	d.keys.model, d.keys.version = o.Prefix+modelName, o.Prefix+modelVersion
	d.keys.id, d.keys.dataset, d.keys.complete = o.Prefix+predictionID, o.Prefix+dataset, o.Prefix+referenceEnd
	d.keys.revision, d.keys.previous, d.keys.lateInputs = o.Prefix+labelRevision, o.Prefix+labelPrevious, o.Prefix+labelLateInputs
	for e := record.Prediction; e <= record.Duplicate; e++ {
		d.events[e.String()] = e
	}
	for wire, name := range o.Events {
		if e, ok := record.ParseEvent(name); ok {
			d.events[wire] = e
		}
	}
	return d
}

// Resource reads what a resource says of all its records.
func (d *Decoder) Resource(attrs pcommon.Map) {
	d.resource.service, d.resource.serviceVersion, d.resource.environment = "", "", ""
	d.resource.model, d.resource.version = "", ""
	for k, v := range attrs.All() {
		switch k {
		case serviceName:
			d.resource.service = v.AsString()
		case serviceVersion:
			d.resource.serviceVersion = v.AsString()
		case environment:
			d.resource.environment = v.AsString()
		case d.keys.model:
			d.resource.model = v.AsString()
		case d.keys.version:
			d.resource.version = v.AsString()
		}
	}
}

// Record fills r with one log record. now is the time of arrival, for records
// that carry none. The refusals are those of the record as a whole, if ok is
// false, or of parts of it.
func (d *Decoder) Record(lr plog.LogRecord, now time.Time, r *record.Record, refuse func(record.Refusal)) (ok bool) {
	r.Reset()
	name := nameOf(lr)
	if r.Event, ok = d.events[name]; !ok {
		refuse(record.Refusal{Reason: record.NotAPrediction, Key: name,
			Detail: "the event name is none of ml.prediction, ml.actual, ml.reference, ml.labelled"})
		return false
	}
	r.Model, r.Version, r.Environment = d.resource.model, d.resource.version, d.resource.environment
	if !d.attributes(lr.Attributes(), r, refuse) {
		return false
	}
	if body := lr.Body(); body.Type() == pcommon.ValueTypeMap {
		d.body(body.Map(), r, refuse)
	}
	if r.Model == "" {
		r.Model = d.resource.service
	}
	if r.Version == "" {
		if r.Version = d.resource.serviceVersion; r.Version == "" {
			r.Version = DefaultVersion
		}
	}
	switch {
	case r.Model == "" || r.Model == "unknown_service":
		refuse(record.Refusal{Reason: record.NoModel, Key: d.keys.model,
			Detail: "is missing, and the resource has no service.name to stand in"})
		return false
	case len(r.Fields) == 0 && !r.Last && len(r.Previous) == 0 && r.Event != record.Duplicate:
		refuse(record.Refusal{Reason: record.NoGroups, Key: r.Model,
			Detail: "no field in any group; send attributes such as " + d.prefix + "features.age or " + d.prefix + "predictions.score"})
		return false
	}
	d.time(lr, now, r)
	return true
}

// Event returns what kind of event a log record is; ok is false for one that is
// none of ours.
func (d *Decoder) Event(lr plog.LogRecord) (e record.Event, ok bool) {
	e, ok = d.events[nameOf(lr)]
	return e, ok
}

// nameOf returns the name of an event, also where an SDK could not set it.
func nameOf(lr plog.LogRecord) string {
	if name := lr.EventName(); name != "" {
		return name
	}
	if v, found := lr.Attributes().Get(eventName); found && v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return ""
}

// time sets the event time: that of the record, else that of its observation,
// else of its arrival.
func (d *Decoder) time(lr plog.LogRecord, now time.Time, r *record.Record) {
	switch {
	case lr.Timestamp() != 0:
		r.Time, r.Stamped = nanoseconds(lr.Timestamp()), true
	case lr.ObservedTimestamp() != 0:
		r.Time, r.Stamped = nanoseconds(lr.ObservedTimestamp()), true
	default:
		r.Time = now.UnixNano()
	}
}

// nanoseconds converts a time. What lies beyond the range of int64, after the
// year 2262, stays in the future.
func nanoseconds(t pcommon.Timestamp) int64 {
	return int64(min(t, math.MaxInt64))
}

// attributes reads flat and group attributes. It reports false when the record
// is refused.
func (d *Decoder) attributes(attrs pcommon.Map, r *record.Record, refuse func(record.Refusal)) bool {
	i := -1
	for k, v := range attrs.All() {
		i++
		g := d.meaning(min(i, maxFields), k)
		switch {
		case g.ok && g.name != "":
			d.field(r, g.group, g.name, v, refuse)
		case g.ok && v.Type() == pcommon.ValueTypeMap:
			d.group(r, g.group, v.Map(), refuse)
		case g.ok && v.Type() != pcommon.ValueTypeEmpty:
			refuse(record.Refusal{Reason: record.BadType, Key: k, Detail: "is " + v.Type().String() + "; a group is a map of fields"})
		case !g.ok:
			if !d.identity(k, v, r, refuse) {
				return false
			}
		}
	}
	return true
}

// identity reads the attributes that are no fields.
func (d *Decoder) identity(k string, v pcommon.Value, r *record.Record, refuse func(record.Refusal)) bool {
	var to *string
	switch k {
	case d.keys.model:
		to = &r.Model
	case d.keys.version:
		to = &r.Version
	case d.keys.id:
		to = &r.ID
	case d.keys.dataset:
		switch s := v.AsString(); s {
		case "training":
		case "test":
			r.Test = true
		default:
			refuse(record.Refusal{Reason: record.BadType, Key: k, Detail: fmt.Sprintf("%q is no dataset; known: training, test", s)})
			return false
		}
		return true
	case d.keys.complete:
		r.Last = v.Type() == pcommon.ValueTypeBool && v.Bool()
		return true
	case d.keys.revision, d.keys.previous, d.keys.lateInputs:
		return d.label(k, v, r, refuse)
	default:
		return true
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		*to = v.Str()
	case pcommon.ValueTypeInt, pcommon.ValueTypeBool, pcommon.ValueTypeDouble:
		*to = v.AsString()
	case pcommon.ValueTypeEmpty:
	default:
		refuse(record.Refusal{Reason: record.BadType, Key: k, Detail: "is " + v.Type().String() + "; it must be a string"})
		return false
	}
	if len(*to) > maxID {
		refuse(record.Refusal{Reason: record.TooLarge, Key: k, Detail: fmt.Sprintf("has %d bytes; the limit is %d", len(*to), maxID)})
		return false
	}
	return true
}
