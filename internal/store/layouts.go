package store

// Layouts describe how profiles are laid out. Many profiles share one.
//
//	key    21 id
//	value  the layout

// PutLayout keeps a layout.
func (tx *Tx) PutLayout(id string, b []byte) { tx.put(keyOf(FamilyLayout, id), b) }

// DeleteLayout deletes a layout, if there is one.
func (tx *Tx) DeleteLayout(id string) { tx.delete(keyOf(FamilyLayout, id)) }

// Layout returns a layout.
func (s *Store) Layout(id string) ([]byte, bool, error) { return s.get(keyOf(FamilyLayout, id)) }

// EachLayout calls fn for every layout, by id. b is valid until fn returns.
func (s *Store) EachLayout(fn func(id string, b []byte) error) error {
	return s.eachPrefix([]byte{byte(FamilyLayout)}, func(key, b []byte) error {
		id, err := readNameKey(FamilyLayout, key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(id, b)
	})
}

// readNameKey reads a key that is one string.
func readNameKey(f Family, key []byte) (string, error) {
	r := readKey(f, key)
	name := r.string()
	return name, r.done()
}
