package newrelicexporter

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/newrelic"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Event types of predictions.
const (
	inferenceEvent         = "InferenceData"
	aporiaNumericEvent     = "aporia_numeric_prediction"
	aporiaCategoricalEvent = "aporia_categorical_prediction"
)

// prediction makes the events of a record of a prediction.
func (b *logBatch) prediction(lr plog.LogRecord, r *record.Record) {
	if !b.cfg.makes(InferenceData) && !b.cfg.makes(Aporia) {
		b.refuse("no_event_mode", "predictions are sent only as events that were asked for; set event_modes to inference_data or aporia, "+
			"or take this exporter out of the pipeline of predictions")
		return
	}
	ok := b.decoder.Record(lr, b.now, r, func(what record.Refusal) {
		b.refuse(what.Reason.String(), what.Error())
	})
	if !ok {
		return
	}
	at := time.Unix(0, r.Time)
	if age := b.now.Sub(at); age > eventAge || age < -futureLimit {
		b.refuse("too_old", "New Relic drops events that are more than 24 h from now without a word; send older ones by way of a file or another backend")
		return
	}
	id := r.ID
	if id == "" {
		id = b.anonymous(lr)
	}
	if b.cfg.makes(InferenceData) {
		b.inferences(r, id, at)
	}
	if b.cfg.makes(Aporia) && r.Event == record.Prediction {
		b.aporia(r, id, at)
	}
}

// anonymous makes an id of a record without one: the same whenever it is sent.
func (b *logBatch) anonymous(lr plog.LogRecord) string {
	attrs := lr.Attributes().AsRaw()
	for _, k := range settledKeys {
		delete(attrs, k)
	}
	h := identity("prediction", "", attrs, map[string]any{"": lr.Body().AsString()}, int64(lr.Timestamp())).Bytes()
	return hex.EncodeToString(h[:])
}

// inferences makes an event for each feature, prediction and actual of a record,
// as New Relic's bring-your-own-data library does for each cell of a table.
func (b *logBatch) inferences(r *record.Record, id string, at time.Time) {
	for i := range r.Fields {
		f := &r.Fields[i]
		kind, name := "feature", f.Name
		switch {
		case f.Group == record.Features && r.Event == record.Prediction:
		case f.Group == record.Predictions && r.Event == record.Prediction:
			kind = "label"
		case f.Group == record.Actuals && r.Event != record.Reference && r.Event != record.Duplicate:
			kind, name = "label", "actuals."+f.Name
		default:
			continue
		}
		value, typ, ok := b.cell(f)
		if !ok {
			continue
		}
		a := newrelic.Attributes{Rules: newrelic.RulesOf(newrelic.Events), Altered: b.altered}
		a.Put("inference_id", id)
		a.Put(entityModel, r.Model)
		a.Put(entityVersion, r.Version)
		a.Put(entityProvider, provider)
		a.Put(kind+"_name", name)
		a.Put(kind+"_value", value)
		a.Put(kind+"_type", typ)
		putText(&a, "deployment.environment.name", r.Environment)
		b.event(inferenceEvent, at, a.Values)
	}
}

// aporia makes an event for each number, class or decision that a model
// answered, with exactly the attributes that dashboards made for Aporia ask for.
func (b *logBatch) aporia(r *record.Record, id string, at time.Time) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Group != record.Predictions {
			continue
		}
		value, typ, ok := b.cell(f)
		if !ok {
			continue
		}
		kind := aporiaCategoricalEvent
		if typ == "numeric" {
			kind = aporiaNumericEvent
		}
		a := newrelic.Attributes{Rules: newrelic.RulesOf(newrelic.Events), Altered: b.altered}
		a.Put("model_name", r.Model)
		a.Put("model_version_name", r.Version)
		a.Put("prediction_id", id)
		a.Put("prediction_name", f.Name)
		a.Put("value", value)
		b.event(kind, at, a.Values)
	}
}

// cell returns the value of a field and its type in words of the library; ok is
// false for what is missing, or not to be sent.
func (b *logBatch) cell(f *record.Field) (value any, typ string, ok bool) {
	if b.fields != nil && !b.fields[f.Group.String()+"."+f.Name] {
		return nil, "", false
	}
	return plainValue(f.Value)
}

func plainValue(v record.Value) (any, string, bool) {
	switch v.Kind() {
	case record.Number:
		x, _ := v.Float()
		return x, "numeric", true
	case record.Integer:
		i, _ := v.Int()
		return i, "numeric", true
	case record.Boolean:
		x, _ := v.Bool()
		return x, "bool", true
	case record.Text:
		s, _ := v.Text()
		return s, "categorical", s != ""
	case record.List:
		list := []any{}
		for _, e := range v.Elements() {
			x, _, _ := plainValue(e.Value)
			list = append(list, x)
		}
		return asJSON(list)
	case record.Dict:
		dict := map[string]any{}
		for _, e := range v.Elements() {
			dict[e.Name], _, _ = plainValue(e.Value)
		}
		return asJSON(dict)
	default:
		return nil, "", false
	}
}

// asJSON writes lists and maps, which events cannot hold.
func asJSON(v any) (any, string, bool) {
	b, err := json.Marshal(v) // fails for infinities
	return string(b), "categorical", err == nil
}
