package counts

import (
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/num"
)

// ErrForgotten is wrapped by the error of Sub when one of the sides has more new
// values than it can name.
var ErrForgotten = errors.New("counts: new values that have no count cannot be taken away")

// Sub takes away the values of o, which are among those of c and were counted
// with the same dictionary. What is left has the bytes of the rest. It does not
// modify o.
//
// A value that was gone from the smallest hashes comes back to them only where it
// is known, so with new values in o every new value of both must have a count, of
// its own or in Heavy without an error: else the error wraps ErrForgotten. If o has
// values that c does not have, it wraps num.ErrSub; if the dictionaries differ in
// length, ErrDictionary. After an error c is as it was.
func (c *Counts) Sub(o *Counts) error {
	if len(c.Known) != len(o.Known) {
		return fmt.Errorf("%w: %d and %d categories", ErrDictionary, len(c.Known), len(o.Known))
	}
	for i, n := range c.Known {
		if o.Known[i] > n {
			return fmt.Errorf("%w: %d of category %d, which has %d", num.ErrSub, o.Known[i], i, n)
		}
	}
	if o.Other > 0 || len(o.byHash) > 0 {
		rest, err := c.without(o)
		if err != nil {
			return err
		}
		rest.Known = c.Known
		*c = *rest
	}
	for i, n := range o.Known {
		c.Known[i] -= n
	}
	return nil
}

// without counts the new values of c again, but for those of o.
func (c *Counts) without(o *Counts) (*Counts, error) {
	if c.heavy.err > 0 || o.heavy.err > 0 {
		return nil, fmt.Errorf("%w: %d of %d", ErrForgotten, o.Other, c.Other)
	}
	left := c.named()
	for value, n := range o.named() {
		if n > left[value] {
			return nil, fmt.Errorf("%w: %d of %q, of which there are %d", num.ErrSub, n, value, left[value])
		}
		left[value] -= n
	}
	rest := New(0, c.cap)
	for value, n := range left {
		if n > 0 {
			rest.add(xxh3.HashStringSeed(value, hashSeed), value, n)
		}
	}
	return rest, nil
}

// named returns the new values that have a count.
func (c *Counts) named() map[string]uint64 {
	all := make(map[string]uint64, len(c.byHash)+len(c.heavy.counters))
	for _, k := range c.byHash {
		all[k.value] = k.count
	}
	for value, n := range c.heavy.counters {
		all[value] = *n
	}
	return all
}
