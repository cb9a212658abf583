package predictionreceiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftmeter/driftmeter/internal/bentoml"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// export sends a request of OTLP as an exporter does.
func (r *rig) export(media string, body []byte) (status int, answered plogotlp.ExportResponse, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/v1/logs", bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	answered = plogotlp.NewExportResponse()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, answered, string(b)
	}
	if media == "application/json" {
		err = answered.UnmarshalJSON(b)
	} else {
		err = answered.UnmarshalProto(b)
	}
	if err != nil || resp.Header.Get("Content-Type") != media {
		r.t.Fatalf("%v, %s: %q", err, resp.Header.Get("Content-Type"), b)
	}
	return resp.StatusCode, answered, ""
}

func capturedMonitor(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../internal/bentoml/testdata/" + name + ".pb")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const protobuf = "application/x-protobuf"

// toJSON writes a request as JSON.
func toJSON(t *testing.T, b []byte) []byte {
	t.Helper()
	req := plogotlp.NewExportRequest()
	err := req.UnmarshalProto(b)
	if err == nil {
		b, err = req.MarshalJSON()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What BentoML sent becomes predictions, whichever form its bodies have.
func TestMonitorsBecomePredictions(t *testing.T) {
	var before []string
	for _, name := range []string{"map", "repr", "map in JSON", "repr in JSON"} {
		r := start(t, nil, nil)
		form, inJSON := strings.CutSuffix(name, " in JSON")
		media, body := protobuf, capturedMonitor(t, form)
		if inJSON {
			media, body = "application/json", toJSON(t, body)
		}
		if status, answered, text := r.export(media, body); status != http.StatusOK || answered.PartialSuccess().RejectedLogRecords() != 0 {
			t.Fatalf("%d %s %s", status, text, answered.PartialSuccess().ErrorMessage())
		}
		got := r.took()
		for i := range got { // ids and times differ between the captures
			parts := strings.Split(got[i], " ")
			parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, "2026-") || strings.HasPrefix(p, "prediction.id=") })
			got[i] = strings.Join(parts, " ")
		}
		if want := `ml.prediction model.name=iris_monitor model.version=default features.sepal len=5 features.petal len=5.5 features.site=0 features.shape=[5,5.5] features.timestamp=0 raw_inputs.note=it's "row" 0` +
			"\né predictions.species=virginica predictions.proba=0.7 actuals.truth=virginica"; len(got) != 50 || got[0] != want {
			t.Errorf("%s: %d\n%q\nwant\n%q", name, len(got), got[0], want)
		}
		if before != nil && !slices.Equal(got, before) {
			t.Errorf("the forms differ:\n%q\n%q", got, before)
		}
		before = got
	}
}

// The configuration names and types what the monitor does not, or otherwise.
func TestMonitorsWithMapping(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Mappings = map[string]mapping.Config{"iris_monitor": {Model: "iris", Version: "3", Rest: "ignore",
			Columns: map[string]string{"raw_inputs.note": "", "actuals.truth": "actuals.species"}, Types: map[string]string{"features.timestamp": "categorical"}}}
	}, nil)
	if status, _, text := r.export(protobuf, capturedMonitor(t, "map")); status != http.StatusOK {
		t.Fatal(text)
	}
	got := r.took()
	if len(got) != 50 || !strings.Contains(got[5], "model.name=iris model.version=3") || !strings.Contains(got[5], "actuals.species=setosa") || strings.Contains(got[5], "note") {
		t.Errorf("%q", got)
	}
}

const unknownRow = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{'x': 1, 'request_id': '1', 'timestamp': 1793534400.0}"}},{"body":{"stringValue":"hello"}}]}]}]}`

