package datasetreceiver

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/table"
)

// Texts that are not packed grow at their end, and are perhaps looked at while they
// do. So it is kept how they begin, and whether their last line has an end.

// text reports whether a file is a text that may grow.
func (f *file) text() bool {
	name := strings.ToLower(f.Path)
	return f.format != rowlog.Parquet && !strings.HasSuffix(name, ".gz") && !strings.HasSuffix(name, ".zst")
}

// lines reports whether its rows are lines, so that half of one can be taken for a
// row; of objects and arrays that is told.
func (f *file) lines() bool { return f.text() && f.format != rowlog.JSON }

// headBytes is how much of a text tells it from another one.
const headBytes = 4096

// headOf hashes the beginning of a file, as much as there was of it at a size.
func headOf(f table.File, size int64) (string, error) {
	b := make([]byte, min(size, headBytes))
	if err := readAt(f, b, 0); err != nil {
		return "", err
	}
	return strconv.FormatUint(xxh3.Hash(b), 16), nil
}

// endOfLines is where the last line that has an end ends.
func endOfLines(f table.File) (int64, error) {
	b := make([]byte, 64<<10)
	for at := f.Size; at > 0; {
		b = b[:min(at, int64(len(b)))]
		at -= int64(len(b))
		if err := readAt(f, b, at); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
	}
	return 0, nil
}

// goesOn reports whether a line goes on at a place.
func goesOn(f table.File, at int64) (bool, error) {
	var b [1]byte
	err := readAt(f, b[:], at)
	return b[0] != '\n' && b[0] != '\r', err
}

// readAt fills b; the end of the file may be that of b.
func readAt(f table.File, b []byte, at int64) error {
	if n, err := f.ReadAt(b, at); err != nil && (!errors.Is(err, io.EOF) || n < len(b)) {
		return err
	}
	return nil
}
