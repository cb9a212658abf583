// Package strict takes encoded sketches apart. It accepts canonical bytes only,
// those that an encoder writes, and never allocates more than they can hold.
package strict

import (
	"encoding/binary"
	"fmt"
)

// A Reader takes bytes apart and remembers the first error; after it everything
// it returns is zero.
type Reader struct {
	Rest []byte // what has not been read
	Err  error  // the first

	corrupt error
}

// NewReader returns a reader of b. Its errors wrap corrupt.
func NewReader(b []byte, corrupt error) *Reader { return &Reader{Rest: b, corrupt: corrupt} }

// Fail remembers an error, unless there is one, and ends the reading.
func (r *Reader) Fail(format string, args ...any) {
	if r.Err == nil {
		r.Err = fmt.Errorf("%w: "+format, append([]any{r.corrupt}, args...)...)
		r.Rest = nil
	}
}

// Bytes reads n bytes. They are part of what is read.
func (r *Reader) Bytes(n int) []byte {
	if n > len(r.Rest) {
		r.Fail("need %d bytes, have %d", n, len(r.Rest))
		return nil
	}
	b := r.Rest[:n]
	r.Rest = r.Rest[n:]
	return b
}

// Byte reads one.
func (r *Reader) Byte() byte {
	if b := r.Bytes(1); r.Err == nil {
		return b[0]
	}
	return 0
}

// Uint64 reads eight bytes, the lowest first.
func (r *Reader) Uint64() uint64 {
	if b := r.Bytes(8); r.Err == nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Uvarint reads a uvarint of the least possible length.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 || n > 1 && r.Rest[n-1] == 0 {
		r.Fail("not a uvarint of the least length")
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Number reads a number of things of at least size bytes each, and refuses it if
// it exceeds the limit or what is left.
func (r *Reader) Number(what string, limit uint64, size int) int {
	n := r.Uvarint()
	if n > limit || n > uint64(len(r.Rest)/size) {
		r.Fail("%d %s, at most %d and %d bytes left", n, what, limit, len(r.Rest))
		return 0
	}
	return int(n)
}

// End returns the first error; bytes that are left over are one.
func (r *Reader) End() error {
	if r.Err == nil && len(r.Rest) > 0 {
		r.Fail("%d bytes left over", len(r.Rest))
	}
	return r.Err
}
