package otelml_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// decode reads one record; it returns it as text, and why it or parts of it
// were refused.
func decode(t *testing.T, o otelml.Options, resource map[string]any, fill func(plog.LogRecord)) (*record.Record, []record.Refusal, bool) {
	t.Helper()
	d := otelml.NewDecoder(o)
	attrs := pcommon.NewMap()
	if err := attrs.FromRaw(resource); err != nil {
		t.Fatal(err)
	}
	d.Resource(attrs)
	lr := plog.NewLogRecord()
	lr.SetEventName("ml.prediction")
	fill(lr)
	var r record.Record
	var refused []record.Refusal
	ok := d.Record(lr, now, &r, func(x record.Refusal) { refused = append(refused, x) })
	return &r, refused, ok
}

// text renders the fields of a record in the order of their keys.
func text(r *record.Record) string {
	var fs []string
	for _, f := range r.Fields {
		v := f.Value.Kind().String()
		if s, ok := f.Value.Category(); ok {
			v += " " + s
		}
		for _, e := range f.Value.Elements() {
			s, _ := e.Value.Category()
			v += fmt.Sprintf(" %s=%s %s", e.Name, e.Value.Kind(), s)
		}
		fs = append(fs, fmt.Sprintf("%s.%s: %s", f.Group, f.Name, v))
	}
	slices.Sort(fs)
	return fmt.Sprintf("%s %s %q %q %q\n%s", r.Event, time.Unix(0, r.Time).UTC().Format(time.TimeOnly), r.Model, r.Version, r.ID, strings.Join(fs, "\n"))
}

// The three ways to write a prediction mean the same, and mix.
func TestThreeFormsAreOne(t *testing.T) {
	groups := map[string]any{
		"features":    map[string]any{"age": int64(41), "region": "EU", "home.dest": "x", "embedding": []any{0.5, 1.5}, "none": nil, "flag": true, "nan": math.NaN()},
		"predictions": map[string]any{"proba": 0.25, "classes": map[string]any{"a": 0.5, "b": int64(1)}},
		"actuals":     map[string]any{"fraud": false},
		"metrics":     map[string]any{"latency_ms": int64(12)},
	}
	head := map[string]any{"ml.model.name": "fraud", "ml.model.version": "7", "ml.prediction.id": "x1"}
	forms := map[string]func(plog.LogRecord) error{
		"flat": func(lr plog.LogRecord) error {
			flat := map[string]any{}
			for g, fs := range groups {
				for name, v := range fs.(map[string]any) {
					flat["ml."+g+"."+name] = v
				}
			}
			return lr.Attributes().FromRaw(merge(head, flat))
		},
		"groups": func(lr plog.LogRecord) error {
			byGroup := map[string]any{}
			for g, fs := range groups {
				byGroup["ml."+g] = fs
			}
			return lr.Attributes().FromRaw(merge(head, byGroup))
		},
		"body": func(lr plog.LogRecord) error {
			return pcommonFromRaw(lr.Body().SetEmptyMap(), groups, lr.Attributes().FromRaw(head))
		},
		"mixed": func(lr plog.LogRecord) error {
			rest := merge(groups, map[string]any{})
			delete(rest, "actuals")
			return pcommonFromRaw(lr.Body().SetEmptyMap(), rest, lr.Attributes().FromRaw(merge(head, map[string]any{"ml.actuals.fraud": false})))
		},
	}
	const want = `ml.prediction 12:00:01 "fraud" "7" "x1"
actuals.fraud: boolean false
features.age: integer 41
features.embedding: list =number 0.5 =number 1.5
features.flag: boolean true
features.home.dest: text x
features.nan: missing
features.none: missing
features.region: text EU
metrics.latency_ms: integer 12
predictions.classes: dict a=number 0.5 b=integer 1
predictions.proba: number 0.25`
	for name, fill := range forms {
		r, refused, ok := decode(t, otelml.Options{}, nil, func(lr plog.LogRecord) {
			lr.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Second)))
			if err := fill(lr); err != nil {
				t.Fatal(err)
			}
		})
		if got := sortedDict(text(r)); !ok || len(refused) > 0 || got != want {
			t.Errorf("%s: refused %v\n%s\nwant\n%s", name, refused, got, want)
		}
	}
}

