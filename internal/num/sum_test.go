package num_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/driftmeter/driftmeter/internal/num"
	"pgregory.net/rapid"
)

// of returns the sum of xs.
func of(xs ...float64) num.Sum {
	var s num.Sum
	for _, x := range xs {
		s.Add(x)
	}
	return s
}

// exact is the oracle: 2300 bits hold every sum of these tests without rounding.
func exact(xs []float64) *big.Float {
	sum := new(big.Float).SetPrec(2300)
	for _, x := range xs {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			sum.Add(sum, big.NewFloat(x))
		}
	}
	return sum
}

func encode(t fataler, s *num.Sum) []byte {
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fataler is what *testing.T, *testing.F and *rapid.T have in common here.
type fataler interface{ Fatal(...any) }

// number draws from all of float64, and often from its corners.
func number() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.Float64Range(-1, 1),
		rapid.Map(rapid.Uint64(), math.Float64frombits), // any exponent; NaN and Inf too
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, -1, 1e9, -1e9, 1e300, -1e300, 1e-300, -1e-300,
			math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64,
			0x1p-1022, 0x1p-1023, 0x1p53, 0x1p53 + 2, 0x1p-53, 0.1,
		}),
	)
}

func TestSumAgreesWithExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(number(), 0, 200).Draw(t, "xs")
		s := of(xs...)
		sum := exact(xs)
		if s.Big().Cmp(sum) != 0 {
			t.Fatalf("got %v, want %v", s.Big(), sum)
		}
		want, _ := sum.Float64()
		if got := s.Value(); got != want {
			t.Fatalf("rounded to %x, want %x", got, want)
		}
		if s.IsZero() != (sum.Sign() == 0) {
			t.Fatalf("IsZero is %v for %v", s.IsZero(), sum)
		}
	})
}

// More values than fit between two propagations of carries, all of one sign and
// with all bits set, at every position in a chunk; then sums that are as full as
// they get, merged.
func TestSumPropagatesInTime(t *testing.T) {
	for shift := range 32 {
		for _, x := range []float64{
			math.Ldexp(math.MaxFloat64, -shift), -math.Ldexp(0x1.fffffffffffffp0, shift), math.Ldexp(0x1.fffffffffffffp-1022, shift),
		} {
			for _, n := range []int64{2000, 10_000} {
				var s, merged num.Sum
				for range n {
					s.Add(x)
				}
				for range 5 {
					merged.Merge(&s)
				}
				want := new(big.Float).SetPrec(2300).SetInt64(n)
				want.Mul(want, big.NewFloat(x))
				if s.Big().Cmp(want) != 0 {
					t.Fatalf("%d times %v: got %v, want %v", n, x, s.Big(), want)
				}
				if want.Mul(want, big.NewFloat(5)); merged.Big().Cmp(want) != 0 {
					t.Fatalf("5 sums of %d times %v: got %v, want %v", n, x, merged.Big(), want)
				}
			}
		}
	}
}

func TestAddNIsRepeatedAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		n := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 2, math.MaxUint64})).Draw(t, "n")
		s := of(rapid.SliceOfN(rapid.Float64(), 0, 5).Draw(t, "before")...)
		want := s.Big().SetPrec(2300)
		s.AddN(x, n)
		product := new(big.Float).SetPrec(2300).SetUint64(n)
		product.Mul(product, big.NewFloat(x))
		if want.Add(want, product); s.Big().Cmp(want) != 0 {
			t.Fatalf("got %v, want %v", s.Big(), want)
		}
	})
	s := of(1)
	s.AddN(math.NaN(), 3)
	s.AddN(math.Inf(-1), 3)
	if s.Value() != 1 {
		t.Errorf("after NaN and Inf: %v, want 1", s.Value())
	}
}

func TestAddWideIsExact(t *testing.T) {
	words := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, math.MaxUint64, 1 << 63}))
	rapid.Check(t, func(t *rapid.T) {
		hi, lo, negative := words.Draw(t, "hi"), words.Draw(t, "lo"), rapid.Bool().Draw(t, "negative")
		at := rapid.OneOf(rapid.IntRange(0, 2040), rapid.IntRange(2010, 2040)).Draw(t, "at")
		s := of(rapid.SliceOfN(rapid.Float64(), 0, 5).Draw(t, "before")...)
		want := s.Big().SetPrec(3500)
		wide := new(big.Int).Lsh(new(big.Int).SetUint64(hi), 64)
		wide.Or(wide, new(big.Int).SetUint64(lo))
		if negative {
			wide.Neg(wide)
		}
		term := new(big.Float).SetPrec(3500).SetInt(wide)
		term.SetMantExp(term, at-1075)
		for range 2 {
			s.AddWide(negative, hi, lo, at)
			want.Add(want, term)
		}
		if s.Big().Cmp(want) != 0 {
			t.Fatalf("got %v, want %v", s.Big(), want)
		}
	})
}

func TestSumMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64(), 1, 50).Draw(t, "xs")
		s := of(xs...)
		sum := exact(xs)
		want, _ := sum.Quo(sum, big.NewFloat(float64(len(xs)))).Float64()
		got := s.Mean(uint64(len(xs)))
		// Two roundings, each half a unit in the last place; the second may be
		// one of a subnormal.
		if math.Abs(got-want) > 0x1p-52*math.Abs(want)+math.SmallestNonzeroFloat64 {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
	s := of(math.MaxFloat64, math.MaxFloat64, math.MaxFloat64)
	if got := s.Mean(3); got != math.MaxFloat64 {
		t.Errorf("mean of three MaxFloat64 is %v", got)
	}
	if got := s.Value(); !math.IsInf(got, 1) {
		t.Errorf("sum of three MaxFloat64 is %v, want +Inf", got)
	}
	if got := new(num.Sum).Mean(0); !math.IsNaN(got) {
		t.Errorf("mean of nothing is %v, want NaN", got)
	}
}

// Rounding is to nearest, ties to even, wherever the tie is decided.
func TestSumRounding(t *testing.T) {
	const tiny = math.SmallestNonzeroFloat64
	for _, c := range []struct {
		name string
		xs   []float64
		want float64
	}{
		{"empty", nil, 0},
		{"negative zero", []float64{math.Copysign(0, -1)}, 0},
		{"cancels", []float64{1e300, 1, -1e300, -1}, 0},
		{"survives cancellation", []float64{1e300, 1, -1e300}, 1},
		{"tie to even, down", []float64{0x1p53, 1}, 0x1p53},
		{"tie to even, up", []float64{0x1p53 + 2, 1}, 0x1p53 + 4},
		{"tie broken far below", []float64{0x1p53, 1, tiny}, 0x1p53 + 2},
		{"tie broken from far below", []float64{0x1p53 + 2, 1, -tiny}, 0x1p53 + 2},
		{"carry through all bits", []float64{0x1.fffffffffffffp52, 0x1p-1}, 0x1p53},
		{"subnormals are exact", []float64{tiny, tiny, tiny}, 3 * tiny},
		{"subnormal to normal", []float64{0x1p-1022 - tiny, tiny}, 0x1p-1022},
		{"half a unit below overflow", []float64{math.MaxFloat64, 0x1p969}, math.MaxFloat64},
		{"overflow by a tie", []float64{math.MaxFloat64, 0x1p970}, math.Inf(1)},
		{"just under the tie", []float64{math.MaxFloat64, 0x1p970, -tiny}, math.MaxFloat64},
		{"negative overflow", []float64{-math.MaxFloat64, -math.MaxFloat64}, math.Inf(-1)},
		{"back from overflow", []float64{math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64}, math.MaxFloat64},
		{"ten tenths", []float64{.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}, 1},
		{"NaN and Inf are ignored", []float64{2, math.NaN(), math.Inf(1), math.Inf(-1)}, 2},
	} {
		s := of(c.xs...)
		if got := s.Value(); got != c.want || got == 0 && math.Signbit(got) {
			t.Errorf("%s: got %x, want %x", c.name, got, c.want)
		}
	}
}

// Any order, any split, and a detour through bytes give the same bytes.
func TestSumLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(number(), 0, 100).Draw(t, "xs")
		whole := of(xs...)
		want := encode(t, &whole)

		parts := make([]num.Sum, rapid.IntRange(1, 5).Draw(t, "parts"))
		for _, x := range rapid.Permutation(xs).Draw(t, "order") {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add(x)
		}
		var merged num.Sum
		for _, p := range rapid.Permutation(parts).Draw(t, "merge order") {
			if rapid.Bool().Draw(t, "store") {
				b := encode(t, &p)
				if err := p.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
			}
			before := p
			merged.Merge(&p)
			if p != before {
				t.Fatal("Merge modified its argument")
			}
		}
		if got := encode(t, &merged); !bytes.Equal(got, want) {
			t.Fatalf("merged parts are %x, the whole is %x", got, want)
		}
		if !merged.Equal(&whole) {
			t.Fatal("equal bytes, but Equal says no")
		}
		other := whole
		other.Add(math.SmallestNonzeroFloat64)
		if other.Equal(&whole) || bytes.Equal(encode(t, &other), want) {
			t.Fatal("a sum that differs in the last bit counts as equal")
		}
	})
}

