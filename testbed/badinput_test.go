package testbed

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// window is the hour that good records of a test fall into, which has ended.
var window = time.Now().Add(-2 * time.Hour).Truncate(time.Hour)

// good fills a usable prediction. Its time is one of its own.
func good(lr plog.LogRecord, i int) {
	lr.SetEventName("ml.prediction")
	lr.SetTimestamp(pcommon.NewTimestampFromTime(window.Add(time.Duration(i) * time.Millisecond)))
	a := lr.Attributes()
	a.PutStr("ml.model.name", "good")
	a.PutDouble("ml.features.x", float64(i%100))
	a.PutStr("ml.features.city", []string{"Oslo", "Rome", "Kyiv"}[i%3])
	a.PutDouble("ml.predictions.score", float64(i%10)/10)
}

// badRecord is one bad record and the word under which it is counted; without a
// word, the record is usable and a part of it is not.
type badRecord struct {
	name   string
	reason string
	spoil  func(lr plog.LogRecord)
}

func badRecords() []badRecord {
	years := func(n int) pcommon.Timestamp { return pcommon.NewTimestampFromTime(time.Now().AddDate(n, 0, 0)) }
	return []badRecord{
		{"another event", "not_a_prediction", func(lr plog.LogRecord) { lr.SetEventName("http.request") }},
		{"no event", "not_a_prediction", func(lr plog.LogRecord) { lr.SetEventName(""); lr.Body().SetStr("GET / 200") }},
		{"no model", "no_model", func(lr plog.LogRecord) { lr.Attributes().Remove("ml.model.name") }},
		{"model is a map", "bad_type", func(lr plog.LogRecord) { lr.Attributes().PutEmptyMap("ml.model.name").PutStr("name", "good") }},
		{"model name of 1 MB", "too_large", func(lr plog.LogRecord) { lr.Attributes().PutStr("ml.model.name", strings.Repeat("x", 1<<20)) }},
		{"unknown model", "unknown_model", func(lr plog.LogRecord) { lr.Attributes().PutStr("ml.model.name", "goood") }},
		{"no groups", "no_groups", func(lr plog.LogRecord) {
			lr.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool { return k != "ml.model.name" })
		}},
		{"group is text", "bad_type", func(lr plog.LogRecord) { lr.Attributes().PutStr("ml.features", "x=3") }},
		{"a body with a group that is a list", "bad_type", func(lr plog.LogRecord) { lr.Body().SetEmptyMap().PutEmptySlice("features").AppendEmpty().SetInt(3) }},
		{"unknown dataset", "bad_type", func(lr plog.LogRecord) { lr.Attributes().PutStr("ml.dataset", "trainig") }},
		{"ten years ago", "too_late", func(lr plog.LogRecord) { lr.SetTimestamp(years(-10)) }},
		{"in ten years", "too_early", func(lr plog.LogRecord) { lr.SetTimestamp(years(10)) }},
		{"milliseconds for nanoseconds", "too_late", func(lr plog.LogRecord) { lr.SetTimestamp(pcommon.Timestamp(time.Now().UnixMilli())) }},
		{"the largest time of int64", "too_early", func(lr plog.LogRecord) { lr.SetTimestamp(math.MaxInt64) }},
		{"the largest time of uint64", "too_early", func(lr plog.LogRecord) { lr.SetTimestamp(math.MaxUint64) }},
		{"ground truth alone", "label_without_join", func(lr plog.LogRecord) { lr.SetEventName("ml.actual") }},
		{"3000 fields", "too_many_fields", func(lr plog.LogRecord) {
			for i := range 3000 {
				lr.Attributes().PutInt(fmt.Sprintf("ml.features.extra%d", i), 1)
			}
		}},
		{"a field's name of 1 kB", "too_large", func(lr plog.LogRecord) { lr.Attributes().PutInt("ml.features."+strings.Repeat("n", 1024), 1) }},
		{"a field that the reference does not have", "unknown_field", func(lr plog.LogRecord) { lr.Attributes().PutInt("ml.features.surprise", 1) }},
	}
}

