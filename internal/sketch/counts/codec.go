package counts

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/sketch/strict"
)

// ErrCorrupt is wrapped by the errors of UnmarshalBinary.
var ErrCorrupt = errors.New("counts: corrupt")

// AppendBinary appends the counts to b. All numbers are uvarints:
//
//	known   number of categories, then the count of each
//	cap     of the exact new values
//	new     number of values, then each, ascending by value: length, bytes, count
//	other   total
//	heavy   error, number of counters, then each as above
//
// Up to the heavy part the bytes do not depend on the order of Add and Merge.
// The error is always nil.
func (c *Counts) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(c.Known)))
	for _, n := range c.Known {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(c.cap))
	b = appendValues(b, c.NewValues())
	b = binary.AppendUvarint(b, c.Other)
	b = binary.AppendUvarint(b, c.heavy.err)
	heavy := c.heavy.Values()
	slices.SortFunc(heavy, func(a, b Value) int { return cmp.Compare(a.Value, b.Value) })
	return appendValues(b, heavy), nil
}

// MarshalBinary is AppendBinary to an empty slice.
func (c *Counts) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

func appendValues(b []byte, vs []Value) []byte {
	b = binary.AppendUvarint(b, uint64(len(vs)))
	for _, v := range vs {
		b = binary.AppendUvarint(b, uint64(len(v.Value)))
		b = append(b, v.Value...)
		b = binary.AppendUvarint(b, v.Count)
	}
	return b
}

// UnmarshalBinary replaces c by the counts that AppendBinary wrote as b. It
// accepts nothing else, allocates in proportion to b, and leaves c as it was if
// it fails. Errors wrap ErrCorrupt.
func (c *Counts) UnmarshalBinary(b []byte) error {
	r := strict.NewReader(b, ErrCorrupt)
	got := Counts{Known: make([]uint64, r.Number("categories", math.MaxInt32, 1))}
	for i := range got.Known {
		got.Known[i] = r.Uvarint()
	}
	limit := r.Uvarint()
	if limit > math.MaxInt32 {
		r.Fail("a cap of %d new values", limit)
	}
	got.cap = int(limit)
	for _, v := range readValues(r, limit) {
		got.add(xxh3.HashStringSeed(v.Value, hashSeed), v.Value, v.Count)
	}
	got.Other = r.Uvarint()
	got.heavy.err = r.Uvarint()
	for _, v := range readValues(r, MaxHeavy) {
		got.heavy.add(v.Value, v.Count)
	}
	if err := r.End(); err != nil {
		return err
	}
	if err := got.check(); err != nil {
		return err
	}
	*c = got
	return nil
}

// check reports what cannot come about by Add and Merge.
func (c *Counts) check() error {
	if c.Other > 0 && len(c.byHash) < c.cap {
		return fmt.Errorf("%w: %d new values without a count, but only %d of %d with one", ErrCorrupt, c.Other, len(c.byHash), c.cap)
	}
	var sum, carry, carried uint64
	for v, n := range c.heavy.counters {
		if len(c.byHash) > 0 && (c.kept[v] != nil || c.byHash[0].after(xxh3.HashStringSeed(v, hashSeed), v)) {
			return fmt.Errorf("%w: heavy value %q should have an exact count", ErrCorrupt, v)
		}
		sum, carry = bits.Add64(sum, *n, 0)
		carried += carry
	}
	hi, lo := bits.Mul64(c.heavy.err, MaxHeavy+1)
	least, carry := bits.Add64(sum, lo, 0)
	if hi+carry+carried > 0 || least > c.Other || c.heavy.err == 0 && sum != c.Other {
		return fmt.Errorf("%w: counters of %d with the error %d for %d values", ErrCorrupt, sum, c.heavy.err, c.Other)
	}
	return nil
}

// readValues reads what appendValues wrote.
func readValues(r *strict.Reader, limit uint64) []Value {
	vs := make([]Value, 0, r.Number("values", limit, 2))
	for range cap(vs) {
		n := r.Number("bytes of a value", MaxKey, 1)
		v := Value{Value: string(r.Bytes(n))}
		v.Count = r.Uvarint()
		switch {
		case r.Err != nil:
		case v.Count == 0:
			r.Fail("value %q was never seen", v.Value)
		case len(vs) > 0 && vs[len(vs)-1].Value >= v.Value:
			r.Fail("value %q after %q", v.Value, vs[len(vs)-1].Value)
		}
		if r.Err != nil {
			return nil
		}
		vs = append(vs, v)
	}
	return vs
}
