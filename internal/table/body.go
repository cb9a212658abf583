package table

import (
	"bytes"
	"fmt"
)

// bodies bound what a file that somebody sends can make us keep in memory. Many
// may come at once, from whoever can reach us.
var bodies = limits{
	cell:       1 << 20,
	row:        4 << 20,
	columns:    10_000,
	sniffRows:  10_000,
	sniffBytes: 16 << 20,
	footer:     4 << 20,
	page:       16 << 20,
	values:     2 << 20,
	group:      64 << 20,
}

// OpenBytes opens the content of a file, plain and not compressed from outside;
// extension is .csv or .parquet, and name stands in messages. It keeps b until
// Close.
func OpenBytes(name, extension string, b []byte) (Reader, error) {
	for _, f := range formats {
		if f.suffix != extension || f.codec != plain {
			continue
		}
		return f.open(&source{path: name, size: int64(len(b)), ReaderAt: bytes.NewReader(b)}, bodies)
	}
	return nil, &Error{Path: name, Problem: fmt.Sprintf("is of no known format %q", extension), Hint: "known: .csv, .parquet"}
}
