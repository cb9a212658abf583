package otelml_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

// names of fields, each once in a record, since a map has each key once.
var names = rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z.]{0,5}[a-z]`), 0, 4, rapid.ID[string])

func scalars() *rapid.Generator[record.Value] {
	return rapid.OneOf(rapid.Map(rapid.Float64(), record.Num), rapid.Map(rapid.Int64(), record.Int), rapid.Map(rapid.Bool(), record.Bool),
		rapid.Map(rapid.String(), record.Str), rapid.Just(record.Value{}), rapid.Just(record.Bad()))
}

func anyValue() *rapid.Generator[record.Value] {
	return rapid.Custom(func(t *rapid.T) record.Value {
		kind := rapid.IntRange(0, 4).Draw(t, "kind")
		if kind > 1 {
			return scalars().Draw(t, "value")
		}
		es := []record.Element{}
		for _, name := range names.Draw(t, "members") {
			e := record.Element{Value: scalars().Draw(t, "member")}
			if kind == 1 {
				e.Name = name
			}
			es = append(es, e)
		}
		if kind == 1 {
			return record.DictOf(es)
		}
		return record.ListOf(es)
	})
}

// full renders all that a record says.
func full(r *record.Record) string {
	s := fmt.Sprintf("%s %d %v %q %q %q %q %d %v %d %v %v", r.Event, r.Time, r.Stamped, r.Model, r.Version, r.Environment, r.ID, r.Revision, r.LateInputs, len(r.Previous), r.Test, r.Last)
	for _, fs := range [][]record.Field{r.Fields, r.Previous} {
		for _, f := range fs {
			s += fmt.Sprintf("\n%s.%s", f.Group, f.Name) + one(f.Value)
			for _, e := range f.Value.Elements() {
				s += fmt.Sprintf(" %q", e.Name) + one(e.Value)
			}
		}
	}
	return s
}

func one(v record.Value) string {
	x, _ := v.Float()
	i, _ := v.Int()
	b, _ := v.Bool()
	s, _ := v.Text()
	return fmt.Sprintf(": %s %v %d %v %q", v.Kind(), x, i, b, s)
}

// What is written is what is read, on the wire too.
func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom([]string{"ml.", "acme."}).Draw(t, "prefix")
		r := record.Record{
			Event: rapid.SampledFrom([]record.Event{record.Prediction, record.Actual, record.Reference, record.Labelled, record.Duplicate}).Draw(t, "event"),
			Model: "fraud", Version: rapid.SampledFrom([]string{"1", "default"}).Draw(t, "version"),
			Environment: rapid.SampledFrom([]string{"", "production"}).Draw(t, "environment"),
			ID:          rapid.SampledFrom([]string{"", "7"}).Draw(t, "id"), Time: now.UnixNano(),
		}
		if rapid.Bool().Draw(t, "stamped") {
			r.Stamped, r.Time = true, rapid.Int64Range(1, 1<<62).Draw(t, "time")
		}
		r.Append(record.Predictions, "p", record.Bool(true)) // one at least
		for _, g := range record.Groups() {
			for _, name := range names.Draw(t, "fields") {
				if g != record.Predictions {
					r.Append(g, name, anyValue().Draw(t, "value"))
				}
			}
		}
		switch r.Event {
		case record.Labelled:
			r.Revision, r.LateInputs = rapid.Uint32().Draw(t, "revision"), rapid.Bool().Draw(t, "late")
			for _, name := range names.Draw(t, "previous") {
				*r.NextPrevious() = record.Field{Group: record.Actuals, Name: name, Value: anyValue().Draw(t, "value")}
			}
		case record.Reference:
			r.Test, r.Last = rapid.Bool().Draw(t, "test"), rapid.Bool().Draw(t, "last")
		default:
		}
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		otelml.PutEnvironment(rl.Resource().Attributes(), r.Environment)
		otelml.NewEncoder(prefix).Append(rl.ScopeLogs().AppendEmpty().LogRecords(), &r)
		b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		if err != nil {
			t.Fatal(err)
		}
		if ld, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b); err != nil {
			t.Fatal(err)
		}
		d := otelml.NewDecoder(otelml.Options{Prefix: prefix})
		rl = ld.ResourceLogs().At(0)
		d.Resource(rl.Resource().Attributes())
		var got record.Record
		if !d.Record(rl.ScopeLogs().At(0).LogRecords().At(0), now, &got, func(r record.Refusal) { t.Fatal(r) }) {
			t.Fatal("refused")
		}
		if full(&got) != full(&r) {
			t.Fatalf("wrote\n%s\nread\n%s", full(&r), full(&got))
		}
	})
}

// Empty bytes and no value at all are two things.
func TestUnusableStaysUnusable(t *testing.T) {
	r := record.Record{Model: "m", Version: "1"}
	r.Append(record.Features, "a", record.Bad())
	r.Append(record.Features, "b", record.Value{})
	ld := plog.NewLogRecordSlice()
	otelml.NewEncoder("ml.").Append(ld, &r)
	types := map[string]pcommon.ValueType{}
	for k, v := range ld.At(0).Attributes().All() {
		types[k] = v.Type()
	}
	if types["ml.features.a"] != pcommon.ValueTypeBytes || types["ml.features.b"] != pcommon.ValueTypeEmpty {
		t.Errorf("%v", types)
	}
}

func BenchmarkEncoder(b *testing.B) {
	r := record.Record{Event: record.Labelled, Model: "fraud", Version: "1", ID: "0123456789", Stamped: true, Time: 5, Revision: 1}
	r.Append(record.Predictions, "score", record.Num(0.5))
	r.Append(record.Predictions, "approved", record.Bool(true))
	r.Append(record.Features, "region", record.Str("EU"))
	r.Append(record.Features, "age", record.Int(41))
	r.Append(record.Actuals, "approved", record.Bool(false))
	e := otelml.NewEncoder("ml.")
	b.ReportAllocs()
	for b.Loop() {
		ld := plog.NewLogs()
		dst := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		dst.EnsureCapacity(1000)
		for range 1000 {
			e.Append(dst, &r)
		}
		if _, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
