package datasetreceiver

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

const fraud = `
sources:
  - url: $DIR
    mapping: {model: fraud, timestamp: dt, columns: {p: predictions.p}, rest: features}
`

// Every format, packed or not, with the columns of its folders.
func TestFormats(t *testing.T) {
	b := newBench(t)
	b.write("dt=2020-01-01/a.parquet", b.parquet(people(1, 3)))
	b.write("dt=2020-01-01/b.csv", csvOf(people(4, 6)))
	b.write("dt=2020-01-02/c.csv.gz", gz(csvOf(people(7, 9))))
	b.write("dt=2020-01-02/d.ndjson.zst", zst(linesOf(people(10, 12))))
	b.write("dt=2020-01-03/e.jsonl", linesOf(people(13, 15)))
	b.write("dt=2020-01-03/f.json", []byte("["+strings.ReplaceAll(strings.TrimSpace(string(linesOf(people(16, 18)))), "\n", ",")+"]"))
	b.write("dt=2020-01-03/g.parquet.gz", gz(b.parquet(people(19, 19))))
	b.write("dt=2020-01-03/_SUCCESS", []byte("x"))
	b.write("dt=2020-01-03/.a.parquet.crc", []byte("x"))
	b.write("readme.txt", []byte("x"))
	b.start(fraud)
	b.want(slices.Concat(records("prediction", "fraud/default", people(1, 6), " 2020-01-01T00:00:00"),
		records("prediction", "fraud/default", people(7, 12), " 2020-01-02T00:00:00"),
		records("prediction", "fraud/default", people(13, 19), " 2020-01-03T00:00:00"))...)
	b.said("rows:19")
}

// What the name does not say, the configuration does.
func TestFormatByConfiguration(t *testing.T) {
	b := newBench(t)
	b.write("export-1.gz", gz(csvOf(people(1, 2))))
	b.write("export-2", csvOf(people(3, 3)))
	b.start(`sources: [{url: $DIR, path: export-*, format: csv, mapping: {model: fraud, columns: {p: predictions.p}, rest: features}}]`)
	b.want(records("prediction", "fraud/default", people(1, 3), "")...)
}

func TestStandardLayout(t *testing.T) {
	b := newBench(t)
	b.write("fraud/1/train.parquet", b.parquet(people(1, 2)))
	b.write("fraud/1/test/part-1.csv", csvOf(people(3, 3)))
	b.write("fraud/1/test/part-2.csv", csvOf(people(4, 4)))
	b.write("fraud/1/serving/dt=2020-01-01/x.csv", csvOf(people(5, 6)))
	b.write("fraud/1/actuals.csv", []byte("id,actuals.p\n5,true\n"))
	b.write("churn/2/serving.ndjson", linesOf(people(7, 7)))
	b.write("fraud/1/notes.csv", csvOf(people(8, 8)))
	b.write("train.csv", csvOf(people(9, 9)))
	b.start(`sources: [{url: $DIR, layout: standard, mapping: {timestamp: dt, columns: {p: predictions.p}, rest: features}}]`)
	b.want(slices.Concat(records("reference", "fraud/1", people(1, 2), ""), records("reference", "fraud/1", people(3, 4), " test"),
		[]string{"reference fraud/1  true", "reference fraud/1  testtrue"},
		records("prediction", "fraud/1", people(5, 6), " 2020-01-01T00:00:00"), []string{"actual fraud/1 5 a.p=true"},
		records("prediction", "churn/2", people(7, 7), ""))...)
	first, last := b.sink.records[0], b.sink.records[len(b.sink.records)-1]
	if !strings.HasPrefix(first, "reference") || strings.HasPrefix(last, "reference") {
		t.Errorf("from %s to %s: references come first", first, last)
	}
}

