package store

// What goes on from groundtruth, kept until the next component has taken it.
//
//	key    34 seq(8)
//	value  the entry
//
// docs/formats/joined.md describes the entries.

func joinedKey(seq uint64) []byte { return appendUint([]byte{byte(FamilyJoined)}, seq) }

// PutJoined adds an entry. Sequences only grow.
func (tx *Tx) PutJoined(seq uint64, entry []byte) { tx.put(joinedKey(seq), entry) }

// RaiseJoined says that the sequence was given, to an entry or to something else,
// and is never given again.
func (tx *Tx) RaiseJoined(seq uint64) { tx.raise(keyJoinedLast, seq) }

// DeleteJoined deletes an entry that was taken.
func (tx *Tx) DeleteJoined(seq uint64) { tx.delete(joinedKey(seq)) }

// Joined returns an entry.
func (s *Store) Joined(seq uint64) ([]byte, bool, error) { return s.get(joinedKey(seq)) }

// EachJoined calls fn for every entry, by sequence. An entry is valid until fn
// returns.
func (s *Store) EachJoined(fn func(seq uint64, entry []byte) error) error {
	return s.eachPrefix([]byte{byte(FamilyJoined)}, func(key, entry []byte) error {
		seq, err := readJoinedKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(seq, entry)
	})
}

// LastJoinedSeq returns the largest sequence ever given, 0 when there was none.
func (s *Store) LastJoinedSeq() (uint64, error) {
	return s.lastSeq(FamilyJoined, keyJoinedLast, readJoinedKey)
}

func readJoinedKey(key []byte) (uint64, error) {
	r := readKey(FamilyJoined, key)
	seq := r.uint()
	return seq, r.done()
}
