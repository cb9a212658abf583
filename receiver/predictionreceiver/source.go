package predictionreceiver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// formats are what a body may be, by the media type.
var formats = map[string]string{
	"application/json":               rowlog.JSON,
	"application/x-ndjson":           rowlog.NDJSON,
	"application/ndjson":             rowlog.NDJSON,
	"application/jsonl":              rowlog.NDJSON,
	"application/json-lines":         rowlog.NDJSON,
	"text/csv":                       rowlog.CSV,
	"application/csv":                rowlog.CSV,
	"application/vnd.apache.parquet": rowlog.Parquet,
	"application/x-parquet":          rowlog.Parquet,
	"application/parquet":            rowlog.Parquet,
}

// unsaid are media types that clients send when nobody told them what it is: curl
// says the second of whatever it posts.
var unsaid = map[string]bool{"": true, "application/x-www-form-urlencoded": true, "application/octet-stream": true, "text/plain": true}

// errMedia is why a body is of no known kind.
type errMedia struct{ said, known string }

func (e errMedia) Error() string {
	return fmt.Sprintf("%s is no kind of body that can be read; send %s", cmp.Or(e.said, "what has no media type"), e.known)
}

// noRows is why a body has no rows that can be read.
func noRows(said string) error {
	return errMedia{said, "application/json, application/x-ndjson, text/csv or application/vnd.apache.parquet"}
}

// openSource finds out what a body is, and reads the beginning of it.
func openSource(wk *rowlog.Worker, header http.Header, format string, body io.Reader) (rowlog.Source, error) {
	if format == "" {
		media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
		if err != nil && header.Get("Content-Type") != "" {
			return rowlog.Source{}, noRows(header.Get("Content-Type"))
		}
		known, ok := formats[media]
		if !ok && !unsaid[media] {
			return rowlog.Source{}, noRows(media)
		}
		format = known
	}
	in, err := wk.Open(format, body)
	if _, unknown := errors.AsType[rowlog.ErrFormat](err); unknown {
		return in, noRows("format=" + format)
	}
	return in, err
}
