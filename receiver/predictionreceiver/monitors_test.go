package predictionreceiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/driftmeter/driftmeter/internal/mapping"
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

// What BentoML sent becomes predictions, whichever form its bodies have.
func TestMonitorsBecomePredictions(t *testing.T) {
	var before []string
	for _, name := range []string{"map", "repr"} {
		r := start(t, nil, nil)
		if status, answered, text := r.export(protobuf, capturedMonitor(t, name)); status != http.StatusOK || answered.PartialSuccess().RejectedLogRecords() != 0 {
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