// sortedDict undoes the order of a map.
func sortedDict(s string) string {
	return strings.ReplaceAll(s, "b=integer 1 a=number 0.5", "a=number 0.5 b=integer 1")
}

func merge(a, b map[string]any) map[string]any {
	m := map[string]any{}
	for k, v := range a {
		m[k] = v
	}
	for k, v := range b {
		m[k] = v
	}
	return m
}

func pcommonFromRaw(m pcommon.Map, raw map[string]any, err error) error {
	if err != nil {
		return err
	}
	return m.FromRaw(raw)
}

func TestIdentityFallsBack(t *testing.T) {
	resource := map[string]any{"service.name": "svc", "service.version": "1.2", "deployment.environment.name": "prod"}
	field := func(lr plog.LogRecord) { lr.Attributes().PutInt("ml.features.a", 1) }
	r, _, ok := decode(t, otelml.Options{}, resource, field)
	if !ok || r.Model != "svc" || r.Version != "1.2" || r.Environment != "prod" || r.Stamped || r.Time != now.UnixNano() {
		t.Errorf("%+v", r)
	}
	r, _, _ = decode(t, otelml.Options{}, map[string]any{"service.name": "svc"}, func(lr plog.LogRecord) {
		field(lr)
		lr.SetObservedTimestamp(5)
	})
	if r.Version != otelml.DefaultVersion || !r.Stamped || r.Time != 5 {
		t.Errorf("%+v", r)
	}
	// An SDK that cannot set the event's name sends an attribute.
	r, _, ok = decode(t, otelml.Options{}, resource, func(lr plog.LogRecord) {
		field(lr)
		lr.SetEventName("")
		lr.Attributes().PutStr("event.name", "ml.labelled")
	})
	if !ok || r.Event != record.Labelled {
		t.Errorf("%+v", r)
	}
	// Prefix and names of events can be others.
	r, _, ok = decode(t, otelml.Options{Prefix: "acme.", Events: map[string]string{"acme.scored": "ml.prediction"}}, nil, func(lr plog.LogRecord) {
		lr.SetEventName("acme.scored")
		lr.Attributes().PutStr("acme.model.name", "m")
		lr.Attributes().PutInt("acme.features.a", 1)
		lr.Attributes().PutInt("ml.features.b", 1)
	})
	if !ok || r.Model != "m" || len(r.Fields) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestRefusals(t *testing.T) {
	good := func(lr plog.LogRecord) {
		lr.Attributes().PutStr("ml.model.name", "m")
		lr.Attributes().PutInt("ml.features.a", 1)
	}
	for _, c := range []struct {
		name   string
		fill   func(plog.LogRecord)
		reason record.Reason
		ok     bool // the rest of the record goes on
	}{
		{"another event", func(lr plog.LogRecord) { good(lr); lr.SetEventName("gen_ai.x") }, record.NotAPrediction, false},
		{"no event", func(lr plog.LogRecord) { good(lr); lr.SetEventName("") }, record.NotAPrediction, false},
		{"no model", func(lr plog.LogRecord) { lr.Attributes().PutInt("ml.features.a", 1) }, record.NoModel, false},
		{"no groups", func(lr plog.LogRecord) { lr.Attributes().PutStr("ml.model.name", "m") }, record.NoGroups, false},
		{"a body for people", func(lr plog.LogRecord) {
			lr.Attributes().PutStr("ml.model.name", "m")
			lr.Body().SetStr("predicted")
		}, record.NoGroups, false},
		{"a model that is a list", func(lr plog.LogRecord) { good(lr); lr.Attributes().PutEmptySlice("ml.model.name") }, record.BadType, false},
		{"a long id", func(lr plog.LogRecord) {
			good(lr)
			lr.Attributes().PutStr("ml.prediction.id", strings.Repeat("x", 300))
		}, record.TooLarge, false},
		{"another dataset", func(lr plog.LogRecord) {
			good(lr)
			lr.SetEventName("ml.reference")
			lr.Attributes().PutStr("ml.dataset", "validation")
		}, record.BadType, false},
		{"a group that is no map", func(lr plog.LogRecord) { good(lr); lr.Attributes().PutStr("ml.features", "a=1") }, record.BadType, true},
		{"a long name", func(lr plog.LogRecord) { good(lr); lr.Attributes().PutInt("ml.features."+strings.Repeat("x", 300), 1) }, record.TooLarge, true},
		{"too many fields", func(lr plog.LogRecord) {
			good(lr)
			m := lr.Attributes().PutEmptyMap("ml.raw_inputs")
			for i := range 2500 {
				m.PutInt(fmt.Sprint(i), 1)
			}
		}, record.TooManyFields, true},
	} {
		r, refused, ok := decode(t, otelml.Options{}, nil, c.fill)
		if ok != c.ok || len(refused) == 0 || refused[0].Reason != c.reason || refused[0].Detail == "" {
			t.Errorf("%s: ok %v, refused %v", c.name, ok, refused)
		}
		if ok && len(r.Fields) == 0 {
			t.Errorf("%s: nothing is left", c.name)
		}
	}
}

// What nests deeper than a field may, is no value; the walk does not follow it.
func TestDeepValues(t *testing.T) {
	r, _, ok := decode(t, otelml.Options{}, nil, func(lr plog.LogRecord) {
		lr.Attributes().PutStr("ml.model.name", "m")
		v := lr.Attributes().PutEmptySlice("ml.features.deep").AppendEmpty()
		for range 10_000 {
			v = v.SetEmptySlice().AppendEmpty()
		}
		lr.Attributes().PutEmptyBytes("ml.features.bytes").FromRaw([]byte{1})
		lr.Attributes().PutStr("ml.features.long", strings.Repeat("x", 1<<20))
	})
	if !ok || len(r.Fields) != 3 {
		t.Fatalf("%v %+v", ok, r.Fields)
	}
	if e := r.Fields[0].Value.Elements(); len(e) != 1 || e[0].Value.Kind() != record.Unusable {
		t.Errorf("deep: %+v", e)
	}
	for _, f := range r.Fields[1:] {
		if f.Value.Kind() != record.Unusable {
			t.Errorf("%s is %s", f.Name, f.Value.Kind())
		}
	}
}

// What groundtruth says of labels is read from labelled records alone, whole or
// not at all.
func TestLabels(t *testing.T) {
	for _, c := range []struct {
		name, event string
		say         map[string]any
		want        string // or the reason and what the message must name
	}{
		{"nothing", "ml.labelled", nil, "0 false"},
		{"the first", "ml.labelled", map[string]any{"ml.label.revision": 1, "ml.label.previous": nil, "ml.label.late_inputs": false}, "1 false"},
		{"late inputs", "ml.labelled", map[string]any{"ml.label.late_inputs": true}, "0 true"},
		{"a correction", "ml.labelled", map[string]any{"ml.label.revision": 7, "ml.label.previous": map[string]any{"fraud": true, "none": nil, "tags": []any{"a", 1}}},
			"7 false actuals.fraud=boolean actuals.none=missing actuals.tags=list"},
		{"of a prediction", "ml.prediction", map[string]any{"ml.label.revision": "x", "ml.label.previous": 1, "ml.label.late_inputs": true}, "0 false"},
		{"revision 0", "ml.labelled", map[string]any{"ml.label.revision": 0}, `bad_type: ml.label.revision: is the Int "0"; it must be an integer from 1 to 4294967295`},
		{"revision 2³²", "ml.labelled", map[string]any{"ml.label.revision": 1 << 32}, `bad_type: ml.label.revision: is the Int "4294967296"; it must be an integer from 1 to 4294967295`},
		{"a text", "ml.labelled", map[string]any{"ml.label.revision": "1"}, `bad_type: ml.label.revision: is the Str "1"; it must be an integer from 1 to 4294967295`},
		{"no map", "ml.labelled", map[string]any{"ml.label.previous": true}, `bad_type: ml.label.previous: is the Bool "true"; it must be a map of actuals`},
		{"no boolean", "ml.labelled", map[string]any{"ml.label.late_inputs": 1}, `bad_type: ml.label.late_inputs: is the Int "1"; it must be a boolean`},
		{"no name", "ml.labelled", map[string]any{"ml.label.previous": map[string]any{"": 1}}, `too_large: ml.label.previous: a field's name has 1 to 256 bytes`},
	} {
		r, refused, ok := decode(t, otelml.Options{}, nil, func(lr plog.LogRecord) {
			lr.SetEventName(c.event)
			if err := lr.Attributes().FromRaw(merge(map[string]any{"ml.model.name": "m", "ml.actuals.fraud": false}, c.say)); err != nil {
				t.Fatal(err)
			}
		})
		got := fmt.Sprint(r.Revision, r.LateInputs)
		var before []string
		for _, f := range r.Previous {
			before = append(before, fmt.Sprintf(" %s.%s=%s", f.Group, f.Name, f.Value.Kind()))
		}
		slices.Sort(before)
		if got += strings.Join(before, ""); !ok && len(refused) == 1 {
			got = refused[0].Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		event string
		say   map[string]any
	}{
		{"ml.duplicate", nil}, // an id that came again has nothing more to say
		{"ml.labelled", map[string]any{"ml.label.previous": map[string]any{"fraud": true}}},
	} {
		r, refused, ok := decode(t, otelml.Options{}, nil, func(lr plog.LogRecord) {
			lr.SetEventName(c.event)
			if err := lr.Attributes().FromRaw(merge(map[string]any{"ml.model.name": "m"}, c.say)); err != nil {
				t.Fatal(err)
			}
		})
		if !ok || r.Event.String() != c.event {
			t.Errorf("%s without fields: %v, refused %v", c.event, r.Event, refused)
		}
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	lr := plog.NewLogRecord()
	lr.SetEventName("ml.prediction")
	lr.SetTimestamp(1)
	lr.Attributes().PutStr("ml.model.name", "m")
	for i := range 20 {
		lr.Attributes().PutDouble(fmt.Sprintf("ml.features.f%d", i), float64(i))
	}
	lr.Attributes().PutDouble("ml.predictions.p", 0.5)
	d := otelml.NewDecoder(otelml.Options{})
	d.Resource(pcommon.NewMap())
	var r record.Record
	refuse := func(x record.Refusal) { t.Error(x) }
	if n := testing.AllocsPerRun(100, func() { d.Record(lr, now, &r, refuse) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
	if len(r.Fields) != 21 {
		t.Errorf("%d fields", len(r.Fields))
	}
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	lr := plog.NewLogRecord()
	lr.SetEventName("ml.prediction")
	lr.SetTimestamp(1)
	lr.Attributes().PutStr("ml.model.name", "m")
	for i := range 20 {
		lr.Attributes().PutDouble(fmt.Sprintf("ml.features.f%d", i), float64(i))
	}
	lr.Attributes().PutDouble("ml.predictions.p", 0.5)
	lr.Attributes().PutBool("ml.actuals.p", true)
	d := otelml.NewDecoder(otelml.Options{})
	var r record.Record
	for b.Loop() {
		d.Record(lr, now, &r, func(record.Refusal) {})
	}
}
