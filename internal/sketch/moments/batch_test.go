package moments

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A batch adds what its values add one by one, bit for bit.
func TestAddAllIsAdd(t *testing.T) {
	var b Batch
	numbers := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{
		0, math.Copysign(0, -1), 1, -1, 5e-324, math.MaxFloat64, -math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1),
		0x1p-485, 0x1.fffffffffffffp-486, 0x1p-486, 0x1p511, 0x1.fffffffffffffp510, -0x1p511, 0x1p512, 0x1.fffffffffffffp511,
	}))
	rapid.Check(t, func(t *rapid.T) {
		var one, all Moments
		for range rapid.IntRange(1, 3).Draw(t, "calls") {
			n := rapid.IntRange(0, 2*few).Draw(t, "n")
			xs := rapid.SliceOfN(numbers, n, n).Draw(t, "xs")
			for _, x := range xs {
				one.Add(x, 0)
			}
			all.AddAll(xs, &b)
		}
		if got, want := encode(t, &all), encode(t, &one); string(got) != string(want) {
			t.Fatalf("%x, want %x", got, want)
		}
		if b != (Batch{}) {
			t.Fatal("something is left in the batch")
		}
	})
}

// The sums of mantissas do not overflow, however many values of one exponent
// come in a call.
func TestAddAllOfManyAlike(t *testing.T) {
	var b Batch
	for _, x := range []float64{0x1.fffffffffffffp0, -0x1.fffffffffffffp510, 0x1p-485} {
		xs := make([]float64, 5*most)
		var one, all Moments
		for i := range xs {
			xs[i] = x
			one.Add(x, 0)
		}
		all.AddAll(xs, &b)
		if got, want := encode(t, &all), encode(t, &one); string(got) != string(want) {
			t.Errorf("%v: %x, want %x", x, got, want)
		}
	}
}

func TestAddAllDoesNotAllocate(t *testing.T) {
	var m Moments
	b, xs := new(Batch), make([]float64, 100)
	for i := range xs {
		xs[i] = float64(i) - 50.5
	}
	if n := testing.AllocsPerRun(100, func() { m.AddAll(xs, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAddAll(b *testing.B) {
	for name, n := range map[string]int{"16": 16, "128": 128, "512": 512} {
		b.Run(name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = rng.NormFloat64()
			}
			var m Moments
			batch := new(Batch)
			b.ReportAllocs()
			for b.Loop() {
				m.AddAll(xs, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/value")
		})
	}
}
