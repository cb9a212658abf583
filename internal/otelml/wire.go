package otelml

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Fields of the messages of OTLP within a log record, beside those of identity.go.
const (
	fieldAttributes = 6 // of LogRecord
	fieldKey        = 1 // of KeyValue
	fieldValue      = 2
	fieldString     = 1 // of AnyValue
	fieldBool       = 2
	fieldInt        = 3
	fieldDouble     = 4
	fieldBytes      = 7
)

// few is up to how many members of a map are put into it one by one.
const few = 32

// members writes a map. Of members with one name, the last one counts.
func members(to pcommon.Value, n int, member func(i int) (string, *record.Value)) {
	m := to.SetEmptyMap()
	if n <= few {
		m.EnsureCapacity(n)
		for i := range n {
			name, v := member(i)
			put(m.PutEmpty(name), v)
		}
		return
	}
	place := make(map[string]int, n)
	last := make([]int, 0, n)
	for i := range n {
		name, _ := member(i)
		if at, twice := place[name]; twice {
			last[at] = i
			continue
		}
		place[name] = len(last)
		last = append(last, i)
	}
	mapOf(len(last), func(i int) (string, *record.Value) { return member(last[i]) }).MoveTo(m)
}

// mapOf returns a map of members whose names differ, in their order; a value may
// be nil. pdata lets nobody add to a map without a search for the key, so it reads
// a map that was written as it comes from the wire. Members hold scalars only.
func mapOf(n int, member func(i int) (string, *record.Value)) pcommon.Map {
	if n <= few {
		m := pcommon.NewMap()
		m.EnsureCapacity(n)
		for i := range n {
			name, v := member(i)
			if to := m.PutEmpty(name); v != nil {
				put(to, v)
			}
		}
		return m
	}
	var lr, kv, value []byte
	for i := range n {
		name, v := member(i)
		kv = protowire.AppendTag(kv[:0], fieldKey, protowire.BytesType)
		kv = protowire.AppendString(kv, name)
		if value = scalarOnWire(value[:0], v); len(value) > 0 {
			kv = protowire.AppendTag(kv, fieldValue, protowire.BytesType)
			kv = protowire.AppendBytes(kv, value)
		}
		lr = protowire.AppendTag(lr, fieldAttributes, protowire.BytesType)
		lr = protowire.AppendBytes(lr, kv)
	}
	b := lr
	for _, field := range []protowire.Number{fieldLogRecords, fieldScopeLogs, fieldResourceLogs} {
		b = protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
	}
	read := plog.ProtoUnmarshaler{}
	ld, err := read.UnmarshalLogs(b)
	if err != nil {
		panic(err) // it was written above
	}
	return ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
}

// scalarOnWire appends a value as AnyValue has it; a missing one is empty.
func scalarOnWire(b []byte, v *record.Value) []byte {
	if v == nil {
		return b
	}
	switch v.Kind() {
	case record.Number:
		x, _ := v.Float()
		return protowire.AppendFixed64(protowire.AppendTag(b, fieldDouble, protowire.Fixed64Type), math.Float64bits(x))
	case record.Integer:
		i, _ := v.Int()
		return protowire.AppendVarint(protowire.AppendTag(b, fieldInt, protowire.VarintType), uint64(i))
	case record.Boolean:
		yes, _ := v.Bool()
		return protowire.AppendVarint(protowire.AppendTag(b, fieldBool, protowire.VarintType), protowire.EncodeBool(yes))
	case record.Text:
		s, _ := v.Text()
		return protowire.AppendString(protowire.AppendTag(b, fieldString, protowire.BytesType), s)
	case record.Missing:
		return b
	default: // lists and maps do not nest
		return protowire.AppendBytes(protowire.AppendTag(b, fieldBytes, protowire.BytesType), nil)
	}
}
