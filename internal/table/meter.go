package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// A meter unpacks pages for nothing but their size, in memory that does not depend
// on it. parquet-go unpacks a page into whatever it takes, however much more that
// is than the page's header states; and when a page of LZ4 is damaged, it doubles
// its buffer until the process ends.
type meter struct {
	packed bytes.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	brotli *brotli.Reader
	page   []byte // of LZ4, which has no stream
	data   []byte
}

// check returns why a page of packed bytes does not unpack to at most stated ones.
func (m *meter) check(codec format.CompressionCodec, packed []byte, stated int64) error {
	m.packed.Reset(packed)
	var in io.Reader
	var err error
	switch codec {
	case format.Uncompressed, format.LZO, format.Lz4: // there is nothing to unpack, or nothing that unpacks it
	case format.Snappy:
		var n int
		if n, err = snappy.DecodedLen(packed); err == nil && int64(n) > stated {
			err = errUnpacks
		}
	case format.Lz4Raw:
		if int64(len(m.page)) < stated {
			m.page = make([]byte, stated)
		}
		_, err = lz4.UncompressBlock(packed, m.page[:stated])
	case format.Gzip:
		if m.gzip == nil {
			m.gzip, err = gzip.NewReader(&m.packed)
		} else {
			err = m.gzip.Reset(&m.packed)
		}
		in = m.gzip
	case format.Zstd:
		if m.zstd == nil {
			m.zstd, err = zstd.NewReader(&m.packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		} else {
			err = m.zstd.Reset(&m.packed)
		}
		in = m.zstd
	case format.Brotli:
		if m.brotli == nil {
			m.brotli = brotli.NewReader(&m.packed)
		} else {
			err = m.brotli.Reset(&m.packed)
		}
		in = m.brotli
	}
	if err == nil && in != nil {
		var n int64
		if n, err = io.Copy(io.Discard, io.LimitReader(in, stated+1)); err == nil && n > stated {
			err = errUnpacks
		}
	}
	if err != nil {
		return fmt.Errorf("states a page of %d bytes that cannot be unpacked: %w", stated, err)
	}
	return nil
}

var errUnpacks = errors.New("it has more")

// zstdWindow is what zstd's highest levels take; --long takes more.
const zstdWindow = 128 << 20

func (m *meter) close() {
	if m.zstd != nil {
		m.zstd.Close()
	}
}
