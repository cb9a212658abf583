package store

import "fmt"

// Claim gives its caller a part of the store for itself, until release is called.
// The lock of the directory keeps other processes away; this keeps two components
// of one process from believing both that what they remember is all there is.
func (s *Store) Claim(part string) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[part] {
		return nil, fmt.Errorf("the state in %s has a %s already", s.dir, part)
	}
	if s.claims == nil {
		s.claims = map[string]bool{}
	}
	s.claims[part] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.claims, part)
	}, nil
}
