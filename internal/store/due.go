package store

import "fmt"

// When ids are to be forgotten: those that arrived together stand together, by
// the time of their arrival, so that the oldest are found without a search.
//
//	key    31 class arrival(8) seq(8)
//	value  id(16) …
//
// An id stays in the entry in which it was put, also when it has changed since;
// its state says when it really arrived.

// DueClass says what the ids of an entry wait for.
type DueClass byte

// The classes.
const (
	DueAwaited DueClass = 0 // the end of their wait
	DueGone    DueClass = 1 // the end of their trace
)

// Due is one entry.
type Due struct {
	Class   DueClass
	Arrival int64 // in ns since 1970
	Seq     uint64
	IDs     []byte // 16 each; valid until fn returns
}

// Len returns the number of ids.
func (d *Due) Len() int { return len(d.IDs) / 16 }

func dueKey(c DueClass, arrival int64, seq uint64) []byte {
	return appendUint(appendTime([]byte{byte(FamilyDue), byte(c)}, arrival), seq)
}

// PutDue keeps an entry. Entries of one class and arrival need different
// sequences.
func (tx *Tx) PutDue(d Due) { tx.put(dueKey(d.Class, d.Arrival, d.Seq), d.IDs) }

// DeleteDueThrough deletes all entries of d's class up to and including d.
func (tx *Tx) DeleteDueThrough(d Due) {
	tx.deleteRange([]byte{byte(FamilyDue), byte(d.Class)}, append(dueKey(d.Class, d.Arrival, d.Seq), 0))
}

// EachDue calls fn for the entries of a class that arrived before a time, the
// oldest first.
func (s *Store) EachDue(c DueClass, before int64, fn func(Due) error) error {
	return s.each([]byte{byte(FamilyDue), byte(c)}, dueKey(c, before, 0), func(key, ids []byte) error {
		d, err := readDue(key, ids)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(d)
	})
}

func readDueKey(key []byte) (Due, error) {
	r := readKey(FamilyDue, key)
	var d Due
	if r.err == nil && (len(r.b) == 0 || r.b[0] > byte(DueGone)) {
		r.fail("has no class, or one that is not known")
	}
	if r.err != nil {
		return Due{}, r.err
	}
	d.Class, r.b = DueClass(r.b[0]), r.b[1:]
	d.Arrival, d.Seq = r.time(), r.uint()
	return d, r.done()
}

func readDue(key, value []byte) (Due, error) {
	d, err := readDueKey(key)
	if err == nil && (len(value) == 0 || len(value)%16 != 0) {
		err = fmt.Errorf("%w: ids of %d bytes, want 16 each", ErrCorrupt, len(value))
	}
	d.IDs = value
	return d, err
}
