package full

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver"
	"github.com/driftmeter/driftmeter/testbed/servers"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// reading is a receiver of one table of the catalogue, with what a restart keeps.
type reading struct {
	*lake
	config map[string]any
	state  string
	logs   *observer.ObservedLogs
	stop   func()

	mu   sync.Mutex
	rows []string // that have come, each as often as it has
	came chan struct{}
}

func (l *lake) read(table string) *reading {
	r := &reading{lake: l, state: l.t.TempDir(), came: make(chan struct{}, 1), stop: func() {}}
	r.config = map[string]any{"storage": "file_storage", "interval": "100ms", "min_age": "0s", "sources": []any{map[string]any{
		"url": "glue://scores/" + table + l.query(), "mapping": map[string]any{"model": "m", "columns": map[string]any{"p": "predictions.p"}, "rest": "features"}}}}
	l.t.Cleanup(func() { r.stop() })
	r.start()
	return r
}

// Capabilities implements consumer.Logs.
func (r *reading) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs implements consumer.Logs.
func (r *reading) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, lr := range otelmltest.Records(ld) {
		row := lr.EventName()
		for _, a := range []string{"ml.prediction.id", "ml.features.age", "ml.predictions.p", "ml.features.dt"} {
			if v, ok := lr.Attributes().Get(a); ok {
				row += " " + v.AsString()
			}
		}
		r.rows = append(r.rows, row)
	}
	select {
	case r.came <- struct{}{}:
	default:
	}
	return nil
}

// extensions are those of a host.
type extensions map[component.ID]component.Component

// GetExtensions implements component.Host.
func (e extensions) GetExtensions() map[component.ID]component.Component { return e }

// start starts the receiver, as after a restart if it has run before.
func (r *reading) start() {
	r.t.Helper()
	f := NewFactory()
	cfg := f.CreateDefaultConfig().(*datasetreceiver.Config)
	check(r.t, confmap.NewFromStringMap(r.config).Unmarshal(cfg))
	check(r.t, cfg.Validate())
	storage := filestorage.NewFactory()
	storageCfg := storage.CreateDefaultConfig().(*filestorage.Config)
	storageCfg.Directory = r.state
	kept, err := storage.Create(r.t.Context(), extensiontest.NewNopSettings(storage.Type()), storageCfg)
	check(r.t, err)
	set := receivertest.NewNopSettings(f.Type())
	set.ID = component.NewID(f.Type()) // the same after a restart
	core, logs := observer.New(zap.InfoLevel)
	set.Logger, r.logs = zap.New(core), logs
	made, err := f.CreateLogs(r.t.Context(), set, cfg, r)
	check(r.t, err)
	check(r.t, made.Start(r.t.Context(), extensions{component.MustNewID("file_storage"): kept}))
	r.stop = func() {
		r.stop = func() {}
		check(r.t, made.Shutdown(context.Background()))
		check(r.t, kept.Shutdown(context.Background()))
	}
}

// want waits until just these rows have come, each once.
func (r *reading) want(rows []string) {
	r.t.Helper()
	r.wantOf(rows, func(row string) string { return row })
}

// wantOf waits likewise, for what is looked at of the rows.
func (r *reading) wantOf(rows []string, of func(row string) string) {
	r.t.Helper()
	slices.Sort(rows)
	for end := time.After(wait.Patience); ; {
		var got []string
		r.mu.Lock()
		for _, row := range r.rows {
			got = append(got, of(row))
		}
		r.mu.Unlock()
		slices.Sort(got)
		if slices.Equal(got, rows) {
			return
		}
		select {
		case <-r.came:
		case <-end:
			r.t.Fatalf("the rows are\n%s\nwant\n%s\n%v", strings.Join(got, "\n"), strings.Join(rows, "\n"), r.logs.All())
		}
	}
}

// said waits for a line of the log.
func (r *reading) said(text string) {
	r.t.Helper()
	if !wait.For(func() bool {
		return slices.ContainsFunc(r.logs.All(), func(e observer.LoggedEntry) bool {
			return strings.Contains(fmt.Sprint(e.Message, " ", e.ContextMap()), text)
		})
	}) {
		r.t.Fatalf("%q is not said in %v", text, r.logs.All())
	}
}

// person is a row of a table.
type person struct {
	ID  string  `json:"id" parquet:"id"`
	Age int64   `json:"age" parquet:"age"`
	P   float64 `json:"p" parquet:"p"`
}

func (p person) String() string { return fmt.Sprintf("ml.prediction %s %d %g", p.ID, p.Age, p.P) }

// pyIceberg is a process that changes a table.
type pyIceberg struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Reader
	said *strings.Builder
}

func (l *lake) pyIceberg() *pyIceberg {
	l.t.Helper()
	wanted, err := os.ReadFile("testdata/pyiceberg.txt")
	check(l.t, err)
	bin, err := servers.Python("../../../dist/pyiceberg", wanted)
	check(l.t, err)
	p := &pyIceberg{t: l.t, said: &strings.Builder{}}
	cmd := exec.Command(filepath.Join(bin, "python"), "testdata/glue.py", l.address)
	cmd.Stderr = p.said
	in, err := cmd.StdinPipe()
	check(l.t, err)
	out, err := cmd.StdoutPipe()
	check(l.t, err)
	p.in, p.out = in, bufio.NewReader(out)
	check(l.t, cmd.Start())
	l.t.Cleanup(func() {
		_ = in.Close() // which ends it
		_ = cmd.Wait()
	})
	return p
}

