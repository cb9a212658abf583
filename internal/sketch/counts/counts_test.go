package counts

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"
)

// An event is a known category, if not negative, else a new value.
type event struct {
	known int32
	value string
}

const categories = 4 // in the dictionary of these tests

func (c *Counts) take(e event) {
	if e.known >= 0 {
		c.AddKnown(e.known)
	} else {
		c.AddNew(e.value)
	}
}

func of(limit int, events ...event) *Counts {
	c := New(categories, limit)
	for _, e := range events {
		c.take(e)
	}
	return c
}

func encode(t interface{ Fatal(...any) }, c *Counts) []byte {
	b, err := c.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exactPart is everything but the heavy hitters.
func exactPart(t interface{ Fatal(...any) }, c *Counts) []byte {
	copied := *c
	copied.heavy = Heavy{}
	return encode(t, &copied)
}

func events() *rapid.Generator[[]event] {
	one := rapid.Custom(func(t *rapid.T) event {
		if rapid.Bool().Draw(t, "known") {
			return event{known: rapid.Int32Range(0, categories-1).Draw(t, "category")}
		}
		return event{known: -1, value: rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.IntRange(0, 20), strconv.Itoa),
			rapid.Map(rapid.IntRange(250, 260), func(n int) string { return strings.Repeat("é", n/2) + strings.Repeat("x", n%2) }),
		).Draw(t, "value")}
	})
	return rapid.SliceOfN(one, 0, 80)
}

// Any order, any split, and a detour through bytes give the same known counts,
// the same new values and the same total of the others; while no new value went
// without a count, the same bytes.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es := events().Draw(t, "events")
		limit := rapid.IntRange(0, 30).Draw(t, "limit")
		whole := of(limit, es...)
		parts := make([]*Counts, rapid.IntRange(1, 4).Draw(t, "parts"))
		for i := range parts {
			parts[i] = New(categories, limit)
		}
		for _, e := range rapid.Permutation(es).Draw(t, "order") {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].take(e)
		}
		merged := New(categories, limit)
		stay := map[*Counts][]byte{}
		for _, p := range parts {
			before := encode(t, p)
			if rapid.Bool().Draw(t, "store") {
				stored := new(Counts)
				if err := stored.UnmarshalBinary(before); err != nil {
					t.Fatal(err)
				}
				p = stored
			}
			if err := merged.Merge(p); err != nil {
				t.Fatal(err)
			}
			stay[p] = before
		}
		if !bytes.Equal(exactPart(t, merged), exactPart(t, whole)) {
			t.Fatalf("merged parts %v and %d others, the whole %v and %d others", merged.NewValues(), merged.Other, whole.NewValues(), whole.Other)
		}
		if !bytes.Equal(encode(t, merged), encode(t, whole)) { // 1024 heavy hitters hold all of these
			t.Fatalf("merged heavy hitters %v, of the whole %v", merged.Heavy().Values(), whole.Heavy().Values())
		}
		checkAgainst(t, merged, limit, es)
		for _, e := range es {
			merged.take(e)
		}
		for p, before := range stay {
			if !bytes.Equal(encode(t, p), before) {
				t.Fatal("a part changed with what it was merged into")
			}
		}
	})
}

// checkAgainst compares counts with exact ones of all events.
func checkAgainst(t interface{ Fatalf(string, ...any) }, c *Counts, limit int, es []event) {
	known := make([]uint64, categories)
	exact := map[string]uint64{}
	var news uint64
	for _, e := range es {
		if e.known >= 0 {
			known[e.known]++
		} else {
			exact[Key(e.value)]++
			news++
		}
	}
	if !slices.Equal(c.Known, known) || c.NewTotal() != news || c.Total() != uint64(len(es)) {
		t.Fatalf("known %v, %d new of %d; want %v, %d, %d", c.Known, c.NewTotal(), c.Total(), known, news, len(es))
	}
	byHash := make([]string, 0, len(exact))
	for v := range exact {
		byHash = append(byHash, v)
	}
	slices.SortFunc(byHash, func(a, b string) int {
		return cmp.Or(cmp.Compare(xxh3.HashStringSeed(a, hashSeed), xxh3.HashStringSeed(b, hashSeed)), cmp.Compare(a, b))
	})
	var want []Value
	for _, v := range byHash[:min(limit, len(byHash))] {
		want = append(want, Value{v, exact[v]})
		news -= exact[v]
		delete(exact, v)
	}
	slices.SortFunc(want, func(a, b Value) int { return cmp.Compare(a.Value, b.Value) })
	if got := c.NewValues(); !slices.Equal(got, want) || c.Other != news {
		t.Fatalf("new values %v and %d others, want %v and %d", got, c.Other, want, news)
	}
	checkHeavy(t, c.Heavy(), exact, news)
}