// What cannot be used is told in the answer of OTLP, and counted.
func TestMonitorsRefused(t *testing.T) {
	r := start(t, nil, nil)
	status, _, text := r.export("application/json", []byte(unknownRow))
	if status != http.StatusBadRequest || !strings.Contains(text, "no_schema") || !strings.Contains(text, "not_python") || !strings.Contains(text, "leave meta_sample_rate of the monitor at 1") {
		t.Errorf("%d %s", status, text)
	}
	if n := r.counted("prediction_rows_refused", "no_schema"); n != 1 {
		t.Errorf("%d are counted", n)
	}
	for media, body := range map[string]string{"text/csv": "a", protobuf: "\x0a", "application/json": "{"} {
		if status, _, text := r.export(media, []byte(body)); status/100 != 4 || !strings.Contains(text, "nothing was kept") {
			t.Errorf("%s: %d %s", media, status, text)
		}
	}
	r = start(t, func(c *Config) { c.Mapping.Rest, c.Mapping.Model = "features", "m" }, nil)
	status, answered, text := r.export("application/json", []byte(unknownRow))
	if p := answered.PartialSuccess(); status != http.StatusOK || p.RejectedLogRecords() != 1 || !strings.Contains(p.ErrorMessage(), "a monitor's record is a map") {
		t.Errorf("%d %s %s", status, text, p.ErrorMessage())
	}
	if got := r.took(); len(got) != 1 || !strings.Contains(got[0], "prediction.id=1 ") || !strings.Contains(got[0], "features.x=1") {
		t.Errorf("%q", got)
	}
	if n := r.counted("prediction_rows_refused", "not_python"); n != 1 {
		t.Errorf("%d are counted", n)
	}
}

// onWire is a message in a field of each of others, the innermost first.
func onWire(inner []byte, fields ...protowire.Number) []byte {
	for _, f := range fields {
		inner = protowire.AppendBytes(protowire.AppendTag(nil, f, protowire.BytesType), inner)
	}
	return inner
}

// Bodies that are small, and of which very much would be made, are refused before
// anything is; and those that pdata would read otherwise than they are written.
func TestHostileMonitors(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxInFlightMiB, c.HTTP.MaxRequestBodySize, c.MaxRows = 1, 1<<20, 10_000 }, nil)
	const n = 300_000
	records := func(each string) []byte {
		return []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[` + strings.Repeat(each+",", n) + `{}]}]}]}`)
	}
	deep := []byte{}
	for range 1000 {
		deep = onWire(deep, 1, 5)
	}
	hidden := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"boolValue":"}},` + strings.Repeat("{},", n) + `"}}]}]}]}`
	for name, c := range map[string]struct {
		media  string
		body   []byte
		status int
		says   string
	}{
		"records":                     {protobuf, onWire(bytes.Repeat([]byte{0x12, 0}, n), 2, 1), 413, "max_rows"},
		"resources":                   {protobuf, bytes.Repeat([]byte{0x0a, 0}, n), 413, "takes 45 MiB of memory or more, and all bodies together may take 10"},
		"attributes":                  {protobuf, onWire(bytes.Repeat([]byte{0x32, 0}, n), 2, 2, 1), 413, "max_in_flight_mib"},
		"deep values":                 {protobuf, onWire(deep, 5, 2, 2, 1), 400, "nests more than 256 deep"},
		"no protobuf":                 {protobuf, []byte("hello"), 400, "is no ExportLogsServiceRequest"},
		"records in JSON":             {"application/json", records("{}"), 413, "max_in_flight_mib"},
		"numbers in place of records": {"application/json", records("0"), 413, "max_in_flight_mib"},
		"deep values in JSON":         {"application/json", []byte(strings.Repeat(`{"arrayValue":{"values":[`, 1000)), 400, "nests 3000 deep"},
		"records within a text":       {"application/json", []byte(hidden), 400, "must be true or false in boolValue"},
		"an array":                    {"application/json", []byte("[1]"), 400, "is an array, and no ExportLogsServiceRequest"},
		"no list":                     {"application/json", []byte(`{"resourceLogs":[{"scopeLogs":{}}]}`), 400, "scopeLogs is an object; it must be an array"},
		"a time that is none":         {"application/json", []byte(`{"resource_logs":[{"scope_logs":[{"log_records":[{"time_unix_nano":"soon"}]}]}]}`), 400, "timeUnixNano must be an integer"},
	} {
		if status, _, text := r.export(c.media, c.body); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %.300s, want %d %s", name, status, text, c.status, c.says)
		}
	}
	// What is decoded counts while others are.
	r = start(t, func(c *Config) { c.MaxInFlightMiB = 1 }, nil)
	r.s.budget.used.Add(800 << 10) // somebody else's
	if status, _, text := r.export(protobuf, onWire(bytes.Repeat([]byte{0x32, 0}, 50_000), 2, 2, 1)); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, text)
	}
	if n := r.s.budget.used.Load(); n != 800<<10 {
		t.Errorf("%d bytes are counted", n)
	}
}

