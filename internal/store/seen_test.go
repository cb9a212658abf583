package store

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Against a plain set, while the bound is not reached.
func TestSeenIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Seen
		want := map[uint64]bool{}
		seq := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.Uint64Range(math.MaxUint64-20, math.MaxUint64), rapid.Uint64())
		for _, n := range rapid.SliceOfN(seq, 0, 100).Draw(t, "sequences") {
			if got := s.Add(n); got == want[n] {
				t.Fatalf("adding %d, seen before: %v; it says new: %v", n, want[n], got)
			}
			want[n] = true
			if rapid.IntRange(0, 9).Draw(t, "reopen") == 0 {
				b, _ := s.AppendBinary(nil)
				s = Seen{}
				if err := s.UnmarshalBinary(b); err != nil {
					t.Fatalf("refuses what it wrote, %x: %v", b, err)
				}
			}
		}
		for n := range want {
			for _, n := range []uint64{n - 1, n, n + 1} {
				if s.Contains(n) != want[n] {
					t.Fatalf("contains %d: %v, want %v; added %v", n, s.Contains(n), want[n], slices.Sorted(maps.Keys(want)))
				}
			}
		}
		if s.Assumed() != 0 {
			t.Fatalf("%d are assumed below the bound", s.Assumed())
		}
		for i := 1; i < len(s.spans); i++ {
			if s.spans[i].lo <= s.spans[i-1].hi+1 {
				t.Fatalf("intervals %v touch", s.spans[i-1:i+1])
			}
		}
	})
}

// Beyond the bound the lowest gap is closed, and reported.
func TestSeenIsBounded(t *testing.T) {
	var s Seen
	for i := range uint64(MaxSeenIntervals) {
		s.Add(10 + 3*i)
	}
	if s.Intervals() != MaxSeenIntervals || s.Assumed() != 0 || s.Contains(11) {
		t.Fatalf("at the bound: %d intervals, %d assumed", s.Intervals(), s.Assumed())
	}
	s.Add(1 << 40)
	if s.Intervals() != MaxSeenIntervals || s.Assumed() != 2 {
		t.Fatalf("beyond: %d intervals, %d assumed, want %d and 2", s.Intervals(), s.Assumed(), MaxSeenIntervals)
	}
	for seq, want := range map[uint64]bool{9: false, 10: true, 11: true, 12: true, 13: true, 14: false, 1 << 40: true} {
		if s.Contains(seq) != want {
			t.Errorf("contains %d: %v, want %v", seq, !want, want)
		}
	}
	if s.Add(11) {
		t.Error("an assumed sequence counts as new")
	}
	if s.Add(1); s.Assumed() != 2+8 || !s.Contains(5) {
		t.Errorf("a new lowest interval: %d assumed, want 10", s.Assumed())
	}
	b, _ := s.AppendBinary(nil)
	if len(b) > 20*MaxSeenIntervals {
		t.Errorf("%d bytes", len(b))
	}
	var again Seen
	if err := again.UnmarshalBinary(b); err != nil || again.Assumed() != s.Assumed() || !slices.Equal(again.spans, s.spans) {
		t.Errorf("reads back as %d assumed, %v", again.Assumed(), err)
	}
	if seq, ok := s.Max(); !ok || seq != 1<<40 {
		t.Errorf("max %d %v", seq, ok)
	}
}
