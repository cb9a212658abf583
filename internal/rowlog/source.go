package rowlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Source is a body, row by row.
type Source struct {
	// Next fills in a row, which is valid until the next call. It returns io.EOF at
	// the end, an error of type *mapping.RowError about one row, or why the body
	// cannot be read.
	Next func(*tree.Node) error
	// Close releases what the body holds.
	Close func()
}

// The formats of bodies.
const (
	JSON    = "json"
	NDJSON  = "ndjson"
	CSV     = "csv"
	Parquet = "parquet"
)

// RowLimits bound one row of JSON, each value of which takes up to 240 bytes for a
// moment.
var RowLimits = tree.Limits{Bytes: 4 << 20, Values: 1 << 17, Depth: 32}

// ErrFormat is a format that is not known.
type ErrFormat string

func (e ErrFormat) Error() string {
	return fmt.Sprintf("the format %q is unknown; known: json, ndjson, csv, parquet", string(e))
}

// Open reads the beginning of a body; without a format it finds out by that.
func Open(format string, body io.Reader) (Source, error) {
	return open(format, body, tree.NewLines(nil, RowLimits))
}

// Open reads the beginning of a body likewise, with what the worker knows of those
// before it. The source is to be closed before the worker opens another.
func (w *Worker) Open(format string, body io.Reader) (Source, error) {
	return open(format, body, w.rows)
}

func open(format string, body io.Reader, rows *tree.Rows) (Source, error) {
	if format == "" {
		begin := make([]byte, 512)
		n, err := io.ReadFull(body, begin)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return Source{}, err
		}
		format = looksLike(begin[:n])
		body = io.MultiReader(bytes.NewReader(begin[:n]), body)
	}
	switch format {
	case JSON:
		rows.Reset(body, false)
		return Rows(rows), nil
	case NDJSON:
		rows.Reset(body, true)
		return Rows(rows), nil
	case CSV, Parquet:
		return tableSource(body, "."+format)
	}
	return Source{}, ErrFormat(format)
}

// looksLike tells what a body is by its beginning.
func looksLike(begin []byte) string {
	text := bytes.TrimLeft(begin, " \t\r\n\xef\xbb\xbf")
	switch {
	case bytes.HasPrefix(begin, []byte("PAR1")):
		return Parquet
	case len(text) == 0, text[0] == '{', text[0] == '[':
		return JSON
	}
	return CSV
}

// Rows is a source of rows of JSON, of which each is valid until the next.
func Rows(rows *tree.Rows) Source {
	return Source{
		Next: func(n *tree.Node) (err error) {
			*n, err = rows.Next()
			if row, ok := errors.AsType[*tree.Error](err); ok {
				return &mapping.RowError{Reason: row.Reason, Problem: row.Problem, Hint: row.Hint}
			}
			return err
		},
		Close: func() { rows.Reset(nil, false) },
	}
}

// tableSource reads all of a body, since Parquet is read from its end, and CSV
// twice: the kinds of its columns come from its rows.
func tableSource(body io.Reader, extension string) (Source, error) {
	b, err := ReadAll(body)
	if err != nil {
		return Source{}, err
	}
	r, err := table.OpenBytes("body", extension, b)
	if err != nil {
		return Source{}, plain(err)
	}
	return tableRows(r, plain), nil
}

// ReadAll is io.ReadAll, which leaves behind five times what it reads.
func ReadAll(r io.Reader) ([]byte, error) {
	var parts [][]byte
	for size := 64 << 10; ; size = min(2*size, 4<<20) {
		part := make([]byte, 0, size)
		for len(part) < size {
			n, err := r.Read(part[len(part):size])
			part = part[:len(part)+n]
			if errors.Is(err, io.EOF) {
				return bytes.Join(append(parts, part), nil), nil
			}
			if err != nil {
				return nil, err
			}
		}
		parts = append(parts, part)
	}
}

// plain leaves the name of a file that is none out of a message.
func plain(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "body: "))
}
