package record

import (
	"encoding/binary"
	"errors"

	"github.com/zeebo/xxh3"
)

// ErrCorrupt is wrapped by every error of a Decoder.
var ErrCorrupt = errors.New("corrupt records")

// A batch begins with the version of the codec, one byte, and the number of its
// records, 4 bytes little-endian: what is cut between two records is no batch.
// docs/formats/log.md describes the rest.
//
// Version 2 is version 1 with what a record says of labels. A batch in which none
// says anything is one of version 1: its bytes, and so its identity, are those
// that earlier builds wrote.
const (
	codecVersion  = 1
	labelsVersion = 2
	headerSize    = 5
)

// Flags of an encoded record.
const (
	flagEvent   = 0x03 // two bits: the Event
	flagTest    = 0x04
	flagLast    = 0x08
	flagStamped = 0x10 // a time follows
	flagID      = 0x20 // an id follows
	flagSource  = 0x40 // model, version and environment follow; else as before
	flagShape   = 0x80 // a new shape follows; else the number of a known one
)

// maxShapes bounds what Encoder and Decoder remember of a batch.
const maxShapes = 64

// Encoder writes a batch of records. The names of fields are written once for
// each shape (the list of keys of a record), since the records of a batch are
// nearly always alike.
//
// The bytes are the same for the same records in the same order, whenever they
// come; Identity is the same in any order.
//
// The zero Encoder is an empty batch and ready to use.
type Encoder struct {
	buf    []byte
	n      int
	ends   bool
	prev   Record // only its source and time
	shapes [][]Key
	last   int     // the shape of the previous record
	fields []Field // of a record with labels, and what it says of them
	labels bool    // there has been such a record

	id     identity
	source uint64   // hash of that of the previous record
	hashes []uint64 // of the shapes
}

// Reset begins a new batch and keeps the memory.
func (e *Encoder) Reset() {
	e.buf = append(e.buf[:0], codecVersion, 0, 0, 0, 0)
	e.n, e.last, e.ends, e.labels = 0, 0, false, false
	e.prev.Model, e.prev.Version, e.prev.Environment, e.prev.Time = "", "", "", 0
	e.shapes, e.hashes = e.shapes[:0], e.hashes[:0]
	e.id = identity{}
}

// Len returns the number of records.
func (e *Encoder) Len() int { return e.n }

// Complete reports whether one of the records was the last of its reference.
func (e *Encoder) Complete() bool { return e.ends }

// Bytes returns the batch. It is valid until Append or Reset.
func (e *Encoder) Bytes() []byte {
	if len(e.buf) == 0 {
		e.Reset()
	}
	if e.labels {
		e.buf[0] = labelsVersion
	}
	binary.LittleEndian.PutUint32(e.buf[1:], uint32(e.n))
	return e.buf
}

// Append adds r.
func (e *Encoder) Append(r *Record) {
	if len(e.buf) == 0 {
		e.Reset()
	}
	fields := r.Fields
	if says(r) {
		e.fields = appendLabels(append(e.fields[:0], fields...), r)
		fields, e.labels = e.fields, true
	}
	shape, known := e.shape(fields)
	source := e.n == 0 || r.Model != e.prev.Model || r.Version != e.prev.Version || r.Environment != e.prev.Environment
	flags := byte(r.Event)&flagEvent | bit(r.Test, flagTest) | bit(r.Last, flagLast) | bit(r.Stamped, flagStamped) |
		bit(r.ID != "", flagID) | bit(source, flagSource) | bit(!known, flagShape)
	b := append(e.buf, flags)
	if source {
		from := len(b)
		b = appendText(b, r.Model)
		b = appendText(b, r.Version)
		b = appendText(b, r.Environment)
		e.source = xxh3.Hash(b[from:])
		e.prev.Model, e.prev.Version, e.prev.Environment = r.Model, r.Version, r.Environment
	}
	if r.ID != "" {
		b = appendText(b, r.ID)
	}
	if r.Stamped {
		b = binary.AppendVarint(b, r.Time-e.prev.Time)
		e.prev.Time = r.Time
	}
	var keys uint64
	if known {
		b = binary.AppendUvarint(b, uint64(shape))
		keys = e.hashes[shape]
	} else {
		from := len(b)
		b = binary.AppendUvarint(b, uint64(len(fields)))
		for i := range fields {
			b = append(b, byte(fields[i].Group))
			b = appendText(b, fields[i].Name)
		}
		if keys = xxh3.Hash(b[from:]); shape < maxShapes {
			e.hashes = append(e.hashes, keys)
		}
	}
	values := len(b)
	for i := range fields {
		b = appendValue(b, &fields[i].Value)
	}
	e.id.add(r, e.source, keys, b[values:])
	e.buf = b
	e.n++
	e.ends = e.ends || r.Last
}

// shape returns the number of the shape of fields. A shape that is not known
// is remembered while there is room.
func (e *Encoder) shape(fields []Field) (n int, known bool) {
	if e.last < len(e.shapes) && sameShape(e.shapes[e.last], fields) {
		return e.last, true
	}
	for i := range e.shapes {
		if sameShape(e.shapes[i], fields) {
			e.last = i
			return i, true
		}
	}
	if n = len(e.shapes); n < maxShapes {
		e.shapes = e.shapes[:min(n+1, cap(e.shapes))]
		if len(e.shapes) == n {
			e.shapes = append(e.shapes, nil)
		}
		keys := e.shapes[n][:0]
		for i := range fields {
			keys = append(keys, Key{fields[i].Group, fields[i].Name})
		}
		e.shapes[n] = keys
		e.last = n
	}
	return n, false
}

func sameShape(keys []Key, fields []Field) bool {
	if len(keys) != len(fields) {
		return false
	}
	for i := range keys {
		if keys[i].Group != fields[i].Group || keys[i].Name != fields[i].Name {
			return false
		}
	}
	return true
}

func bit(on bool, flag byte) byte {
	if on {
		return flag
	}
	return 0
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendValue(b []byte, v *Value) []byte {
	b = append(b, byte(v.kind))
	switch v.kind {
	case Number:
		b = binary.LittleEndian.AppendUint64(b, v.bits)
	case Integer:
		b = binary.AppendVarint(b, int64(v.bits))
	case Boolean:
		b = append(b, byte(v.bits))
	case Text:
		b = appendText(b, v.text)
	case List, Dict:
		b = binary.AppendUvarint(b, uint64(len(v.list)))
		for i := range v.list {
			if v.kind == Dict {
				b = appendText(b, v.list[i].Name)
			}
			b = appendValue(b, &v.list[i].Value)
		}
	case Missing, Unusable:
	}
	return b
}