// checkHeavy checks the bounds that Heavy promises.
func checkHeavy(t interface{ Fatalf(string, ...any) }, h *Heavy, exact map[string]uint64, n uint64) {
	if h.MaxError()*(MaxHeavy+1) > n || len(h.Values()) > MaxHeavy {
		t.Fatalf("%d counters, error %d of %d", len(h.Values()), h.MaxError(), n)
	}
	counters := map[string]uint64{}
	for _, v := range h.Values() {
		counters[v.Value] = v.Count
		if v.Count > exact[v.Value] {
			t.Fatalf("%q has the counter %d, but came %d times", v.Value, v.Count, exact[v.Value])
		}
	}
	for v, want := range exact {
		if counters[v]+h.MaxError() < want {
			t.Fatalf("%q came %d times, but has the counter %d with error %d", v, want, counters[v], h.MaxError())
		}
	}
}

// Far beyond both caps: 20000 different values, of which some are frequent.
func TestBeyondAllCaps(t *testing.T) {
	const limit, n = 50, 200_000
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 1))
		zipf := rand.NewZipf(rng, 1.1, 1, 20_000)
		es := make([]event, n)
		for i := range es {
			es[i] = event{known: -1, value: "v" + strconv.FormatUint(zipf.Uint64(), 10)}
		}
		whole := of(limit, es...)
		checkAgainst(t, whole, limit, es)
		if whole.Heavy().MaxError() == 0 {
			t.Fatal("the counters sufficed: this tests nothing")
		}
		rng.Shuffle(n, func(i, j int) { es[i], es[j] = es[j], es[i] })
		merged := New(categories, limit)
		for part := range slices.Chunk(es, n/7) {
			p := new(Counts)
			if err := p.UnmarshalBinary(encode(t, of(limit, part...))); err != nil {
				t.Fatal(err)
			}
			if err := merged.Merge(p); err != nil {
				t.Fatal(err)
			}
		}
		checkAgainst(t, merged, limit, es)
		if !bytes.Equal(exactPart(t, merged), exactPart(t, whole)) {
			t.Error("the exact part depends on the order")
		}
	}
}

// Every value comes once, so that every counter is lost again and again.
func TestOnlyRareValues(t *testing.T) {
	c := New(0, 10)
	for i := range 50_000 {
		c.AddNewInt(int64(i))
	}
	if c.Total() != 50_000 || len(c.NewValues()) != 10 || c.Heavy().MaxError() > 49_990/(MaxHeavy+1) {
		t.Errorf("total %d, %d new values, error %d", c.Total(), len(c.NewValues()), c.Heavy().MaxError())
	}
	if err := new(Counts).UnmarshalBinary(encode(t, c)); err != nil {
		t.Error(err)
	}
}

// When two summaries have too many counters together, the 1025th largest is
// taken from all.
func TestHeavyMerge(t *testing.T) {
	summary := func(first, n int, count uint64) *Heavy {
		h := new(Heavy)
		for i := first; i < first+n; i++ {
			h.add(strconv.Itoa(i), count)
		}
		return h
	}
	for _, c := range []struct {
		a, b    *Heavy
		n       int    // counters left
		largest uint64 // of them
		err     uint64
	}{
		{summary(0, MaxHeavy, 5), summary(0, MaxHeavy, 3), MaxHeavy, 8, 0},
		{summary(0, MaxHeavy, 5), summary(MaxHeavy, 1, 3), MaxHeavy, 2, 3},
		{summary(0, MaxHeavy, 5), summary(MaxHeavy, MaxHeavy, 7), MaxHeavy, 2, 5},
		{summary(0, MaxHeavy, 5), summary(MaxHeavy, MaxHeavy, 5), 0, 0, 5},
		{new(Heavy), summary(0, 10, 5), 10, 5, 0},
	} {
		c.a.merge(c.b)
		vs := c.a.Values()
		if len(vs) != c.n || c.a.MaxError() != c.err || len(vs) > 0 && vs[0].Count != c.largest {
			t.Errorf("%d counters, error %d, want %d, %d: %v", len(vs), c.a.MaxError(), c.n, c.err, vs[:min(3, len(vs))])
		}
	}
}

