package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Rows reads a body of JSON row by row: an object, an array of objects, or
// objects one after the other with or without line ends between them (NDJSON).
// It holds one row at a time, whatever the size of the body.
type Rows struct {
	parse *Parser
	in    io.Reader
	lines bool // NDJSON: a broken line spoils no other

	buf      []byte // what was read and is not yet parsed is buf[at:]
	at       int
	before   int64 // bytes of the body before buf
	ended    error // why no more can be read: io.EOF, or what the connection says
	begun    bool  // of a body that is no NDJSON: its first byte is known
	array    bool
	elements bool  // the array has had one
	err      error // ends the reading
}

// NewRows returns a reader of a JSON body.
func NewRows(r io.Reader, l Limits) *Rows {
	rows := &Rows{parse: NewParser(l)}
	rows.Reset(r, false)
	return rows
}

// NewLines returns a reader of NDJSON: a row on each line, empty lines apart.
func NewLines(r io.Reader, l Limits) *Rows {
	rows := &Rows{parse: NewParser(l)}
	rows.Reset(r, true)
	return rows
}

// first is how much memory a body is read into, if no row needs more.
const first = 64 << 10

// Reset begins with another body, of lines or not. It keeps the memory, and what
// is known of the names in rows.
func (r *Rows) Reset(in io.Reader, lines bool) {
	buf := r.buf[:0]
	if cap(buf) > 4*first {
		buf = nil
	}
	r.parse.forget()
	*r = Rows{parse: r.parse, in: in, lines: lines, buf: buf}
}

// Next returns the next row, which is valid until the one after it is asked for;
// its strings are for good. io.EOF says that there is no other. An error of type
// *Error is about this row, and those that follow can be read; any other ends the
// reading.
func (r *Rows) Next() (Node, error) {
	if r.err != nil {
		return Node{}, r.err
	}
	next := r.element
	if r.lines {
		next = r.line
	}
	n, err := next()
	if err != nil {
		if _, row := errors.AsType[*Error](err); !row {
			r.err = err
		}
		return Node{}, err
	}
	if n.Kind != Object {
		return Node{}, &Error{NotJSON, "is " + n.Kind.String(), `a row is an object, such as {"id": "1", "features": {"age": 41}}`}
	}
	return n, nil
}

// fill reads until the buffer is full or the body has ended. What was parsed makes
// room, and if there is none the buffer grows.
func (r *Rows) fill() {
	if r.at > 0 {
		r.before += int64(r.at)
		r.buf = r.buf[:copy(r.buf, r.buf[r.at:])]
		r.at = 0
	}
	if len(r.buf) == cap(r.buf) {
		grown := make([]byte, len(r.buf), r.room())
		copy(grown, r.buf)
		r.buf = grown
	}
	for empty := 0; r.ended == nil && len(r.buf) < cap(r.buf); {
		n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf, r.ended = r.buf[:len(r.buf)+n], err
		if empty++; n > 0 {
			empty = 0
		} else if empty == 100 && err == nil {
			r.ended = io.ErrNoProgress
		}
	}
}

// room is how large the buffer becomes: twice what it was, and for the longest row
// as much as that and some more.
func (r *Rows) room() int {
	if cap(r.buf) == 0 {
		return first
	}
	return max(cap(r.buf)+1, min(2*cap(r.buf), r.parse.limits.Bytes+first))
}

// line returns the next line that is not empty.
func (r *Rows) line() (Node, error) {
	for {
		from := 0
		for {
			if end := bytes.IndexByte(r.buf[r.at+from:], '\n'); end >= 0 {
				line := bytes.TrimSpace(r.buf[r.at : r.at+from+end])
				r.at += from + end + 1
				if len(line) > 0 {
					return r.parse.Parse(line)
				}
				from = 0
				continue
			}
			if r.ended != nil {
				break
			}
			if from = len(r.buf) - r.at; from > r.parse.limits.Bytes {
				return Node{}, r.tooLong()
			}
			r.fill()
		}
		line := bytes.TrimSpace(r.buf[r.at:]) // the last line needs no end
		r.at = len(r.buf)
		switch {
		case !errors.Is(r.ended, io.EOF):
			return Node{}, r.ended
		case len(line) == 0:
			return Node{}, io.EOF
		}
		return r.parse.Parse(line)
	}
}

// tooLong passes over a line that is longer than a row may be.
func (r *Rows) tooLong() error {
	for {
		if end := bytes.IndexByte(r.buf[r.at:], '\n'); end >= 0 {
			r.at += end + 1
			break
		}
		r.at = len(r.buf)
		if r.ended != nil {
			break // the error comes with the next row
		}
		r.fill()
	}
	return &Error{TooLarge, fmt.Sprintf("has more than %d bytes", r.parse.limits.Bytes), fmt.Sprintf("the limit of a row is %d", r.parse.limits.Bytes)}
}

