package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Gap is a range of keys of a family that cannot be read.
type Gap struct {
	Family Family
	File   string // that is damaged; empty when unknown
	// After is the last key before the gap, Before the first one behind it; nil
	// where the family begins and ends.
	After, Before []byte
}

func (g Gap) String() string {
	switch {
	case g.After == nil && g.Before == nil:
		return fmt.Sprintf("%s: all", g.Family)
	case g.After == nil:
		return fmt.Sprintf("%s: all before %s", g.Family, KeyText(g.Before))
	case g.Before == nil:
		return fmt.Sprintf("%s: all after %s", g.Family, KeyText(g.After))
	}
	return fmt.Sprintf("%s: all between %s and %s", g.Family, KeyText(g.After), KeyText(g.Before))
}

// walk reads all keys, family by family. The error is that of saving.
func (c *checker) walk(db *pebble.DB, marks map[Family]uint64) error {
	start := c.done
	rc := recordCheck{db: db, marks: marks}
	order := slices.Clone(families)
	slices.SortStableFunc(order, func(a, b family) int { return c.turn(a.id) - c.turn(b.id) })
	for i, f := range order {
		r, err := c.walkFamily(db, &rc, &f)
		if err != nil {
			return err
		}
		c.report.Families = append(c.report.Families, r)
		if c.o.Walked != nil {
			c.o.Walked(r)
		}
		c.progress(start + (c.total-start)*int64(i+1)/int64(len(order)))
	}
	slices.SortFunc(c.report.Families, func(a, b FamilyReport) int { return int(a.Family) - int(b.Family) })
	slices.SortStableFunc(c.report.Gaps, func(a, b Gap) int { return int(a.Family) - int(b.Family) })
	return c.strangers(db)
}

// turn is when a family is walked.
func (c *checker) turn(f Family) int {
	if i := slices.Index(c.o.First, f); i >= 0 {
		return i
	}
	return len(c.o.First)
}

// walkFamily reads what can be read of a family.
func (c *checker) walkFamily(db *pebble.DB, rc *recordCheck, f *family) (r FamilyReport, err error) {
	r.Family = f.id
	from := []byte{byte(f.id)}
	gaps, err := each(db, from, prefixEnd(from), func(key, value []byte) error {
		r.Count++
		r.KeyBytes += int64(len(key))
		r.ValueBytes += int64(len(value))
		err := f.check(rc, key, value)
		if v := c.o.Validators[f.id]; err == nil && v != nil {
			err = v(key, value)
		}
		switch {
		case err == nil:
		case pebble.IsCorruptionError(err): // what it is compared with is damaged
			c.damage(f.id, err)
		case errors.Is(err, ErrNeedsLost):
			r.NeedsLost++
			return nil
		default:
			c.problem(Problem{Family: f.id, Key: bytes.Clone(key), Err: err})
			return nil
		}
		if c.save != nil {
			return c.save.put(f.id, key, value)
		}
		return nil
	}, func(cause error) { c.damage(f.id, cause) })
	for _, g := range gaps {
		g.Family = f.id
		c.report.Gaps = append(c.report.Gaps, g)
	}
	r.Gaps = len(gaps)
	return r, err
}

// strangers reports keys that belong to no family.
func (c *checker) strangers(db *pebble.DB) error {
	from := []byte{0}
	for i := range len(families) + 1 {
		to := []byte{0xFF, 0xFF}
		if i < len(families) {
			to = []byte{byte(families[i].id)}
		}
		_, err := each(db, from, to, func(key, _ []byte) error {
			c.problem(Problem{Family: Family(key[0]), Key: bytes.Clone(key), Err: fmt.Errorf("%w: no family has this key", ErrCorrupt)})
			return nil
		}, func(cause error) { c.damage(0, cause) })
		if err != nil {
			return err
		}
		if i < len(families) {
			from = prefixEnd(to)
		}
	}
	return nil
}

// each calls fn for every key in [from, to) that can be read, and returns the
// gaps between them; failed is called with the cause of each. The error is that
// of fn, which ends it.
func each(db *pebble.DB, from, to []byte, fn func(key, value []byte) error, failed func(error)) (gaps []Gap, err error) {
	var last []byte // read
	var open bool   // nothing was read since the last gap
	read := func(key, value []byte) error {
		if open {
			gaps[len(gaps)-1].Before, open = bytes.Clone(key), false
		}
		return fn(key, value)
	}
	for from != nil {
		at, cause, err := eachUntil(db, from, to, read)
		if at != nil {
			last = at
			from = append(bytes.Clone(at), 0)
		}
		if err != nil || cause == nil {
			return gaps, err
		}
		failed(cause)
		if !open {
			gaps, open = append(gaps, Gap{File: damagedFile(cause), After: last}), true
		}
		from = beyond(db, from, to, cause)
	}
	return gaps, nil
}

// eachUntil returns the last key that it could read, nil if there was none, and
// why it went no further.
func eachUntil(db *pebble.DB, from, to []byte, fn func(key, value []byte) error) (at []byte, failed, err error) {
	defer func() {
		if p := recover(); p != nil {
			failed = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	it, failed := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if failed != nil {
		return nil, failed, nil
	}
	defer func() { _ = it.Close() }() // its errors have been seen
	for ok := it.First(); ok; ok = it.Next() {
		value, failed := it.ValueAndErr()
		if failed != nil {
			return at, failed, nil
		}
		at = append(at[:0], it.Key()...)
		if err := fn(at, value); err != nil {
			return at, nil, err
		}
	}
	return at, it.Error(), nil
}

// beyond finds where the keys can be read again after cause, which is what
// reading gave at from: nil when that is nowhere before to.
//
// A damaged block ends at a key that stands in the table's index, which Pebble
// does not show. So the place is searched by halves: up to it, seeking fails in
// the same way.
func beyond(db *pebble.DB, from, to []byte, cause error) []byte {
	same := placeOf(cause)
	bad, good := from, to
	var key []byte // the first that can be read at good
	for width := 64; ; width *= 2 {
		lo, hi := fraction(bad, width), fraction(good, width)
		for mid := new(big.Int); ; {
			mid.Add(lo, hi).Rsh(mid, 1)
			if mid.Cmp(lo) <= 0 {
				break
			}
			at := mid.FillBytes(make([]byte, width))
			k, err := seek(db, at, to)
			if err != nil && placeOf(err) == same {
				bad = at
				lo.Set(mid)
			} else {
				good, key = at, k
				hi.Set(mid)
			}
		}
		// The place may lie between two keys that are alike in so many bytes.
		if max(len(key), len(from)) < width-8 || width > maxKey {
			if bytes.Equal(good, to) {
				return nil
			}
			return good
		}
	}
}

// fraction takes the first bytes of a key for a number.
func fraction(key []byte, width int) *big.Int {
	b := make([]byte, width)
	copy(b, key)
	return new(big.Int).SetBytes(b)
}

// seek returns the first key from at on, nil when there is none before to.
func seek(db *pebble.DB, at, to []byte) (key []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: at, UpperBound: to})
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }() // its errors have been seen
	if it.First() {
		if _, err := it.ValueAndErr(); err != nil {
			return nil, err
		}
		return bytes.Clone(it.Key()), nil
	}
	return nil, it.Error()
}

// placeOf names what is damaged: a block, or all of a file.
func placeOf(err error) string {
	if b, ok := errors.AsType[*blockError](err); ok {
		return fmt.Sprintf("%s %d", b.File, b.Offset)
	}
	return damagedFile(err)
}
