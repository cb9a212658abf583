package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

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

// Decoder reads a batch that an Encoder wrote. Texts are copied out of the
// input, which may be reused.
type Decoder struct {
	in      []byte
	left    uint32 // records
	err     error
	arrived int64
	version byte
	prev    Record
	shapes  [][]Key
}

// NewDecoder returns a decoder of b. Records without a time of their own get
// arrived, unix nanoseconds.
func NewDecoder(b []byte, arrived int64) *Decoder {
	d := &Decoder{in: b, arrived: arrived}
	switch {
	case len(b) < headerSize:
		d.fail("a header of %d bytes", len(b))
	case b[0] != codecVersion && b[0] != labelsVersion:
		d.fail("version %d, this build reads %d and %d", b[0], codecVersion, labelsVersion)
	default:
		d.version, d.left, d.in = b[0], binary.LittleEndian.Uint32(b[1:]), b[headerSize:]
	}
	return d
}

// Next fills r with the next record. It reports false at the end and at the
// first error, which Err returns.
func (d *Decoder) Next(r *Record) bool {
	r.Reset()
	if d.err == nil && d.left == 0 && len(d.in) > 0 {
		d.fail("%d bytes after the last record", len(d.in))
	}
	if d.err != nil || d.left == 0 {
		return false
	}
	d.left--
	flags := d.byte()
	if flags&flagSource != 0 {
		d.prev.Model, d.prev.Version, d.prev.Environment = d.text(), d.text(), d.text()
	}
	r.Event = Event(flags & flagEvent)
	r.Test, r.Last, r.Stamped = flags&flagTest != 0, flags&flagLast != 0, flags&flagStamped != 0
	r.Model, r.Version, r.Environment = d.prev.Model, d.prev.Version, d.prev.Environment
	if flags&flagID != 0 {
		r.ID = d.text()
	}
	r.Time = d.arrived
	if r.Stamped {
		d.prev.Time += d.varint()
		r.Time = d.prev.Time
	}
	for _, k := range d.shape(flags&flagShape != 0) {
		if v := d.value(r, true); k.Group < groups {
			r.Append(k.Group, k.Name, v)
		} else {
			d.label(r, k, v)
		}
	}
	return d.err == nil
}

// Err returns why Next stopped, nil at the end of the batch.
func (d *Decoder) Err() error { return d.err }

func (d *Decoder) shape(fresh bool) []Key {
	n := d.count(2) // a shape's key takes two bytes at least, its number is smaller still
	if !fresh {
		if n >= len(d.shapes) {
			d.fail("shape %d of %d", n, len(d.shapes))
			return nil
		}
		return d.shapes[n]
	}
	keys := make([]Key, 0, n)
	for range n {
		g := Group(d.byte())
		if g >= groups && (d.version < labelsVersion || g > groupLabel) {
			d.fail("group %d", g)
		}
		keys = append(keys, Key{g, d.text()})
		if d.err != nil {
			return nil
		}
	}
	if len(d.shapes) < maxShapes {
		d.shapes = append(d.shapes, keys)
	}
	return keys
}

func (d *Decoder) value(r *Record, nested bool) Value {
	switch k := Kind(d.byte()); k {
	case Missing, Unusable:
		return Value{kind: k}
	case Number:
		if len(d.in) < 8 {
			d.fail("truncated number")
			return Value{}
		}
		bits := binary.LittleEndian.Uint64(d.in)
		d.in = d.in[8:]
		return Num(math.Float64frombits(bits))
	case Integer:
		return Int(d.varint())
	case Boolean:
		return Bool(d.byte() != 0)
	case Text:
		return Str(d.text())
	case List, Dict:
		n := d.count(1)
		if !nested {
			d.fail("nested list")
		}
		if d.err != nil {
			return Value{}
		}
		elems := r.Elements(n)
		for i := range elems {
			elems[i] = Element{}
			if k == Dict {
				elems[i].Name = d.text()
			}
			elems[i].Value = d.value(r, false)
		}
		return Value{kind: k, list: elems}
	default:
		d.fail("kind %d", k)
		return Value{}
	}
}

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
		d.in = nil
	}
}

func (d *Decoder) byte() byte {
	if len(d.in) == 0 {
		d.fail("truncated")
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b
}

func (d *Decoder) varint() int64 {
	x, n := binary.Varint(d.in)
	if n <= 0 {
		d.fail("bad varint")
		return 0
	}
	d.in = d.in[n:]
	return x
}

// count reads a number of things of which each takes at least size bytes, so
// that what is allocated for them is bounded by the input.
func (d *Decoder) count(size int) int {
	x, n := binary.Uvarint(d.in)
	if n <= 0 || x > uint64(len(d.in)/size+maxShapes) {
		d.fail("bad count")
		return 0
	}
	d.in = d.in[n:]
	return int(x)
}

func (d *Decoder) text() string {
	x, n := binary.Uvarint(d.in)
	if n <= 0 || x > uint64(len(d.in)-n) {
		d.fail("bad length")
		return ""
	}
	s := string(d.in[n : n+int(x)])
	d.in = d.in[n+int(x):]
	return s
}