// What is taken away again has never been there, however much was added between.
func TestSubUndoesMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := of(rapid.SliceOfN(number(), 0, 60).Draw(t, "a")...), of(rapid.SliceOfN(number(), 0, 60).Draw(t, "b")...)
		sum, before := a, b
		sum.Merge(&b)
		for range rapid.SampledFrom([]int{0, 1, 3000}).Draw(t, "carries") { // the carries propagate meanwhile
			sum.Add(1e300)
			sum.Add(-1e300)
		}
		sum.Sub(&b)
		if b != before {
			t.Fatal("Sub modified its argument")
		}
		if !sum.Equal(&a) || !bytes.Equal(encode(t, &sum), encode(t, &a)) {
			t.Fatalf("%v, want %v", &sum, &a)
		}
		sum.Sub(&a)
		if !sum.IsZero() || !bytes.Equal(encode(t, &sum), []byte{0}) {
			t.Fatalf("%v is left of nothing", &sum)
		}
		sum.Sub(&b) // a sum may be negative
		sum.Merge(&b)
		if !sum.IsZero() {
			t.Fatalf("%v is left of nothing", &sum)
		}
	})
}

// malformed are encodings that must be refused, by what is wrong with them.
func malformed() map[string][]byte {
	m := map[string][]byte{
		"no bytes":              {},
		"bytes after zero":      {0, 0},
		"unknown sign":          {3, 10, 0, 1, 0, 1},
		"first byte zero":       {1, 10, 0, 2, 0, 0, 1},
		"last byte zero":        {1, 10, 0, 2, 0, 1, 0},
		"no magnitude":          {1, 10, 0, 0, 0},
		"beyond the range":      {1, 12, 1, 1, 0, 1},
		"far beyond the range":  {1, 255, 255, 255, 255, 1},
		"below the least value": {1, 0, 0, 1, 0, 1},
		"trailing byte":         {1, 10, 0, 1, 0, 1, 1},
	}
	s := of(1e300, 1, -1e-300)
	b, _ := s.AppendBinary(nil)
	for i := range b {
		m[fmt.Sprintf("truncated to %d bytes", i)] = b[:i]
	}
	return m
}

func TestSumDecoderRefuses(t *testing.T) {
	for what, b := range malformed() {
		s := of(7, 8)
		kept := s
		if err := s.UnmarshalBinary(b); !errors.Is(err, num.ErrCorrupt) || s != kept {
			t.Errorf("%s: error %v, receiver %v", what, err, s.Value())
		}
	}
}

func FuzzSumUnmarshalBinary(f *testing.F) {
	for _, b := range malformed() {
		f.Add(b)
	}
	for _, s := range []num.Sum{of(), of(1), of(-1e300, 1e-300), of(math.MaxFloat64, math.MaxFloat64)} {
		f.Add(encode(f, &s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := of(7, 8)
		kept := s
		if err := s.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, num.ErrCorrupt) || s != kept {
				t.Fatalf("refused with %v, receiver %v", err, s.Value())
			}
			return
		}
		if again := encode(t, &s); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		zero := s
		zero.Merge(&kept)
		zero.Value()
	})
}

// A sum too large for its encoding is refused, not truncated.
func TestSumCapacity(t *testing.T) {
	var s num.Sum
	s.AddN(-math.MaxFloat64, 1<<44)
	if _, err := s.AppendBinary(nil); err != nil {
		t.Errorf("2^44 of the largest values: %v", err)
	}
	s.AddN(-math.MaxFloat64, 1<<46)
	if b, err := s.AppendBinary([]byte{1}); !errors.Is(err, num.ErrCapacity) || len(b) != 1 {
		t.Errorf("beyond the capacity: %x, %v", b, err)
	}
	if v := s.Value(); !math.IsInf(v, -1) {
		t.Errorf("value %v, want -Inf", v)
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	s, o := of(1, 2), of(3)
	buf := make([]byte, 0, 300)
	if n := testing.AllocsPerRun(1000, func() {
		s.Add(0.1)
		s.AddN(-3, 7)
		s.Merge(&o)
		_ = s.Value()
		_, _ = s.AppendBinary(buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSumAdd(b *testing.B) {
	b.ReportAllocs()
	xs := normal(1 << 12)
	var s num.Sum
	i := 0
	for b.Loop() {
		s.Add(xs[i&(len(xs)-1)])
		i++
	}
}

func BenchmarkSumMerge(b *testing.B) {
	b.ReportAllocs()
	s, o := of(normal(100)...), of(normal(100)...)
	for b.Loop() {
		s.Merge(&o)
	}
}

func BenchmarkSumValue(b *testing.B) {
	b.ReportAllocs()
	s := of(normal(100)...)
	for b.Loop() {
		s.Value()
	}
}

func BenchmarkSumAppendBinary(b *testing.B) {
	b.ReportAllocs()
	s := of(normal(100)...)
	var buf []byte
	for b.Loop() {
		buf, _ = s.AppendBinary(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "B/sum")
}

func normal(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	return xs
}
