package table

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/format"
)

var codecs = map[format.CompressionCodec]compress.Codec{
	format.Snappy: &parquet.Snappy, format.Gzip: &parquet.Gzip, format.Brotli: &parquet.Brotli,
	format.Zstd: &parquet.Zstd, format.Lz4Raw: &parquet.Lz4Raw,
}

// A page may unpack to what it states and no further, whatever packs it; each
// meter takes one page after another, also after one that was refused.
func TestMeter(t *testing.T) {
	var m meter
	defer m.close()
	page := bytes.Repeat([]byte("0123456789"), 10_000)
	for range 2 {
		for of, codec := range codecs {
			packed, err := codec.Encode(nil, page)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.check(of, packed, int64(len(page))); err != nil {
				t.Errorf("%v: %v", of, err)
			}
			if err := m.check(of, packed, int64(len(page))-1); err == nil {
				t.Errorf("%v: a page of more than it states is taken", of)
			}
			for _, broken := range [][]byte{packed[:len(packed)/2], slices.Concat([]byte{0xff, 0xff}, packed), nil} {
				if err := m.check(of, broken, 10); err == nil && len(broken) > 0 {
					t.Errorf("%v: a page of %d broken bytes is taken", of, len(broken))
				}
			}
		}
	}
}

// A file in which every page states a tenth of what it unpacks to is refused,
// in both versions of pages.
func TestPagesThatUnpackToMore(t *testing.T) {
	type row struct {
		A string `parquet:"a,optional"`
	}
	for of, codec := range codecs {
		for version := 1; version <= 2; version++ {
			var b bytes.Buffer
			w := parquet.NewGenericWriter[row](&b, parquet.Compression(codec), parquet.DataPageVersion(version))
			for range 1000 {
				if _, err := w.Write([]row{{strings.Repeat("x", 100)}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := drain(b.Bytes(), defaults); err != nil {
				t.Fatalf("%v, version %d: %v", of, version, err)
			}
			src := inMemory("t.parquet", b.Bytes())
			r, err := openParquet(src, defaults)
			if err != nil {
				t.Fatal(err)
			}
			chunk := r.(*parquetReader).file.Metadata().RowGroups[0].Columns[0].MetaData
			h, n, err := readPageHeader(src, chunk.DataPageOffset, chunk.DataPageOffset+chunk.TotalCompressedSize)
			if err != nil {
				t.Fatal(err)
			}
			h.unpacked /= 10
			var m meter
			if err := m.read(src, chunk.DataPageOffset+n, h, chunk.Codec); err == nil || !strings.Contains(err.Error(), "cannot be unpacked") {
				t.Errorf("%v, version %d: %v", of, version, err)
			}
			m.close()
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
