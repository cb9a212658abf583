package num

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by the errors of UnmarshalBinary.
var ErrCorrupt = errors.New("num: corrupt sum")

// ErrCapacity is returned by AppendBinary for a sum of 2^1069 or more, which no
// stream of fewer than 2⁴⁴ values reaches.
var ErrCapacity = errors.New("num: sum exceeds its capacity")

// maxSumBytes is the length of the magnitude of the largest sum that is
// written: 67 digits of 32 bits.
const maxSumBytes = 4 * chunks

// AppendBinary appends the sum to b. The bytes depend on the exact sum alone:
//
//	zero      00
//	others    sign (01 positive, 02 negative)
//	          offset   uint16, little endian: index of the lowest byte that is not 0
//	          length   uint16, little endian: number of bytes that follow
//	          bytes    of |sum|·2^1075, little endian; the first and last are not 0
//
// A sum of like values takes about 15 bytes. The only error is ErrCapacity.
func (s *Sum) AppendBinary(b []byte) ([]byte, error) {
	m, negative := s.magnitude()
	if m[chunks] != 0 {
		return b, ErrCapacity
	}
	var raw [maxSumBytes]byte
	for i, v := range m[:chunks] {
		binary.LittleEndian.PutUint32(raw[4*i:], v)
	}
	lo, hi := 0, len(raw)
	for hi > 0 && raw[hi-1] == 0 {
		hi--
	}
	if hi == 0 {
		return append(b, 0), nil
	}
	for raw[lo] == 0 {
		lo++
	}
	sign := byte(1)
	if negative {
		sign = 2
	}
	b = append(b, sign)
	b = binary.LittleEndian.AppendUint16(b, uint16(lo))
	b = binary.LittleEndian.AppendUint16(b, uint16(hi-lo))
	return append(b, raw[lo:hi]...), nil
}

// MarshalBinary is AppendBinary to an empty slice.
func (s *Sum) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces the sum by the one in b, which must be exactly what
// AppendBinary writes. Otherwise the error wraps ErrCorrupt and the sum is left
// as it was.
func (s *Sum) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: no bytes", ErrCorrupt)
	}
	if b[0] == 0 {
		if len(b) != 1 {
			return fmt.Errorf("%w: %d bytes follow a zero", ErrCorrupt, len(b)-1)
		}
		*s = Sum{}
		return nil
	}
	if b[0] > 2 {
		return fmt.Errorf("%w: sign %d, want 0, 1 or 2", ErrCorrupt, b[0])
	}
	if len(b) < 6 {
		return fmt.Errorf("%w: %d bytes, want at least 6", ErrCorrupt, len(b))
	}
	lo := int(binary.LittleEndian.Uint16(b[1:]))
	n := int(binary.LittleEndian.Uint16(b[3:]))
	digits := b[5:]
	switch {
	case n != len(digits):
		return fmt.Errorf("%w: length says %d bytes, %d follow", ErrCorrupt, n, len(digits))
	case lo+n > maxSumBytes:
		return fmt.Errorf("%w: bytes %d to %d, the last is %d", ErrCorrupt, lo, lo+n-1, maxSumBytes-1)
	case digits[0] == 0 || digits[n-1] == 0:
		return fmt.Errorf("%w: the magnitude begins or ends with a zero byte", ErrCorrupt)
	case lo == 0 && digits[0]&1 != 0:
		return fmt.Errorf("%w: not a multiple of 2^-1074", ErrCorrupt)
	}
	var raw [maxSumBytes]byte
	copy(raw[lo:], digits)
	got := Sum{added: 1}
	for i := range got.c {
		got.c[i] = int64(binary.LittleEndian.Uint32(raw[4*i:]))
		if b[0] == 2 {
			got.c[i] = -got.c[i]
		}
	}
	*s = got
	return nil
}

// String shows the rounded sum, for debugging.
func (s *Sum) String() string { return fmt.Sprint(s.Value()) }
