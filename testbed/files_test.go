package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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
