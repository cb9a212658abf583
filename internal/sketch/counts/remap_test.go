package counts

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// alphabet is what dictionaries and streams of these tests are made of.
var alphabet = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}

func subset(t *rapid.T, name string) []string {
	return rapid.SliceOfDistinct(rapid.SampledFrom(alphabet), rapid.ID).Draw(t, name)
}

func counted(d *Dictionary, limit int, values []string) *Counts {
	c := New(d.Len(), limit)
	for _, v := range values {
		if i, ok := d.Index(v); ok {
			c.AddKnown(i)
		} else {
			c.AddNew(v)
		}
	}
	return c
}

// While every new value has a count, counting by one dictionary and moving to
// another is counting by that one.
func TestRemapIsCountingByTheOtherDictionary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := NewDictionary(subset(t, "from")), NewDictionary(subset(t, "to"))
		values := rapid.SliceOf(rapid.SampledFrom(alphabet)).Draw(t, "values")
		limit := rapid.IntRange(0, len(alphabet)).Draw(t, "limit")
		c := counted(from, len(alphabet), values)
		before := encode(t, c)
		if got, want := encode(t, c.Remap(from, to, limit)), encode(t, counted(to, limit, values)); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
		if !bytes.Equal(encode(t, c), before) {
			t.Fatal("the original has changed")
		}
	})
}

// Past the limit the total stays, what has a count has the right one, and the
// bytes are those of counts.
func TestRemapPastTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := NewDictionary(subset(t, "from")), NewDictionary(subset(t, "to"))
		values := rapid.SliceOf(rapid.SampledFrom(alphabet)).Draw(t, "values")
		c := counted(from, rapid.IntRange(0, 4).Draw(t, "limit"), values)
		limit := rapid.IntRange(0, 8).Draw(t, "new limit")
		got := c.Remap(from, to, limit)
		if got.Total() != uint64(len(values)) {
			t.Fatalf("%d values of %d", got.Total(), len(values))
		}
		truth := map[string]uint64{}
		for _, v := range values {
			truth[v]++
		}
		for _, v := range got.NewValues() {
			if v.Count != truth[v.Value] {
				t.Fatalf("%d times %q, want %d", v.Count, v.Value, truth[v.Value])
			}
		}
		for i, n := range got.Known { // Heavy has room for the alphabet, so it is exact
			if v := to.Value(i); n != truth[v] {
				t.Fatalf("%d times %q, want %d", n, v, truth[v])
			}
		}
		if got.Limit() > limit {
			t.Fatalf("limit %d, want at most %d", got.Limit(), limit)
		}
		var back Counts
		if err := back.UnmarshalBinary(encode(t, got)); err != nil {
			t.Fatal(err)
		}
		if again := got.Remap(to, to, limit); !bytes.Equal(encode(t, again), encode(t, got)) {
			t.Fatal("moving to the same dictionary has changed the counts")
		}
		// Which new values have counts must not depend on where it is cut.
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		parts := counted(from, c.Limit(), values[:cut])
		if err := parts.Merge(counted(from, c.Limit(), values[cut:])); err != nil {
			t.Fatal(err)
		}
		if m := parts.Remap(from, to, limit); !slices.Equal(m.NewValues(), got.NewValues()) || m.Other != got.Other {
			t.Fatalf("%v and %d others, in one %v and %d", m.NewValues(), m.Other, got.NewValues(), got.Other)
		}
	})
}