// element returns the next value of a body that is no NDJSON.
func (r *Rows) element() (Node, error) {
	if err := r.approach(); err != nil {
		return Node{}, err
	}
	for {
		n, end, err := r.parse.document(r.buf, r.at, errors.Is(r.ended, io.EOF))
		row, about := errors.AsType[*Error](err)
		switch {
		case errors.Is(err, errShort) && len(r.buf)-r.at > r.parse.limits.Bytes, err == nil && end-r.at > r.parse.limits.Bytes:
			row, about = &Error{TooLarge, fmt.Sprintf("has more than %d bytes", r.parse.limits.Bytes), fmt.Sprintf("the limit of a row is %d", r.parse.limits.Bytes)}, true
		case errors.Is(err, errShort):
			if r.ended != nil {
				return Node{}, r.ended
			}
			r.fill()
			continue
		}
		switch {
		case about && row.Reason == NotUTF8:
			r.at = end
			return Node{}, row
		case about:
			return Node{}, r.passOver(row)
		case err != nil:
			return Node{}, r.broken(err)
		}
		r.at = end
		return n, nil
	}
}

// approach goes to the beginning of the next value: past the bracket of an array
// and the commas in it. io.EOF says that there is none.
func (r *Rows) approach() error {
	c, ok, err := r.peek()
	switch {
	case err != nil:
		return err
	case !r.begun:
		if r.begun = ok; ok && c == '[' {
			r.array = true
			r.at++
			if c, ok, err = r.peek(); err != nil {
				return err
			}
		}
	}
	switch {
	case !r.array && !ok:
		return io.EOF
	case !r.array:
		return nil
	case !ok:
		return endsEarly()
	case c == ']':
		r.at++
		if _, ok, err := r.peek(); ok || err != nil {
			return errors.Join(err, errors.New("the body goes on after the array; send one array, or rows without one"))
		}
		return io.EOF
	case r.elements && c != ',':
		return r.broken(&syntaxError{r.at, fmt.Sprintf("invalid character %s in an array", character(c))})
	case r.elements:
		r.at++
		if _, ok, err := r.peek(); err != nil {
			return err
		} else if !ok {
			return endsEarly()
		}
	}
	r.elements = true
	return nil
}

// peek returns the next byte that is no white space; it is not ok at the end.
func (r *Rows) peek() (c byte, ok bool, err error) {
	for {
		if r.at = blank(r.buf, r.at); r.at < len(r.buf) {
			return r.buf[r.at], true, nil
		}
		if r.ended != nil {
			if errors.Is(r.ended, io.EOF) {
				return 0, false, nil
			}
			return 0, false, r.ended
		}
		r.fill()
	}
}

// passOver goes to the end of a value that cannot be taken, however long it is:
// only its brackets are looked at.
func (r *Rows) passOver(row *Error) error {
	var s skipper
	for {
		n, done := s.skip(r.buf[r.at:])
		r.at += n
		switch {
		case done:
			if row.Reason == TooDeep {
				row.Problem = fmt.Sprintf("nests %d deep", s.most)
			}
			return row
		case r.ended == nil:
			r.fill()
		case errors.Is(r.ended, io.EOF):
			return endsEarly()
		default:
			return r.ended
		}
	}
}

// broken says what is wrong with the body as a whole.
func (r *Rows) broken(err error) error {
	if bad, ok := errors.AsType[*syntaxError](err); ok {
		if bad.at >= len(r.buf) {
			return endsEarly()
		}
		return fmt.Errorf("is not JSON: %w, at byte %d", err, r.before+int64(bad.at)+1)
	}
	return err
}

func endsEarly() error {
	return fmt.Errorf("is not JSON: it ends too early: %w", io.ErrUnexpectedEOF)
}

// Values returns about how many values there are in a document, and never fewer than
// a parser finds in it. It takes no memory.
func Values(b []byte) int {
	n := 1
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[', ',':
			n++
		}
	}
	return n
}

// skipper finds the end of an object or array without taking it apart.
type skipper struct {
	open, most      int  // brackets: now, and at most
	quoted, escaped bool // in text, behind a backslash
}

// skip returns how many bytes belong to the value, and whether it ends there.
func (s *skipper) skip(b []byte) (n int, done bool) {
	for i, c := range b {
		switch {
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped, s.quoted = c == '\\', c != '"'
			if !s.quoted && s.open == 0 {
				return i + 1, true
			}
		case c == '"':
			s.quoted = true
		case c == '[' || c == '{':
			if s.open++; s.open > s.most {
				s.most = s.open
			}
		case s.open == 0 && (c == ',' || c == ']' || c == '}' || c <= ' '): // behind a number
			return i, true
		case c == ']' || c == '}':
			if s.open--; s.open == 0 {
				return i + 1, true
			}
		}
	}
	return len(b), false
}
