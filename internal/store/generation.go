package store

import "errors"

// Generation counts the openings of the directory by this Store, from 1. It
// grows when the store has recovered from a failed write, and then commits that
// returned an error, or were not synced, may be gone.
func (s *Store) Generation() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

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

// use returns the engine and keeps it open until release. When a write has
// failed, it opens the directory again, unless other calls are under way: they
// may be the caller's own, around this one.
func (s *Store) use() (*engine, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return nil, 0, ErrClosed
		case s.engine != nil && s.engine.fence.tripped() == nil:
			s.users++
			return s.engine, s.generation, nil
		case s.opening || s.users > 0:
			return nil, 0, s.failed()
		}
		if err := s.reopenLocked(); err != nil {
			return nil, 0, err
		}
	}
}

// failed returns the error of calls while the store has stopped. mu is held.
func (s *Store) failed() error {
	if s.failure == nil && s.engine != nil {
		s.failure = s.engine.fence.tripped()
	}
	var known *FailedError
	if errors.As(s.failure, &known) {
		return known
	}
	return &FailedError{Dir: s.dir, Err: s.failure}
}

// reopenLocked is called with mu held, and releases it while it works.
func (s *Store) reopenLocked() error {
	failed := s.failed()
	if avail, need := s.room(); need > 0 && avail < need/2 {
		return errors.Join(&DiskFullError{Dir: s.dir, Avail: avail, Need: need}, failed)
	}
	old := s.engine
	s.engine, s.opening = nil, true
	s.mu.Unlock()
	if old != nil {
		s.opts.Logger.Errorf("%v; opening it again", failed)
		_ = old.close() // writes nothing: the fence has tripped
	}
	fresh, err := openEngine(s.dir, &s.opts, s.lock)
	s.mu.Lock()
	s.opening = false
	s.idle.Broadcast() // Close may be waiting for us
	if err != nil {
		s.failure = err
		return s.failed()
	}
	s.engine, s.failure = fresh, nil
	s.generation++
	s.opts.Logger.Infof("the store in %s is open again", s.dir)
	return nil
}

func (s *Store) release() {
	s.mu.Lock()
	s.users--
	if s.users == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
}
