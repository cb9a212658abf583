package distinct

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/axiomhq/hyperloglog"
)

// ErrCorrupt is wrapped by the errors of UnmarshalBinary.
var ErrCorrupt = errors.New("distinct: corrupt set")

const (
	kindExact = 0
	kindDense = 1
	registers = 1 << precision
)

// header opens what the sketch writes of itself in its dense form, version 2:
// version, precision, bias, dense, number of registers. We neither store nor
// accept another one.
var header = []byte{2, precision, 0, 0, 0, 0, registers >> 8, 0}

// AppendBinary appends the set to b. The bytes depend on the set of hashes
// alone:
//
//	exact   00, uint16 number (little endian), the hashes, ascending, 8 bytes each
//	dense   01, 4096 registers of one byte
//
// The registers are those of axiomhq/hyperloglog without its header. The error
// is always nil.
func (s *Set) AppendBinary(b []byte) ([]byte, error) {
	if s.dense == nil {
		b = append(b, kindExact)
		b = binary.LittleEndian.AppendUint16(b, uint16(s.n))
		for _, h := range s.hashes() {
			b = binary.LittleEndian.AppendUint64(b, h)
		}
		return b, nil
	}
	return append(append(b, kindDense), s.dense[:]...), nil
}

// MarshalBinary is AppendBinary to an empty slice.
func (s *Set) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces s by the set that AppendBinary wrote as b. It accepts
// nothing else and leaves s as it was if it fails. Errors wrap ErrCorrupt.
func (s *Set) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: no bytes", ErrCorrupt)
	}
	switch kind, b := b[0], b[1:]; kind {
	case kindExact:
		return s.unmarshalExact(b)
	case kindDense:
		return s.unmarshalDense(b)
	default:
		return fmt.Errorf("%w: kind %d, want 0 or 1", ErrCorrupt, kind)
	}
}

func (s *Set) unmarshalExact(b []byte) error {
	if len(b) < 2 {
		return fmt.Errorf("%w: %d bytes after the kind, want at least 2", ErrCorrupt, len(b))
	}
	n, b := int(binary.LittleEndian.Uint16(b)), b[2:]
	if n > exactLimit || len(b) != 8*n {
		return fmt.Errorf("%w: %d hashes, at most %d, in %d bytes", ErrCorrupt, n, exactLimit, len(b))
	}
	var got Set
	last := uint64(0)
	for i := range n {
		h := binary.LittleEndian.Uint64(b[8*i:])
		if h <= last {
			return fmt.Errorf("%w: hash %x after %x", ErrCorrupt, h, last)
		}
		got.Insert(h)
		last = h
	}
	*s = got
	return nil
}

func (s *Set) unmarshalDense(b []byte) error {
	if len(b) != registers {
		return fmt.Errorf("%w: %d registers, want %d", ErrCorrupt, len(b), registers)
	}
	if len(bytes.TrimRight(b, "\x00")) == 0 {
		return fmt.Errorf("%w: a dense set of nothing", ErrCorrupt)
	}
	if _, err := sketch(b); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	*s = Set{dense: (*[registers]uint8)(bytes.Clone(b))}
	return nil
}

// sketch returns the library's sketch of these registers. It refuses those that
// no hash gives.
func sketch(registers []uint8) (*hyperloglog.Sketch, error) {
	sk := new(hyperloglog.Sketch)
	return sk, sk.UnmarshalBinary(slices.Concat(header, registers))
}
