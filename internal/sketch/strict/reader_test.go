package strict

import (
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

var errBad = errors.New("bad")

func TestReader(t *testing.T) {
	b := append([]byte{7}, "abc"...)
	b = binary.LittleEndian.AppendUint64(b, 1<<40)
	b = binary.AppendUvarint(b, 300)
	b = append(binary.AppendUvarint(b, 2), 1, 2)
	read := func(b []byte) (*Reader, bool) {
		r := NewReader(b, errBad)
		ok := r.Byte() == 7 && string(r.Bytes(3)) == "abc" && r.Uint64() == 1<<40 && r.Uvarint() == 300 && r.Number("things", 10, 1) == 2
		return r, ok && len(r.Bytes(2)) == 2 && r.End() == nil
	}
	if r, ok := read(b); !ok {
		t.Errorf("%v", r.Err)
	}
	for i := range b { // a cut is an error, and all that is read after it is zero
		r, ok := read(b[:i])
		if ok || !errors.Is(r.End(), errBad) || r.Byte() != 0 || r.Uvarint() != 0 || r.Bytes(1) != nil {
			t.Errorf("cut to %d: %v", i, r.Err)
		}
	}
	if r, _ := read(append(b, 0)); !errors.Is(r.Err, errBad) {
		t.Errorf("a byte too many: %v", r.Err)
	}
}

// There is one encoding of a number, and none claims more than is there.
func TestNumbersAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "bytes")
		r := NewReader(b, errBad)
		v := r.Uvarint()
		if r.Err == nil && string(binary.AppendUvarint(nil, v)) != string(b[:len(b)-len(r.Rest)]) {
			t.Fatalf("%x is taken for %d", b, v)
		}
		size := rapid.IntRange(1, 9).Draw(t, "size")
		r = NewReader(b, errBad)
		if n := r.Number("things", 5, size); n > 5 || n*size > len(b) {
			t.Fatalf("%d things of %d bytes in %d", n, size, len(b))
		}
	})
}
