package truth

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by the errors of ReadEntry.
var ErrCorrupt = errors.New("corrupt entry of the joined stream")

// Entry is what goes on because of a batch: the batch without some of its
// records, and what is said in addition. docs/formats/joined.md describes its
// bytes.
type Entry struct {
	Arrived int64    // unix ns; the time of records that have none
	Dropped []uint32 // records of the batch that do not go on, ascending, from 0
	Batch   []byte   // as it came; empty when nothing of it goes on
	Said    []byte   // more records; may be empty
}

const entryVersion = 1

// appendTo appends the encoded entry.
func (e *Entry) appendTo(b []byte) []byte {
	b = append(b, entryVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Arrived))
	b = binary.AppendUvarint(b, uint64(len(e.Dropped)))
	next := uint32(0)
	for _, n := range e.Dropped {
		b = binary.AppendUvarint(b, uint64(n-next))
		next = n + 1
	}
	b = binary.AppendUvarint(b, uint64(len(e.Said)))
	b = append(b, e.Said...)
	return append(b, e.Batch...)
}

// ReadEntry reads an entry, which refers to b.
func ReadEntry(b []byte) (Entry, error) {
	fail := func(format string, args ...any) (Entry, error) {
		return Entry{}, fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
	}
	if len(b) < 9 {
		return fail("%d bytes, want a head of 9", len(b))
	}
	if b[0] != entryVersion {
		return fail("version %d, this release knows %d", b[0], entryVersion)
	}
	e := Entry{Arrived: int64(binary.BigEndian.Uint64(b[1:]))}
	b = b[9:]
	number := func() (uint64, bool) {
		n, size := binary.Uvarint(b)
		if size <= 0 || size > 1 && b[size-1] == 0 {
			return 0, false
		}
		b = b[size:]
		return n, true
	}
	n, ok := number()
	if !ok || n > uint64(len(b)) {
		return fail("%d records do not go on, in %d bytes", n, len(b))
	}
	next := uint64(0)
	for range n {
		gap, ok := number()
		if next += gap; !ok || gap > 1<<32 || next >= 1<<32 {
			return fail("the number of a record is cut or too large")
		}
		e.Dropped = append(e.Dropped, uint32(next))
		next++
	}
	n, ok = number()
	if !ok || n > uint64(len(b)) {
		return fail("%d bytes that are said, of %d", n, len(b))
	}
	e.Said, e.Batch = b[:n:n], b[n:]
	return e, nil
}
