package store

// Profiles, one for each model, version and window.
//
//	key    22 model version start(8)
//	value  the profile

func profileKey(model, version string, start int64) []byte {
	return appendTime(keyOf(FamilyProfile, model, version), start)
}

// PutProfile keeps the profile of the window that begins at start, in ns since
// 1970.
func (tx *Tx) PutProfile(model, version string, start int64, b []byte) {
	tx.put(profileKey(model, version, start), b)
}

// DeleteProfile deletes one profile, if it is there.
func (tx *Tx) DeleteProfile(model, version string, start int64) {
	tx.delete(profileKey(model, version, start))
}

// DeleteProfilesBefore deletes the profiles of windows that begin before t.
func (tx *Tx) DeleteProfilesBefore(model, version string, t int64) {
	tx.deleteRange(keyOf(FamilyProfile, model, version), profileKey(model, version, t))
}

// Profile returns the profile of the window that begins at start.
func (s *Store) Profile(model, version string, start int64) ([]byte, bool, error) {
	return s.get(profileKey(model, version, start))
}

// EachProfile calls fn for the profiles of windows that begin in [from, to), in
// the order of time. b is valid until fn returns.
func (s *Store) EachProfile(model, version string, from, to int64, fn func(start int64, b []byte) error) error {
	if from >= to {
		return nil
	}
	return s.each(profileKey(model, version, from), profileKey(model, version, to), func(key, b []byte) error {
		_, _, start, err := readWindowKey(FamilyProfile, key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(start, b)
	})
}

// EachWindow calls fn for all profiles, by model, version and time. b is valid until
// fn returns.
func (s *Store) EachWindow(fn func(model, version string, start int64, b []byte) error) error {
	return s.eachPrefix([]byte{byte(FamilyProfile)}, func(key, b []byte) error {
		model, version, start, err := readWindowKey(FamilyProfile, key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(model, version, start, b)
	})
}

// LatestProfile returns the last profile of a window that begins before the
// given time.
func (s *Store) LatestProfile(model, version string, before int64) (start int64, b []byte, ok bool, err error) {
	key, b, ok, err := s.last(keyOf(FamilyProfile, model, version), profileKey(model, version, before))
	if err != nil || !ok {
		return 0, nil, false, err
	}
	if _, _, start, err = readWindowKey(FamilyProfile, key); err != nil {
		return 0, nil, false, damage(s.dir, err)
	}
	return start, b, true, nil
}

// readWindowKey reads a key of model, version and start.
func readWindowKey(f Family, key []byte) (model, version string, start int64, err error) {
	r := readKey(f, key)
	model, version, start = r.string(), r.string(), r.time()
	return model, version, start, r.done()
}
