package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/driftmeter/driftmeter/testbed"
)

const largeConfig = `
receivers:
  dataset:
    storage: file_storage
    min_age: 0s
    sources: [{url: $ROWS, mapping: {model: load}}]
exporters:
  nop:
extensions:
  file_storage: {directory: $DIR, create_directory: true}
service:
  extensions: [file_storage]
  pipelines:
    logs: {receivers: [dataset], exporters: [nop]}
  telemetry:
    metrics:
      level: normal
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: $OWN}}}
`

const (
	largeColumns = 40      // features, numbers that nothing packs
	largeGroup   = 100_000 // rows
)

// large lets the Collector read one file of Parquet of so many bytes, and prints
// what that took.
func large(o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "driftmeter-large")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	bin, err := testbed.Binary(dir)
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, "rows")
	rows, size, err := largeFile(folder, int64(o.file)<<20, progress)
	if err != nil {
		return err
	}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	p, err := launch(ctx, bin, dir, largeConfig, map[string]any{"ROWS": folder, "DIR": filepath.Join(dir, "state"), "OWN": ports[0]})
	if err != nil {
		return err
	}
	defer p.Kill()
	for read := int64(0); read < rows; time.Sleep(time.Second) {
		values, err := testbed.Scrape(ctx, fmt.Sprintf("127.0.0.1:%d", ports[0]))
		if err != nil {
			return fmt.Errorf("%w\n%s", err, p.Output())
		}
		read = 0
		for name, v := range values {
			if strings.HasPrefix(name, rowsRead) {
				read += int64(v)
			}
		}
		fmt.Fprintf(progress, "%d of %d rows read\n", read, rows)
	}
	used, err := testbed.CPU(p.PID())
	memory, err2 := testbed.PeakMemory(p.PID())
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d rows of %d columns, %d MB: peak memory %d MB, %.1f µs of processor time a row\n",
		rows, largeColumns+3, size/1e6, memory/1e6, float64(used.Microseconds())/float64(rows))
	return nil
}

// rowsRead begins the names of the counter of each source.
const rowsRead = "otelcol_dataset_rows_read{"

// largeFile writes rows until there are as many bytes.
func largeFile(folder string, size int64, progress io.Writer) (rows, bytes int64, err error) {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return 0, 0, err
	}
	f, err := os.Create(filepath.Join(folder, "rows.parquet"))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close() //nolint:errcheck // looked at below, where it matters
	columns := parquet.Group{"id": parquet.Leaf(parquet.Int64Type), "timestamp": parquet.Timestamp(parquet.Microsecond), "predictions.score": parquet.Leaf(parquet.DoubleType)}
	for i := range largeColumns {
		columns[fmt.Sprintf("features.f%02d", i)] = parquet.Leaf(parquet.DoubleType)
	}
	schema := parquet.NewSchema("rows", columns)
	w := parquet.NewGenericWriter[any](f, schema, parquet.MaxRowsPerRowGroup(largeGroup))
	rng := rand.New(rand.NewPCG(1, 2))
	first := time.Now().Add(-24 * time.Hour).UnixMicro()
	row := make(parquet.Row, len(schema.Columns()))
	for {
		for range largeGroup {
			for i, name := range schema.Columns() {
				v := parquet.DoubleValue(rng.NormFloat64())
				switch name[0] {
				case "id":
					v = parquet.Int64Value(rows)
				case "timestamp":
					v = parquet.Int64Value(first + rows)
				}
				row[i] = v.Level(0, 0, i)
			}
			if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
				return 0, 0, err
			}
			rows++
		}
		if err := w.Flush(); err != nil {
			return 0, 0, err
		}
		s, err := f.Stat()
		if err != nil {
			return 0, 0, err
		}
		fmt.Fprintf(progress, "%d of %d MB written\n", s.Size()>>20, size>>20)
		if s.Size() >= size {
			return rows, s.Size(), errors.Join(w.Close(), f.Close())
		}
	}
}
