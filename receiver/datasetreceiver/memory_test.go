package datasetreceiver

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/pdata/plog"
)

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
