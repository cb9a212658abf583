package store

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestKeyText(t *testing.T) {
	id := [16]byte{0xab, 15: 0xcd}
	for _, c := range []struct {
		key  []byte
		want string
	}{
		{keyLogLast, `"log.last"`},
		{logKey(7), "entry 7"},
		{batchKey(id), "batch ab0000000000000000000000000000cd"},
		{batchTimeKey(1_700_000_000_000_000_001, id), "batch ab0000000000000000000000000000cd, counted 2023-11-14T22:13:20.000000001Z"},
		{appendUint(pendingPrefix("m", "", "training"), 3), `model "m", version "", dataset "training", part 3`},
		{parcelKey(math.MaxUint64), "parcel 18446744073709551615"},
		{ReferenceKey("fraud\x00", "v1", "test"), `model "fraud\x00", version "v1", dataset "test"`},
		{LayoutKey("12ab"), `"12ab"`},
		{profileKey("m", "v", 1_700_000_000_000_000_000), `model "m", version "v", window 2023-11-14T22:13:20Z`},
		{dirtyKey("m", "v", -1), `model "m", version "v", window 1969-12-31T23:59:59.999999999Z`},
		{keyOf(FamilySeen, "i", "m"), `instance "i", model "m"`},
		{keyOf(FamilyVersion, "m", "v"), `model "m", version "v"`},
		{keyOf(FamilyState, "alerts/1"), `"alerts/1"`},
		{append(logKey(7), 0), "key 10000000000000000700"},
		{[]byte{0x77, 1}, "key 7701"},
		{nil, "empty key"},
	} {
		if got := KeyText(c.key); got != c.want {
			t.Errorf("KeyText(%x) = %s, want %s", c.key, got, c.want)
		}
	}
}

// Every key has a text, and different keys of a family have different ones.
func TestKeyTextTellsKeysApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(families).Draw(t, "family").id
		draw := func(label string) []byte {
			return append([]byte{byte(f)}, rapid.SliceOf(rapid.Byte()).Draw(t, label)...)
		}
		a, b := draw("a"), draw("b")
		if (string(a) == string(b)) != (KeyText(a) == KeyText(b)) {
			t.Fatalf("%x is %s, %x is %s", a, KeyText(a), b, KeyText(b))
		}
	})
}
