package rowlog

import (
	"errors"
	"io"
	"path"
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// extensions are the ends of names with the formats that they mean.
var extensions = map[string]string{".csv": CSV, ".parquet": Parquet, ".ndjson": NDJSON, ".jsonl": NDJSON, ".json": JSON}

// FormatOf tells the format of a file by its name, whether it is packed or not.
func FormatOf(name string) (string, bool) {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	f, ok := extensions[path.Ext(name)]
	return f, ok
}

// ErrExtension says that the name of a file does not tell what it is.
var ErrExtension = errors.New("its name does not say what it is; let it end with .csv, .parquet, .ndjson, .jsonl or .json, also .gz or .zst behind that")

// OpenFile begins to read an open file, which is closed with its rows, and if there
// is an error. The pages of Parquet take up to memory bytes, and rows of JSON what
// the limits say.
func OpenFile(in table.File, format string, memory int64, limits tree.Limits) (Source, error) {
	if format == NDJSON || format == JSON {
		text, err := table.Unpack(in)
		if err != nil {
			return Source{}, err
		}
		rows := tree.NewLines(text, limits)
		if format == JSON {
			rows = tree.NewRows(text, limits)
		}
		return Source{Next: Rows(rows).Next, Close: func() { _ = text.Close() }}, nil // it was only read
	}
	in.Name = named(in.Name, format)
	r, err := table.OpenFile(in, memory)
	if err != nil {
		return Source{}, err
	}
	return tableRows(r, func(err error) error { return err }), nil
}

// named returns the name of a file with an end that says what it is.
func named(name, format string) string {
	if known, ok := FormatOf(name); ok && known == format {
		return name
	}
	for _, packed := range []string{".gz", ".zst"} {
		if strings.HasSuffix(strings.ToLower(name), packed) {
			return name + "." + format + packed
		}
	}
	return name + "." + format
}

// tableRows are the rows of a table, with what is to be said of its errors.
func tableRows(r table.Reader, said func(error) error) Source {
	cells := make([]table.Cell, len(r.Columns()))
	return Source{
		Next: func(n *tree.Node) error {
			more, err := r.Next(cells)
			switch {
			case err != nil:
				return said(err)
			case !more:
				return io.EOF
			}
			mapping.FromTable(r.Columns(), cells, n)
			return nil
		},
		Close: func() { _ = r.Close() }, // it was only read
	}
}
