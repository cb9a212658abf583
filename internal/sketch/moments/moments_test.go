package moments

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/num"
)

func of(c float64, xs ...float64) Moments {
	var m Moments
	for _, x := range xs {
		m.Add(x, c)
	}
	return m
}

func encode(t interface{ Fatal(...any) }, m *Moments) []byte {
	b, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func value() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.Float64Range(-1, 1),
		rapid.Map(rapid.Float64Range(-3, 3), func(x float64) float64 { return 1e9 + x }),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64, 1e300, -1e300, 1e-300, 1e154, 0x1p53,
		}),
	)
}

// Any order, any split, and a detour through bytes give the same bytes.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := value().Draw(t, "center")
		xs := rapid.SliceOfN(value(), 0, 60).Draw(t, "xs")
		whole := of(c, xs...)
		want := encode(t, &whole)
		parts := make([]Moments, rapid.IntRange(1, 4).Draw(t, "parts"))
		for _, x := range rapid.Permutation(xs).Draw(t, "order") {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add(x, c)
		}
		var merged Moments
		for _, p := range parts {
			if rapid.Bool().Draw(t, "store") {
				if err := p.UnmarshalBinary(encode(t, &p)); err != nil {
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
	})
}

// What is left has the bytes of the rest, but for the extremes; what was never
// there is refused and changes nothing.
func TestSub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := value().Draw(t, "center")
		xs, ys := rapid.SliceOfN(value(), 0, 40).Draw(t, "xs"), rapid.SliceOfN(value(), 0, 40).Draw(t, "ys")
		m, some, want := of(c, slices.Concat(xs, ys)...), of(c, ys...), of(c, xs...)
		full, before := m, some
		if err := m.Sub(&some); err != nil {
			t.Fatal(err)
		}
		if some != before {
			t.Fatal("Sub modified its argument")
		}
		if len(xs) > 0 {
			if m.Min != full.Min || m.Max != full.Max {
				t.Fatalf("extremes %v and %v, were %v and %v", m.Min, m.Max, full.Min, full.Max)
			}
			m.Min, m.Max = want.Min, want.Max
		}
		if got := encode(t, &m); !bytes.Equal(got, encode(t, &want)) {
			t.Fatalf("%x is left, want %x", got, encode(t, &want))
		}
		if len(ys) > 0 {
			if err := want.Sub(&full); !errors.Is(err, num.ErrSub) || want != of(c, xs...) {
				t.Fatalf("%d values of %d: %v", full.N, want.N, err)
			}
		}
	})
	one, two, far := of(0, 1), of(0, 2), of(0, 1e300)
	for _, o := range []Moments{two, far} {
		if m := one; m.Sub(&o) == nil || m != one {
			t.Errorf("%v of %v", o.Min, one.Min)
		}
	}
}

