package store

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// name draws strings that are awkward in keys more often than not.
var name = rapid.OneOf(
	rapid.SampledFrom([]string{"", "a", "a\x00", "a\x00\x01", "a\x00\xff", "a\x01", "ab", "\x00", "\x00\x00", "\xff", "\xff\xff", "model", "ö"}),
	rapid.String(),
	rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff, 'a'}), 0, 6), func(b []byte) string { return string(b) }),
)

// Keys sort as their parts do: by model, by version, by time.
func TestKeysSortAsTheirParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m1, m2 := name.Draw(t, "m1"), name.Draw(t, "m2")
		v1, v2 := name.Draw(t, "v1"), name.Draw(t, "v2")
		t1, t2 := rapid.Int64().Draw(t, "t1"), rapid.Int64().Draw(t, "t2")
		if rapid.Bool().Draw(t, "one model") {
			m2 = m1
		}
		if rapid.Bool().Draw(t, "one version") {
			v2 = v1
		}
		want := cmp.Or(cmp.Compare(m1, m2), cmp.Compare(v1, v2), cmp.Compare(t1, t2))
		k1, k2 := profileKey(m1, v1, t1), profileKey(m2, v2, t2)
		if got := bytes.Compare(k1, k2); got != want {
			t.Fatalf("(%q %q %d) and (%q %q %d) compare %d, their keys %x and %x compare %d", m1, v1, t1, m2, v2, t2, want, k1, k2, got)
		}
		p := keyOf(FamilyProfile, m1)
		in := bytes.Compare(k2, p) >= 0 && bytes.Compare(k2, prefixEnd(p)) < 0
		if in != (m1 == m2) {
			t.Fatalf("the key of model %q among those of %q: %v", m2, m1, in)
		}
	})
}

// Times before and after 1970, and the ends of the range.
func TestTimesSort(t *testing.T) {
	times := []int64{math.MinInt64, -1 << 40, -1, 0, 1, 1 << 40, math.MaxInt64}
	for i := 1; i < len(times); i++ {
		if bytes.Compare(profileKey("m", "", times[i-1]), profileKey("m", "", times[i])) >= 0 {
			t.Errorf("%d does not sort before %d", times[i-1], times[i])
		}
	}
}

// readers decode the keys of each family and write them again.
var readers = map[Family]func(key []byte) ([]byte, error){
	FamilyLog:       func(k []byte) ([]byte, error) { seq, err := readLogKey(k); return logKey(seq), err },
	FamilyBatch:     func(k []byte) ([]byte, error) { id, err := readBatchKey(k); return batchKey(id), err },
	FamilyBatchTime: func(k []byte) ([]byte, error) { at, id, err := readBatchTimeKey(k); return batchTimeKey(at, id), err },
	FamilyPending: func(k []byte) ([]byte, error) {
		p, seq, err := readPendingKey(k)
		return appendUint(pendingPrefix(p.Model, p.Version, p.Dataset), seq), err
	},
	FamilyOutbox: func(k []byte) ([]byte, error) { seq, err := readParcelKey(k); return parcelKey(seq), err },
	FamilyReference: func(k []byte) ([]byte, error) {
		m, v, d, err := readReferenceKey(k)
		return keyOf(FamilyReference, m, v, d), err
	},
	FamilyLayout: func(k []byte) ([]byte, error) {
		id, err := readNameKey(FamilyLayout, k)
		return keyOf(FamilyLayout, id), err
	},
	FamilyProfile: func(k []byte) ([]byte, error) {
		m, v, at, err := readWindowKey(FamilyProfile, k)
		return profileKey(m, v, at), err
	},
	FamilyDirty: func(k []byte) ([]byte, error) {
		m, v, at, err := readWindowKey(FamilyDirty, k)
		return dirtyKey(m, v, at), err
	},
	FamilySeen:    func(k []byte) ([]byte, error) { i, m, err := readSeenKey(k); return keyOf(FamilySeen, i, m), err },
	FamilyVersion: func(k []byte) ([]byte, error) { m, v, err := readVersionKey(k); return keyOf(FamilyVersion, m, v), err },
	FamilyState: func(k []byte) ([]byte, error) {
		n, err := readNameKey(FamilyState, k)
		return keyOf(FamilyState, n), err
	},
	FamilyAwaited: func(k []byte) ([]byte, error) {
		id, err := readAwaitedKey(k)
		key := awaitedKey(&id)
		return key[:], err
	},
	FamilyDue:  func(k []byte) ([]byte, error) { d, err := readDueKey(k); return dueKey(d.Class, d.Arrival, d.Seq), err },
	FamilyName: func(k []byte) ([]byte, error) { n, err := readNumberKey(k); return nameKey(n), err },
	FamilyTally: func(k []byte) ([]byte, error) {
		m, err := readNameKey(FamilyTally, k)
		return keyOf(FamilyTally, m), err
	},
	FamilyJoined: func(k []byte) ([]byte, error) { seq, err := readJoinedKey(k); return joinedKey(seq), err },
}

