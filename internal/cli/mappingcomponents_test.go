package cli

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/ocf"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"

	"github.com/driftmeter/driftmeter/extension/predictionencodingextension"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver"
	"github.com/driftmeter/driftmeter/receiver/predictionreceiver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver"
)

// mapped is a distribution of the components that map rows.
func mapped() (otelcol.Factories, error) {
	f, err := none()
	f.Receivers, f.Extensions = map[component.Type]receiver.Factory{}, map[component.Type]extension.Factory{}
	for _, r := range []receiver.Factory{predictionreceiver.NewFactory(), datasetreceiver.NewFactory(), warehousereceiver.NewFactory()} {
		f.Receivers[r.Type()] = r
	}
	e := predictionencodingextension.NewFactory()
	f.Extensions[e.Type()] = e
	return f, err
}

const datasetConfig = `
receivers:
  dataset:
    storage: file_storage
    sources:
      - {name: loans, url: $WORK/loans, path: "dt=*/*", mapping: {id: id, model: loans, columns: {score: predictions.p, dt: ""}, labels: {p: defaulted}, rest: features}}
      - {name: models, url: $WORK/models, layout: standard, mapping: {rest: features}}
      - {name: table, url: $WORK/table, format: delta, kind: reference, dataset: test, mapping: {model: loans, version: "7", columns: {score: predictions.p}, rest: features}}
  dataset/one:
    storage: file_storage
    sources: [{url: $WORK/one, kind: actuals}]
`

type loan struct {
	ID    string  `parquet:"id"`
	Age   int64   `parquet:"age"`
	Score float64 `parquet:"score"`
	Truth *bool   `parquet:"defaulted,optional"`
}

// Files of a dataset have their partitions, their model and their time from where
// they lie.
func TestMappingOfDataset(t *testing.T) {
	dir := t.TempDir()
	write := writer(t, dir)
	yes := true
	var rows bytes.Buffer
	if err := parquet.Write(&rows, []loan{{"a", 41, 0.5, &yes}, {"b", 42, 0.25, nil}}); err != nil {
		t.Fatal(err)
	}
	csv := "id,age,score,defaulted\na,41,0.5,1\n,x,,\n"
	write("data.yaml", []byte(datasetConfig))
	write("loans/dt=2026-01-01/p.parquet", rows.Bytes())
	write("loans/dt=2026-01-01/p.csv.gz", packed(t, csv))
	write("loans/dt=2026-01-01/p.ndjson.zst", zstded(t, `{"id":"a","age":41,"region":"EU","score":0.5}`+"\n{\"id\":\n"))
	write("loans/dt=2026-01-01/p.txt", []byte(csv))
	write("loans/dt=2026-01-01/p.csv", rows.Bytes())
	write("models/fraud/3/serving.csv", []byte("id,age\n1,41\n"))
	write("away/models/fraud/3/train/part-0.csv", []byte("id,age\n1,41\n"))
	write("table/region=EU/part-0.parquet", rows.Bytes())
	write("one/labels.csv", []byte("id,model,actuals.p\na,loans,1\nb,loans,\n"))

	test := func(name, file string, more ...string) {
		t.Helper()
		goldenOf(t, mapped, "mapping-dataset-"+name, dir, append([]string{"mapping", "test", "$WORK/" + file, "--config", "$WORK/data.yaml"}, more...)...)
	}
	test("parquet", "loans/dt=2026-01-01/p.parquet", "--component", "dataset/loans")
	test("csv", "loans/dt=2026-01-01/p.csv.gz", "--component", "dataset/loans")
	test("ndjson", "loans/dt=2026-01-01/p.ndjson.zst", "--component", "dataset/loans")
	test("layout", "models/fraud/3/serving.csv", "--component", "dataset/models")
	test("layout-away", "away/models/fraud/3/train/part-0.csv", "--component", "dataset/models")
	test("delta", "table/region=EU/part-0.parquet", "--component", "dataset/table")
	test("one", "one/labels.csv", "--component", "dataset/one")
	test("error-several", "one/labels.csv")
	test("error-unknown", "one/labels.csv", "--component", "dataset")
	test("error-layout", "loans/dt=2026-01-01/p.parquet", "--component", "dataset/models")
	test("error-name", "loans/dt=2026-01-01/p.txt", "--component", "dataset/loans")
	test("exported", "models/fraud/3/serving.csv", "--component", "dataset/table")
	test("error-not", "loans/dt=2026-01-01/p.csv", "--component", "dataset/table")
	test("error-gone", "gone.csv", "--component", "dataset/loans")
	test("error-flags", "one/labels.csv", "--component", "dataset/one", "--model", "m")
}