// The oracle: mean, sum and variance in 2300 bits, from the values themselves.
func TestAgreesWithExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]float64{1, 1e9, 1e-9, 1e100, 1e-100}).Draw(t, "size")
		offset := rapid.SampledFrom([]float64{0, 1, 1e9, -1e12}).Draw(t, "offset")
		c := rapid.SampledFrom([]float64{0, 1, offset * size, -size}).Draw(t, "center")
		xs := rapid.SliceOfN(rapid.Map(rapid.Float64Range(-1, 1), func(x float64) float64 { return (x + offset) * size }), 1, 60).Draw(t, "xs")
		m := of(c, xs...)
		ddof := rapid.Uint64Range(0, 1).Draw(t, "ddof")

		wide := func(x float64) *big.Float { return new(big.Float).SetPrec(2300).SetFloat64(x) }
		n := wide(float64(len(xs)))
		mean := wide(0)
		for _, x := range xs {
			mean.Add(mean, wide(x))
		}
		sum, _ := mean.Float64()
		mean.Quo(mean, n)
		spread := wide(0)
		for _, x := range xs {
			d := wide(0).Sub(wide(x), mean)
			spread.Add(spread, d.Mul(d, d))
		}
		wantMean, _ := mean.Float64()

		// Each x−c is rounded once: half a unit in its last place.
		far := 0.0
		for _, x := range xs {
			far = max(far, math.Abs(x-c))
		}
		each := far*0x1p-53 + math.Abs(wantMean)*0x1p-52
		if got, ok := m.Mean(c); !ok || math.Abs(got-wantMean) > each {
			t.Fatalf("mean %v, want %v", got, wantMean)
		}
		if got := m.Sum(c); math.Abs(got-sum) > each*float64(len(xs)) {
			t.Fatalf("sum %v, want %v", got, sum)
		}
		got, ok := m.Variance(c, ddof)
		if uint64(len(xs)) <= ddof {
			if ok {
				t.Fatalf("variance %v of %d values with ddof %d", got, len(xs), ddof)
			}
			return
		}
		wantVar, _ := spread.Quo(spread, wide(float64(len(xs))-float64(ddof))).Float64()
		// Moving each value by e moves the standard deviation by at most e√(n/(n−ddof)).
		sd, slack := math.Sqrt(wantVar), far*0x1p-53*1.5
		if !ok || math.Abs(got-wantVar) > 2*sd*slack+slack*slack+1e-15*wantVar {
			t.Fatalf("variance %v, want %v (mean %v, center %v)", got, wantVar, wantMean, c)
		}
		if m.Min != slices.Min(xs) || m.Max != slices.Max(xs) || m.N != uint64(len(xs)) {
			t.Fatalf("%d values from %v to %v", m.N, m.Min, m.Max)
		}
	})
}

// The center does not matter: 1e9 + N(0,1) around 0 has the variance that it has
// around its mean, to twelve digits.
func TestCenterDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var near, zero, far Moments
	for range 10_000 {
		x := 1e9 + rng.NormFloat64()
		near.Add(x, 1e9)
		zero.Add(x, 0)
		far.Add(x, -7e12)
	}
	want, _ := near.Variance(1e9, 1)
	if got, _ := zero.Variance(0, 1); math.Abs(got-want) > 1e-12*want {
		t.Errorf("around 0: %v, around the mean: %v", got, want)
	}
	if got, _ := far.Variance(-7e12, 1); math.Abs(got-want) > 1e-4*want { // the values themselves are rounded to 0.001
		t.Errorf("around -7e12: %v, around the mean: %v", got, want)
	}
}

