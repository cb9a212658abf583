package testbed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// datasetKeys is what a user writes for the tables of loans below a url.
const datasetKeys = `
  dataset:
    storage: file_storage
    interval: 100ms
    min_age: 0s
    batch_rows: $BATCH
    sources:
      - {url: "$URL/reference$QUERY", kind: reference, mapping: &loans {model: synthetic_car_loan, columns: {y_pred_proba: predictions.proba}, labels: {proba: repaid}, types: {actuals.proba: boolean}, rest: features}}
      - {url: "$URL/served$QUERY", mapping: *loans}
      - {url: "$URL/actuals$QUERY", kind: actuals, mapping: *loans}
`

// newFileRig is a Collector with groundtruth that reads files, and takes OTLP.
func newFileRig(t *testing.T, url, query string, batch int) *rig {
	t.Helper()
	r := newRig(t, loanModel, "", nil)
	r.values["PIPELINE"], r.values["PROFILE"] = "groundtruth, profile", "flush_interval: 100ms"
	r.values["URL"], r.values["QUERY"], r.values["BATCH"], r.values["KEPT"] = url, query, batch, t.TempDir()
	text := strings.Replace(base, "processors:\n", strings.TrimPrefix(datasetKeys, "\n")+"processors:\n", 1)
	text = strings.Replace(text, "receivers: [otlp]", "receivers: [otlp, dataset]", 1)
	text = strings.Replace(text, "extensions:\n", "extensions:\n  file_storage: {directory: $KEPT}\n", 1)
	text = strings.Replace(text, "extensions: [modelstore]", "extensions: [modelstore, file_storage]", 1)
	var err error
	r.config, err = WriteConfig(t.TempDir(), text, r.values)
	r.check(err)
	return r
}

// loanFiles writes the tables of loans below a folder, in parts of each.
func loanFiles(t *testing.T, folder, end string, reference, served []loan, write func([]loan) []byte, writeOutcomes func([]outcome) []byte) {
	t.Helper()
	put := func(name string, content []byte) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	half := len(served) / 2
	put("reference/all"+end, write(reference))
	put("served/part=1/a"+end, write(unlabelled(served[:half])))
	put("served/part=2/b"+end, write(unlabelled(served[half:])))
	put("actuals/a"+end, writeOutcomes(outcomes(served)))
}

// sure takes the error out of what writes into memory.
func sure[R any](write func([]R) ([]byte, error)) func([]R) []byte {
	return func(rows []R) []byte {
		b, err := write(rows)
		if err != nil {
			panic(err)
		}
		return b
	}
}

func zipped[R any](rows []R) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(sure(asLines[R])(rows)); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func zstLines[R any](rows []R) ([]byte, error) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(sure(asLines[R])(rows), nil), nil
}

// A real data set gives exactly the same metrics through files as through OTLP: in
// every format, as Delta tables that delta-rs has written, and from a bucket.
func TestFilesGiveTheMetricsOfOTLP(t *testing.T) {
	reference, served := loans(t, "reference.csv.gz", 8000), loans(t, "monitoring.csv.gz", 6000)
	want := loansByOTLP(t, reference, served)
	compare := func(t *testing.T, url, query string) {
		t.Helper()
		r := newFileRig(t, url, query, 777)
		r.start()
		var text string
		r.eventually(func() string { return text }, func() bool {
			text = different(r.sink.everything(), want)
			return text == ""
		})
		r.stop()
	}
	for end, write := range map[string]struct {
		loans    func([]loan) ([]byte, error)
		outcomes func([]outcome) ([]byte, error)
	}{
		".parquet": {asParquet[loan], asParquet[outcome]}, ".csv.gz": {packedCSV[loan], packedCSV[outcome]},
		".ndjson.gz": {zipped[loan], zipped[outcome]}, ".jsonl.zst": {zstLines[loan], zstLines[outcome]},
	} {
		t.Run(end, func(t *testing.T) {
			dir := t.TempDir()
			loanFiles(t, dir, end, reference, served, sure(write.loans), sure(write.outcomes))
			compare(t, dir, "")
		})
	}
	t.Run("Delta", func(t *testing.T) {
		from, dir := t.TempDir(), t.TempDir()
		for name, content := range map[string][]byte{"reference": sure(asParquet[loan])(reference),
			"served": sure(asParquet[loan])(unlabelled(served)), "actuals": sure(asParquet[outcome])(outcomes(served))} {
			path := filepath.Join(from, name+".parquet")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			runPython(t, "delta.py", path, filepath.Join(dir, name))
		}
		compare(t, dir, "")
		t.Run("S3", func(t *testing.T) {
			server := moto(t)
			runPython(t, "s3.py", server, "lake", dir)
			compare(t, "s3://lake", "?region=us-east-1&use_path_style=true&endpoint="+server)
		})
	})
	t.Run("S3", func(t *testing.T) {
		dir := t.TempDir()
		loanFiles(t, dir, ".parquet", reference, served, sure(asParquet[loan]), sure(asParquet[outcome]))
		server := moto(t)
		runPython(t, "s3.py", server, "scores", dir)
		compare(t, "s3://scores", "?region=us-east-1&use_path_style=true&endpoint="+server)
	})
}

