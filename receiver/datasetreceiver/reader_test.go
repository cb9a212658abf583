package datasetreceiver

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/plog"
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

// Only what is new is read: new files, rows that were added, also after a restart.
func TestOnlyWhatIsNew(t *testing.T) {
	for _, c := range []struct {
		changed string
		want    func() []string
	}{
		{"new_rows", func() []string { return records("prediction", "fraud/default", people(1, 12), "") }},
		{"none", func() []string {
			return append(records("prediction", "fraud/default", people(1, 4), ""), records("prediction", "fraud/default", people(9, 12), "")...)
		}},
	} {
		t.Run(c.changed, func(t *testing.T) {
			b := newBench(t)
			config := strings.Replace(fraud, "timestamp: dt", "timestamp: at", 1) + "    changed: " + c.changed
			b.write("a.csv", csvOf(people(1, 2)))
			b.write("b.parquet", b.parquet(people(3, 4)))
			b.start(config)
			b.want(records("prediction", "fraud/default", people(1, 4), "")...)
			b.stop()
			b.write("a.csv", append(csvOf(people(1, 2)), csvRows(people(5, 6))...))
			b.write("b.parquet", b.parquet(append(people(3, 4), people(7, 8)...)))
			b.write("c.csv", csvOf(people(9, 10)))
			b.start(config)
			b.said("Read")
			b.write("d.csv", csvOf(people(11, 12)))
			b.want(c.want()...)
		})
	}
}

// A file of the same name with other content is another file.
func TestOtherContent(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", csvOf(people(1, 3)))
	b.write("b.parquet", b.parquet(people(4, 6)))
	b.start(fraud)
	b.want(records("prediction", "fraud/default", people(1, 6), "")...)
	b.write("a.csv", csvOf(people(7, 12)))
	b.write("b.parquet", b.parquet(people(13, 14))) // fewer rows than before
	b.want(append(records("prediction", "fraud/default", people(1, 6), ""), append(records("prediction", "fraud/default", people(7, 12), ""),
		records("prediction", "fraud/default", people(13, 14), "")...)...)...)
}

// A text that is shorter than it was is another, whatever its beginning.
func TestShorterText(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", csvOf(people(1, 3)))
	b.write("b.csv", csvOf(people(4, 6)))
	b.start(fraud)
	b.want(records("prediction", "fraud/default", people(1, 6), "")...)
	b.write("a.csv", csvOf(people(7, 8)))
	b.write("b.csv", csvOf(people(4, 5)))
	b.want(slices.Concat(records("prediction", "fraud/default", people(1, 6), ""), records("prediction", "fraud/default", people(7, 8), ""),
		records("prediction", "fraud/default", people(4, 5), ""))...)
}

// The last line of a text is perhaps half of one: it is read when a later run finds no
// more of it, and again when it goes on after that.
func TestHalfALine(t *testing.T) {
	for name, of := range map[string]func([]person) []byte{"a.csv": csvOf, "a.ndjson": linesOf} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			whole := func(n int) string { return string(of(people(1, n))) }
			half := func(n int) string { return strings.TrimRight(whole(n), "}5\n") } // … 0.
			want, runs := []string{}, 0
			run := func(content string, more ...string) {
				t.Helper()
				b.write(name, []byte(content))
				runs++
				b.write(fmt.Sprintf("z%d.csv", runs), csvOf(people(100+runs, 100+runs))) // it is read after the other
				want = append(want, append(more, records("prediction", "fraud/default", people(100+runs, 100+runs), "")...)...)
				b.start("interval: 1h\n" + fraud)
				b.want(want...)
				b.stop()
			}
			row := func(from, to int) []string { return records("prediction", "fraud/default", people(from, to), "") }
			run(half(1))
			run(half(3), row(1, 2)...)
			run(half(4), row(3, 3)...)
			run(strings.TrimSpace(whole(4)))
			run(strings.TrimSpace(whole(4)), row(4, 4)...) // it was the end
			run(strings.TrimSpace(whole(4)))
			run(whole(5), row(5, 5)...)
			run(half(6))
			if name == "a.csv" {
				run(half(6), strings.Replace(row(6, 6)[0], "0.5", "0", 1))
			} else {
				run(half(6))
				b.said("not_json")
			}
			run(whole(7), row(6, 7)...)
		})
	}
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