const warehouseConfig = `
receivers:
  warehouse:
    driver: postgres
    connection: {endpoint: "localhost:5432", database: ml, user: reader}
    query: SELECT * FROM scores
    incremental: {column: updated_at, keys: [application]}
    storage: file_storage
    mapping: {model: loans, columns: {score: predictions.p, updated_at: "", application: ""}, labels: {p: defaulted}, rest: features, types: {features.zip: categorical}}
  warehouse/labels:
    driver: postgres
    connection: {endpoint: "localhost:5432", database: ml, user: reader}
    table: labels
    kind: actuals
    incremental: {column: at}
    storage: file_storage
    mapping: {model: loans, columns: {at: ""}, labels: {p: defaulted}, rest: ignore}
`

// A file stands for rows of a query: they have their ids and times from the key
// columns.
func TestMappingOfWarehouse(t *testing.T) {
	dir := t.TempDir()
	write := writer(t, dir)
	write("db.yaml", []byte(warehouseConfig))
	write("broken.yaml", []byte(strings.Replace(warehouseConfig, "driver: postgres", "driver: postgras", 1)))
	write("rows.csv", []byte("application,updated_at,age,zip,score,defaulted\n"+
		"0001,2026-11-01 10:00:00+00,41,02139,0.5,\n0002,,42,60311,0.25,1\n0003,2026-11-01 10:01:00+00,43,60311,0.75,1\n0001,2026-11-01 10:02:00+00,41,02139,0.5,1\n"))
	write("labels.ndjson", []byte(`{"id":1,"at":5,"defaulted":true}`+"\n"+`{"id":2,"at":6,"defaulted":null}`+"\n"+`{"id":3,"at":[1]}`+"\n"))
	write("other.csv", []byte("id,age\n1,41\n"))

	test := func(name, file, config, component string, more ...string) {
		t.Helper()
		goldenOf(t, mapped, "mapping-warehouse-"+name, dir, append([]string{"mapping", "test", "$WORK/" + file, "--config", "$WORK/" + config, "--component", component}, more...)...)
	}
	test("rows", "rows.csv", "db.yaml", "warehouse", "--rows", "10")
	test("labels", "labels.ndjson", "db.yaml", "warehouse/labels", "--rows", "2")
	test("error-key", "labels.ndjson", "db.yaml", "warehouse/labels")
	test("error-column", "other.csv", "db.yaml", "warehouse/labels")
	test("error-config", "rows.csv", "broken.yaml", "warehouse")
	test("other-is-sound", "labels.ndjson", "broken.yaml", "warehouse/labels", "--rows", "1")
}

const encodingConfig = `
extensions:
  prediction_encoding: {}
  prediction_encoding/lines: {format: ndjson, event: actual, on_error: refuse}
  prediction_encoding/csv: {format: csv, mappings: {loans: {rest: features}}}
  prediction_encoding/parquet: {format: parquet, mapping: {model: loans, rest: features}}
  prediction_encoding/avro: {format: avro, avro: {schema_file: $WORK/loan.avsc}, mapping: {model: loans, columns: {score: predictions.p}, rest: features}}
  prediction_encoding/registry: {format: avro, avro: {registry: {endpoint: "$REGISTRY"}}, mapping: {model: loans, columns: {score: predictions.p}, rest: features}}
  prediction_encoding/auth: {format: avro, avro: {registry: {endpoint: "$REGISTRY", auth: {authenticator: basicauth}}}}
  prediction_encoding/events: {format: cloudevents, mapping: {version: "3"}}
  prediction_encoding/small: {max_message_mib: 1, mapping: {rest: features}}
receivers:
  kafka: {logs: {encoding: prediction_encoding}}
`

const loanSchema = `{"type":"record","name":"Loan","fields":[{"name":"id","type":"string"},{"name":"age","type":"long"},{"name":"score","type":"double"}]}`