func TestUglyValues(t *testing.T) {
	const largest, tiny = math.MaxFloat64, math.SmallestNonzeroFloat64
	negativeZero := math.Copysign(0, -1)
	for _, r := range []struct {
		name     string
		c        float64
		xs       []float64
		mean     float64
		variance float64 // −1: there is none
	}{
		{"one value", 5, []float64{7}, 7, 0},
		{"constant", 0.3, []float64{0.1, 0.1, 0.1}, 0.1, 0},
		{"zeros of both signs", 0, []float64{negativeZero, 0, negativeZero}, 0, 0},
		{"squares beyond float64", 0, []float64{1e200, -1e200}, 0, -1},
		{"squares just inside", 0, []float64{1e154, -1e154}, 0, 1e308},
		{"distance beyond float64", -largest, []float64{largest, largest}, largest, -1},
		{"sum beyond float64", 0, []float64{largest, largest, largest}, largest, -1},
		{"subnormal", 0, []float64{tiny, 3 * tiny}, 2 * tiny, 0},
		{"small", 0, []float64{-1e-150, 1e-150}, 0, 1e-300},
	} {
		m := of(r.c, r.xs...)
		if got, ok := m.Mean(r.c); !ok || math.Abs(got-r.mean) > 1e-15*math.Abs(r.mean) {
			t.Errorf("%s: mean %v, want %v", r.name, got, r.mean)
		}
		got, ok := m.Variance(r.c, 0)
		if ok != (r.variance >= 0) || ok && math.Abs(got-r.variance) > 1e-15*r.variance {
			t.Errorf("%s: variance %v, %v, want %v", r.name, got, ok, r.variance)
		}
		if math.Signbit(m.Min) && m.Min == 0 || math.Signbit(m.Max) && m.Max == 0 {
			t.Errorf("%s: an extreme is -0", r.name)
		}
		back := new(Moments)
		if err := back.UnmarshalBinary(encode(t, &m)); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	m := of(0, 1, math.NaN(), math.Inf(1), math.Inf(-1))
	if m.N != 1 || m.Max != 1 || m.Huge != 0 {
		t.Errorf("NaN and infinities were counted: %d values, %d huge, at most %v", m.N, m.Huge, m.Max)
	}
	var none Moments
	if _, ok := none.Mean(3); ok || none.Sum(3) != 0 {
		t.Errorf("nothing has the sum %v and a mean", none.Sum(3))
	}
	for _, ddof := range []uint64{0, 1} {
		if _, ok := none.Variance(0, ddof); ok {
			t.Errorf("variance of nothing with ddof %d", ddof)
		}
	}
}

// malformed are encodings that UnmarshalBinary must refuse, by what is wrong.
func malformed() map[string][]byte {
	bits := func(lo, hi float64, rest ...byte) []byte {
		b := binary.LittleEndian.AppendUint64(nil, math.Float64bits(lo))
		return append(binary.LittleEndian.AppendUint64(b, math.Float64bits(hi)), rest...)
	}
	with := func(n, huge byte, rest []byte) []byte { return append([]byte{n, huge}, rest...) }
	m := map[string][]byte{
		"empty with an extreme": with(0, 0, bits(1, 1, 1, 0, 1, 0)),
		"empty with a sum":      with(0, 0, bits(0, 0, 6, 1, 10, 0, 1, 0, 1, 1, 0)),
		"more huge than values": with(1, 2, bits(1, 1, 1, 0, 1, 0)),
		"extremes exchanged":    with(2, 0, bits(2, 1, 1, 0, 1, 0)),
		"NaN extreme":           with(2, 0, bits(math.NaN(), 1, 1, 0, 1, 0)),
		"infinite extreme":      with(2, 0, bits(1, math.Inf(1), 1, 0, 1, 0)),
		"negative zero":         with(2, 0, bits(math.Copysign(0, -1), 1, 1, 0, 1, 0)),
		"negative squares":      with(2, 0, bits(0, 1, 1, 0, 6, 2, 10, 0, 1, 0, 1)),
		"corrupt sum":           with(2, 0, bits(0, 1, 1, 9, 1, 0)),
		"trailing byte":         with(2, 0, bits(0, 1, 1, 0, 1, 0, 0)),
		"long uvarint":          append([]byte{0x82, 0, 0}, bits(0, 1, 1, 0, 1, 0)...),
	}
	s := of(0, 1, 2, 1e200)
	b, _ := s.AppendBinary(nil)
	for i := range b {
		m[fmt.Sprintf("truncated to %d bytes", i)] = b[:i]
	}
	return m
}

func TestDecoderRefuses(t *testing.T) {
	for what, b := range malformed() {
		m := of(0, 7, 8)
		kept := m
		if err := m.UnmarshalBinary(b); !errors.Is(err, ErrCorrupt) || m != kept {
			t.Errorf("%s: error %v, receiver %+v", what, err, m.N)
		}
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	for _, b := range malformed() {
		f.Add(b)
	}
	m := of(1, 1, 2, -1e200)
	f.Add(encode(f, &m))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := of(0, 7, 8)
		kept := m
		if err := m.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrCorrupt) || m != kept {
				t.Fatalf("refused with %v, receiver %v", err, m.N)
			}
			return
		}
		if again := encode(t, &m); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		if v, ok := m.Variance(0, 1); ok && !(v >= 0) {
			t.Fatalf("variance %v", v)
		}
	})
}

func TestAddDoesNotAllocate(t *testing.T) {
	var m Moments
	o := of(1, 1, 2, 3)
	if n := testing.AllocsPerRun(1000, func() {
		m.Add(0.1, 1)
		m.Add(1e300, 1)
		m.Merge(&o)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	xs := make([]float64, 1<<12)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	b.ReportAllocs()
	var m Moments
	i := 0
	for b.Loop() {
		m.Add(xs[i&(len(xs)-1)], 0.01)
		i++
	}
}

func BenchmarkVariance(b *testing.B) {
	m := of(0, 1, 2.5, 3e5, 0.1)
	b.ReportAllocs()
	for b.Loop() {
		m.Variance(0, 1)
	}
}
