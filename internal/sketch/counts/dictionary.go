package counts

import (
	"encoding/hex"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// MaxKey is the length in bytes up to which a category is kept as it is.
const MaxKey = 256

// digest is the length of what replaces the end of a longer category: an
// ellipsis and the 128-bit XXH3 hash of the whole in hexadecimal.
const digest = len("…") + 32

// Key returns the category under which s is counted: s itself up to 256 bytes;
// else its beginning, cut between characters, then "…" and a hash of the whole,
// 256 bytes together at most. Dictionaries and Counts apply it themselves.
func Key(s string) string {
	if len(s) <= MaxKey {
		return s
	}
	var buf [MaxKey]byte
	return string(appendKey(buf[:0], s))
}

// appendKey appends Key(s), for an s longer than MaxKey, to b.
func appendKey(b []byte, s string) []byte {
	end := MaxKey - digest
	for i := end; i > end-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) { // s is cut before byte i
			end = i
			break
		}
	}
	b = append(b, s[:end]...)
	b = append(b, "…"...)
	sum := xxh3.HashString128(s).Bytes()
	return hex.AppendEncode(b, sum[:])
}

// A Dictionary numbers the categories of a reference, in ascending order. It
// never changes, so goroutines may share it.
type Dictionary struct {
	values []string
	index  map[string]int32
	ints   map[int64]int32 // the categories that are the decimal form of an integer
}

// NewDictionary returns the dictionary of these categories, as Key shortens
// them, without repetition. The slice is not kept.
func NewDictionary(categories []string) *Dictionary {
	d := &Dictionary{values: make([]string, len(categories))}
	for i, c := range categories {
		d.values[i] = Key(c)
	}
	slices.Sort(d.values)
	d.values = slices.Clip(slices.Compact(d.values))
	d.index = make(map[string]int32, len(d.values))
	d.ints = make(map[int64]int32)
	for i, v := range d.values {
		d.index[v] = int32(i)
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && strconv.FormatInt(n, 10) == v {
			d.ints[n] = int32(i)
		}
	}
	return d
}

// Len returns the number of categories.
func (d *Dictionary) Len() int { return len(d.values) }

// Value returns the i-th category.
func (d *Dictionary) Value(i int) string { return d.values[i] }

// Values returns all categories, ascending. The slice belongs to the dictionary:
// read only.
func (d *Dictionary) Values() []string { return d.values }

// Index returns the number of category s. It does not allocate.
func (d *Dictionary) Index(s string) (i int32, ok bool) {
	if len(s) > MaxKey {
		var buf [MaxKey]byte
		i, ok = d.index[string(appendKey(buf[:0], s))]
		return i, ok
	}
	i, ok = d.index[s]
	return i, ok
}

// IndexInt returns the number of the category that is the decimal form of n.
func (d *Dictionary) IndexInt(n int64) (i int32, ok bool) {
	i, ok = d.ints[n]
	return i, ok
}