// A reference is read as a whole, once, and again when it changes; predictions of
// another source wait for it.
func TestReferenceSource(t *testing.T) {
	b := newBench(t)
	b.write("ref/a.csv", csvOf(people(1, 3)))
	b.write("ref/b.csv", csvOf(people(4, 4)))
	b.write("serving/a.csv", csvOf(people(5, 5)))
	m := "mapping: {model: fraud, columns: {p: predictions.p}, rest: features}"
	config := "sources: [{url: $DIR/serving, " + m + "}, {url: $DIR/ref, kind: reference, dataset: test, " + m + "}]\nbatch_rows: 2"
	down := true
	b.sink.fail = func() error {
		if down = !down; down {
			return errDown
		}
		return nil
	}
	b.start("retry_on_failure: {enabled: false}\n" + config) // each run ends with an error, the next goes on
	want := append(records("reference", "fraud/default", people(1, 4), " test"), "reference fraud/default  testtrue", records("prediction", "fraud/default", people(5, 5), "")[0])
	b.want(want...)
	b.stop()
	b.sink.fail = nil
	b.write("ref/b.csv", csvOf(people(4, 6)))
	b.start(config)
	b.want(append(want, append(records("reference", "fraud/default", people(1, 6), " test"), "reference fraud/default  testtrue")...)...)
}

// A file that cannot be read is told, and stops no other; what stands before the
// damage is kept, and once.
func TestDamagedFiles(t *testing.T) {
	b := newBench(t)
	good := b.parquet(people(1, 2))
	b.write("a.parquet", good[:len(good)-4])
	b.write("b.csv", append(csvOf(people(3, 4)), "5,\"open\n"...))
	b.write("c.csv.gz", csvOf(people(6, 7)))
	b.write("d.csv", csvOf(people(8, 9)))
	b.start(fraud)
	b.want(append(records("prediction", "fraud/default", people(3, 4), ""), records("prediction", "fraud/default", people(8, 9), "")...)...)
	for _, text := range []string{"a.parquet", "b.csv: row 3", "c.csv.gz: is named as gzip-compressed and is not"} {
		b.said(text)
	}
	b.write("a.parquet", good)
	b.want(slices.Concat(records("prediction", "fraud/default", people(1, 2), ""), records("prediction", "fraud/default", people(3, 4), ""),
		records("prediction", "fraud/default", people(8, 9), ""))...)
	b.stop()
	if b.sink.calls != 3 { // what stands before the damage is not sent in each run
		t.Errorf("%d batches were sent", b.sink.calls)
	}
}

// What a run has left is what it lags behind.
func TestLag(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		content []byte
		hours   int
	}{
		"none":      {"fraud/1/serving/a.csv", csvOf(people(1, 1)), 0},
		"broken":    {"fraud/1/serving/a.parquet", []byte("no"), 5},
		"half":      {"fraud/1/serving/a.csv", append(csvOf(people(1, 1)), "2,"...), 5},
		"reference": {"fraud/1/train.parquet", []byte("no"), 5},
		"waiting":   {"churn/1/serving.csv", csvOf(people(1, 1)), 5}, // for its reference
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			age := func(name string, hours int) {
				then := time.Now().Add(-time.Duration(hours) * time.Hour)
				b.check(os.Chtimes(filepath.Join(b.dir, name), then, then))
			}
			b.write("z/1/serving.csv", csvOf(people(9, 9)))
			age("z/1/serving.csv", 9)
			if name == "waiting" {
				b.write("churn/1/train.parquet", []byte("no"))
				age("churn/1/train.parquet", 3)
			}
			b.write(c.file, c.content)
			age(c.file, 5)
			b.start("interval: 1h\nsources: [{url: $DIR, layout: standard, mapping: {columns: {p: predictions.p}, rest: features}}]")
			b.said("Read")
			lag := b.receiver.(*reader).sources[0].progress.Lag(time.Now())
			if hours := int(lag.Hours()); hours != c.hours {
				t.Errorf("%s", lag)
			}
		})
	}
}

// A receiver that is stopped in the middle of a file sends nothing twice.
func TestStoppedInTheMiddle(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", csvOf(people(1, 1500)))
	held := make(chan struct{})
	b.sink.hold = func(ctx context.Context, call int) {
		if call == 2 {
			close(held)
			<-ctx.Done() // and takes the batch nevertheless
		}
	}
	b.start("batch_rows: 400\n" + fraud)
	<-held
	b.stop()
	b.start("batch_rows: 400\n" + fraud)
	b.want(records("prediction", "fraud/default", people(1, 1500), "")...)
	if b.stop(); b.sink.calls != 4 {
		t.Errorf("%d batches were sent", b.sink.calls)
	}
}

