package tree

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Rows reads a body of JSON row by row: an object, an array of objects, or
// objects one after the other with or without line ends between them (NDJSON).
// It holds one row at a time, whatever the size of the body.
type Rows struct {
	in    *bufio.Reader
	lines bool          // NDJSON: a broken line spoils no other
	json  *json.Decoder // of other bodies, once their first byte is known
	array bool
	parse *Parser
	err   error
}

// NewRows returns a reader of a JSON body.
func NewRows(r io.Reader, l Limits) *Rows {
	return &Rows{in: bufio.NewReaderSize(r, 64<<10), parse: NewParser(l)}
}

// NewLines returns a reader of NDJSON: a row on each line, empty lines apart.
func NewLines(r io.Reader, l Limits) *Rows {
	return &Rows{in: bufio.NewReaderSize(r, 64<<10), lines: true, parse: NewParser(l)}
}

// Next returns the next row; io.EOF says that there is no other. An error of
// type *Error is about this row, and those that follow can be read; any other
// ends the reading.
func (r *Rows) Next() (Node, error) {
	if r.err != nil {
		return Node{}, r.err
	}
	var raw []byte
	if r.lines {
		raw, r.err = r.line()
	} else {
		raw, r.err = r.element()
	}
	if r.err != nil {
		if row, ok := errors.AsType[*Error](r.err); ok {
			r.err = nil
			return Node{}, row
		}
		return Node{}, r.err
	}
	n, err := r.parse.parse(raw, r.json != nil)
	if err != nil {
		return Node{}, err
	}
	if n.Kind != Object {
		return Node{}, &Error{NotJSON, "is " + n.Kind.String(), `a row is an object, such as {"id": "1", "features": {"age": 41}}`}
	}
	return n, nil
}

// line returns the next line that is not empty.
func (r *Rows) line() ([]byte, error) {
	for {
		var line []byte
		tooLong := 0
		for {
			part, err := r.in.ReadSlice('\n')
			if len(line)+len(part) > r.parse.limits.Bytes {
				tooLong += len(line) + len(part)
				line = line[:0]
			} else {
				line = append(line, part...)
			}
			if err == nil {
				break
			}
			if errors.Is(err, io.EOF) {
				if len(line) == 0 && tooLong == 0 {
					return nil, io.EOF
				}
				break // the last line needs no end
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, err
			}
		}
		if tooLong > 0 {
			return nil, &Error{TooLarge, fmt.Sprintf("has more than %d bytes", tooLong), fmt.Sprintf("the limit of a row is %d", r.parse.limits.Bytes)}
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// element returns the next object of the body.
func (r *Rows) element() ([]byte, error) {
	if r.json == nil {
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	if r.array && !r.json.More() {
		if _, err := r.json.Token(); err != nil { // the closing bracket
			return nil, broken(err)
		}
		if _, err := r.json.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("the body goes on after the array; send one array, or rows without one")
		}
		return nil, io.EOF
	}
	var raw json.RawMessage
	if err := r.json.Decode(&raw); err != nil {
		if errors.Is(err, io.EOF) && !r.array {
			return nil, io.EOF
		}
		return nil, broken(err)
	}
	return raw, nil
}

// begin looks whether the body is an array.
func (r *Rows) begin() error {
	for {
		c, err := r.in.ReadByte()
		switch {
		case err != nil:
			return err // io.EOF: no rows
		case c == ' ', c == '\t', c == '\r', c == '\n':
			continue
		}
		if err := r.in.UnreadByte(); err != nil {
			return err
		}
		r.json, r.array = json.NewDecoder(r.in), c == '['
		if r.array {
			_, err = r.json.Token()
		}
		return err
	}
}

// broken says what is wrong with the body as a whole, and keeps what the
// connection says.
func broken(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("is not JSON: %w, at byte %d", syntax, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("is not JSON: it ends too early: %w", io.ErrUnexpectedEOF)
	}
	return err
}
