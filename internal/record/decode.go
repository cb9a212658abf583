package record

import (
	"encoding/binary"
	"fmt"
	"math"
)

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
