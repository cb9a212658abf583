package join

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrCorrupt is wrapped by the errors of decoders: the bytes are not what this
// package writes.
var ErrCorrupt = errors.New("corrupt state of a join")

// A state begins with a byte of flags, which also gives its kind, and its
// arrival. docs/formats/join.md describes the rest.
const (
	flagKind     = 0x03 // a Kind, never None
	flagRevision = 0x04 // a revision follows
	flagLabels   = 0x08 // labels follow
	flagOneTime  = 0x10 // all labels have the same time
	flagInputs   = 0x20 // raw inputs follow
	flagsKnown   = 0x3f
)

// Append appends the encoded state, with the numbers that t has or gives to what
// is in it. Nothing is written for a state of kind None.
func (t *Table) Append(b []byte, s *State) []byte {
	if s.Kind == None {
		return b
	}
	flags := byte(s.Kind) | bit(s.Revision > 0, flagRevision) | bit(len(s.Labels) > 0, flagLabels) |
		bit(len(s.Labels) > 0 && oneTime(s.Labels), flagOneTime) | bit(len(s.Inputs) > 0, flagInputs)
	b = binary.LittleEndian.AppendUint32(append(b, flags), uint32(min(max(s.Arrival, 0), math.MaxUint32)))
	switch s.Kind {
	case Awaited:
		b = t.appendRef(b, s.Shape)
		b = binary.AppendVarint(b, s.Time-s.Arrival*second)
		for i := range s.Values {
			b = appendValue(b, &s.Values[i])
		}
		if s.Revision > 0 {
			b = binary.AppendUvarint(b, uint64(s.Revision))
		}
	case Early:
		b = t.appendName(b, s.Model)
	default:
		return b
	}
	if flags&flagLabels != 0 {
		b = binary.AppendUvarint(b, uint64(len(s.Labels)))
		if flags&flagOneTime != 0 {
			b = binary.AppendVarint(b, s.Labels[0].Time-s.origin())
		}
		for i := range s.Labels {
			l := &s.Labels[i]
			b = t.appendName(b, l.Name)
			if flags&flagOneTime == 0 {
				b = binary.AppendVarint(b, l.Time-s.origin())
			}
			b = appendValue(b, &l.Value)
		}
	}
	if flags&flagInputs != 0 {
		b = binary.AppendUvarint(b, uint64(len(s.Inputs)))
		for i := range s.Inputs {
			b = appendValue(t.appendName(b, s.Inputs[i].Name), &s.Inputs[i].Value)
		}
	}
	return b
}

// origin is what the times of labels are counted from.
func (s *State) origin() int64 {
	if s.Kind == Awaited {
		return s.Time
	}
	return s.Arrival * second
}

func oneTime(ls []Label) bool {
	for i := range ls {
		if ls[i].Time != ls[0].Time {
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

// Read makes s the encoded state in b, of which it keeps parts; an empty b is
// that of an id that was never seen. After an error, which wraps ErrCorrupt, s is
// of kind None.
func (t *Table) Read(b string, s *State) error {
	s.Reset()
	if b == "" {
		return nil
	}
	r := &reader{what: "state", b: b}
	flags := r.byte()
	s.Kind, s.Arrival = Kind(flags&flagKind), int64(r.fixed32())
	labels := flags&(flagLabels|flagOneTime|flagInputs) != 0
	switch {
	case flags&^flagsKnown != 0 || s.Kind == None || s.Kind == Gone && flags != byte(Gone) ||
		s.Kind == Early && (flags&flagRevision != 0 || !labels) || flags&(flagLabels|flagOneTime) == flagOneTime:
		r.fail("begins with %#02x", flags)
	case s.Kind == Awaited:
		if s.Shape = t.readRef(r); s.Shape == nil {
			break
		}
		s.Time = r.varint() + s.Arrival*second
		for range s.Shape.Keys {
			s.Values = append(s.Values, r.value(true))
		}
		if flags&flagRevision != 0 {
			if n := r.uvarint(); n == 0 || n > math.MaxUint32 {
				r.fail("has revision %d", n)
			} else {
				s.Revision = uint32(n)
			}
		}
	case s.Kind == Early:
		s.Model = t.readName(r)
	}
	t.readLabels(r, s, flags)
	if err := r.done(); err != nil {
		s.Reset()
		return err
	}
	return nil
}

func (t *Table) readLabels(r *reader, s *State, flags byte) {
	if flags&flagLabels != 0 {
		n, one := r.count(2), flags&flagOneTime != 0
		var at int64
		if one {
			at = r.varint()
		}
		if r.err == nil && n == 0 {
			r.fail("has a list without labels")
		}
		for i := range n {
			l := Label{Name: t.readName(r)}
			if !one {
				at = r.varint()
			}
			l.Time = at + s.origin()
			l.Value = r.value(true)
			if r.err == nil && i > 0 && l.Name <= s.Labels[i-1].Name {
				r.fail("has labels that are not in order")
			}
			if r.err != nil {
				return
			}
			s.Labels = append(s.Labels, l)
		}
		if !one && oneTime(s.Labels) {
			r.fail("has one time for all labels, and writes it for each")
		}
	}
	if flags&flagInputs != 0 {
		n := r.count(2)
		if r.err == nil && n == 0 {
			r.fail("has a list without raw inputs")
		}
		for range n {
			s.Inputs = append(s.Inputs, Input{Name: t.readName(r), Value: r.value(true)})
		}
	}
}

// reader takes bytes apart. Texts are parts of b. The first error sticks.
type reader struct {
	what string
	b    string
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: the %s %s", ErrCorrupt, r.what, fmt.Sprintf(format, args...))
		r.b = ""
	}
}

func (r *reader) done() error {
	if r.err == nil && r.b != "" {
		r.fail("has %d bytes too many", len(r.b))
	}
	return r.err
}

func (r *reader) byte() byte {
	if r.b == "" {
		r.fail("ends early")
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) fixed32() uint32 {
	if len(r.b) < 4 {
		r.fail("ends early")
		return 0
	}
	v := uint32(r.b[0]) | uint32(r.b[1])<<8 | uint32(r.b[2])<<16 | uint32(r.b[3])<<24
	r.b = r.b[4:]
	return v
}

func (r *reader) fixed64() uint64 { return uint64(r.fixed32()) | uint64(r.fixed32())<<32 }

func (r *reader) uvarint() uint64 {
	var x uint64
	for i := range len(r.b) {
		c := r.b[i]
		if i == binary.MaxVarintLen64-1 && c > 1 || c == 0 && i > 0 {
			break // too large, or not in its shortest form
		}
		x |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.b = r.b[i+1:]
			return x
		}
	}
	r.fail("has a malformed number, or ends early")
	return 0
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads a number of things that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail("has %d of what can be %d at most", n, len(r.b)/size)
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail("ends early: %d bytes, want %d more", len(r.b), n)
		return ""
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
