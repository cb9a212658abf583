package distinct

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func of(hashes ...uint64) *Set {
	s := new(Set)
	for _, h := range hashes {
		s.Insert(h)
	}
	return s
}

// numbers returns the hashes of n different numbers from the first on.
func numbers(first, n int) []uint64 {
	hs := make([]uint64, n)
	for i := range hs {
		hs[i] = HashFloat(float64(first + i))
	}
	return hs
}

func encode(t interface{ Fatal(...any) }, s *Set) []byte {
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hashes draws from few values and from many, with the corner 0 and its stand-in.
func hashes() *rapid.Generator[[]uint64] {
	return rapid.Custom(func(t *rapid.T) []uint64 {
		few := rapid.SliceOfN(rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 5), rapid.Just[uint64](zeroHash)), 0, 40).Draw(t, "few")
		many := numbers(rapid.IntRange(0, 300).Draw(t, "first"), rapid.SampledFrom([]int{0, 0, 200, 250, 256, 257, 300, 2000}).Draw(t, "many"))
		return append(few, many...)
	})
}

// Any order, any split, repetition, and a detour through bytes give the same
// bytes, on both sides of the limit.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hs := hashes().Draw(t, "hashes")
		want := encode(t, of(hs...))
		parts := make([]*Set, rapid.IntRange(1, 4).Draw(t, "parts"))
		for i := range parts {
			parts[i] = new(Set)
		}
		shuffled := slices.Clone(hs)
		if rapid.Bool().Draw(t, "backwards") {
			slices.Reverse(shuffled)
		}
		step := rapid.SampledFrom([]int{1, 3, 7, 101}).Draw(t, "step") // coprime to most lengths
		for i := range shuffled {
			h := shuffled[i*step%len(shuffled)]
			parts[i%len(parts)].Insert(h)
			parts[0].Insert(h)
		}
		for _, h := range hs { // whatever the step left out
			parts[len(parts)-1].Insert(h)
		}
		merged := new(Set)
		stay := map[*Set][]byte{}
		for _, p := range rapid.Permutation(parts).Draw(t, "merge order") {
			before := encode(t, p)
			if rapid.Bool().Draw(t, "store") {
				stored := new(Set)
				if err := stored.UnmarshalBinary(before); err != nil {
					t.Fatal(err)
				}
				p = stored
			}
			merged.Merge(p)
			stay[p] = before
		}
		if !bytes.Equal(encode(t, merged), want) {
			t.Fatalf("merged parts of %d hashes differ from the whole", len(hs))
		}
		merged.Merge(merged)
		if !bytes.Equal(encode(t, merged), want) {
			t.Fatal("a set merged with itself is another set")
		}
		for _, h := range numbers(1e6, 300) {
			merged.Insert(h)
		}
		for p, before := range stay {
			if !bytes.Equal(encode(t, p), before) {
				t.Fatal("a part changed with what it was merged into")
			}
		}
	})
}

// Exact up to 256, and at every size within the error that is promised: five
// standard errors, since the hashes are fixed.
// Many numbers at once are each inserted, before and after the set is dense.
func TestInsertFloats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var one, all Set
		for range rapid.IntRange(1, 4).Draw(t, "calls") {
			n, first := rapid.IntRange(0, 300).Draw(t, "n"), rapid.Float64().Draw(t, "first")
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = first + float64(i)/8
				one.Insert(HashFloat(xs[i]))
			}
			all.InsertFloats(xs)
		}
		if !bytes.Equal(encode(t, &all), encode(t, &one)) {
			t.Fatal("other bytes")
		}
	})
}

func TestEstimate(t *testing.T) {
	s := new(Set)
	n := 0
	for _, until := range []int{0, 1, 2, 17, 255, 256, 257, 300, 500, 1000, 3000, 10_000, 20_000, 50_000, 200_000, 1_000_000} {
		for ; n < until; n++ {
			s.Insert(HashFloat(float64(n)))
			s.Insert(HashFloat(float64(n)))
		}
		got, exact := s.Estimate()
		if exact != (n <= exactLimit) {
			t.Errorf("%d: exact is %v", n, exact)
		}
		allowed := 5 * 1.04 / 64 * float64(n)
		if exact {
			allowed = 0
		}
		if math.Abs(float64(got)-float64(n)) > allowed {
			t.Errorf("%d different values are estimated as %d, off by %.1f %%", n, got, 100*(float64(got)/float64(n)-1))
		}
	}
}

// Strings, numbers and integers all spread evenly enough for the estimate.
func TestHashFunctionsAreUniform(t *testing.T) {
	const n = 30_000
	for name, hash := range map[string]func(i int) uint64{
		"strings":       func(i int) uint64 { return HashString("user-" + strconv.Itoa(i)) },
		"integers":      func(i int) uint64 { return HashInt(int64(i)) },
		"large numbers": func(i int) uint64 { return HashFloat(1e15 + float64(i)) },
		"fractions":     func(i int) uint64 { return HashFloat(float64(i) / n) },
		"subnormals":    func(i int) uint64 { return HashFloat(float64(i) * math.SmallestNonzeroFloat64) },
	} {
		s := new(Set)
		for i := range n {
			s.Insert(hash(i))
		}
		if got, _ := s.Estimate(); math.Abs(float64(got)/n-1) > 5*1.04/64 {
			t.Errorf("%s: %d are estimated as %d", name, n, got)
		}
	}
}

