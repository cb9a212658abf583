package moments

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrCorrupt is wrapped by the errors of Check and UnmarshalBinary.
var ErrCorrupt = errors.New("moments: corrupt")

// Check reports what is impossible about m, for those who fill the fields from
// bytes of their own. Errors wrap ErrCorrupt.
func (m *Moments) Check() error {
	switch {
	case m.N == 0 && (m.Huge != 0 || m.Min != 0 || m.Max != 0 || !m.D.IsZero() || !m.D2.IsZero()):
		return fmt.Errorf("%w: no values, but not empty", ErrCorrupt)
	case m.Huge > m.N:
		return fmt.Errorf("%w: %d huge values of %d", ErrCorrupt, m.Huge, m.N)
	case !(math.Abs(m.Min) <= math.MaxFloat64) || !(math.Abs(m.Max) <= math.MaxFloat64) || m.Min > m.Max:
		return fmt.Errorf("%w: values from %v to %v", ErrCorrupt, m.Min, m.Max)
	case negativeZero(m.Min) || negativeZero(m.Max):
		return fmt.Errorf("%w: an extreme is -0, want 0", ErrCorrupt)
	case m.D2.Value() < 0:
		return fmt.Errorf("%w: the squares add up to %v", ErrCorrupt, m.D2.Value())
	}
	return nil
}

func negativeZero(x float64) bool { return x == 0 && math.Signbit(x) }

// AppendBinary appends the moments to b: N and Huge as uvarint, Min and Max as
// float64, little endian, then D and D2, each as uvarint length and bytes of
// num.Sum. The bytes do not depend on the order of Add and Merge. The only error
// is num.ErrCapacity.
func (m *Moments) AppendBinary(b []byte) ([]byte, error) {
	out := binary.AppendUvarint(b, m.N)
	out = binary.AppendUvarint(out, m.Huge)
	out = binary.LittleEndian.AppendUint64(out, math.Float64bits(m.Min))
	out = binary.LittleEndian.AppendUint64(out, math.Float64bits(m.Max))
	d, err := m.D.MarshalBinary()
	if err != nil {
		return b, err
	}
	d2, err := m.D2.MarshalBinary()
	if err != nil {
		return b, err
	}
	out = append(binary.AppendUvarint(out, uint64(len(d))), d...)
	return append(binary.AppendUvarint(out, uint64(len(d2))), d2...), nil
}

// UnmarshalBinary replaces m by the moments that AppendBinary wrote as b. It
// accepts nothing else and leaves m as it was if it fails. Errors wrap
// ErrCorrupt.
func (m *Moments) UnmarshalBinary(b []byte) error {
	var got Moments
	var err error
	if got.N, b, err = uvarint(b); err != nil {
		return err
	}
	if got.Huge, b, err = uvarint(b); err != nil {
		return err
	}
	if len(b) < 16 {
		return fmt.Errorf("%w: %d bytes left for the extremes, want 16", ErrCorrupt, len(b))
	}
	got.Min = math.Float64frombits(binary.LittleEndian.Uint64(b))
	got.Max = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
	b = b[16:]
	for _, s := range [...]interface{ UnmarshalBinary([]byte) error }{&got.D, &got.D2} {
		var n uint64
		if n, b, err = uvarint(b); err != nil {
			return err
		}
		if n > uint64(len(b)) {
			return fmt.Errorf("%w: a sum of %d bytes, %d left", ErrCorrupt, n, len(b))
		}
		if err := s.UnmarshalBinary(b[:n]); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return fmt.Errorf("%w: %d bytes left over", ErrCorrupt, len(b))
	}
	if err := got.Check(); err != nil {
		return err
	}
	*m = got
	return nil
}

// uvarint cuts a uvarint of the least possible length off b.
func uvarint(b []byte) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, nil, fmt.Errorf("%w: not a uvarint of the least length", ErrCorrupt)
	}
	return v, b[n:], nil
}
