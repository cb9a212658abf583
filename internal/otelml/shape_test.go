package otelml_test

import (
	"bytes"
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

// naive writes the attributes of a prediction one by one, as pdata would have it.
func naive(lr plog.LogRecord, r *record.Record) {
	lr.SetEventName(r.Event.String())
	a := lr.Attributes()
	a.PutStr("ml.model.name", r.Model)
	a.PutStr("ml.model.version", r.Version)
	if r.ID != "" {
		a.PutStr("ml.prediction.id", r.ID)
	}
	for _, f := range r.Fields {
		naiveValue(a.PutEmpty("ml."+f.Group.String()+"."+f.Name), f.Value)
	}
}

func naiveValue(to pcommon.Value, v record.Value) {
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
		to.SetEmptySlice()
		for _, e := range v.Elements() {
			naiveValue(to.Slice().AppendEmpty(), e.Value)
		}
	case record.Dict:
		to.SetEmptyMap()
		for _, e := range v.Elements() {
			naiveValue(to.Map().PutEmpty(e.Name), e.Value)
		}
	case record.Unusable:
		to.SetEmptyBytes()
	case record.Missing:
	}
}

// The identity of a batch comes from its bytes: so they are those that pdata's
// own functions make, whatever records came before, in whatever shape, and also
// where a record has a name twice.
func TestShapesChangeNoByte(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b", "c", "", "ü"})
	many := rapid.Custom(func(t *rapid.T) record.Value {
		es := make([]record.Element, rapid.IntRange(20, 60).Draw(t, "members"))
		for i := range es {
			es[i] = record.Element{Name: fmt.Sprint("m", rapid.IntRange(0, 50).Draw(t, "name")), Value: scalars().Draw(t, "member")}
		}
		return record.DictOf(es)
	})
	rapid.Check(t, func(t *rapid.T) {
		encoder := otelml.NewEncoder("ml.")
		got, want := plog.NewLogs(), plog.NewLogs()
		to := got.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		like := want.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			r := record.Record{Model: "m", Version: "1", ID: rapid.SampledFrom([]string{"", "7"}).Draw(t, "id")}
			for range rapid.SampledFrom([]int{0, 1, 2, 5, 40}).Draw(t, "fields") {
				r.Append(rapid.SampledFrom(record.Groups()).Draw(t, "group"), name.Draw(t, "field"), rapid.OneOf(anyValue(), many).Draw(t, "value"))
			}
			for i := range rapid.SampledFrom([]int{0, 0, 30}).Draw(t, "more fields") {
				r.Append(record.Features, fmt.Sprint("f", i), scalars().Draw(t, "value"))
			}
			encoder.Append(to, &r)
			naive(like.AppendEmpty(), &r)
		}
		a, _ := (&plog.ProtoMarshaler{}).MarshalLogs(got)
		b, _ := (&plog.ProtoMarshaler{}).MarshalLogs(want)
		if !bytes.Equal(a, b) {
			t.Fatalf("the bytes differ:\n%x\n%x", a, b)
		}
	})
}

// What a record costs by its fields: the same for each, however many.
func BenchmarkShapes(b *testing.B) {
	for _, c := range []struct {
		name   string
		fields int
		shapes int // that take turns
	}{{"12", 12, 1}, {"25", 25, 1}, {"1900", 1900, 1}, {"25, each its own", 25, 100}, {"1900, each its own", 1900, 100}} {
		b.Run(c.name, func(b *testing.B) {
			records := make([]record.Record, c.shapes)
			for k := range records {
				r := &records[k]
				r.Model, r.Version, r.ID = "m", "1", "7"
				for i := range c.fields {
					r.Append(record.Features, fmt.Sprint("feature_", i+k*(i/(c.fields-1))), record.Num(float64(i)))
				}
			}
			encoder := otelml.NewEncoder("ml.")
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				to := plog.NewLogs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
				encoder.Append(to, &records[i%len(records)])
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.fields), "ns/field")
		})
	}
}

// A dict has as many members as a value may: 16 384.
func BenchmarkShapesDict(b *testing.B) {
	es := make([]record.Element, 16384)
	for i := range es {
		es[i] = record.Element{Name: fmt.Sprint("member_", i), Value: record.Num(1)}
	}
	r := record.Record{Model: "m", Version: "1"}
	r.Append(record.Features, "d", record.DictOf(es))
	encoder := otelml.NewEncoder("ml.")
	b.ReportAllocs()
	for b.Loop() {
		encoder.Append(plog.NewLogs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords(), &r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(es)), "ns/member")
}
