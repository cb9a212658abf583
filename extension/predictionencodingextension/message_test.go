package predictionencodingextension

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/ocf"
	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumererror"

	encodings "github.com/open-telemetry/opentelemetry-collector-contrib/extension/encoding"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// The message of the platforms that users come from needs no configuration.
const kafkaMessage = `{"id":"a1","model_name":"fraud","model_version":"3","inputs":{"amount":12.5,"country":"DE"},"outputs":{"proba":0.83},"occurred_at":"2026-11-01T12:00:00Z"}`

const kafkaRecord = "ml.prediction 2026-11-01T12:00:00Z model.name=fraud model.version=3 prediction.id=a1 features.amount=12.5 features.country=DE predictions.proba=0.83"

// row and rowRecord are the same prediction in every format.
type row struct {
	ID    string  `parquet:"id" avro:"id"`
	Model string  `parquet:"model" avro:"model"`
	X     int64   `parquet:"features.x" avro:"x"`
	P     float64 `parquet:"predictions.p" avro:"p"`
}

const rowRecord = "ml.prediction model.name=m model.version=default prediction.id=a features.x=1 predictions.p=0.5"

const rowSchema = `{"type":"record","name":"Row","fields":[{"name":"id","type":"string"},{"name":"model","type":"string"},{"name":"x","type":"long"},{"name":"p","type":"double"}]}`

// named says what the columns of rowSchema are: names of Avro have no dots.
func named(c *Config) {
	c.Format = formatAvro
	c.Mapping.Columns = map[string]string{"x": "features.x", "p": "predictions.p"}
}

