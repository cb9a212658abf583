package store

// Pending rows wait until their model has a reference to be condensed with.
//
//	key    13 model version dataset seq(8)
//	value  the rows

// PendingSet names the pending rows of one reference to be built.
type PendingSet struct {
	Model, Version, Dataset string
	Parts                   int    // values put
	Bytes                   int64  // of all values
	LastSeq                 uint64 // the largest
}

func pendingPrefix(model, version, dataset string) []byte {
	return keyOf(FamilyPending, model, version, dataset)
}

// PutPending keeps rows. Sequences order the rows of a set; the same one
// replaces.
func (tx *Tx) PutPending(model, version, dataset string, seq uint64, rows []byte) {
	tx.put(appendUint(pendingPrefix(model, version, dataset), seq), rows)
}

// DeletePending deletes all rows of a set.
func (tx *Tx) DeletePending(model, version, dataset string) {
	p := pendingPrefix(model, version, dataset)
	tx.deleteRange(p, prefixEnd(p))
}

// EachPending calls fn for the rows of a set, by sequence. Rows are valid until
// fn returns.
func (s *Store) EachPending(model, version, dataset string, fn func(seq uint64, rows []byte) error) error {
	return s.eachPrefix(pendingPrefix(model, version, dataset), func(key, rows []byte) error {
		_, seq, err := readPendingKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(seq, rows)
	})
}

// PendingSets returns all sets, by model, version and dataset. It reads all
// rows.
func (s *Store) PendingSets() ([]PendingSet, error) {
	var sets []PendingSet
	err := s.eachPrefix([]byte{byte(FamilyPending)}, func(key, rows []byte) error {
		name, seq, err := readPendingKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		last := len(sets) - 1
		if last < 0 || sets[last].Model != name.Model || sets[last].Version != name.Version || sets[last].Dataset != name.Dataset {
			sets = append(sets, name)
			last++
		}
		sets[last].Parts++
		sets[last].Bytes += int64(len(rows))
		sets[last].LastSeq = seq
		return nil
	})
	return sets, err
}

func readPendingKey(key []byte) (set PendingSet, seq uint64, err error) {
	r := readKey(FamilyPending, key)
	set.Model, set.Version, set.Dataset, seq = r.string(), r.string(), r.string(), r.uint()
	return set, seq, r.done()
}