// A Collector that is killed in the midst of files, again and again, counts every
// row once: also those without an id, of which only the place tells them apart.
func TestKilledInTheMidstOfFiles(t *testing.T) {
	rng := seeded(t)
	const files, rows = 4, 12_000
	dir := t.TempDir()
	at := window.Add(-24 * time.Hour)
	var text strings.Builder
	text.WriteString("timestamp,features.age,predictions.score\n")
	for range rows {
		fmt.Fprintf(&text, "%s,41,0.5\n", at.Format(time.RFC3339)) // each the same
	}
	var lines strings.Builder
	for range rows {
		fmt.Fprintf(&lines, "{\"timestamp\":%q,\"features\":{\"age\":41},\"predictions\":{\"score\":0.5}}\n", at.Format(time.RFC3339))
	}
	for i := range files {
		name, content := fmt.Sprintf("%d.csv", i), text.String()
		if i%2 == 1 {
			name, content = fmt.Sprintf("%d.ndjson", i), lines.String()
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, "\nmodels: [{name: m, type: regression, outputs: [{prediction: score}]}]\nwarmup: 100", "", nil)
	r.values["PROFILE"], r.values["KEPT"], r.values["URL"] = "flush_interval: 100ms", t.TempDir(), dir
	config := strings.Replace(base, "processors:\n", "  dataset: {storage: file_storage, interval: 100ms, min_age: 0s, batch_rows: 50, sources: [{url: $URL, mapping: {model: m}}]}\nprocessors:\n", 1)
	config = strings.Replace(config, "receivers: [otlp]", "receivers: [dataset]", 1)
	config = strings.Replace(config, "extensions:\n", "extensions:\n  file_storage: {directory: $KEPT}\n", 1)
	config = strings.Replace(config, "extensions: [modelstore]", "extensions: [modelstore, file_storage]", 1)
	config = strings.Replace(config, "  otlp:\n    protocols:\n      grpc: {endpoint: 127.0.0.1:$GRPC}\n      http: {endpoint: 127.0.0.1:$HTTP}\n", "", 1)
	var err error
	r.config, err = WriteConfig(t.TempDir(), config, r.values)
	r.check(err)
	read := func() float64 {
		samples, err := Scrape(r.context(), r.own)
		if err != nil {
			return 0 // it has just begun
		}
		return Sum(samples, "otelcol_dataset_rows_read_total", "") + Sum(samples, "otelcol_dataset_rows_read", "")
	}
	kills := 0
	for range 6 {
		r.launch()
		r.check(r.p.Ready(r.context()))
		enough := float64(1 + rng.IntN(2500))
		r.eventually(func() string { return fmt.Sprintf("%v rows are read, want %v", read(), enough) }, func() bool {
			return read() >= enough || r.sink.Total("ml.model.predictions", Whole) == files*rows
		})
		r.p.Kill()
		kills++
	}
	r.start()
	count := func() float64 { return r.sink.Total("ml.model.predictions", Whole) }
	r.eventually(func() string { return fmt.Sprintf("%v predictions are counted, want %d", count(), files*rows) },
		func() bool { return count() == files*rows })
	r.stop()
	if said := r.p.Output(); strings.Contains(said, "panic") {
		t.Error(tail(said, 40))
	}
	t.Logf("%d kills", kills)
}
