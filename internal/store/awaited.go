package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// What is known of the ids of predictions that wait for ground truth, by hash.
// docs/formats/join.md describes the states.
//
//	key    30 id(16)
//	value  the state
//
// Names and shapes that states refer to by number:
//
//	key    32 number(4)
//	value  the entry
//
// How many states a model has:
//
//	key    33 model
//	value  01 awaited held

func awaitedKey(id *[16]byte) (key [17]byte) {
	key[0] = byte(FamilyAwaited)
	copy(key[1:], id[:])
	return key
}

// PutAwaited keeps the state of an id, instead of the one before.
func (tx *Tx) PutAwaited(id *[16]byte, state []byte) {
	key := awaitedKey(id)
	tx.put(key[:], state)
}

// DeleteAwaited forgets an id.
func (tx *Tx) DeleteAwaited(id *[16]byte) {
	key := awaitedKey(id)
	tx.delete(key[:])
}

// Awaited calls fn with the state of each id in turn, nil where there is none. It
// costs least when they ascend. A state is valid until fn returns. One that
// cannot be read because the disk is damaged comes with a CorruptError; fn
// decides what to do. Other errors, and those of fn, end the walk.
func (s *Store) Awaited(ids [][16]byte, fn func(i int, state []byte, damaged error) error) error {
	e, _, err := s.use()
	if err != nil {
		return err
	}
	defer s.release()
	family := []byte{byte(FamilyAwaited)}
	// An iterator asks the filters of all tables, Get not those of the last level;
	// and most ids are in none.
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: family, UpperBound: prefixEnd(family), UseL6Filters: true})
	if err != nil {
		return damage(s.dir, err)
	}
	defer func() { _ = it.Close() }() // its errors have been seen
	var key [17]byte
	for i := range ids {
		key = awaitedKey(&ids[i])
		var state []byte
		if it.SeekPrefixGE(key[:]) && bytes.Equal(it.Key(), key[:]) {
			state, err = it.ValueAndErr()
		} else {
			err = it.Error()
		}
		if err = damage(s.dir, err); err != nil && !isDamage(err) {
			return err
		}
		if err := fn(i, state, err); err != nil {
			return err
		}
	}
	return nil
}

// EachAwaited calls fn for every id, in ascending order. It reads all states, and
// is for tools.
func (s *Store) EachAwaited(fn func(id [16]byte, state []byte) error) error {
	return s.eachPrefix([]byte{byte(FamilyAwaited)}, func(key, state []byte) error {
		id, err := readAwaitedKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(id, state)
	})
}

func readAwaitedKey(key []byte) ([16]byte, error) {
	r := readKey(FamilyAwaited, key)
	id := r.id()
	return id, r.done()
}

// PutName keeps an entry of the table of names.
func (tx *Tx) PutName(number uint32, entry []byte) { tx.put(nameKey(number), entry) }

// EachName calls fn for the entries of the table of names, by number. An entry is
// valid until fn returns.
func (s *Store) EachName(fn func(number uint32, entry []byte) error) error {
	return s.eachPrefix([]byte{byte(FamilyName)}, func(key, entry []byte) error {
		number, err := readNumberKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(number, entry)
	})
}

func nameKey(number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(FamilyName)}, number)
}

func readNumberKey(key []byte) (uint32, error) {
	r := readKey(FamilyName, key)
	if r.err == nil && len(r.b) != 4 {
		r.fail("has %d bytes, want 4", len(r.b))
		return 0, r.err
	}
	if r.err != nil {
		return 0, r.err
	}
	return binary.BigEndian.Uint32(r.b), nil
}

// Tally is how many states a model has.
type Tally struct {
	Awaited uint64 // predictions without a label
	Held    uint64 // all that take a place: predictions, and actuals without one
}

const tallyVersion = 1

// PutTally keeps the tally of a model.
func (tx *Tx) PutTally(model string, t Tally) {
	tx.put(keyOf(FamilyTally, model), t.appendTo(nil))
}

// EachTally calls fn for every model that has a tally.
func (s *Store) EachTally(fn func(model string, t Tally) error) error {
	return s.eachPrefix([]byte{byte(FamilyTally)}, func(key, value []byte) error {
		model, err := readNameKey(FamilyTally, key)
		if err != nil {
			return damage(s.dir, err)
		}
		t, err := readTally(value)
		if err != nil {
			return damage(s.dir, fmt.Errorf("model %q: %w", model, err))
		}
		return fn(model, t)
	})
}

func (t Tally) appendTo(b []byte) []byte {
	b = append(b, tallyVersion)
	b = binary.AppendUvarint(b, t.Awaited)
	return binary.AppendUvarint(b, t.Held)
}

func readTally(b []byte) (Tally, error) {
	r := readValue("tally", tallyVersion, b)
	t := Tally{Awaited: r.uvarint(), Held: r.uvarint()}
	if r.err == nil && t.Awaited > t.Held {
		r.fail("has %d awaited of %d", t.Awaited, t.Held)
	}
	if err := r.done(); err != nil {
		return Tally{}, err
	}
	return t, nil
}