// sampleKeys has a key of each family.
func sampleKeys() [][]byte {
	id := [16]byte{0, 1, 0xff}
	awaited := awaitedKey(&id)
	return [][]byte{
		awaited[:], dueKey(DueGone, -3, 8), dueKey(DueAwaited, 3, 8), nameKey(7), keyOf(FamilyTally, "m"), joinedKey(9),
		logKey(7), batchKey(id), batchTimeKey(-3, id), appendUint(pendingPrefix("m\x00", "", "training"), 9), parcelKey(1 << 60),
		keyOf(FamilyReference, "m", "", "test"), keyOf(FamilyLayout, "id"), profileKey("m\x00\xff", "v\x00\x01", -1),
		dirtyKey("", "", 0), keyOf(FamilySeen, "i", "m"), keyOf(FamilyVersion, "m", "v"), keyOf(FamilyState, "a/b"),
	}
}

// Every truncation and every trailing byte is refused by name.
func TestKeysAreStrict(t *testing.T) {
	for _, key := range sampleKeys() {
		read := readers[Family(key[0])]
		if again, err := read(key); err != nil || !bytes.Equal(again, key) {
			t.Fatalf("%x reads as %x, %v", key, again, err)
		}
		for i := range key {
			if _, err := read(key[:i]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%x, the first %d bytes of %x: %v", key[:i], i, key, err)
			}
		}
		if _, err := read(append(bytes.Clone(key), 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%x with a byte more: %v", key, err)
		}
	}
	for _, f := range families[1:] {
		if readers[f.id] == nil {
			t.Errorf("no reader of %s is tested", f.name)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, key := range sampleKeys() {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		for family, read := range readers {
			again, err := read(key)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Fatalf("%s refuses %x with %v", family, key, err)
				}
			} else if !bytes.Equal(again, key) {
				t.Fatalf("%s reads %x and writes %x", family, key, again)
			}
		}
	})
}

// values decode the records of this package and write them again.
var values = map[string]func(b []byte) ([]byte, error){
	"parcel": func(b []byte) ([]byte, error) {
		p, err := readParcel(parcelKey(1), b)
		return append(p.appendHead(nil), p.Body...), err
	},
	"seen": func(b []byte) ([]byte, error) {
		var s Seen
		if err := s.UnmarshalBinary(b); err != nil {
			return nil, err
		}
		return s.AppendBinary(nil)
	},
	"dirty": func(b []byte) ([]byte, error) {
		d, err := readDirty(dirtyKey("m", "v", 1), b)
		return dirtyValue(d.FirstChange, d.LastChange), err
	},
	"version": func(b []byte) ([]byte, error) {
		v, err := readVersion(b)
		return append(v.appendHead(nil), v.Info...), err
	},
	"tally": func(b []byte) ([]byte, error) { t, err := readTally(b); return t.appendTo(nil), err },
}

func sampleValues() map[string][]byte {
	p := Parcel{Kind: "profile", Model: "m", Version: "", Start: -1, End: 1 << 60, Layout: "l", Body: []byte("body")}
	var s Seen
	for _, seq := range []uint64{0, 5, 6, math.MaxUint64} {
		s.Add(seq)
	}
	seen, _ := s.AppendBinary(nil)
	v := Version{FirstSeen: 1, LastSeen: 2, Info: []byte("info")}
	return map[string][]byte{
		"parcel": append(p.appendHead(nil), p.Body...), "seen": seen,
		"dirty": dirtyValue(-1, 1), "version": append(v.appendHead(nil), v.Info...),
		"tally": Tally{Awaited: 200, Held: 1 << 40}.appendTo(nil),
	}
}

// opaque counts the bytes at the end of a sample that mean nothing here, so
// that fewer or more of them are as good.
var opaque = map[string]int{"parcel": 4, "version": 4}

func TestValuesAreStrict(t *testing.T) {
	for what, b := range sampleValues() {
		read := values[what]
		if again, err := read(b); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s %x reads as %x, %v", what, b, again, err)
		}
		for i := range len(b) - opaque[what] {
			if _, err := read(b[:i]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s cut to %d bytes: %v", what, i, err)
			}
		}
		bad := map[string][]byte{"of a later version": append([]byte{2}, b[1:]...)}
		if opaque[what] == 0 {
			bad["with a byte more"] = append(bytes.Clone(b), 0)
		}
		for how, b := range bad {
			if _, err := read(b); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s %s: %v", what, how, err)
			}
		}
	}
}

// malformedSeen are sets that no Seen writes.
var malformedSeen = map[string][]byte{
	"too many intervals":           {1, 0, 0x81, 0x08},
	"more intervals than bytes":    {1, 0, 5, 0, 0},
	"touching intervals":           {1, 0, 2, 0, 0, 0, 0},
	"beyond the largest number":    {1, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
	"after the largest number":     {1, 0, 2, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0},
	"a number in a longer form":    {1, 0x80, 0, 0},
	"a number that does not end":   {1, 0xff},
	"a number of more than 64 bit": {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0},
}

func TestMalformedSeen(t *testing.T) {
	for what, b := range malformedSeen {
		var s Seen
		s.Add(7)
		if err := s.UnmarshalBinary(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
		if !s.Contains(7) || s.Intervals() != 1 {
			t.Errorf("%s: the set was changed", what)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, b := range sampleValues() {
		f.Add(b)
	}
	for _, b := range malformedSeen {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for what, read := range values {
			again, err := read(b)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Fatalf("%s refuses %x with %v", what, b, err)
				}
			} else if !bytes.Equal(again, b) {
				t.Fatalf("%s reads %x and writes %x", what, b, again)
			}
		}
	})
}