// Names that no record may have are refused here, where the sender can be told.
func TestMonitorsWithLongNames(t *testing.T) {
	r := start(t, nil, nil)
	long := strings.Repeat("x", 257)
	row := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{'x': 1, 'request_id': '1', 'bento_meta': {'monitor_name': '%s', 'bento_version': '%s', 'schema': [{'name': 'x', 'role': 'feature'}]}}"}}]}]}]}`
	for column, body := range map[string]string{"monitor_name": fmt.Sprintf(row, long, "v"), "bento_version": fmt.Sprintf(row, "m", long)} {
		if status, _, text := r.export("application/json", []byte(body)); status != http.StatusBadRequest || !strings.Contains(text, column) || !strings.Contains(text, "has 257 bytes") {
			t.Errorf("%d %s", status, text)
		}
	}
	if got := r.took(); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// What comes behind decides whether an exporter tries again.
func TestMonitorsOfABusyPipeline(t *testing.T) {
	r := start(t, nil, consumertest.NewErr(errors.New("the disk is slow")))
	if status, _, text := r.export(protobuf, capturedMonitor(t, "map")); status != http.StatusServiceUnavailable || !strings.Contains(text, "send all of it again") {
		t.Errorf("%d %s", status, text)
	}
	r = start(t, func(c *Config) { c.MaxRows = 3 }, nil)
	if status, _, text := r.export(protobuf, capturedMonitor(t, "map")); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, text)
	}
}

// A request in which each record is of a monitor of its own takes no more than one
// of a single monitor: what reads rows is not made anew for each name.
func TestManyMonitorsInOneRequest(t *testing.T) {
	r := start(t, nil, nil)
	takes := func(name func(i int) string) uint64 {
		req := plogotlp.NewExportRequest()
		records := req.Logs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for i := range 2000 {
			body := records.AppendEmpty().Body().SetEmptyMap()
			body.PutStr("request_id", strconv.Itoa(i))
			body.PutInt("x", 1)
			meta := body.PutEmptyMap("bento_meta")
			meta.PutStr("monitor_name", name(i))
			column := meta.PutEmptySlice("schema").AppendEmpty().SetEmptyMap()
			column.PutStr("name", "x")
			column.PutStr("role", "feature")
		}
		b, err := req.MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		logs, err := bentoml.ReadProto(b)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var a answer
		all := rowlog.NewBatch(nil, &record.Record{}, r.s.cfg.MaxRows, a.refuse)
		if err := r.s.readMonitors(logs, all, &a); err != nil || a.Refused > 0 || all.Accepted != 2000 || all.Logs.LogRecordCount() != 2000 {
			t.Fatalf("%v, %+v, %d", err, a, all.Logs.LogRecordCount())
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	takes(func(int) string { return "m" }) // what is made once
	one, many := takes(func(int) string { return "m" }), takes(strconv.Itoa)
	t.Logf("%d and %d bytes a record", one/2000, many/2000)
	if many > 2*one {
		t.Errorf("%d bytes a record of its own monitor, %d of one for all", many/2000, one/2000)
	}
}