func datum(t testing.TB) []byte {
	t.Helper()
	b, err := avro.Marshal(avro.MustParse(rowSchema), row{"a", "m", 1, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func avroFile(t testing.TB, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := ocf.NewEncoder(rowSchema, &b, ocf.WithCodec(ocf.Deflate))
	if err != nil {
		t.Fatal(err)
	}
	for range rows {
		if err := e.Encode(row{"a", "m", 1, 0.5}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parquetFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Write(&b, []row{{"a", "m", 1, 0.5}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMessages(t *testing.T) {
	r := start(t, nil)
	r.gives([]byte(kafkaMessage), kafkaRecord)
	r.gives([]byte("["+kafkaMessage+", "+kafkaMessage+"]"), kafkaRecord, kafkaRecord)
	r.gives([]byte(kafkaMessage+"\n"+kafkaMessage), kafkaRecord, kafkaRecord)
	r.gives(nil) // a tombstone
	r.gives([]byte("[]"))
	const one = `{"id":"a","model":"m","features":{"x":1},"predictions":{"p":0.5}}`
	csv := "id,model,features.x,predictions.p\na,m,1,0.5\n"
	for format, messages := range map[string][][]byte{
		"json": {[]byte(one)}, "ndjson": {[]byte(one + "\n")}, "csv": {[]byte(csv)}, "parquet": {parquetFile(t)},
		"auto": {[]byte(one), []byte(csv), parquetFile(t)},
	} {
		r := start(t, func(c *Config) { c.Format = format })
		for _, m := range messages {
			r.gives(m, rowRecord)
		}
	}
	start(t, func(c *Config) { c.Event = "actual" }).gives([]byte(`{"id":"a","model":"m","actuals":{"p":true}}`),
		"ml.actual model.name=m model.version=default prediction.id=a actuals.p=true")
	start(t, func(c *Config) { c.Event, c.Mapping.Environment = "reference", "prod" }).gives([]byte(`{"id":"a","model":"m","features":{"x":1}}`),
		"ml.reference env=prod model.name=m model.version=default prediction.id=a features.x=1")
}

func TestAvro(t *testing.T) {
	r := start(t, func(c *Config) { named(c); c.Avro.Schema = rowSchema })
	r.gives(datum(t), rowRecord)
	r.gives(avroFile(t, 2), rowRecord, rowRecord)
	r.gives(datum(t)[:3])
	if r.counted("messages_refused", "not_avro") != 1 {
		t.Error("what breaks off is not counted")
	}
	r = start(t, named)
	r.gives(avroFile(t, 1), rowRecord)
	r.gives(datum(t))
	if !strings.Contains(fmt.Sprint(r.said.All()), "neither avro.schema") {
		t.Errorf("%v", r.said.All())
	}
	r = start(t, func(c *Config) { named(c); c.Format = formatAuto })
	r.gives(avroFile(t, 1), rowRecord)
}

// A row that names its model is read by the mapping of that model.
func TestMappingsOfModels(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Mapping.Rest = "raw_inputs"
		c.Mappings = map[string]mapping.Config{"loans": {Rest: "features"}, "cars": {Columns: map[string]string{"x": "predictions.price"}}}
	})
	r.gives([]byte(`{"model":"loans","x":1}{"model_name":"cars","x":2}{"model":"boats","x":3}`),
		"ml.prediction model.name=loans model.version=default features.x=1",
		"ml.prediction model.name=cars model.version=default predictions.price=2",
		"ml.prediction model.name=boats model.version=default raw_inputs.x=3")
	r.gives([]byte(`{"model":"loans","x":1}`), "ml.prediction model.name=loans model.version=default features.x=1")
}

const bad = `{"id":"b","model":"m","timestamp":"yesterday","features":{"x":1}}`

// Rows that cannot be used are left out, counted by why, and told once a minute.
func TestBadRowsAreDropped(t *testing.T) {
	const good = `{"id":"a","model":"m","features":{"x":1},"predictions":{"p":0.5}}`
	r := start(t, nil)
	for range 3 {
		r.gives([]byte("["+good+","+bad+",7,"+good+"]"), rowRecord, rowRecord)
	}
	if n, m := r.counted("rows_refused", "bad_time"), r.counted("rows_refused", "not_json"); n != 3 || m != 3 {
		t.Errorf("%d and %d rows are counted", n, m)
	}
	if n := r.said.Len(); n != 2 {
		t.Errorf("%d lines are logged: %v", n, r.said.All())
	}
	for _, c := range []struct {
		message, reason string
		rows            int
	}{
		{`{"id":`, "cut_short", 0}, {`[` + good + `,`, "cut_short", 1}, {"\xff\xfe", "unreadable", 0}, {good + good + `}`, "unreadable", 2},
	} {
		if got, err := r.read([]byte(c.message)); err != nil || len(got) != c.rows || r.counted("messages_refused", c.reason) < 1 {
			t.Errorf("%q gives %s, %v", c.message, got, err)
		}
	}
	small := start(t, func(c *Config) { c.MaxRows, c.MaxMessageMiB = 2, 1 })
	small.gives([]byte(good+good+good), rowRecord, rowRecord)
	small.gives(bytes.Repeat([]byte(" "), 1<<20+1))
	if small.counted("messages_refused", "too_many_rows") != 1 || small.counted("messages_refused", "too_large") != 1 {
		t.Errorf("%v", small.said.All())
	}
}

// With on_error: refuse the receiver decides about the whole message.
func TestBadMessagesAreRefused(t *testing.T) {
	r := start(t, func(c *Config) { c.OnError = onErrorRefuse })
	r.gives([]byte(kafkaMessage), kafkaRecord)
	for message, says := range map[string]string{kafkaMessage + bad: "row 2: ", `{"id"`: "ends too early"} {
		if got, err := r.read([]byte(message)); err == nil || !consumererror.IsPermanent(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %s, %v", message, got, err)
		}
	}
}

func event(kind, id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"org.kubeflow.serving.inference.%s","id":%q,"time":"2026-11-01T12:00:00Z","inferenceservicename":"m",%s}`, kind, id, data)
}

// Halves of inferences meet in any order, and again whenever they are read again.
func TestEvents(t *testing.T) {
	r := start(t, func(c *Config) { c.Format = formatEvents })
	request := event("request", "s", `"data":{"instances":[[1,2]]}`)
	response := event("response", "s", `"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(`{"predictions":[3]}`))+`"`)
	const want = "ml.prediction 2026-11-01T12:00:00Z model.name=m model.version=default prediction.id=s_0 features.X0=1 features.X1=2 predictions.Y0=3"
	r.gives([]byte(request))
	r.gives([]byte(response), want)
	r.gives([]byte(response), want)
	r.gives([]byte(request), want)
	if n := r.counted("inferences_pending"); n != 2 {
		t.Errorf("%d halves are kept", n)
	}
	r.gives([]byte("["+event("request", "t", `"data":{"instances":[1]}`)+","+event("response", "t", `"data":{"predictions":[2]}`)+`,{"type":"ping"},7]`),
		"ml.prediction 2026-11-01T12:00:00Z model.name=m model.version=default prediction.id=t_0 features.X0=1 predictions.Y0=2")
	if r.counted("rows_refused", "event_type") != 1 || r.counted("rows_refused", "not_json") != 1 {
		t.Errorf("%v", r.said.All())
	}
	r.gives([]byte(event("request", "u", `"data":{"instances":[1]}`)))
	late, err := r.e.pairs.Expire(t.Context(), time.Now().Add(time.Hour))
	if r.e.giveUp(t.Context(), late); err != nil {
		t.Error(err)
	}
	if n := r.counted("inferences_unpaired", "request", "window"); n != 1 {
		t.Errorf("%d are given up", n)
	}
}

// A stream is cut into the same batches however it comes, and can be gone on with
// from any of them.
func TestStreams(t *testing.T) {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, `{"id":"%d","model":"m","features":{"x":%d}}`+"\n", i, i)
	}
	for format, body := range map[string]string{"json": b.String(), "ndjson": b.String(), "auto": b.String(), "avro": string(avroFile(t, 10))} {
		r := start(t, func(c *Config) {
			if named(c); format != "avro" {
				c.Mapping = mapping.Default()
			}
			c.Format = format
		})
		whole := ""
		for _, slow := range []bool{false, true} {
			var all []string
			var offsets []int64
			in := io.Reader(strings.NewReader(body))
			if slow {
				in = &trickle{in}
			}
			d, err := r.e.NewLogsDecoder(in, encodings.WithFlushItems(4))
			if err != nil {
				t.Fatal(err)
			}
			for {
				logs, err := d.DecodeLogs()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(format, err)
				}
				all = append(all, fmt.Sprint(show(logs)))
				offsets = append(offsets, d.Offset())
			}
			if fmt.Sprint(offsets) != "[4 8 10]" {
				t.Errorf("%s: offsets %v", format, offsets)
			}
			if whole == "" {
				whole = fmt.Sprint(all)
			} else if fmt.Sprint(all) != whole {
				t.Errorf("%s: %v, want %v", format, all, whole)
			}
			d, err = r.e.NewLogsDecoder(strings.NewReader(body), encodings.WithFlushItems(4), encodings.WithOffset(8))
			if err != nil {
				t.Fatal(err)
			}
			if logs, err := d.DecodeLogs(); err != nil || fmt.Sprint(show(logs)) != all[2] {
				t.Errorf("%s from 8: %s, %v", format, show(logs), err)
			}
			if _, err := d.DecodeLogs(); err != io.EOF {
				t.Errorf("%v", err)
			}
		}
	}
	r := start(t, func(c *Config) { c.Format, c.MaxMessageMiB = "csv", 1 })
	d, err := r.e.NewLogsDecoder(io.LimitReader(zeros{}, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	if logs, err := d.DecodeLogs(); err != nil || logs.LogRecordCount() != 0 || r.counted("messages_refused") != 1 {
		t.Errorf("%v", err)
	}
	if _, err := r.e.NewLogsDecoder(nil, encodings.WithOffset(-1)); err == nil {
		t.Error("an offset below 0 is taken")
	}
}

// trickle gives a byte at a time.
type trickle struct{ io.Reader }

func (r *trickle) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Receivers read messages of several partitions at a time.
func TestManyAtATime(t *testing.T) {
	r := start(t, func(c *Config) { c.Mappings = map[string]mapping.Config{"m": {Rest: "features"}} })
	var done sync.WaitGroup
	for g := range 8 {
		done.Go(func() {
			for i := range 200 {
				logs, err := r.e.UnmarshalLogs([]byte(fmt.Sprintf(`{"model":"m","id":"%d-%d","x":1}{"model":"n","id":"x","features":{"a":2}}`, g, i)))
				if err != nil || logs.LogRecordCount() != 2 {
					t.Errorf("%d records, %v", logs.LogRecordCount(), err)
				}
			}
		})
	}
	done.Wait()
}

func TestConfig(t *testing.T) {
	if err := componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()); err != nil {
		t.Error(err)
	}
	conf := confmap.NewFromStringMap(map[string]any{
		"format": "xml", "event": "click", "on_error": "ignore", "max_rows": -1, "max_message_mib": 0, "formta": "json",
		"mapping":   map[string]any{"rest": "drop"},
		"mappings":  map[string]any{"fraud": map[string]any{"columns": map[string]any{"a": "b"}}},
		"avro":      map[string]any{"schema": `"string"`, "max_unpacked_mib": 0, "registry": map[string]any{"endpoint": "registry", "timeout": 0, "max_wait": "-1s", "max_schemas": 0, "tmeout": 1}},
		"inference": map[string]any{"pair_window": "1ms"},
	})
	cfg := defaultConfig()
	if err := conf.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	err := cfg.Validate()
	for _, want := range []string{`format="xml" is unknown; known: json`, `event="click" is unknown`, `on_error="ignore"`, "max_rows=-1", "max_message_mib=0", "formta is not a key",
		`mapping.rest="drop"`, `mappings[fraud].columns.a="b"`, "avro.schema is of type string", "avro.max_unpacked_mib=0", `avro.registry.endpoint="registry" is no URL`,
		"avro.registry.timeout=0s must be positive", "avro.registry.max_wait=-1s", "avro.registry.max_schemas=0", "inference.pair_window=1ms", "are given together", "reads no Avro", "tmeout=1 is not a key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
	conf = confmap.NewFromStringMap(map[string]any{"format": "avro", "avro": map[string]any{"registry": map[string]any{
		"endpoint": "https://registry:8081", "tls": map[string]any{"insecure_skip_verify": true}, "auth": map[string]any{"authenticator": "basicauth/registry"}}}})
	cfg = defaultConfig()
	if err := conf.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil || !cfg.Avro.Registry.Client.TLS.InsecureSkipVerify || !cfg.Avro.Registry.Client.Auth.HasValue() || cfg.Avro.Registry.Client.Timeout != 10*time.Second {
		t.Errorf("%v: %+v", err, cfg.Avro)
	}
}

// Whatever comes in whatever format is read or refused, and the same is read again.
func FuzzMessage(f *testing.F) {
	f.Add("json", []byte(kafkaMessage))
	f.Add("auto", []byte("id,features.x\n1,2\n"))
	f.Add("ndjson", []byte(bad+"\n{}\n7"))
	f.Add("csv", []byte("id,model,features.x\na,m,1\nb\n"))
	f.Add("parquet", parquetFile(f))
	f.Add("avro", avroFile(f, 2))
	f.Add("avro", datum(f))
	f.Add("cloudevents", []byte("["+event("request", "a", `"data":{"inputs":[{"name":"x","shape":[1],"data":[1]}]}`)+"]"))
	es := map[string]*encoding{}
	for _, format := range formats {
		cfg := defaultConfig()
		if named(cfg); format == formatAvro {
			cfg.Avro.Schema = rowSchema
		}
		cfg.Format, cfg.Mapping.Model, cfg.Mapping.Rest, cfg.MaxRows = format, "m", "features", 1000
		es[format] = (&fuzzed{f}).encoding(cfg)
	}
	f.Fuzz(func(t *testing.T, format string, b []byte) {
		e, ok := es[format]
		if !ok {
			return
		}
		logs, err := e.UnmarshalLogs(b)
		if err != nil || logs.LogRecordCount() > 1000 {
			t.Fatalf("%d records, %v", logs.LogRecordCount(), err)
		}
		if again, err := e.UnmarshalLogs(b); format != formatEvents && (err != nil || fmt.Sprint(show(again)) != fmt.Sprint(show(logs))) {
			t.Fatalf("%s, %v; before %s", show(again), err, show(logs))
		}
	})
}
