package store

import (
	"encoding/binary"
	"fmt"
)

// valueReader takes a small record of this package apart. The first error
// sticks; done reports it. Numbers must be in their shortest form, so that a
// record has one encoding.
type valueReader struct {
	what string
	b    []byte
	err  error
}

// readValue checks the version byte that all records of this package begin with.
func readValue(what string, version byte, b []byte) *valueReader {
	r := &valueReader{what: what, b: b}
	switch {
	case len(b) == 0:
		r.fail("is empty")
	case b[0] != version:
		r.fail("has version %d, this release knows %d", b[0], version)
	default:
		r.b = b[1:]
	}
	return r
}

func (r *valueReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s %s", ErrCorrupt, r.what, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

func (r *valueReader) fixed() uint64 {
	if r.err == nil && len(r.b) < 8 {
		r.fail("ends early: %d bytes, want 8 more", len(r.b))
	}
	if r.err != nil {
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *valueReader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 1 && r.b[n-1] == 0 {
		r.fail("has a malformed number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *valueReader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail("ends early: %d bytes, want %d more", len(r.b), n)
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *valueReader) done() error {
	if r.err == nil && len(r.b) != 0 {
		r.fail("has %d bytes too many", len(r.b))
	}
	return r.err
}

func appendValueString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
