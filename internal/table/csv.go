package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvReader reads the dialect of RFC 4180 with a header: commas, cells in "…"
// where needed, line ends of either kind, in UTF-8 with or without a mark.
type csvReader struct {
	src     *source
	max     limits
	columns []Column
	in      *csvStream
	row     int64
	err     error // ends the reading
}

func openCSV(src *source, max limits) (Reader, error) {
	r := &csvReader{src: src, max: max}
	if err := r.start(); err != nil {
		return nil, err
	}
	r.sniff()
	return r, r.start() // once more from the beginning, for those who read
}

// start opens the stream and reads the header.
func (r *csvReader) start() error {
	in, err := newCSVStream(r.src, r.max.row)
	if err != nil {
		return err
	}
	if r.in != nil {
		r.in.unpacked.stop()
	}
	r.in = in
	names, err := in.read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return &Error{Path: r.src.path, Problem: "is empty", Hint: "the first row must name the columns"}
		}
		return r.explain(0, err)
	}
	if r.columns != nil {
		return nil // the second time
	}
	for _, name := range names {
		if !utf8.ValidString(name) {
			return notText(r.src.path, 0, strings.ToValidUTF8(name, "\uFFFD"))
		}
		r.columns = append(r.columns, Column{Name: strings.Clone(strings.TrimSpace(name))})
	}
	if only := r.columns[0].Name; len(names) == 1 && strings.ContainsAny(only, ";\t|") {
		return &Error{Path: r.src.path, Column: only, Problem: "is the only column", Hint: "separate columns by commas"}
	}
	return checkNames(r.src.path, r.columns, r.max)
}

// sniff decides what the columns hold.
func (r *csvReader) sniff() {
	seen := make([]evidence, len(r.columns))
	for range r.max.sniffRows {
		cells, err := r.in.read()
		if err != nil || r.in.csv.InputOffset() > r.max.sniffBytes {
			break // an error will come again, when the row is asked for
		}
		for i, text := range cells[:min(len(cells), len(seen))] {
			seen[i].add(text)
		}
	}
	for i := range seen {
		r.columns[i].Kind = seen[i].kind()
	}
}

// Columns implements Reader.
func (r *csvReader) Columns() []Column { return r.columns }

// Next implements Reader.
func (r *csvReader) Next(row []Cell) (bool, error) {
	if r.err == nil {
		r.err = r.next(row)
	}
	if r.err != nil && !errors.Is(r.err, io.EOF) {
		return false, r.err
	}
	return r.err == nil, nil
}

func (r *csvReader) next(row []Cell) error {
	if err := checkRow(r.src.path, row, r.columns); err != nil {
		return err
	}
	cells, err := r.in.read()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	r.row++
	if err != nil {
		return r.explain(r.row, err)
	}
	for i, text := range cells {
		if len(text) > r.max.cell {
			return tooLong(r.src.path, r.row, r.columns[i].Name, len(text), r.max.cell)
		}
		row[i] = parseCell(r.columns[i].Kind, text)
		if row[i].Kind == Text && !utf8.ValidString(text) {
			return notText(r.src.path, r.row, r.columns[i].Name)
		}
	}
	return nil
}

// Progress implements Reader.
func (r *csvReader) Progress() (done, total int64) {
	at, err := r.in.unpacked.file.Seek(0, io.SeekCurrent)
	if err != nil { // never, of a section
		at = 0
	}
	return at, r.src.size
}

// Close implements Reader.
func (r *csvReader) Close() error {
	r.err = errClosed(r.src.path)
	r.in.unpacked.stop()
	return r.src.close()
}

// explain turns an error of encoding/csv, or from below it, into one for people.
func (r *csvReader) explain(row int64, err error) error {
	e := &Error{Path: r.src.path, Row: row, Err: err}
	at := ""
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		at = fmt.Sprintf(" in line %d", p.Line)
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		e.Problem = fmt.Sprintf("has %d cells%s, and the header names %d columns", r.in.cells, at, len(r.columns))
		e.Hint = "give every row as many; a cell with a comma in it needs quotes"
	case errors.Is(err, csv.ErrBareQuote):
		e.Problem = `a " stands inside a cell that does not begin with one` + at
		e.Hint = `write the whole cell in quotes and each quote in it twice, as in "5"" pipe"`
	case errors.Is(err, csv.ErrQuote):
		e.Problem = "a quoted cell is not closed as it should be" + at
		e.Hint = `write each quote inside it twice, as in "5"" pipe", and end it with one before the comma`
	case errors.Is(err, errLongRow):
		e.Problem = fmt.Sprintf("is longer than %d bytes", r.max.row)
		e.Hint = "perhaps a quoted cell is never closed"
	default:
		b := r.src.broken(err)
		e.Problem, e.Hint = b.Problem, b.Hint
	}
	return e
}

// csvStream is encoding/csv over an unpacked file, with a bound on the row: by
// itself it would read a file with an open quote to its end before saying so.
type csvStream struct {
	unpacked *unpacked
	budget   *budget
	csv      *csv.Reader
	cells    int // of the last row
}

func newCSVStream(src *source, longest int) (*csvStream, error) {
	u, err := src.unpack()
	if err != nil {
		return nil, err
	}
	s := &csvStream{unpacked: u, budget: &budget{Reader: u, each: longest, left: longest}}
	in := bufio.NewReaderSize(s.budget, 64<<10)
	head, _ := in.Peek(4) // an error comes again with the first read
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3) // peeked at
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		u.stop()
		return nil, &Error{Path: src.path, Problem: "is UTF-16 text", Hint: "save it as UTF-8"}
	case bytes.HasPrefix(head, []byte("PAR1")):
		u.stop()
		return nil, &Error{Path: src.path, Problem: "is a Parquet file", Hint: "let its name end with .parquet"}
	}
	s.csv = csv.NewReader(in) // takes in over as it is
	s.csv.ReuseRecord = true
	return s, nil
}

// read returns the cells of the next row; they are valid until the next call.
func (s *csvStream) read() ([]string, error) {
	s.budget.left = s.budget.each
	cells, err := s.csv.Read()
	s.cells = len(cells)
	return cells, err
}

// errLongRow says that a budget is used up.
var errLongRow = errors.New("row too long")

// budget lets a bounded number of bytes through. It is refilled for each row,
// so a row may be longer by what was buffered before it.
type budget struct {
	io.Reader
	each, left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func tooLong(path string, row int64, column string, length, most int) error {
	return &Error{Path: path, Row: row, Column: column, Problem: fmt.Sprintf("the cell has %d bytes", length),
		Hint: fmt.Sprintf("at most %d are allowed", most)}
}

func notText(path string, row int64, column string) error {
	return &Error{Path: path, Row: row, Column: column, Problem: "is not UTF-8 text", Hint: "save the file as UTF-8"}
}

func errClosed(path string) error { return &Error{Path: path, Problem: "has been closed"} }
