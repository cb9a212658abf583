package counts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"
)

// byHashes returns n values in the order of their hashes, the smallest first.
func byHashes(n int) []string {
	vs := make([]string, n)
	for i := range vs {
		vs[i] = strconv.Itoa(i)
	}
	slices.SortFunc(vs, func(a, b string) int {
		if xxh3.HashStringSeed(a, hashSeed) < xxh3.HashStringSeed(b, hashSeed) {
			return -1
		}
		return 1
	})
	return vs
}

// malformed are encodings that UnmarshalBinary must refuse, by what is wrong.
func malformed() map[string][]byte {
	v := byHashes(3)
	low, high := v[0], v[2]
	value := func(s string, n byte) []byte { return append(append([]byte{byte(len(s))}, s...), n) }
	join := func(parts ...any) (b []byte) {
		for _, p := range parts {
			switch p := p.(type) {
			case int:
				b = append(b, byte(p))
			case []byte:
				b = append(b, p...)
			}
		}
		return b
	}
	m := map[string][]byte{
		"no bytes":                        {},
		"more categories than bytes":      {9, 0, 0},
		"a huge number of categories":     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"long uvarint":                    {0x80, 0, 1, 0, 0, 0, 0},
		"huge cap":                        join(0, []byte{0xff, 0xff, 0xff, 0xff, 0x7f}, 0, 0, 0, 0),
		"more values than the cap":        join(0, 1, 2, value("a", 1), value("b", 1), 0, 0, 0),
		"values descending":               join(0, 5, 2, value("b", 1), value("a", 1), 0, 0, 0),
		"one value twice":                 join(0, 5, 2, value("a", 1), value("a", 1), 0, 0, 0),
		"value never seen":                join(0, 5, 1, value("a", 0), 0, 0, 0),
		"value too long":                  join(0, 5, 1, []byte{0x81, 2}, bytes.Repeat([]byte("x"), 257), 1, 0, 0, 0),
		"others below the cap":            join(0, 5, 1, value("a", 1), 3, 0, 0),
		"heavy below the cap":             join(0, 5, 1, value("a", 1), 3, 0, 1, value("b", 3)),
		"heavy without others":            join(0, 5, 0, 0, 0, 1, value("a", 1)),
		"heavy and kept":                  join(0, 1, 1, value("a", 1), 3, 0, 1, value("a", 3)),
		"heavy, but should be kept":       join(0, 1, 1, value(high, 1), 3, 0, 1, value(low, 3)),
		"counters beyond the total":       join(0, 1, 1, value(low, 1), 3, 0, 1, value(high, 4)),
		"counters short without an error": join(0, 1, 1, value(low, 1), 4, 0, 1, value(high, 3)),
		"error too large":                 join(0, 1, 1, value(low, 1), 4, 1, 1, value(high, 3)),
		"error overflows":                 join(0, 0, 0, 4, []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, 0),
		"counters overflow":               join(0, 0, 0, 0, 0, 2, value("a", 0)[:2], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, value("b", 1)),
		"trailing byte":                   join(0, 5, 1, value("a", 1), 0, 0, 0, 0),
	}
	many := binary.AppendUvarint(join(0, 0, 0, []byte{0x81, 8}, 0), MaxHeavy+1)
	for i := range MaxHeavy + 1 {
		many = append(many, value(fmt.Sprintf("%04d", i), 1)...)
	}
	m["too many counters"] = many
	b := encode(panicker{}, of(2, event{known: 1}, event{-1, "a"}, event{-1, "b"}, event{-1, "c"}))
	for i := range b {
		m[fmt.Sprintf("truncated to %d bytes", i)] = b[:i]
	}
	return m
}

type panicker struct{}

func (panicker) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func TestDecoderRefuses(t *testing.T) {
	for what, b := range malformed() {
		c := of(2, event{known: 1}, event{-1, "x"})
		kept := encode(t, c)
		if err := c.UnmarshalBinary(b); !errors.Is(err, ErrCorrupt) || !bytes.Equal(encode(t, c), kept) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	v := byHashes(3)
	good := append([]byte{0, 1, 1, 1}, v[0]...)
	good = append(append(append(good, 1, 3, 0, 1, 1), v[2]...), 3)
	if err := new(Counts).UnmarshalBinary(good); err != nil {
		t.Errorf("the well-formed neighbour of these: %v", err)
	}
}

func TestDecodedCountsGoOn(t *testing.T) {
	a := of(3, event{-1, "a"}, event{-1, "b"}, event{-1, "c"}, event{-1, "d"}, event{known: 2})
	b := new(Counts)
	if err := b.UnmarshalBinary(encode(t, a)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"a", "e", "f", "d", strings.Repeat("z", 300)} {
		a.AddNew(s)
		b.AddNew(s)
	}
	if !bytes.Equal(encode(t, a), encode(t, b)) {
		t.Errorf("%v went on as %v", a.NewValues(), b.NewValues())
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	for _, b := range malformed() {
		f.Add(b)
	}
	f.Add(encode(f, of(1, event{known: 1}, event{-1, "x"}, event{-1, "y"}, event{-1, "x"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := of(2, event{known: 1}, event{-1, "x"})
		kept := encode(t, c)
		if err := c.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrCorrupt) || !bytes.Equal(encode(t, c), kept) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if again := encode(t, c); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		c.AddNew("x")
		o := New(len(c.Known), 1)
		o.AddNew("y")
		if err := o.Merge(c); err != nil {
			t.Fatal(err)
		}
		if o.NewTotal() != c.NewTotal()+1 {
			t.Fatalf("%d new values and one more make %d", c.NewTotal(), o.NewTotal())
		}
	})
}
