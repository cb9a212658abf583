package otelml_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/otelml"
)

// logs lays out records, each in a resource, in the order given. Those that follow
// each other in one resource stand together.
func logs(records [][2]string) plog.Logs {
	ld := plog.NewLogs()
	last := ""
	var dst plog.LogRecordSlice
	for i, r := range records {
		if i == 0 || r[0] != last {
			rl := ld.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", r[0])
			dst, last = rl.ScopeLogs().AppendEmpty().LogRecords(), r[0]
		}
		lr := dst.AppendEmpty()
		lr.SetTimestamp(pcommon.Timestamp(1))
		lr.Attributes().PutStr("id", r[1])
	}
	return ld
}

func identity(t interface{ Fatal(...any) }, ld plog.Logs) [16]byte {
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	if err != nil {
		t.Fatal(err)
	}
	return otelml.Identity(b)
}

// The order of records does not matter; which they are, of which resource, and how
// often, does.
func TestIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "c"})
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]string {
			return [2]string{word.Draw(t, "resource"), word.Draw(t, "id")}
		}), 0, 8).Draw(t, "records")
		id := identity(t, logs(records))
		if other := identity(t, logs(rapid.Permutation(records).Draw(t, "order"))); other != id {
			t.Fatalf("%x and %x", id, other)
		}
		if other := identity(t, logs(append(records, [2]string{"a", "a"}))); other == id {
			t.Fatal("one more makes no difference")
		}
		if len(records) > 0 {
			changed := append([][2]string(nil), records...)
			changed[0][0] += "x"
			if identity(t, logs(changed)) == id {
				t.Fatal("another resource makes no difference")
			}
			changed[0] = [2]string{records[0][0], records[0][1] + "x"}
			if identity(t, logs(changed)) == id {
				t.Fatal("another record makes no difference")
			}
		}
	})
}

func BenchmarkIdentity(b *testing.B) {
	var records [][2]string
	for i := range 1000 {
		records = append(records, [2]string{"service", fmt.Sprintf("%0700d", i)})
	}
	m, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs(records))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		otelml.Identity(m)
	}
}