// A file that is gone is forgotten after a while, not at once.
func TestForgotten(t *testing.T) {
	b := newBench(t)
	marks := 0
	var want []string
	run := func(config string, more ...string) { // until the first run has ended
		t.Helper()
		b.start(config + "    path: \"*.csv\"\n")
		for range 2 {
			marks++
			b.write(fmt.Sprintf("z%d.csv", marks), csvOf(people(100+marks, 100+marks)))
			want = append(want, records("prediction", "fraud/default", people(100+marks, 100+marks), "")...)
			b.want(append(slices.Clone(want), more...)...)
		}
		b.stop()
		want = append(want, more...)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(b.keys(), func(key string) bool { return strings.HasSuffix(key, "/"+name) })
	}
	b.write("a.csv", csvOf(people(1, 2)))
	run(fraud, records("prediction", "fraud/default", people(1, 2), "")...)
	b.check(os.Remove(filepath.Join(b.dir, "a.csv")))
	run(fraud)
	run(fraud)
	b.write("a.csv", csvOf(people(1, 2)))
	if run(fraud); !has("a.csv") {
		t.Error("it is forgotten")
	}
	b.check(os.Remove(filepath.Join(b.dir, "a.csv")))
	run(fraud)
	if run("forget_after: 1ns\n" + fraud); has("a.csv") || !has("z1.csv") {
		t.Error(b.keys())
	}
	b.said("are forgotten")
	b.write("a.csv", csvOf(people(1, 2)))
	run(fraud, records("prediction", "fraud/default", people(1, 2), "")...)
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

// Files of some hundred megabytes take a bounded part of memory.
func TestMemoryIsBounded(t *testing.T) {
	type document struct {
		ID   string `parquet:"id"`
		Text string `parquet:"features.text"`
	}
	const rows, size = 40_000, 10_000
	text := strings.Repeat("0123456789", size/10)
	documents := func(fn func(document) error) error {
		for i := range rows {
			if err := fn(document{fmt.Sprint(i), fmt.Sprintf("%d %s", i, text[:size-10])}); err != nil {
				return err
			}
		}
		return nil
	}
	for name, write := range map[string]func(io.Writer) error{
		"large.parquet": func(out io.Writer) error {
			w := parquet.NewGenericWriter[document](out, parquet.MaxRowsPerRowGroup(10_000), parquet.PageBufferSize(1<<20))
			err := documents(func(d document) error {
				_, err := w.Write([]document{d})
				return err
			})
			return errors.Join(err, w.Close())
		},
		"large.csv": func(out io.Writer) error {
			w := bufio.NewWriterSize(out, 1<<20)
			_, err := w.WriteString("id,features.text\n")
			return errors.Join(err, documents(func(d document) error {
				_, err := fmt.Fprintf(w, "%s,%s\n", d.ID, d.Text)
				return err
			}), w.Flush())
		},
		"large.ndjson.gz": func(out io.Writer) error {
			w, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
			if err != nil {
				return err
			}
			return errors.Join(documents(func(d document) error {
				_, err := fmt.Fprintf(w, "{\"id\":%q,\"features\":{\"text\":%q}}\n", d.ID, d.Text)
				return err
			}), w.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			out, err := os.Create(filepath.Join(b.dir, name))
			b.check(err)
			b.check(errors.Join(write(out), out.Close()))
			runtime.GC()
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			most, count, bytes, done := uint64(0), 0, 0, make(chan struct{})
			b.sink.seen = func(ld plog.Logs) {
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
				bytes += (&plog.ProtoMarshaler{}).LogsSize(ld)
				if count += ld.LogRecordCount(); count == rows {
					close(done)
				}
			}
			b.start(`sources: [{url: $DIR, mapping: {model: documents}}]`)
			<-done
			b.stop()
			if held := int64(most) - int64(before.HeapInuse); held > 150<<20 || bytes < 300<<20 {
				t.Errorf("%d MiB of memory for %d MiB of rows", held>>20, bytes>>20)
			} else {
				t.Logf("%d MiB of memory for %d MiB of rows", held>>20, bytes>>20)
			}
		})
	}
}

// Pages that are larger than the memory for them are refused before they are read.
func TestPagesBeyondMemory(t *testing.T) {
	type document struct {
		Text string `parquet:"features.text"`
	}
	b := newBench(t)
	out, err := os.Create(filepath.Join(b.dir, "large.parquet"))
	b.check(err)
	b.check(parquet.Write(out, []document{{strings.Repeat("x", 3<<20)}}, parquet.PageBufferSize(8<<20)))
	b.check(out.Close())
	b.start("max_memory_mib: 1\nsources: [{url: $DIR, mapping: {model: documents}}]")
	b.said("large.parquet")
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