const loanEvents = `[{"specversion":"1.0","type":"org.kubeflow.serving.inference.request","id":"r1","time":"2026-11-01T12:00:00Z","inferenceservicename":"loans","data":{"instances":[[41,1],[42,2]]}},
{"specversion":"1.0","type":"org.kubeflow.serving.inference.request","id":"r2","time":"2026-11-01T12:00:01Z","inferenceservicename":"loans","data":{"instances":[[43,3]]}},
{"specversion":"1.0","type":"org.kubeflow.serving.inference.response","id":"r1","inferenceservicename":"loans","data":{"predictions":[0.5,0.25]}}]`

// A file is one message, which is read as the receivers that have the encoding read
// theirs.
func TestMappingOfMessages(t *testing.T) {
	dir := t.TempDir()
	write := writer(t, dir)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/schemas/ids/7" {
			http.Error(w, `{"error_code":40403,"message":"Schema not found"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{"schema":` + strconv.Quote(loanSchema) + `}`))
	}))
	defer registry.Close()
	type avroLoan struct {
		ID    string  `avro:"id"`
		Age   int64   `avro:"age"`
		Score float64 `avro:"score"`
	}
	datum, err := avro.Marshal(avro.MustParse(loanSchema), avroLoan{"a", 41, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	var container, rows bytes.Buffer
	e, err := ocf.NewEncoder(loanSchema, &container)
	if err == nil {
		err = e.Encode(avroLoan{"b", 42, 0.25})
	}
	if err == nil {
		err = e.Close()
	}
	if err == nil {
		err = parquet.Write(&rows, []loan{{"a", 41, 0.5, nil}})
	}
	if err != nil {
		t.Fatal(err)
	}
	write("kafka.yaml", []byte(strings.ReplaceAll(encodingConfig, "$REGISTRY", registry.URL)))
	write("loan.avsc", []byte(loanSchema))
	write("one.json", []byte(`{"id":"a1","model_name":"fraud","model_version":"3","inputs":{"amount":12.5},"outputs":{"proba":0.83},"occurred_at":"2026-11-01T12:00:00Z"}`))
	write("lines", []byte(`{"id":"a","model":"m","actuals":{"p":true}}`+"\n"+`{"model":"m","actuals":{"p":true}}`+"\n"))
	write("rows.csv", []byte("id,model,features.x,age\na,loans,1,41\nb,other,1,41\n"))
	write("rows.parquet", rows.Bytes())
	write("datum", datum)
	write("datum.gz", packed(t, string(datum)))
	write("container.avro", container.Bytes())
	write("wire", append([]byte{0, 0, 0, 0, 7}, datum...))
	write("unknown", append([]byte{0, 0, 0, 0, 8}, datum...))
	write("short", datum[:3])
	write("events.json", []byte(loanEvents))
	write("empty", nil)
	write("large.json", bytes.Repeat([]byte(" "), 1<<20+1))

	test := func(name, file, component string, more ...string) {
		t.Helper()
		goldenOf(t, mapped, "mapping-message-"+name, dir, append([]string{"mapping", "test", "$WORK/" + file, "--config", "$WORK/kafka.yaml", "--component", component}, more...)...)
	}
	test("json", "one.json", "prediction_encoding")
	test("ndjson", "lines", "prediction_encoding/lines")
	test("csv", "rows.csv", "prediction_encoding/csv")
	test("parquet", "rows.parquet", "prediction_encoding/parquet")
	test("avro", "datum", "prediction_encoding/avro")
	test("avro-packed", "datum.gz", "prediction_encoding/avro")
	test("avro-file", "container.avro", "prediction_encoding/avro")
	test("avro-registry", "wire", "prediction_encoding/registry")
	test("cloudevents", "events.json", "prediction_encoding/events", "--rows", "10")
	test("empty", "empty", "prediction_encoding")
	test("error-avro", "short", "prediction_encoding/avro")
	test("error-registry", "unknown", "prediction_encoding/registry")
	test("error-auth", "wire", "prediction_encoding/auth")
	test("error-format", "rows.csv", "prediction_encoding/events")
	test("error-large", "large.json", "prediction_encoding/small")
	test("error-several", "one.json", "")
	test("error-receiver", "one.json", "kafka")
}

// writer returns what writes files, all of one time.
func writer(t *testing.T, dir string) func(name string, content []byte) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	return func(name string, content []byte) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(content, []byte("$WORK"), []byte(dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t *testing.T, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}