// change changes the table, and returns the rows that it has then.
func (p *pyIceberg) change(what string) (rows map[string]person) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.in, what)
	check(p.t, err)
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", what, err, p.said)
	}
	check(p.t, json.Unmarshal(line, &rows))
	return rows
}

// An Iceberg table that PyIceberg writes with its catalogue of AWS Glue is read as
// it is there, and then what each snapshot adds, across a restart. What a delete
// writes again is not.
func TestIcebergByGlue(t *testing.T) {
	l := newLake(t)
	table := l.pyIceberg()
	all := map[string]person{}
	var want []string
	add := func(rows map[string]person, news int) { // of what PyIceberg has read
		t.Helper()
		for id, p := range rows {
			if _, known := all[id]; !known {
				all[id], want, news = p, append(want, p.String()), news-1
			}
		}
		if news != 0 {
			t.Fatalf("PyIceberg lacks %d rows of %v", news, rows)
		}
	}
	add(table.change("append 0 10"), 10)
	r := l.read("people")
	r.want(want)
	add(table.change("append 10 15"), 5)
	r.want(want)
	if left := table.change("delete p3"); len(left) != 14 {
		t.Fatal(left)
	}
	r.said("iceberg.rewrites")
	r.stop()
	add(table.change("append 15 18"), 3)
	r.start()
	r.want(want)
}

// Tables are read as those describe them that make them: the crawlers of Glue,
// Athena, Spark.
func TestTablesByGlue(t *testing.T) {
	l := newLake(t)
	people := []person{{"a", 41, 0.5}, {"b", 42, 0.25}}
	var rows bytes.Buffer
	check(t, parquet.Write(&rows, people))
	csv, lines := []byte("id,age,p\na,41,0.5\nb,42,0.25\n"), []byte("{\"id\":\"a\",\"age\":41,\"p\":0.5}\n{\"id\":\"b\",\"age\":42,\"p\":0.25}\n")
	l.write("crawled/dt=2026-01-01/part-0", rows.Bytes())
	l.write("listed/20260101_0", csv)
	l.write("json/part-0.json.gz", gzipped(t, lines))
	delta := "../../../internal/delta/testdata/tables/plain"
	check(t, filepath.WalkDir(delta, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(delta, path)
		l.write("delta/real/"+filepath.ToSlash(rel), content)
		return err
	}))
	const hive = "org.apache.hadoop.hive."
	l.table("crawled", "s3://lake/crawled/", map[string]string{"classification": "parquet", "typeOfData": "file"}, serde(hive+"ql.io.parquet.serde.ParquetHiveSerDe", "serialization.format", "1"))
	l.table("listed", "s3://lake/listed/", map[string]string{"EXTERNAL": "TRUE", "skip.header.line.count": "1", "classification": "csv"}, serde(hive+"serde2.lazy.LazySimpleSerDe", "field.delim", ","))
	l.table("nameless", "s3://lake/listed/", map[string]string{"EXTERNAL": "TRUE", "classification": "csv"}, serde(hive+"serde2.OpenCSVSerde", "separatorChar", ","))
	l.table("lines", "s3a://lake/json", map[string]string{"EXTERNAL": "TRUE"}, serde("org.openx.data.jsonserde.JsonSerDe"))
	l.table("athenas", "s3://lake/delta/real", map[string]string{"EXTERNAL": "TRUE", "table_type": "DELTA"}, nil)
	l.table("sparks", "s3://lake/delta/sparks-__PLACEHOLDER__", map[string]string{"spark.sql.sources.provider": "delta", "spark.sql.create.version": "3.5.4"},
		serde(hive+"serde2.lazy.LazySimpleSerDe", "path", "s3://lake/delta/real", "serialization.format", "1"))
	l.table("hdfs", "hdfs://nodes/x", map[string]string{"classification": "parquet"}, nil)

	var want, partitioned []string
	for _, p := range people {
		want, partitioned = append(want, p.String()), append(partitioned, p.String()+" 2026-01-01")
	}
	l.read("crawled").want(partitioned)
	l.read("listed").want(want)
	l.read("lines").want(want)
	l.read("nameless").said("without a first line of names")
	l.read("hdfs").said(`lies at "hdfs://nodes/x"`)
	l.read("none").said("does not tell of the table none in the database scores")
	text, err := os.ReadFile(filepath.Join(delta, "versions.json"))
	check(t, err)
	var versions map[string][]string // what delta-rs reads of each
	check(t, json.Unmarshal(text, &versions))
	last := versions[fmt.Sprint(len(versions)-1)]
	for _, name := range []string{"athenas", "sparks"} {
		l.read(name).wantOf(last, func(row string) string { return strings.Fields(row)[1] })
	}
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(content)
	check(t, err)
	check(t, w.Close())
	return out.Bytes()
}
