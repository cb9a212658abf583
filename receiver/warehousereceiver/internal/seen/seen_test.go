package seen

import (
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func hashOf(i int) (h Hash) {
	binary.BigEndian.PutUint64(h[:], uint64(i)*0x9e3779b97f4a7c15)
	return h
}

// A memory is a map of what was told last, also after it was read again from what
// was stored, and whatever the pages were.
func TestMemoryIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, want, disk := New(), map[Hash]Print{}, map[uint64][]byte{}
		for page := range rapid.IntRange(1, 12).Draw(t, "pages") {
			news := News{}
			n := rapid.SampledFrom([]int{0, 1, 50, 3000, 9000}).Draw(t, "rows")
			from := rapid.IntRange(0, 3000).Draw(t, "from")
			for i := range n {
				news[hashOf(from+i)] = Print(page + 1)
			}
			for _, w := range m.Plan(news, []byte{byte(page)}) {
				disk[w.Number] = w.Bytes
				if err := m.Restore(w); err != nil {
					t.Fatal(err)
				}
			}
			for h, p := range news {
				want[h] = p
			}
			if rapid.Bool().Draw(t, "restart") {
				again := New()
				for first, last := m.Numbers(); first <= last; first++ {
					if err := again.Restore(Write{first, disk[first]}); err != nil {
						t.Fatal(err)
					}
				}
				m = again
			}
			if m.Len() != len(want) {
				t.Fatalf("%d rows, want %d", m.Len(), len(want))
			}
		}
		for h, p := range want {
			if got, known := m.Of(h); !known || got != p {
				t.Fatalf("%v, %v, want %v", got, known, p)
			}
		}
	})
}

// The first segments are forgotten by their age, or because there are too many
// rows; what stands in a later one, too, stays.
func TestForget(t *testing.T) {
	m := New()
	page := func(from, n int, reach byte) {
		news := News{}
		for i := range n {
			news[hashOf(from+i)] = Nothing
		}
		for _, w := range m.Plan(news, []byte{reach}) {
			if err := m.Restore(w); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 5 {
		page(i*segmentRows, segmentRows, byte(i))
	}
	page(0, 10, 9) // of the first segment, again
	numbers, reach := m.Old(func([]byte) bool { return false }, 100_000)
	if numbers != nil || reach != nil {
		t.Fatalf("%v %v", numbers, reach)
	}
	numbers, reach = m.Old(func(r []byte) bool { return r[0] < 1 }, 3*segmentRows)
	if len(numbers) != 2 || reach[0] != 1 {
		t.Fatalf("%v %v", numbers, reach)
	}
	m.Forget(numbers)
	if m.Len() != 3*segmentRows+10 {
		t.Errorf("%d rows", m.Len())
	}
	if _, known := m.Of(hashOf(5)); !known {
		t.Error("what a later segment has was forgotten")
	}
	if _, known := m.Of(hashOf(11)); known {
		t.Error("what only the first had is still there")
	}
	if numbers, _ = m.Old(func([]byte) bool { return true }, 0); len(numbers) != 3 {
		t.Errorf("the last segment is forgotten: %v", numbers)
	}
}

func TestPrints(t *testing.T) {
	for _, h := range []uint64{0, 1, 1 << 63, ^uint64(0)} {
		if Labels(h) == Nothing || Labels(h).IsRefused() || !Refused(h).IsRefused() {
			t.Errorf("%x: %x, %x", h, Labels(h), Refused(h))
		}
	}
}

func FuzzRestore(f *testing.F) {
	m := New()
	for _, w := range m.Plan(News{hashOf(1): 2, hashOf(2): 3}, []byte("reach")) {
		f.Add(w.Bytes)
	}
	f.Add([]byte{})
	f.Add(append([]byte{1, 128, 0}, make([]byte, rowBytes)...)) // a length in more bytes than it takes
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		m := New()
		err := m.Restore(Write{1, b})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) || m.Len() > 0 {
				t.Fatalf("%v, %d rows", err, m.Len())
			}
			return
		}
		if len(m.segments[0].write(m.segments[0].reach).Bytes) != len(b) {
			t.Fatalf("%x is written back otherwise", b)
		}
	})
}
