package store

import "encoding/binary"

// Dirty windows have changed since they were evaluated.
//
//	key    23 model version start(8)
//	value  01 first(8) last(8)

// Dirty is a window to be evaluated. Times are in ns since 1970.
type Dirty struct {
	Model, Version          string
	Start                   int64
	FirstChange, LastChange int64
}

const dirtyVersion = 1

func dirtyKey(model, version string, start int64) []byte {
	return appendTime(keyOf(FamilyDirty, model, version), start)
}

// MarkDirty marks a window as changed, instead of the mark before: the caller
// keeps the first change.
func (tx *Tx) MarkDirty(model, version string, start, firstChange, lastChange int64) {
	tx.put(dirtyKey(model, version, start), dirtyValue(firstChange, lastChange))
}

func dirtyValue(firstChange, lastChange int64) []byte {
	b := make([]byte, 1, 17)
	b[0] = dirtyVersion
	b = binary.BigEndian.AppendUint64(b, uint64(firstChange))
	return binary.BigEndian.AppendUint64(b, uint64(lastChange))
}

// ClearDirty takes a mark away, if there is one.
func (tx *Tx) ClearDirty(model, version string, start int64) {
	tx.delete(dirtyKey(model, version, start))
}

// ClearDirtyOf clears the marks of all windows of a version.
func (tx *Tx) ClearDirtyOf(model, version string) {
	p := keyOf(FamilyDirty, model, version)
	tx.deleteRange(p, prefixEnd(p))
}

// Dirty returns the mark of a window.
func (s *Store) Dirty(model, version string, start int64) (Dirty, bool, error) {
	key := dirtyKey(model, version, start)
	b, ok, err := s.get(key)
	if err != nil || !ok {
		return Dirty{}, false, err
	}
	d, err := readDirty(key, b)
	return d, err == nil, damage(s.dir, err)
}

// EachDirty calls fn for every mark, by model, version and time.
func (s *Store) EachDirty(fn func(Dirty) error) error {
	return s.eachPrefix([]byte{byte(FamilyDirty)}, func(key, b []byte) error {
		d, err := readDirty(key, b)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(d)
	})
}

func readDirty(key, value []byte) (d Dirty, err error) {
	if d.Model, d.Version, d.Start, err = readWindowKey(FamilyDirty, key); err != nil {
		return Dirty{}, err
	}
	r := readValue("dirty mark", dirtyVersion, value)
	d.FirstChange, d.LastChange = int64(r.fixed()), int64(r.fixed())
	if err := r.done(); err != nil {
		return Dirty{}, err
	}
	return d, nil
}
