package bentoml

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// What is asked for is remembered, the rest is forgotten in time, by its size.
func TestGenerations(t *testing.T) {
	const limit = 20_000
	g := newGenerations[int](limit)
	g.put("kept", 1, 100)
	for i := range 1000 {
		size := i % 3 * 100
		g.put(fmt.Sprint(i), i, size)
		g.put(fmt.Sprint(i), i, 2*size)
		if v, ok := g.get("kept"); !ok || v != 1 {
			t.Fatalf("forgotten after %d", i)
		}
		size = 0
		for _, m := range []map[string]entry[int]{g.young, g.before} {
			for key, e := range m {
				size += entrySize + len(key) + e.size
			}
		}
		if size > limit+2*entrySize+2*200 {
			t.Fatalf("%d bytes are remembered", size)
		}
	}
}

// withSchema is a record whose schema has so many columns.
func withSchema(request, monitor string, columns int, name string) plog.LogRecord {
	lr := plog.NewLogRecord()
	b := lr.Body().SetEmptyMap()
	b.PutStr(keyRequest, request)
	b.PutInt("x", 1)
	meta := b.PutEmptyMap(keyMeta)
	meta.PutStr("monitor_name", monitor)
	schema := meta.PutEmptySlice("schema")
	for i := range columns {
		c := schema.AppendEmpty().SetEmptyMap()
		c.PutStr("name", fmt.Sprint("x", name)[:min(i+1, 1+len(name))])
		c.PutStr("role", "feature")
	}
	return lr
}

// Names of any length, each of which comes once, are not kept: of services, of
// requests and in schemas.
func TestMemoryIsBounded(t *testing.T) {
	const size, limit = 1 << 20, 80 << 20
	long := strings.Repeat("x", size)
	m := New(tree.Limits{Bytes: 4 << 20, Values: 1 << 17, Depth: 8})
	for i := range 80 {
		text := fmt.Sprint(i, long)
		lr := withSchema(text, text, 1, "")
		lr.SetTimestamp(pcommon.Timestamp(i))
		for _, r := range []Resource{{service: text}, {service: "s", instance: text}, {service: fmt.Sprint(i), instance: "v"}} {
			if _, refused := m.Read(&r, lr); refused != nil {
				t.Fatal(refused)
			}
		}
	}
	for i := range 1000 {
		r := Resource{service: fmt.Sprint(i), instance: strings.Repeat("i", contract.MaxID)}
		if _, refused := m.Read(&r, withSchema(fmt.Sprint(i), "m", 200, long[:contract.MaxName-1])); refused != nil {
			t.Fatal(refused)
		}
	}
	for i := range 150_000 {
		id := fmt.Sprintf("%0*d", contract.MaxID, i/3)
		if n := m.memory.number(id, int64(i)); n != i%3 {
			t.Fatalf("row %d of %d is %d", i%3, i/3, n)
		}
	}
	runtime.GC()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	t.Logf("%d MB", after.HeapAlloc>>20)
	if after.HeapAlloc > limit {
		t.Errorf("%d MB are kept", after.HeapAlloc>>20)
	}
	runtime.KeepAlive(m)
}

// Why a schema is not known is told.
func TestUnknownSchemas(t *testing.T) {
	without := plog.NewLogRecord()
	without.Body().SetEmptyMap().PutStr(keyRequest, "1")
	long := strings.Repeat("x", 2*contract.MaxID)
	for _, c := range []struct {
		about Resource
		lrs   []plog.LogRecord
		want  string
	}{
		{Resource{}, []plog.LogRecord{without}, "came before this collector started"},
		{Resource{service: "s"}, []plog.LogRecord{withSchema("1", "m", maxColumns+1, "")}, "has a schema of 4097 columns; the limit is 4096"},
		{Resource{service: "s"}, []plog.LogRecord{withSchema("1", "m", 3000, long)}, "has a schema whose names take more than 1048576 bytes"},
		{Resource{service: "s" + long}, []plog.LogRecord{withSchema("1", "m", 3, ""), without}, "service.name and service.instance.id have 513 bytes"},
	} {
		m := New(tree.Limits{Bytes: 4 << 20, Values: 1 << 17, Depth: 8})
		for i, lr := range c.lrs {
			row, refused := m.Read(&c.about, lr)
			if refused != nil {
				t.Fatal(refused)
			}
			last := i == len(c.lrs)-1
			if !last && row.Unknown != nil || last && (row.Unknown == nil || row.Unknown.Reason != NoSchema || !strings.Contains(row.Unknown.Error(), c.want)) {
				t.Errorf("%v, want %s", row.Unknown, c.want)
			}
		}
	}
}
