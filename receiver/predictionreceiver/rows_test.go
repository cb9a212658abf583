package predictionreceiver

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// sum adds up the points that have all the values.
func sum(m metricdata.Metrics, wanted []string) (n int64) {
	points, ok := m.Data.(metricdata.Sum[int64])
	if !ok {
		return -1
	}
	for _, p := range points.DataPoints {
		var have []string
		for _, a := range p.Attributes.ToSlice() {
			have = append(have, a.Value.AsString())
		}
		if !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(have, w) }) {
			n += p.Value
		}
	}
	return n
}

func parquetBody(t *testing.T) []byte {
	t.Helper()
	type row struct {
		ID string  `parquet:"id"`
		X  int64   `parquet:"features.x"`
		P  float64 `parquet:"predictions.p"`
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []row{{"a", 1, 0.5}, {"b", 2, 0.25}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRowsBecomeRecords(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Mappings = map[string]mapping.Config{"plain": {Rest: "features", Columns: map[string]string{"p": "predictions.p"}, Labels: map[string]string{"p": "truth"}}}
	}, nil)
	const two = `{"id":"a","features":{"x":1},"predictions":{"p":0.5}}` + "\n" + `{"id":"b","features":{"x":2},"predictions":{"p":0.25}}`
	both := []string{"ml.prediction model.name=m model.version=default prediction.id=a features.x=1 predictions.p=0.5",
		"ml.prediction model.name=m model.version=default prediction.id=b features.x=2 predictions.p=0.25"}
	for _, c := range []struct {
		name, path, media, body string
		want                    []string
	}{
		{"one", "/v1/predictions", "application/json", `{"id":"a","timestamp":"2026-01-01T00:00:00Z","model":"m","version":"7","features":{"x":1.5},"predictions":{"p":true}}`,
			[]string{"ml.prediction 2026-01-01T00:00:00Z model.name=m model.version=7 prediction.id=a features.x=1.5 predictions.p=true"}},
		{"an array", "/v1/predictions?model=m", "application/json; charset=utf-8", "[" + strings.ReplaceAll(two, "\n", ",") + "]", both},
		{"lines", "/v1/predictions?model=m", "application/x-ndjson", two, both},
		{"lines that nobody named", "/v1/predictions?model=m", "application/x-www-form-urlencoded", two, both},
		{"CSV", "/v1/predictions?model=m", "text/csv", "id,features.x,predictions.p\na,1,0.5\nb,2,0.25\n", both},
		{"CSV that nobody named", "/v1/predictions?model=m", "application/x-www-form-urlencoded", "id,features.x,predictions.p\na,1,0.5\nb,2,0.25\n", both},
		{"CSV by name", "/v1/predictions?model=m&format=csv", "application/json", "id,features.x,predictions.p\na,1,0.5\nb,2,0.25\n", both},
		{"Parquet", "/v1/predictions?model=m", "application/vnd.apache.parquet", string(parquetBody(t)), both},
		{"Parquet that nobody named", "/v1/predictions?model=m", "application/octet-stream", string(parquetBody(t)), both},
		{"environment and version", "/v1/predictions?model=m&version=v&environment=prod", "application/json", `{"features":{"x":null}}`,
			[]string{"ml.prediction env=prod model.name=m model.version=v features.x="}},
		{"actuals", "/v1/actuals?model=m", "application/json", `[{"id":7,"actuals":{"p":true}}]`, []string{"ml.actual model.name=m model.version=default prediction.id=7 actuals.p=true"}},
		{"raw inputs", "/v1/raw-inputs?model=m", "application/json", `{"id":"a","raw_inputs":{"c":"x"}}`, []string{"ml.actual model.name=m model.version=default prediction.id=a raw_inputs.c=x"}},
		{"training set", "/v1/reference?model=m&complete=true", "text/csv", "features.x\n1\n2\n", []string{"ml.reference model.name=m model.version=default features.x=1",
			"ml.reference model.name=m model.version=default features.x=2", "ml.reference model.name=m model.version=default reference.complete=true"}},
		{"test set", "/v1/reference?model=m&dataset=test", "text/csv", "features.x\n1\n", []string{"ml.reference model.name=m model.version=default dataset=test features.x=1"}},
		{"the end of a set", "/v1/reference?model=m&version=v&complete=1", "application/json", "", []string{"ml.reference model.name=m model.version=v reference.complete=true"}},
		{"the end of a set of the default version", "/v1/reference?model=m&complete=1", "application/json", "[]", []string{"ml.reference model.name=m model.version=default reference.complete=true"}},
		{"the end of a set with times", "/v1/reference?model=m&complete=1", "text/csv", "timestamp,features.x\n2026-01-01,1\n", []string{"ml.reference 2026-01-01T00:00:00Z model.name=m model.version=default features.x=1",
			"ml.reference 2026-01-01T00:00:00Z model.name=m model.version=default reference.complete=true"}},
		{"a mapping of its own", "/v1/predictions?model=plain", "text/csv", "x,p,truth\n1,0.5,\n2,0.5,1\n", []string{
			"ml.prediction model.name=plain model.version=default features.x=1 predictions.p=0.5",
			"ml.prediction model.name=plain model.version=default features.x=2 predictions.p=0.5 actuals.p=1"}},
		{"nothing", "/v1/predictions", "application/json", "[]", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, a, _ := r.post(c.path, []byte(c.body), "Content-Type", c.media)
			got := r.took()
			if status != http.StatusOK || a.Refused != 0 || !slices.Equal(got, c.want) {
				t.Errorf("%d %+v:\n%s\nwant\n%s", status, a, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// What can be kept is kept, and the answer says what was not and why.
func TestPartialAcceptance(t *testing.T) {
	r := start(t, nil, nil)
	status, a, _ := r.post("/v1/predictions?model=m", []byte(`{"id":"a","features":{"x":1}}
{"id":"b","feature":{"x":1}}
{"id":"c","timestamp":"noon","features":{"x":1}}
{"id":
{"id":"d"}
{"id":"e","features":{"x":1}}`), "Content-Type", "application/x-ndjson")
	if status != http.StatusOK || a.Accepted != 2 || a.Refused != 4 || len(r.took()) != 2 {
		t.Fatalf("%d %+v", status, a)
	}
	want := []refusedRow{{2, "feature", "not_mapped", ""}, {3, "timestamp", "bad_time", ""}, {4, "", "not_json", ""}, {5, "", "no_groups", ""}}
	for i, row := range a.Rows {
		if row.Message == "" || row.Row != want[i].Row || row.Column != want[i].Column || row.Reason != want[i].Reason {
			t.Errorf("refused %+v, want %+v", row, want[i])
		}
	}
	if n := r.counted("prediction_rows_refused", "bad_time"); n != 1 {
		t.Errorf("%d are counted", n)
	}
	// If nothing can be kept, that is an error.
	status, a, _ = r.post("/v1/actuals", []byte(strings.Repeat(`{"actuals":{"p":1}}`, 300)), "Content-Type", "application/json")
	if status != http.StatusBadRequest || a.Refused != 300 || len(a.Rows) != mostTold || a.Rows[0].Reason != "no_model" || a.Error == "" {
		t.Errorf("%d %+v", status, a)
	}
}

// What comes behind decides whether a client should try again.
func TestBackPressure(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
		says   string
	}{
		{errors.New("the disk is full"), http.StatusServiceUnavailable, "1", "send all of it again: the disk is full"},
		{consumererror.NewPermanent(errors.New("no")), http.StatusBadRequest, "", "cannot help"},
	} {
		r := start(t, nil, consumertest.NewErr(c.err))
		status, a, h := r.post("/v1/predictions?model=m", []byte(`{"features":{"x":1}}`))
		if status != c.status || h.Get("Retry-After") != c.retry || a.Accepted != 0 || !strings.Contains(a.Error, c.says) {
			t.Errorf("%d %v %+v", status, h, a)
		}
	}
}

// gzipped packs zeros, a thousand to one.
func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Hostile bodies are refused with a sentence, and nothing of them is kept.
func TestHostileBodies(t *testing.T) {
	r := start(t, func(c *Config) { small(c); c.MaxRows = 100 }, nil)
	wide := func(between string) string {
		var names []string
		for i := range 10_000 {
			names = append(names, fmt.Sprintf("f%d", i))
		}
		return strings.Join(names, between)
	}
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	pq := parquetBody(t)
	absurd := slices.Clone(pq)
	copy(absurd[len(absurd)-8:], "\xff\xff\xff\x7f") // the length of the footer
	for _, c := range []struct {
		name, media string
		body        []byte
		headers     []string
		status      int
		says        string
	}{
		{"too large", "application/json", bytes.Repeat([]byte(" "), 65<<10), nil, 413, "max_request_body_size"},
		{"gzip bomb", "application/json", gzipped(t, bytes.Repeat([]byte(" "), 10<<20)), []string{"Content-Encoding", "gzip"}, 413, "max_request_body_size"},
		{"gzip bomb of CSV", "text/csv", gzipped(t, bytes.Repeat([]byte("a,"), 5<<20)), []string{"Content-Encoding", "gzip"}, 413, "max_request_body_size"},
		{"gzip in CSV", "text/csv", gzipped(t, bytes.Repeat([]byte("a,"), 5<<20)), nil, 400, "is gzip-compressed"},
		{"deep JSON", "application/json", []byte(deep), nil, 400, "every row was refused"},
		{"deeper JSON", "application/json", bytes.Repeat([]byte("["), 60<<10), nil, 400, "ends too early"},
		{"invalid UTF-8", "application/json", []byte("{\"id\":\"\xff\"}"), nil, 400, "every row was refused"},
		{"invalid UTF-8 in CSV", "text/csv", []byte("id,features.x\n\xff,1\n"), nil, 400, "is not UTF-8 text"},
		{"10 000 columns of JSON", "application/json", []byte(`{"features":{"` + wide(`":1,"`)[:40<<10] + `":1}}`), nil, 400, "every row was refused"},
		{"10 001 columns of CSV", "text/csv", []byte(wide(",") + ",x\n1\n"), nil, 400, "has 10001 columns; at most 10000 are allowed"},
		{"too many rows", "application/json", []byte(strings.Repeat(`{"features":{"x":1}}`, 101)), nil, 413, "max_rows"},
		{"absurd Parquet", "application/x-parquet", absurd, nil, 400, "nothing was kept"},
		{"cut Parquet", "application/x-parquet", pq[:len(pq)/2], nil, 400, "nothing was kept"},
		{"no Parquet", "application/x-parquet", []byte("hello"), nil, 400, "nothing was kept"},
		{"cut JSON", "application/json", []byte(`[{"features":{"x":1}},`), nil, 400, "it ends too early"},
		{"unknown media", "image/png", []byte("x"), nil, 415, "application/x-ndjson"},
		{"broken media", ";;", []byte("x"), nil, 415, "application/x-ndjson"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, a, _ := r.post("/v1/predictions?model=m", c.body, append([]string{"Content-Type", c.media}, c.headers...)...)
			if status != c.status || !strings.Contains(a.Error, c.says) || a.Accepted != 0 || len(r.took()) != 0 {
				t.Errorf("%d %.300s, want %d %s", status, fmt.Sprintf("%+v", a), c.status, c.says)
			}
		})
	}
	for query, says := range map[string]string{"modle=x": "?modle= is unknown", "dataset=test": "?dataset= is unknown", "model=a&model=b": "twice", "format=xls": "format=xls"} {
		status, a, _ := r.post("/v1/predictions?"+query, []byte(`{"features":{"x":1}}`))
		if status < 400 || status > 415 || !strings.Contains(a.Error, says) {
			t.Errorf("%s: %d %+v", query, status, a)
		}
	}
	if n := r.s.budget.used.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

// Bodies that are read at the same time share a budget; who comes when it is used
// up is told to come again.
func TestBudget(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxInFlightMiB = 1 }, nil)
	r.s.budget.used.Add(1 << 20) // somebody else's
	status, a, h := r.post("/v1/predictions?model=m", []byte(`{"features":{"x":1}}`))
	if status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" || !strings.Contains(a.Error, "again in a second") {
		t.Errorf("%d %+v", status, a)
	}
	r.s.budget.used.Add(-1 << 20)
	// Alone, a body may be larger than the budget.
	body := `[` + strings.Repeat(" ", 2<<20) + `{"features":{"x":1}}]`
	if status, a, _ = r.post("/v1/predictions?model=m", []byte(body)); status != http.StatusOK || a.Accepted != 1 {
		t.Errorf("%d %+v", status, a)
	}
	if n := r.counted("prediction_requests_refused", "busy"); n != 1 {
		t.Errorf("%d are counted", n)
	}
}

// Lines that SageMaker captures come as rows of any other kind do.
func TestCapturedLines(t *testing.T) {
	r := start(t, func(cfg *Config) {
		cfg.Mapping.Model = "churn"
		cfg.Mapping.Positions = map[string][]string{"predictions": {"proba"}}
	}, nil)
	lines := []byte(`{"captureData":{"endpointInput":{"data":"1,2","encoding":"CSV"},"endpointOutput":{"data":"0.5","encoding":"CSV"}},"eventMetadata":{"eventId":"e","inferenceTime":"2026-11-01T00:00:00Z"}}
{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"e"}}
{"captureData":{},"eventMetadata":{}}
{"id":"f","features":{"x":1}}
`)
	status, a, _ := r.post("/v1/predictions?format=ndjson", lines)
	if status != 200 || a.Accepted != 3 || a.Refused != 1 || a.Rows[0].Row != 3 || a.Rows[0].Column != "captureData" {
		t.Errorf("%d %+v", status, a)
	}
	want := []string{
		"ml.prediction 2026-11-01T00:00:00Z model.name=churn model.version=default prediction.id=e features.X0=1 features.X1=2 predictions.proba=0.5",
		"ml.actual model.name=churn model.version=default prediction.id=e actuals.proba=1",
		"ml.prediction model.name=churn model.version=default prediction.id=f features.x=1",
	}
	if got := r.took(); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// A reference set that comes in parts is complete when its last part is, and not
// when every row of that was refused: the set would lack it for good.
func TestReferenceInParts(t *testing.T) {
	const last = "ml.reference model.name=m model.version=default reference.complete=true"
	part := func(x int) string {
		return fmt.Sprintf("ml.reference model.name=m model.version=default features.x=%d", x)
	}
	r := start(t, nil, nil)
	for _, c := range []struct {
		name, path, body string
		status           int
		want             []string
		says             string
	}{
		{"the first part", "/v1/reference?model=m", "features.x\n1\n", 200, []string{part(1)}, ""},
		{"a typo in the last", "/v1/reference?model=m&complete=true", "featurs.x\n2\n3\n", 400, nil, "every row was refused, and so the reference set is not complete; send these rows again, or an empty body with complete=true to end it without them"},
		{"a typo in one in the midst", "/v1/reference?model=m", "featurs.x\n2\n", 400, nil, "every row was refused"},
		{"the last, mended", "/v1/reference?model=m&complete=true", "features.x\n2\n3\n", 200, []string{part(2), part(3), last}, ""},
		{"one row of it refused", "/v1/reference?model=m&complete=true&format=ndjson", `{"features":{"x":4}}` + "\n" + `{"featurs":{"x":5}}`, 200, []string{part(4), last}, ""},
		{"an empty body", "/v1/reference?model=m&complete=true", "", 200, []string{last}, ""},
		{"of nobody", "/v1/reference?complete=true", "", 400, nil, "complete=true says of no model that its reference set is complete; add ?model="},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, a, _ := r.post(c.path, []byte(c.body))
			if got := r.took(); status != c.status || !slices.Equal(got, c.want) || c.says != a.Error && (c.says == "" || !strings.Contains(a.Error, c.says)) {
				t.Errorf("%d %+v\n%s", status, a, strings.Join(got, "\n"))
			}
		})
	}
	r = start(t, func(c *Config) { c.Mapping.Model, c.Mapping.Version = "m", "7" }, nil)
	if status, a, _ := r.post("/v1/reference?complete=true", nil); status != 200 || !slices.Equal(r.took(), []string{strings.Replace(last, "default", "7", 1)}) {
		t.Errorf("the configuration names the model: %d %+v", status, a)
	}
}

// Rows count by what is made of them: what would never have room is refused for good.
func TestRowsThatTakeTooMuch(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxInFlightMiB, c.HTTP.MaxRequestBodySize = 1, 1<<20 }, nil)
	lists := strings.Repeat(`{"features":{"a":[`+strings.Repeat("1,", 9999)+"1]}}\n", 20)
	if status, a, _ := r.post("/v1/predictions?model=m&format=ndjson", []byte(lists)); status != http.StatusRequestEntityTooLarge || !strings.Contains(a.Error, "10 times max_in_flight_mib") || len(r.took()) > 0 {
		t.Errorf("%d %+v", status, a)
	}
	if status, a, _ := r.post("/v1/predictions?model=m&format=ndjson", []byte(lists[:len(lists)/4])); status != http.StatusOK || a.Accepted != 5 || r.s.budget.used.Load() != 0 {
		t.Errorf("%d %+v", status, a)
	}
}
