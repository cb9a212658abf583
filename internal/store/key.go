package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Family is the first byte of a key.
type Family byte

// The families. The numbers are on disk and never change; docs/formats/store.md
// gives each one's keys and values. A new one is a constant here, a line in the
// table of families, and a file of its own.
const (
	FamilyMeta      Family = 0x01
	FamilyLog       Family = 0x10
	FamilyBatch     Family = 0x11
	FamilyBatchTime Family = 0x12
	FamilyPending   Family = 0x13
	FamilyOutbox    Family = 0x14
	FamilyReference Family = 0x20
	FamilyLayout    Family = 0x21
	FamilyProfile   Family = 0x22
	FamilyDirty     Family = 0x23
	FamilySeen      Family = 0x24
	FamilyVersion   Family = 0x25
	FamilyState     Family = 0x26
	FamilyAwaited   Family = 0x30
	FamilyDue       Family = 0x31
	FamilyName      Family = 0x32
	FamilyTally     Family = 0x33
	FamilyJoined    Family = 0x34
)

// A string in a key is escaped and terminated, so that keys sort by their parts
// from the left, a string before its extensions:
//
//	00 inside   → 00 FF
//	end         → 00 01
const (
	escape     = 0x00
	escaped00  = 0xFF
	terminator = 0x01
)

func appendString(key []byte, s string) []byte {
	for i := range len(s) {
		key = append(key, s[i])
		if s[i] == escape {
			key = append(key, escaped00)
		}
	}
	return append(key, escape, terminator)
}

func appendUint(key []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(key, v) }

// A time in a key has its sign bit flipped, so that times before 1970 sort
// before the others.
func appendTime(key []byte, ns int64) []byte { return appendUint(key, uint64(ns)^1<<63) }

// keyOf returns the family's key, or key prefix, of the given strings.
func keyOf(f Family, parts ...string) []byte {
	n := 1 + 8
	for _, p := range parts {
		n += len(p) + 2
	}
	key := append(make([]byte, 0, n), byte(f))
	for _, p := range parts {
		key = appendString(key, p)
	}
	return key
}

// prefixEnd returns the first key after all keys that begin with prefix. A
// prefix here ends in a family or a terminator, never in FF.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	end[len(end)-1]++
	return end
}

// keyReader takes a key apart. The first error sticks; done reports it.
type keyReader struct {
	family Family
	b      []byte
	err    error
}

func readKey(f Family, key []byte) *keyReader {
	r := &keyReader{family: f, b: key}
	if len(key) == 0 || key[0] != byte(f) {
		r.fail("does not begin with %#02x", byte(f))
		return r
	}
	r.b = key[1:]
	return r
}

func (r *keyReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: key of %s %s", ErrCorrupt, r.family, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

func (r *keyReader) string() string {
	if r.err != nil {
		return ""
	}
	var s []byte
	for b := r.b; ; {
		i := bytes.IndexByte(b, escape)
		if i < 0 || i+1 == len(b) {
			r.fail("has an unterminated string")
			return ""
		}
		switch b[i+1] {
		case terminator:
			r.b = b[i+2:]
			if s == nil {
				return string(b[:i])
			}
			return string(append(s, b[:i]...))
		case escaped00:
			s = append(s, b[:i+1]...)
			b = b[i+2:]
		default:
			r.fail("has 00 %02x in a string, want 00 %02x or 00 %02x", b[i+1], escaped00, terminator)
			return ""
		}
	}
}

func (r *keyReader) uint() uint64 {
	if r.err != nil {
		return 0
	}
	if len(r.b) < 8 {
		r.fail("has %d bytes, want 8 more", len(r.b))
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *keyReader) time() int64 { return int64(r.uint() ^ 1<<63) }

func (r *keyReader) id() (id [16]byte) {
	if r.err != nil {
		return id
	}
	if len(r.b) < len(id) {
		r.fail("has %d bytes, want 16 more", len(r.b))
		return id
	}
	copy(id[:], r.b)
	r.b = r.b[len(id):]
	return id
}

func (r *keyReader) done() error {
	if r.err == nil && len(r.b) != 0 {
		r.fail("has %d bytes too many", len(r.b))
	}
	return r.err
}
