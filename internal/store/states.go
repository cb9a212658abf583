package store

import (
	"errors"
	"strings"
)

// States are small things that other parts keep under a name: alerts, models
// that were defined by the API, positions.
//
//	key    26 name
//	value  the state

// PutState keeps a state.
func (tx *Tx) PutState(name string, b []byte) { tx.put(keyOf(FamilyState, name), b) }

// DeleteState deletes a state, if there is one.
func (tx *Tx) DeleteState(name string) { tx.delete(keyOf(FamilyState, name)) }

// State returns a state.
func (s *Store) State(name string) ([]byte, bool, error) { return s.get(keyOf(FamilyState, name)) }

// EachState calls fn for the states whose names begin with prefix, by name. b is
// valid until fn returns.
func (s *Store) EachState(prefix string, fn func(name string, b []byte) error) error {
	from := keyOf(FamilyState, prefix)
	from = from[:len(from)-2] // without the terminator
	err := s.each(from, prefixEnd([]byte{byte(FamilyState)}), func(key, b []byte) error {
		name, err := readNameKey(FamilyState, key)
		if err != nil {
			return damage(s.dir, err)
		}
		if !strings.HasPrefix(name, prefix) {
			return errEnough
		}
		return fn(name, b)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
