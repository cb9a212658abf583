package store

// SyncGeneration returns nil when everything that was committed before it, in
// that opening of the store, is on stable storage. It returns ErrStale when the
// store was opened again since: then nobody knows, but what was lost is an end of
// what was committed.
func (s *Store) SyncGeneration(generation uint64) error {
	e, now, err := s.use()
	if err != nil {
		return err
	}
	defer s.release()
	if now != generation {
		return ErrStale
	}
	return s.syncLog(e)
}

// KnowsBatch reports whether the batch was counted. Unlike HasBatch it does not
// sync: what it finds may still be lost.
func (s *Store) KnowsBatch(id [16]byte) (bool, error) {
	_, ok, err := s.get(batchKey(id))
	return ok, err
}
