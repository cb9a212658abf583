package store

import "encoding/binary"

// Version is a version of a model that was ever seen.
//
//	key    25 model version
//	value  01 first(8) last(8) info
//
// Times are in ns since 1970; info is the caller's.
type Version struct {
	FirstSeen, LastSeen int64
	Info                []byte
}

const versionVersion = 1

// PutVersion keeps what is known of a version, instead of what was before.
func (tx *Tx) PutVersion(model, version string, v Version) {
	tx.put(keyOf(FamilyVersion, model, version), v.appendHead(nil), v.Info)
}

func (v *Version) appendHead(b []byte) []byte {
	b = append(b, versionVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(v.FirstSeen))
	return binary.BigEndian.AppendUint64(b, uint64(v.LastSeen))
}

// DeleteVersion forgets a version, but nothing else of it.
func (tx *Tx) DeleteVersion(model, version string) {
	tx.delete(keyOf(FamilyVersion, model, version))
}

// Version returns what is known of a version.
func (s *Store) Version(model, version string) (Version, bool, error) {
	b, ok, err := s.get(keyOf(FamilyVersion, model, version))
	if err != nil || !ok {
		return Version{}, false, err
	}
	v, err := readVersion(b)
	return v, err == nil, damage(s.dir, err)
}

// EachVersion calls fn for every version, by model and version. v.Info is valid
// until fn returns.
func (s *Store) EachVersion(fn func(model, version string, v Version) error) error {
	return s.eachVersion([]byte{byte(FamilyVersion)}, fn)
}

// EachVersionOf calls fn for the versions of a model.
func (s *Store) EachVersionOf(model string, fn func(version string, v Version) error) error {
	return s.eachVersion(keyOf(FamilyVersion, model), func(_, version string, v Version) error {
		return fn(version, v)
	})
}

func (s *Store) eachVersion(prefix []byte, fn func(model, version string, v Version) error) error {
	return s.eachPrefix(prefix, func(key, b []byte) error {
		model, version, err := readVersionKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		v, err := readVersion(b)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(model, version, v)
	})
}

// DeleteModel deletes the versions, references, profiles, dirty marks and
// pending rows of a model. Parcels on their way stay, and so do the sequences
// seen of it, lest a sender that repeats itself be counted twice.
func (tx *Tx) DeleteModel(model string) {
	for _, f := range [...]Family{FamilyVersion, FamilyReference, FamilyProfile, FamilyDirty, FamilyPending} {
		p := keyOf(f, model)
		tx.deleteRange(p, prefixEnd(p))
	}
}

func readVersionKey(key []byte) (model, version string, err error) {
	r := readKey(FamilyVersion, key)
	model, version = r.string(), r.string()
	return model, version, r.done()
}

func readVersion(b []byte) (Version, error) {
	r := readValue("version", versionVersion, b)
	v := Version{FirstSeen: int64(r.fixed()), LastSeen: int64(r.fixed())}
	if r.err != nil {
		return Version{}, r.err
	}
	v.Info = r.b
	return v, nil
}