// spoiled are usable records with a value that is not: what their window says of
// the field.
var spoiled = []struct {
	name, field, metric string
	spoil               func(a pcommon.Map)
}{
	{"text for a number", "x", "ml.integrity.invalid_ratio", func(a pcommon.Map) { a.PutStr("ml.features.x", "fast") }},
	{"a number as text", "x", "ml.integrity.invalid_ratio", func(a pcommon.Map) { a.PutStr("ml.features.x", "3") }},
	{"a list for a number", "x", "ml.integrity.invalid_ratio", func(a pcommon.Map) { a.PutEmptySlice("ml.features.x").AppendEmpty().SetInt(3) }},
	{"bytes for a number", "x", "ml.integrity.invalid_ratio", func(a pcommon.Map) { a.PutEmptyBytes("ml.features.x").Append(1, 2) }},
	{"a map in a map in a map", "x", "ml.integrity.invalid_ratio", func(a pcommon.Map) {
		a.PutEmptyMap("ml.features.x").PutEmptyMap("a").PutEmptyMap("b").PutInt("c", 1)
	}},
	{"text of 100 kB", "city", "ml.integrity.invalid_ratio", func(a pcommon.Map) { a.PutStr("ml.features.city", strings.Repeat("long ", 20_000)) }},
	{"NaN", "x", "ml.integrity.missing_ratio", func(a pcommon.Map) { a.PutDouble("ml.features.x", math.NaN()) }},
	{"nothing", "x", "ml.integrity.missing_ratio", func(a pcommon.Map) { a.PutEmpty("ml.features.x") }},
	{"an empty string", "city", "ml.integrity.missing_ratio", func(a pcommon.Map) { a.PutStr("ml.features.city", "") }},
	{"+Inf", "x", "ml.integrity.non_finite_ratio", func(a pcommon.Map) { a.PutDouble("ml.features.x", math.Inf(1)) }},
	{"-Inf", "x", "ml.integrity.non_finite_ratio", func(a pcommon.Map) { a.PutDouble("ml.features.x", math.Inf(-1)) }},
}

// Whatever comes, good records beside it are counted, and what cannot be used
// is counted under its reason.
func TestBadInputIsCountedAndStopsNothing(t *testing.T) {
	r := newRig(t, `
auto_register: false
warmup: 600
models:
  - name: good
    fields: {features.city: {type: categorical}, features.x: {type: numeric}}`, "flush_interval: 100ms", nil)
	r.start()
	n := 0 // records of the model
	fill := func(count int, spoil func(plog.LogRecord)) func(plog.LogRecordSlice) {
		return func(s plog.LogRecordSlice) {
			for range count {
				lr := s.AppendEmpty()
				good(lr, n)
				n++
				if spoil != nil {
					spoil(lr)
				}
			}
		}
	}
	r.check(r.send(fill(600, nil))) // the reference
	total := func() int { return int(r.sink.Total("ml.model.predictions", Whole)) }
	counted := func(want int) {
		t.Helper()
		r.eventually(func() string { return fmt.Sprintf("%d predictions are counted, want %d", total(), want) }, func() bool { return total() == want })
	}
	counted(600)

	usable := 600
	for _, c := range badRecords() {
		before := r.refused(c.reason)
		r.check(r.send(func(s plog.LogRecordSlice) {
			fill(1, nil)(s)
			fill(1, c.spoil)(s)
			fill(1, nil)(s)
		}))
		usable += 2
		switch c.name {
		case "group is text", "a body with a group that is a list", "3000 fields", "a field's name of 1 kB", "a field that the reference does not have":
			usable++ // the rest of the record is good
		}
		if got := r.refused(c.reason) - before; got < 1 {
			t.Errorf("%s: profile_records_refused{reason=%q} has grown by %v, want 1", c.name, c.reason, got)
		}
	}
	counted(usable)

	for _, c := range spoiled {
		r.check(r.send(fill(3, func(lr plog.LogRecord) { c.spoil(lr.Attributes()) })))
		usable += 3
	}
	counted(usable)
	for field, want := range map[[2]string]int{
		{"x", "ml.integrity.invalid_ratio"}: 15, {"x", "ml.integrity.missing_ratio"}: 6, {"x", "ml.integrity.non_finite_ratio"}: 6,
		{"city", "ml.integrity.invalid_ratio"}: 3, {"city", "ml.integrity.missing_ratio"}: 3,
	} {
		r.eventually(func() string {
			return fmt.Sprintf("%s of %s is %v, want %d of %d", field[1], field[0], r.sink.Points(field[1], Whole, Match{"ml.field.name": field[0]}), want, usable)
		}, func() bool {
			got := r.sink.Total(field[1], Whole, Match{"ml.field.name": field[0]})
			return math.Abs(got*float64(usable)-float64(want)) < 1e-6
		})
	}
	if code, out := r.p.cmd.ProcessState, r.p.Output(); code != nil || strings.Contains(out, "panic") {
		t.Errorf("the Collector has panicked")
	}
}