// The hashes are part of the format: sets of other processes and of other
// releases must merge. Strings: python-xxhash,
// xxh3_64_intdigest(b"EU", seed=0x64726966746d6574).
func TestHashesStay(t *testing.T) {
	for name, c := range map[string]struct{ got, want uint64 }{
		"string":       {HashString("EU"), 0x8b283ea47b0389aa},
		"empty string": {HashString(""), 0xca60d1e33a1b6e1a},
		"long string":  {HashString(string(make([]byte, 1000))), 0x8034fee8ed3e316e},
		"integer":      {HashInt(-7), HashString("-7")},
		"largest":      {HashInt(math.MinInt64), HashString("-9223372036854775808")},
		"number":       {HashFloat(0.1), 0x1983e764b6c1933f},
		"zeros":        {HashFloat(math.Copysign(0, -1)), HashFloat(0)},
		"NaN":          {HashFloat(math.Float64frombits(0xfff8000000000123)), HashFloat(math.NaN())},
	} {
		if c.got != c.want {
			t.Errorf("%s: %#x, want %#x", name, c.got, c.want)
		}
	}
}

// malformed are encodings that UnmarshalBinary must refuse, by what is wrong.
func malformed() map[string][]byte {
	dense := encode(panicker{}, of(numbers(0, 300)...))
	m := map[string][]byte{
		"no bytes":              {},
		"unknown kind":          {2, 0, 0},
		"no number":             {0, 0},
		"too many hashes":       append([]byte{0, 1, 1}, make([]byte, 257*8)...),
		"hash 0":                {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"one hash twice":        {0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		"descending":            {0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		"trailing byte":         {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9},
		"dense set of nothing":  append([]byte{1}, make([]byte, registers)...),
		"register too large":    append([]byte{1, 54}, make([]byte, registers-1)...),
		"register of 255":       append([]byte{1, 255}, make([]byte, registers-1)...),
		"dense, trailing byte":  append(bytes.Clone(dense), 0),
		"dense, one byte short": dense[:len(dense)-1],
		"dense, no registers":   dense[:1],
	}
	b := encode(panicker{}, of(1, 2, 3))
	for i := range b {
		m[fmt.Sprintf("truncated to %d bytes", i)] = b[:i]
	}
	return m
}

type panicker struct{}

func (panicker) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func TestDecoderRefuses(t *testing.T) {
	for what, b := range malformed() {
		s := of(7, 8)
		kept := encode(t, s)
		if err := s.UnmarshalBinary(b); !errors.Is(err, ErrCorrupt) || !bytes.Equal(encode(t, s), kept) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func TestDecoderDoesNotKeepTheInput(t *testing.T) {
	for _, n := range []int{3, 300} {
		b := encode(t, of(numbers(0, n)...))
		s := new(Set)
		if err := s.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		want := encode(t, s)
		clear(b)
		if !bytes.Equal(encode(t, s), want) {
			t.Errorf("%d hashes: the set shares memory with its input", n)
		}
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	for _, b := range malformed() {
		f.Add(b)
	}
	f.Add(encode(f, of(numbers(0, 256)...)))
	f.Add(encode(f, of(numbers(0, 257)...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := of(7, 8)
		kept := encode(t, s)
		if err := s.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrCorrupt) || !bytes.Equal(encode(t, s), kept) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if again := encode(t, s); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		s.Estimate()
		s.Merge(of(numbers(0, 300)...))
	})
}

func TestInsertDoesNotAllocate(t *testing.T) {
	for _, n := range []int{10, 256, 257, 5000} {
		hs := numbers(0, n)
		s := of(hs...)
		i := 0
		if allocs := testing.AllocsPerRun(2*n, func() {
			s.Insert(hs[i%n])
			i++
		}); allocs != 0 {
			t.Errorf("%d hashes: %v allocations", n, allocs)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() {
		HashString("EU")
		HashInt(-123456)
		HashFloat(0.1)
	}); allocs != 0 {
		t.Errorf("hashing: %v allocations", allocs)
	}
}

func BenchmarkInsert(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("%d different", n), func(b *testing.B) {
			hs := numbers(0, n)
			s := of(hs...)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Insert(hs[i])
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	b.Run("string", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			HashString("a category of 24 letters")
		}
	})
	b.Run("int", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			HashInt(123456)
		}
	})
	b.Run("float", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			HashFloat(0.25)
		}
	})
}

func BenchmarkEstimate(b *testing.B) {
	s := of(numbers(0, 100_000)...)
	b.ReportAllocs()
	for b.Loop() {
		s.Estimate()
	}
}
