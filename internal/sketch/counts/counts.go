// Package counts counts categories: those of a reference in an array, others
// exactly up to a cap, and beyond it in a bounded summary of heavy hitters.
package counts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"
)

// Counts counts the values of a categorical field.
//
// Values of the reference's Dictionary are counted by their number. Of the
// values that the reference does not have, the "new" ones, those with the
// smallest hashes, up to a cap, have exact counts. Such a value belonged to the
// smallest from the first time it was seen, in every part of the stream, so
// neither the choice nor the counts depend on the order of Add and Merge. All
// other new values are in the total Other, and the most frequent of them in
// Heavy. While there are no more new values than the cap, every count is exact.
//
// Heavy alone depends on the order once it is full, within the error that it
// reports.
//
// Make Counts with New. They are not safe for concurrent use.
type Counts struct {
	Known []uint64 // of the dictionary's categories
	Other uint64   // new values without a count of their own
	heavy Heavy    // of Other

	cap    int
	text   int // bytes of the values in kept
	kept   map[string]*kept
	byHash []*kept // of kept; a heap with the largest (hash, value) first, once kept is full
}

// kept is a new value with an exact count.
type kept struct {
	hash  uint64
	value string
	count uint64
}

// after reports whether k comes after (hash, value) in the order of hashes, in
// which values of equal hash follow their own order.
func (k *kept) after(hash uint64, value string) bool {
	return k.hash > hash || k.hash == hash && k.value > value
}

// Value is a category with its count.
type Value struct {
	Value string
	Count uint64
}

// New returns empty counts for a dictionary of the given length, that keep up to
// limit new values exactly. Negative arguments count as 0.
func New(dictionary, limit int) *Counts {
	return &Counts{Known: make([]uint64, max(dictionary, 0)), cap: max(limit, 0)}
}

// Limit returns how many new values may have an exact count.
func (c *Counts) Limit() int { return c.cap }

// hashSeed is part of the format: it decides which new values are kept.
const hashSeed = 0x63617465676f7279 // "category"

// AddKnown counts the i-th category of the dictionary.
func (c *Counts) AddKnown(i int32) { c.Known[i]++ }

// AddNew counts a value that is not in the dictionary. It reports whether the
// value has an exact count. It allocates only for a value not seen before.
func (c *Counts) AddNew(s string) bool {
	if len(s) > MaxKey {
		var buf [MaxKey]byte
		return c.AddNewBytes(appendKey(buf[:0], s))
	}
	if k := c.kept[s]; k != nil {
		k.count++
		return true
	}
	return c.add(xxh3.HashStringSeed(s, hashSeed), s, 1)
}

// AddNewBytes is AddNew of string(b), which it copies only if it has to.
func (c *Counts) AddNewBytes(b []byte) bool {
	if len(b) > MaxKey {
		return c.AddNew(string(b))
	}
	if k := c.kept[string(b)]; k != nil {
		k.count++
		return true
	}
	hash := xxh3.HashSeed(b, hashSeed)
	if len(c.byHash) == c.cap && (c.cap == 0 || !c.byHash[0].after(hash, "")) && c.heavy.bump(b) {
		c.Other++
		return false
	}
	return c.add(hash, string(b), 1)
}

// AddNewInt is AddNew of the decimal form of n.
func (c *Counts) AddNewInt(n int64) bool {
	var buf [20]byte
	return c.AddNewBytes(strconv.AppendInt(buf[:0], n, 10))
}

// add counts a value that is not kept n times.
func (c *Counts) add(hash uint64, value string, n uint64) bool {
	if len(c.byHash) == c.cap {
		if c.cap == 0 || !c.byHash[0].after(hash, value) {
			c.Other += n
			c.heavy.add(value, n)
			return false
		}
		out := c.byHash[0]
		delete(c.kept, out.value)
		c.text += len(value) - len(out.value)
		c.Other += out.count
		c.heavy.add(out.value, out.count)
		in := &kept{hash, strings.Clone(value), n}
		c.kept[in.value] = in
		c.byHash[0] = in
		c.down(0)
		return true
	}
	if c.kept == nil {
		c.kept = make(map[string]*kept)
	}
	c.text += len(value)
	in := &kept{hash, strings.Clone(value), n}
	c.kept[in.value] = in
	c.byHash = append(c.byHash, in)
	if len(c.byHash) == c.cap { // from now on the largest must be at hand
		for i := len(c.byHash)/2 - 1; i >= 0; i-- {
			c.down(i)
		}
	}
	return true
}

// down restores the heap below i.
func (c *Counts) down(i int) {
	h := c.byHash
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if r := child + 1; r < len(h) && h[r].after(h[child].hash, h[child].value) {
			child = r
		}
		if !h[child].after(h[i].hash, h[i].value) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// ErrDictionary is wrapped by the error of Merge.
var ErrDictionary = errors.New("counts: different dictionaries")

// Merge adds the counts of o, which is not modified: those of another part of
// the stream, with the same dictionary. Counts of different caps merge to the
// smaller one. If the dictionaries differ in length it changes nothing and
// returns an error that wraps ErrDictionary.
func (c *Counts) Merge(o *Counts) error {
	if len(c.Known) != len(o.Known) {
		return fmt.Errorf("%w: %d and %d categories", ErrDictionary, len(c.Known), len(o.Known))
	}
	for i, n := range o.Known {
		c.Known[i] += n
	}
	c.lower(o.cap)
	c.Other += o.Other
	c.heavy.merge(&o.heavy)
	for _, k := range o.sorted() {
		if mine := c.kept[k.value]; mine != nil {
			mine.count += k.count
		} else {
			c.add(k.hash, k.value, k.count)
		}
	}
	return nil
}

// lower reduces the cap.
func (c *Counts) lower(limit int) {
	if limit >= c.cap {
		return
	}
	all := c.sorted()
	c.cap, c.text, c.kept, c.byHash = limit, 0, nil, nil
	for _, k := range all {
		c.add(k.hash, k.value, k.count)
	}
}

// sorted returns the kept values in the order of hashes.
func (c *Counts) sorted() []*kept {
	return slices.SortedFunc(slices.Values(c.byHash), func(a, b *kept) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.value, b.value))
	})
}

// NewValues returns the new values that have exact counts, ascending by value.
// Values that are not among them are in Other.
func (c *Counts) NewValues() []Value {
	vs := make([]Value, 0, len(c.byHash))
	for _, k := range c.byHash {
		vs = append(vs, Value{k.value, k.count})
	}
	slices.SortFunc(vs, func(a, b Value) int { return cmp.Compare(a.Value, b.Value) })
	return vs
}

// Bytes estimates the memory that c holds.
func (c *Counts) Bytes() int {
	// A kept value is an object of 32 B, an entry of a map and of a heap, which
	// have room to spare, and its text; a heavy one has a counter instead.
	const kept, heavy = 32 + 44 + 12 + 8, 8 + 44 + 8
	return 8*len(c.Known) + kept*len(c.byHash) + c.text + heavy*len(c.heavy.counters) + c.heavy.text
}

// Heavy returns the summary of the values in Other. It belongs to c: read only.
func (c *Counts) Heavy() *Heavy { return &c.heavy }

// NewTotal returns the number of new values, counted each time.
func (c *Counts) NewTotal() uint64 {
	n := c.Other
	for _, k := range c.byHash {
		n += k.count
	}
	return n
}

// Total returns the number of values, known and new.
func (c *Counts) Total() uint64 {
	n := c.NewTotal()
	for _, k := range c.Known {
		n += k
	}
	return n
}
