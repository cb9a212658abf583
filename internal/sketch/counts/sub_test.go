package counts

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/num"
)

// What is left has the bytes of the rest, also where new values had no count of
// their own; what was never there is refused and changes nothing.
func TestSub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 30).Draw(t, "limit")
		some, rest := events().Draw(t, "some"), events().Draw(t, "rest")
		c, o, want := of(limit, slices.Concat(rest, some)...), of(limit, some...), of(limit, rest...)
		full, before := encode(t, c), encode(t, o)
		if err := c.Sub(o); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, c), encode(t, want)) || !bytes.Equal(encode(t, o), before) {
			t.Fatalf("%v and %v are left, want %v and %v", c.Known, c.NewValues(), want.Known, want.NewValues())
		}
		if c.Bytes() != want.Bytes() {
			t.Fatalf("%d bytes, want %d", c.Bytes(), want.Bytes())
		}
		if len(some) > 0 {
			more := new(Counts)
			if err := more.UnmarshalBinary(full); err != nil {
				t.Fatal(err)
			}
			if err := c.Sub(more); !errors.Is(err, num.ErrSub) || !bytes.Equal(encode(t, c), encode(t, want)) {
				t.Fatalf("%d values of %d: %v", more.Total(), c.Total(), err)
			}
		}
		if err := c.Merge(o); err != nil { // what is left goes on
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, c), full) {
			t.Fatal("taken back and counted again is not what it was")
		}
	})
	if err := New(1, 0).Sub(New(2, 0)); !errors.Is(err, ErrDictionary) {
		t.Errorf("another dictionary: %v", err)
	}
}

// Past all caps only known categories can be taken away.
func TestSubPastAllCaps(t *testing.T) {
	c, o := New(2, 1), New(2, 1)
	for i := range MaxHeavy + 100 {
		c.AddNew(strconv.Itoa(i))
	}
	c.AddKnown(1)
	o.AddKnown(1)
	if err := c.Sub(o); err != nil || c.Known[1] != 0 || c.NewTotal() != MaxHeavy+100 {
		t.Errorf("a known category: %v", err)
	}
	o = New(2, 1)
	o.AddNew("7")
	before := encode(t, c)
	if err := c.Sub(o); !errors.Is(err, ErrForgotten) || !bytes.Equal(encode(t, c), before) {
		t.Errorf("a new value: %v", err)
	}
}
