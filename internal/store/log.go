package store

import "math"

// The log holds accepted batches until a checkpoint has moved what they say
// into the outbox. Its owner numbers the entries upwards.
//
//	key    10 seq(8)
//	value  the entry

func logKey(seq uint64) []byte { return appendUint([]byte{byte(FamilyLog)}, seq) }

// LogRoom is how many bytes the log may grow to before entries that have not been
// cut are written to tables. A log that is cut sooner is only ever written once.
func (s *Store) LogRoom() int64 { return s.opts.MemTableBytes / 2 }

// PutLog adds an entry. Numbers only grow: one that was deleted never comes
// back.
func (tx *Tx) PutLog(seq uint64, entry []byte) {
	tx.put(logKey(seq), entry)
	tx.raise(keyLogLast, seq)
}

// DeleteLogThrough deletes the entries up to and including seq, those put
// earlier in this transaction too.
func (tx *Tx) DeleteLogThrough(seq uint64) {
	end := prefixEnd([]byte{byte(FamilyLog)})
	if seq < math.MaxUint64 {
		end = logKey(seq + 1)
	}
	tx.deleteRange(logKey(0), end)
	tx.cuts = true
}

// EachLog calls fn for every entry in ascending order. An entry is valid until
// fn returns.
func (s *Store) EachLog(fn func(seq uint64, entry []byte) error) error {
	return s.EachLogFrom(0, fn)
}

// EachLogFrom is EachLog for the entries from seq on.
func (s *Store) EachLogFrom(seq uint64, fn func(seq uint64, entry []byte) error) error {
	return s.each(logKey(seq), prefixEnd([]byte{byte(FamilyLog)}), func(key, entry []byte) error {
		seq, err := readLogKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(seq, entry)
	})
}

// LastLogSeq returns the largest number that was ever put, deleted or not, 0
// when there was none.
func (s *Store) LastLogSeq() (uint64, error) {
	return s.lastSeq(FamilyLog, keyLogLast, readLogKey)
}

func readLogKey(key []byte) (uint64, error) {
	r := readKey(FamilyLog, key)
	seq := r.uint()
	return seq, r.done()
}