// AddNew says whether the value has an exact count.
func TestAddNewReports(t *testing.T) {
	c := New(0, 1)
	first := c.AddNew("a")
	second := c.AddNew("b")
	if !first || c.AddNew("a") == c.AddNew("b") {
		t.Errorf("one place for two values: %v, %v", first, second)
	}
	if c := New(0, 0); c.AddNew("a") || c.Other != 1 || c.Heavy().Values()[0] != (Value{"a", 1}) {
		t.Errorf("without a place: %+v", c)
	}
	if c := New(-1, -1); c.AddNew("a") || c.AddNewInt(-5) || c.Total() != 2 {
		t.Errorf("negative limits: %+v", c)
	}
}

// Strings, bytes and integers of the same form are the same value.
func TestForms(t *testing.T) {
	long := strings.Repeat("long ", 100)
	a, b := New(0, 3), New(0, 3)
	for range 3 {
		a.AddNew("-17")
		b.AddNewInt(-17)
		a.AddNew(long)
		b.AddNewBytes([]byte(long))
		b.AddNewBytes([]byte("x"))
		a.AddNew("x")
	}
	if !bytes.Equal(encode(t, a), encode(t, b)) || len(a.NewValues()) != 3 {
		t.Errorf("%v and %v", a.NewValues(), b.NewValues())
	}
}

// Counts of different caps merge to the smaller, whichever comes first.
func TestMergeOfDifferentCaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es, fs := events().Draw(t, "es"), events().Draw(t, "fs")
		m, n := rapid.IntRange(0, 20).Draw(t, "m"), rapid.IntRange(0, 20).Draw(t, "n")
		a, b := of(m, es...), of(n, fs...)
		if err := a.Merge(of(n, fs...)); err != nil {
			t.Fatal(err)
		}
		if err := b.Merge(of(m, es...)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, a), encode(t, b)) {
			t.Fatalf("%v and %v", a.NewValues(), b.NewValues())
		}
		checkAgainst(t, a, min(m, n), append(es, fs...))
	})
}

func TestMergeRefusesAnotherDictionary(t *testing.T) {
	a, b := New(1, 5), New(2, 5)
	a.AddNew("x")
	before := encode(t, a)
	if err := a.Merge(b); !errors.Is(err, ErrDictionary) || !bytes.Equal(encode(t, a), before) {
		t.Errorf("error %v", err)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	const limit = 100
	d := NewDictionary([]string{"EU", "US", "1", "-1", strings.Repeat("é", 300)})
	long := strings.Repeat("é", 300)
	c := New(d.Len(), limit)
	var values []string
	var raw [][]byte
	for i := range limit + MaxHeavy { // kept, or heavy
		values = append(values, "value "+strconv.Itoa(i))
		raw = append(raw, []byte(values[i]))
		c.AddNew(values[i])
	}
	if n := testing.AllocsPerRun(100, func() {
		if k, ok := d.Index("EU"); ok {
			c.AddKnown(k)
		}
		d.Index(long)
		d.IndexInt(-1)
		d.IndexInt(17)
	}); n != 0 {
		t.Errorf("%v allocations for categories of the dictionary", n)
	}
	if n := testing.AllocsPerRun(10, func() { // all in one run, as the average is rounded down
		for i := range values {
			c.AddNew(values[i])
			c.AddNewBytes(raw[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d new values", n, len(values))
	}
	c = New(0, 10)
	c.AddNew(long)
	c.AddNewInt(-123456)
	if n := testing.AllocsPerRun(100, func() {
		c.AddNew(long)
		c.AddNewInt(-123456)
	}); n != 0 {
		t.Errorf("%v allocations for a long string and an integer", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	var known []string
	for i := range 64 {
		known = append(known, fmt.Sprintf("category %d", i))
	}
	d := NewDictionary(known)
	b.Run("known", func(b *testing.B) {
		c := New(d.Len(), 1000)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if k, ok := d.Index(known[i&63]); ok {
				c.AddKnown(k)
			}
			i++
		}
	})
	zipf := func(n uint64) []string {
		z := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.2, 1, n)
		values := make([]string, 1<<16)
		for i := range values {
			values[i] = "value " + strconv.FormatUint(z.Uint64(), 10)
		}
		return values
	}
	for name, values := range map[string][]string{"new, below the cap": zipf(900), "new, far beyond all caps": zipf(100_000)} {
		b.Run(name, func(b *testing.B) {
			c := New(d.Len(), 1000)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.AddNew(values[i&(1<<16-1)])
				i++
			}
		})
	}
	b.Run("integer", func(b *testing.B) {
		c := New(d.Len(), 1000)
		b.ReportAllocs()
		i := int64(0)
		for b.Loop() {
			c.AddNewInt(i & 511)
			i++
		}
	})
}
