package counts

import (
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"
)

// Remap returns the counts as they would be with another dictionary and limit:
// categories keep their counts by name, whether they are known to both
// dictionaries, become new, or become known. It does not modify c.
//
// The answer is exact while no value of c is in Other. Else the values that have
// no count of their own stay in Other, but for those of a category that is known
// from now on, as far as Heavy counted them; and the limit is lowered to the
// values whose counts are still exact.
func (c *Counts) Remap(from, to *Dictionary, limit int) *Counts {
	out := New(to.Len(), limit)
	exact := make([]*kept, 0, len(c.byHash)) // values that are new to the other dictionary
	take := func(hash uint64, value string, n uint64) {
		if i, ok := to.Index(value); ok {
			out.Known[i] += n
		} else {
			exact = append(exact, &kept{hash, value, n})
		}
	}
	for _, k := range c.byHash {
		take(k.hash, k.value, k.count)
	}
	for i, n := range c.Known {
		if value := from.Value(i); n > 0 {
			take(xxh3.HashStringSeed(value, hashSeed), value, n)
		}
	}
	out.Other, out.heavy.err = c.Other, c.heavy.err
	for v, n := range c.heavy.counters {
		if i, ok := to.Index(v); ok {
			out.Known[i] += *n
			out.Other -= *n
		} else {
			out.heavy.add(v, *n)
		}
	}
	slices.SortFunc(exact, func(a, b *kept) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.value, b.value))
	})
	if out.Other > 0 {
		out.cap = min(out.cap, c.covered(exact))
	}
	for _, k := range exact {
		out.add(k.hash, k.value, k.count)
	}
	return out
}

// covered returns how many of these values, ascending by hash, come no later
// than the last that c keeps. Between later ones there may be values without a
// count of their own.
func (c *Counts) covered(values []*kept) int {
	if c.cap == 0 {
		return 0
	}
	last := c.byHash[0]
	n := 0
	for n < len(values) && !values[n].after(last.hash, last.value) {
		n++
	}
	return n
}
