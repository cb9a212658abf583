package halves

import (
	"container/list"
	"iter"
)

// shelf holds entries by key and by age.
type shelf struct {
	byKey map[string]*list.Element // of *entry
	order *list.List               // the oldest first
	bytes int
}

func newShelf() shelf { return shelf{byKey: map[string]*list.Element{}, order: list.New()} }

// get returns what stands under a key, nil if nothing does.
func (s *shelf) get(key string) *entry {
	if place, ok := s.byKey[key]; ok {
		return place.Value.(*entry)
	}
	return nil
}

// put adds an entry under a key that is free, behind all that are as old: at the end
// as a rule.
func (s *shelf) put(e *entry) {
	before := s.order.Back()
	for before != nil && before.Value.(*entry).at.After(e.at) {
		before = before.Prev()
	}
	if before == nil {
		s.byKey[e.key] = s.order.PushFront(e)
	} else {
		s.byKey[e.key] = s.order.InsertAfter(e, before)
	}
	s.bytes += e.size()
}

func (s *shelf) take(e *entry) {
	s.order.Remove(s.byKey[e.key])
	delete(s.byKey, e.key)
	s.bytes -= e.size()
}

// oldest goes through all by age. The one that it stands at may be taken.
func (s *shelf) oldest() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for place := s.order.Front(); place != nil; {
			next := place.Next()
			if !yield(place.Value.(*entry)) {
				return
			}
			place = next
		}
	}
}
