// Package table reads files of rows and columns, CSV and Parquet, as a stream
// of typed cells, whatever the size of the file.
//
// It knows nothing of predictions: which column is what, is for package
// mapping. It refuses what it cannot read faithfully, naming file, row and
// column and saying what would be right; a single cell that does not fit its
// column is no error but a cell of another kind, for the caller to count.
//
// Files are input from outside, so that memory is bounded whatever they claim:
// a CSV row, a cell, a Parquet page and what the pages of a row group take
// together all have limits.
package table

import (
	"fmt"
	"strings"
)

// Kind says what a Cell holds, or what the cells of a Column hold.
type Kind uint8

// The kinds. A Column of kind Missing had no value in what was looked at.
const (
	Missing     Kind = iota // empty, null, NaN
	Number                  // Num, possibly ±Inf
	Integer                 // Int
	Boolean                 // Int: 0 or 1
	Text                    // Text, valid UTF-8
	Time                    // Int: Unix nanoseconds
	Wall                    // Int: likewise, of a date and a time that name no zone, as if they were UTC
	List                    // List, its elements without names
	Dict                    // List, its elements with names
	Unsupported             // there is a value, but of a type that none of the above holds
)

var kindNames = [...]string{"missing", "number", "integer", "boolean", "text", "time", "time without a zone", "list", "dict", "unsupported"}

// String returns the word that messages use for k.
func (k Kind) String() string { return kindNames[k] }

// Cell is one value. Text may share memory with the whole row: clone what is
// kept for long. List belongs to the row and is overwritten by the next one.
type Cell struct {
	Kind Kind
	Num  float64
	Int  int64
	Text string
	List []Element
}

// Element is a member of a List (its Name is empty) or of a Dict. Its Cell is
// never itself a List or Dict.
type Element struct {
	Name string
	Cell
}

// Column describes a column.
//
// The Kind of a Parquet column is that of its type, and cells are of this kind,
// Missing or Unsupported, except that unsigned integers beyond an int64 are
// Numbers. The Kind of a CSV column is decided from its first 10 000 rows:
//
//	Integer   only integers that fit an int64 and have no leading zeros
//	Number    only numbers
//	Boolean   only true and false, in any case
//	Text      anything else, and integers too long to be told apart as numbers
//	Missing   no value at all; later cells are of whatever kind they look like
//
// Later cells that do not fit are Text, and a fraction among integers a Number.
// In all of them an empty cell and NaN are Missing. Timestamps are Text in CSV.
type Column struct {
	Name string
	Kind Kind
}

// Reader reads a file row by row. It is not safe for concurrent use.
type Reader interface {
	// Columns lists the columns in the order of the file. Names are unique,
	// but for empty ones, as spreadsheets and data frames leave for an index.
	Columns() []Column
	// Next fills row, which has an element per column and is meant to be
	// reused, and reports false at the end of the file or on an error. An
	// error ends the reading.
	Next(row []Cell) (bool, error)
	// Progress tells how much of the file has been read: rows of a Parquet
	// file, bytes on disk of others.
	Progress() (done, total int64)
	// Close releases the file. It may be called twice.
	Close() error
}

// formats are what Open knows, by the end of the file's name.
var formats = []struct {
	suffix string
	codec  codec
	open   func(*source, limits) (Reader, error)
}{
	{".csv", plain, openCSV},
	{".csv.gz", gzipped, openCSV},
	{".csv.zst", zstandard, openCSV},
	{".parquet", plain, openParquet},
	{".parquet.gz", gzipped, openParquet},
	{".parquet.zst", zstandard, openParquet},
}

// Extensions lists the ends of file names that Open knows.
func Extensions() []string {
	known := make([]string, len(formats))
	for i, f := range formats {
		known[i] = f.suffix
	}
	return known
}

// Open opens a file; the end of its name, in any case, says what it is. A
// compressed Parquet file is unpacked into a temporary file first, since
// Parquet is read from its end.
//
// Errors are of type *Error.
func Open(path string) (Reader, error) { return open(path, defaults) }

func open(path string, max limits) (Reader, error) {
	for _, f := range formats {
		if strings.HasSuffix(strings.ToLower(path), f.suffix) {
			src, err := openSource(path, f.codec)
			if err != nil {
				return nil, err
			}
			r, err := f.open(src, max)
			if err != nil {
				_ = src.close() // err says more
				return nil, err
			}
			return r, nil
		}
	}
	return nil, &Error{Path: path, Problem: "is of no known format",
		Hint: "known extensions: " + strings.Join(Extensions(), ", ")}
}

// limits bound what a file can make us keep in memory or on disk.
type limits struct {
	cell       int   // bytes of a text, and eight times the elements of a list
	row        int   // bytes of a CSV row
	columns    int   // columns
	sniffRows  int   // rows that decide the kinds of CSV columns …
	sniffBytes int64 // … or so many bytes, whichever comes first
	spool      int64 // bytes of an unpacked Parquet file
	footer     int64 // bytes of a Parquet footer
	page       int64 // bytes of an unpacked Parquet page
	values     int64 // values of a Parquet page
	group      int64 // bytes of all pages that are held at a time
}

var defaults = limits{
	cell:       1 << 20,
	row:        16 << 20,
	columns:    10_000,
	sniffRows:  10_000,
	sniffBytes: 64 << 20,
	spool:      8 << 30,
	footer:     64 << 20,
	page:       256 << 20,
	values:     64 << 20,
	group:      2 << 30,
}

// checkNames refuses columns that could not be told apart, or are too many.
func checkNames(path string, columns []Column, max limits) error {
	if len(columns) > max.columns {
		return &Error{Path: path, Problem: fmt.Sprintf("has %d columns", len(columns)),
			Hint: fmt.Sprintf("at most %d are allowed", max.columns)}
	}
	first := make(map[string]int, len(columns))
	for i, c := range columns {
		if at, twice := first[c.Name]; twice && c.Name != "" {
			return &Error{Path: path, Column: c.Name, Problem: fmt.Sprintf("is the name of columns %d and %d", at+1, i+1),
				Hint: "give each column a name of its own"}
		}
		first[c.Name] = i
	}
	return nil
}

// checkRow refuses a row that has no room for all columns.
func checkRow(path string, row []Cell, columns []Column) error {
	if len(row) == len(columns) {
		return nil
	}
	return &Error{Path: path, Problem: fmt.Sprintf("has %d columns, and the row to fill %d cells", len(columns), len(row)),
		Hint: "pass one made by make([]Cell, len(r.Columns()))"}
}