// What the receiver refuses has an error that names the limit or what is wrong,
// and what comes after it is served.
func TestBadRequestsHaveAClearAnswer(t *testing.T) {
	r := newRig(t, "warmup: 30", "flush_interval: 100ms", nil)
	r.start()
	huge, err := NewTemplate("huge", 20_000, seeded(t), nil) // 14 MB; gRPC takes 4 MiB
	r.check(err)
	if err := r.sendBytes(huge.bytes); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "larger than max") {
		t.Errorf("a huge request by gRPC: %v, want ResourceExhausted with both sizes", err)
	}
	for _, c := range []struct {
		name, contentType string
		body              []byte
		status            int
	}{
		{"no protobuf", "application/x-protobuf", []byte("hello, world"), http.StatusBadRequest},
		{"cut protobuf", "application/x-protobuf", huge.bytes[:1000], http.StatusBadRequest},
		{"broken JSON", "application/json", []byte(`{"resourceLogs": [`), http.StatusBadRequest},
		{"another type", "text/csv", []byte("a,b\n1,2\n"), http.StatusUnsupportedMediaType},
		{"a huge body", "application/x-protobuf", make([]byte, 30<<20), http.StatusBadRequest}, // 20 MiB are taken
	} {
		code, answer, err := Post(r.context(), r.http, c.contentType, c.body)
		if err != nil && c.name != "a huge body" { // whose answer the client may miss while it sends
			t.Errorf("%s: %v", c.name, err)
		} else if err == nil && (code != c.status || answer == "") {
			t.Errorf("%s: status %d with %q, want %d and a reason", c.name, code, answer, c.status)
		}
	}
	// A value that is nested 20 000 deep, around the same number of lengths.
	if err := r.sendBytes(nested(20_000)); err != nil {
		t.Logf("a value nested 20 000 deep: %v", err)
	}
	sendGood(r, 40)
}

// sendGood sends good records and waits until they are counted.
func sendGood(r *rig, n int) {
	r.t.Helper()
	r.check(r.send(func(s plog.LogRecordSlice) {
		for i := range n {
			good(s.AppendEmpty(), i)
		}
	}))
	of := Match{"ml.model.name": "good"}
	r.eventually(func() string {
		return fmt.Sprintf("%v good records are counted, want %d", r.sink.Total("ml.model.predictions", Whole, of), n)
	},
		func() bool { return r.sink.Total("ml.model.predictions", Whole, of) == float64(n) })
}

// nested returns a request with one record, in which an attribute is a list in a
// list, and so on.
func nested(depth int) []byte {
	wrap := func(tag byte, b []byte) []byte {
		out := binary.AppendUvarint([]byte{tag}, uint64(len(b)))
		return append(out, b...)
	}
	value := []byte{0x18, 1} // AnyValue: int_value 1
	for range depth {
		value = wrap(0x2a, wrap(0x0a, value)) // AnyValue: array_value { values: … }
	}
	attr := append(wrap(0x0a, []byte("ml.features.deep")), wrap(0x12, value)...)
	name := append(wrap(0x0a, []byte("ml.model.name")), wrap(0x12, wrap(0x0a, []byte("deep")))...)
	record := append(wrap(0x32, name), wrap(0x32, attr)...)
	record = append(record, wrap(0x62, []byte("ml.prediction"))...)
	return wrap(0x0a, wrap(0x12, wrap(0x12, record)))
}
