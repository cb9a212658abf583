package store

import "encoding/binary"

// A Parcel is something that has to be sent on, kept until it was delivered.
//
//	key    14 seq(8)
//	value  01 start(8) end(8) kind model version layout body
//
// Strings have their length before them as a varint; the body is the rest.
type Parcel struct {
	Seq            uint64
	Kind           string
	Model, Version string
	Start, End     int64 // of the window, in ns since 1970
	Layout         string
	Body           []byte
}

// Kinds of parcels. The words are on disk and on the wire.
const (
	KindWindow    = "window"    // the profile of one window, a part of it
	KindReference = "reference" // a reference that evaluators need
	KindLayout    = "layout"    // a layout that profiles refer to; never in the outbox
)

const parcelVersion = 1

func parcelKey(seq uint64) []byte { return appendUint([]byte{byte(FamilyOutbox)}, seq) }

// PutParcel adds a parcel. Sequences only grow, and are never used again:
// receivers know a parcel by instance and sequence.
func (tx *Tx) PutParcel(p Parcel) {
	tx.put(parcelKey(p.Seq), p.appendHead(nil), p.Body)
	tx.raise(keyOutboxLast, p.Seq)
}

// DeleteParcel deletes a delivered parcel.
func (tx *Tx) DeleteParcel(seq uint64) { tx.delete(parcelKey(seq)) }

// EachParcel calls fn for every parcel, by sequence. Body is valid until fn
// returns.
func (s *Store) EachParcel(fn func(Parcel) error) error { return s.EachParcelFrom(0, fn) }

// EachParcelFrom is EachParcel for the parcels from seq on.
func (s *Store) EachParcelFrom(seq uint64, fn func(Parcel) error) error {
	return s.each(parcelKey(seq), prefixEnd([]byte{byte(FamilyOutbox)}), func(key, value []byte) error {
		p, err := readParcel(key, value)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(p)
	})
}

// Parcel returns the parcel with a sequence, if it is there.
func (s *Store) Parcel(seq uint64) (p Parcel, ok bool, err error) {
	key := parcelKey(seq)
	b, ok, err := s.get(key)
	if err != nil || !ok {
		return Parcel{}, false, err
	}
	if p, err = readParcel(key, b); err != nil {
		return Parcel{}, false, damage(s.dir, err)
	}
	return p, true, nil
}

// LastParcelSeq returns the largest sequence ever put, delivered or not, 0 when
// there was none.
func (s *Store) LastParcelSeq() (uint64, error) {
	return s.lastSeq(FamilyOutbox, keyOutboxLast, readParcelKey)
}

func (p *Parcel) appendHead(b []byte) []byte {
	b = append(b, parcelVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Start))
	b = binary.BigEndian.AppendUint64(b, uint64(p.End))
	for _, s := range [...]string{p.Kind, p.Model, p.Version, p.Layout} {
		b = appendValueString(b, s)
	}
	return b
}

func readParcelKey(key []byte) (uint64, error) {
	r := readKey(FamilyOutbox, key)
	seq := r.uint()
	return seq, r.done()
}

func readParcel(key, value []byte) (Parcel, error) {
	seq, err := readParcelKey(key)
	if err != nil {
		return Parcel{}, err
	}
	r := readValue("parcel", parcelVersion, value)
	p := Parcel{Seq: seq, Start: int64(r.fixed()), End: int64(r.fixed())}
	p.Kind, p.Model, p.Version, p.Layout = r.string(), r.string(), r.string(), r.string()
	if r.err != nil {
		return Parcel{}, r.err
	}
	p.Body = r.b
	return p, nil
}