// Links that lead out of the folder are not read, and it is said why.
func TestLinksOutOfTheFolder(t *testing.T) {
	b := newBench(t)
	outside := filepath.Join(t.TempDir(), "secret.csv")
	b.check(os.WriteFile(outside, csvOf(people(1, 1)), 0o600))
	b.check(os.Symlink(outside, filepath.Join(b.dir, "a.csv")))
	b.write("b.csv", csvOf(people(2, 2)))
	b.start(fraud)
	b.want(records("prediction", "fraud/default", people(2, 2), "")...)
	b.said("a.csv")
}

// A place that is not there is told, and looked for again.
func TestPlaceThatComesLater(t *testing.T) {
	b := newBench(t)
	b.start(strings.Replace(fraud, "$DIR", "$DIR/later", 1))
	b.said("no such file or directory")
	b.write("later/a.csv", csvOf(people(1, 1)))
	b.want(records("prediction", "fraud/default", people(1, 1), "")...)
}

func TestConfigStruct(t *testing.T) {
	if err := componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()); err != nil {
		t.Error(err)
	}
}

// All mistakes are told at once.
func TestMistakesAreToldAtOnce(t *testing.T) {
	conf := confmap.NewFromStringMap(map[string]any{
		"interval": "1ms", "min_age": -1, "max_files": 0, "sourcess": 1, "batch_rows": 0,
		"sources": []any{
			map[string]any{"url": "", "path": "../x", "kind": "guesses", "format": "xml", "changed": "maybe", "mapping": map[string]any{"rest": "drop"}},
			map[string]any{"url": "gs2://bucket", "layout": "standard", "kind": "actuals"},
			map[string]any{"url": "/data", "delta": map[string]any{"version": 1, "timestamp": "now", "since": -1}},
			map[string]any{"url": "/data", "order": "random"},
			map[string]any{"url": "gs://bucket/x?credentials=secret"},
			map[string]any{"url": "file://data/x"},
			map[string]any{"url": "/data", "path": "x/*.parquet", "delta": map[string]any{"rewrites": "read"}},
			map[string]any{"url": "/data/2", "layout": "standard", "iceberg": map[string]any{"since": 1}},
			map[string]any{"url": "/data/3", "path": "x/*.parquet", "format": "delta", "delta": map[string]any{"rewrites": "read"}},
			map[string]any{"url": "/data/4", "layout": "standard", "format": "iceberg"},
		},
	})
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	if err := conf.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	err := cfg.Validate()
	for _, want := range []string{
		"storage is missing", "interval=1ms", "min_age=-1 must have a unit", "max_files=0", "sourcess", "batch_rows=0",
		`sources[0].url="" names no place`, `sources[0].path="../x" leads out`, `sources[0].kind="guesses" is unknown; known: predictions, actuals, raw_inputs, reference`,
		`sources[0].format="xml" is unknown; known: csv`, `sources[0].changed="maybe"`, `sources[0].mapping.rest="drop"`,
		`sources[1].url="gs2://bucket" has the unknown scheme gs2`, `sources[1].kind="actuals" and layout="standard"`,
		`sources[2].delta.version=1 and delta.timestamp="now"`, "sources[2].delta.since=-1", `sources[3].name="/data" is that of sources[2]`, `sources[3].order="random"`,
		"names Google Cloud Storage, which is not in this build; use driftmeter-full", `sources[5].url="file://data/x" names the host "data"`,
		`sources[6].delta is about a table, and path="x/*.parquet" has files read as they are`, `sources[7].iceberg is about a table, and layout="standard"`,
		`sources[8].path="x/*.parquet" has no meaning with format: delta`, `sources[9].layout="standard" has no meaning with format: iceberg`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("a secret is shown")
	}
}
