package predictionreceiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// source is a body, row by row. Its next returns io.EOF at the end, an error of
// type *mapping.RowError about one row, or why the body cannot be read.
type source struct {
	next  func(*tree.Node) error
	close func()
}

// formats are what a body may be, by the media type.
var formats = map[string]string{
	"application/json":               "json",
	"application/x-ndjson":           "ndjson",
	"application/ndjson":             "ndjson",
	"application/jsonl":              "ndjson",
	"application/json-lines":         "ndjson",
	"text/csv":                       "csv",
	"application/csv":                "csv",
	"application/vnd.apache.parquet": "parquet",
	"application/x-parquet":          "parquet",
	"application/parquet":            "parquet",
}

// unsaid are media types that clients send when nobody told them what it is: curl
// says the second of whatever it posts.
var unsaid = map[string]bool{"": true, "application/x-www-form-urlencoded": true, "application/octet-stream": true, "text/plain": true}

// errMedia is why a body is of no known kind.
type errMedia string

func (e errMedia) Error() string {
	return fmt.Sprintf("%s is no kind of body that can be read; send application/json, application/x-ndjson, text/csv or application/vnd.apache.parquet", string(e))
}

// openSource finds out what a body is, and reads the beginning of it.
func openSource(header http.Header, format string, body io.Reader) (source, error) {
	if format == "" {
		media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
		if err != nil && header.Get("Content-Type") != "" {
			return source{}, errMedia(header.Get("Content-Type"))
		}
		known, ok := formats[media]
		if !ok && !unsaid[media] {
			return source{}, errMedia(media)
		}
		format = known
	}
	if format == "" {
		begin := make([]byte, 512)
		n, err := io.ReadFull(body, begin)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return source{}, err
		}
		format = looksLike(begin[:n])
		body = io.MultiReader(bytes.NewReader(begin[:n]), body)
	}
	switch format {
	case "json":
		return jsonSource(tree.NewRows(body, rowLimits)), nil
	case "ndjson":
		return jsonSource(tree.NewLines(body, rowLimits)), nil
	case "csv", "parquet":
		return tableSource(body, "."+format)
	}
	return source{}, errMedia("format=" + format)
}

// rowLimits bound one row of JSON.
var rowLimits = tree.Limits{Bytes: 4 << 20, Values: 1 << 18, Depth: 32}

// looksLike tells what a body is by its beginning.
func looksLike(begin []byte) string {
	text := bytes.TrimLeft(begin, " \t\r\n\xef\xbb\xbf")
	switch {
	case bytes.HasPrefix(begin, []byte("PAR1")):
		return "parquet"
	case len(text) == 0, text[0] == '{', text[0] == '[':
		return "json"
	}
	return "csv"
}

func jsonSource(rows *tree.Rows) source {
	return source{
		next: func(n *tree.Node) (err error) {
			*n, err = rows.Next()
			if row, ok := errors.AsType[*tree.Error](err); ok {
				return &mapping.RowError{Reason: row.Reason, Problem: row.Problem, Hint: row.Hint}
			}
			return err
		},
		close: func() {},
	}
}

// tableSource reads all of a body, since Parquet is read from its end, and CSV
// twice: the kinds of its columns come from its rows.
func tableSource(body io.Reader, extension string) (source, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return source{}, err
	}
	r, err := table.OpenBytes("body", extension, b)
	if err != nil {
		return source{}, plain(err)
	}
	cells := make([]table.Cell, len(r.Columns()))
	return source{
		next: func(n *tree.Node) error {
			more, err := r.Next(cells)
			switch {
			case err != nil:
				return plain(err)
			case !more:
				return io.EOF
			}
			mapping.FromTable(r.Columns(), cells, n)
			return nil
		},
		close: func() { _ = r.Close() }, // it was only read
	}, nil
}

// plain leaves the name of a file that is none out of a message.
func plain(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "body: "))
}
