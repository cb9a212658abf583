package profile

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// However a stream is shuffled, cut into shards, interrupted (written and read
// again) and merged, the profile has the bytes of one pass.
func TestAnySplitAndOrderGiveTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		rs := relabelled(streams(0, 40)).Draw(t, "stream")
		whole := count(t, l, rs)
		shards := make([][]record.Record, rapid.IntRange(1, 5).Draw(t, "shards"))
		for _, r := range rapid.Permutation(rs).Draw(t, "order") {
			i := rapid.IntRange(0, len(shards)-1).Draw(t, "shard")
			shards[i] = append(shards[i], r)
		}
		sum := New(l)
		for _, shard := range shards {
			p := count(t, l, shard)
			if rapid.Bool().Draw(t, "restart") {
				var err error
				if p, err = Decode(encode(t, p), l); err != nil {
					t.Fatalf("%v", err)
				}
			}
			if err := sum.Merge(p); err != nil {
				t.Fatalf("%v", err)
			}
		}
		equal(t, sum, whole)
	})
}

func TestMergeIsACommutativeMonoid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		s := relabelled(streams(0, 10))
		a, b, c := count(t, l, s.Draw(t, "a")), count(t, l, s.Draw(t, "b")), count(t, l, s.Draw(t, "c"))
		before := encode(t, b)
		equal(t, merged(t, l, a, New(l)), a)
		equal(t, merged(t, l, New(l), a), a)
		equal(t, merged(t, l, a, b), merged(t, l, b, a))
		equal(t, merged(t, l, a, merged(t, l, b, c)), merged(t, l, merged(t, l, a, b), c))
		if !bytes.Equal(encode(t, b), before) {
			t.Fatal("merging has changed its argument")
		}
	})
}

func TestMergeRefusesAnotherLayout(t *testing.T) {
	a, b := typical(0), typical(1)
	p := New(a)
	if err := p.Merge(New(b)); !wraps(err, ErrLayout) {
		t.Fatalf("merged with %v", err)
	}
}

// What a slice holds does not depend on what other slices there are.
func TestSegmentsChangeNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		fewer, err := l.With(rapid.SliceOfDistinct(rapid.SampledFrom(append(slices.Clone(l.Segments), SegmentLayout{Name: "last", Where: "features.a > 1"})), func(s SegmentLayout) string { return s.Name }).Draw(t, "segments"), l.Limits, l.Tallies...)
		if err != nil {
			t.Fatal(err)
		}
		rs := relabelled(streams(0, 30)).Draw(t, "stream")
		p, q := count(t, l, rs), count(t, fewer, rs)
		for _, seg := range append(q.Segments(), Segment{}) {
			a, ok := p.Slice(seg)
			if !ok {
				continue // a segment that l does not have
			}
			b, _ := q.Slice(seg)
			if x, y := (&writer{}).slice(a).String(), (&writer{}).slice(b).String(); x != y {
				t.Fatalf("slice %v is\n%s\nwith other segments\n%s", seg, x, y)
			}
		}
	})
}

// A stream that comes twice counts twice, and nothing else changes.
func TestDoubling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		rs := streams(0, 20).Draw(t, "stream")
		once, twice := count(t, l, rs), count(t, l, slices.Concat(rs, rs))
		if !slices.Equal(once.Segments(), twice.Segments()) {
			t.Fatalf("slices %v, twice %v", once.Segments(), twice.Segments())
		}
		for _, seg := range append(once.Segments(), Segment{}) {
			a, _ := once.Slice(seg)
			b, _ := twice.Slice(seg)
			if 2*a.Predictions != b.Predictions || 2*a.Actuals != b.Actuals {
				t.Fatalf("slice %v: %d predictions and %d actuals, twice %d and %d", seg, a.Predictions, a.Actuals, b.Predictions, b.Actuals)
			}
			for i := range a.Fields {
				doubled(t, l.Fields[i].Key.String(), &a.Fields[i], &b.Fields[i])
			}
		}
	})
}

func doubled(t *rapid.T, name string, a, b *Field) {
	var twice Field
	twice.tally(a)
	twice.tally(a)
	if plain(&twice) != plain(b) {
		t.Fatalf("%s: twice %v is %v", name, plain(a), plain(b))
	}
	n, _ := a.Unique()
	if m, _ := b.Unique(); m != n {
		t.Fatalf("%s: %d different values, twice %d", name, n, m)
	}
	if a.Moments != nil && (a.Moments.Min != b.Moments.Min || a.Moments.Max != b.Moments.Max) {
		t.Fatalf("%s: extremes", name)
	}
	if a.Hist != nil {
		for i := range a.Hist.Counts {
			if 2*a.Hist.Counts[i] != b.Hist.Counts[i] || 2*a.Hist.Sums[i] != b.Hist.Sums[i] {
				t.Fatalf("%s: bin %d", name, i)
			}
		}
	}
}

// plain are the plain counts of a field.
func plain(f *Field) [6]uint64 {
	return [6]uint64{f.Count, f.Missing, f.Invalid, f.NonFinite, f.Zero, f.OutOfRange}
}

// Counting does not depend on the records that a plan saw before: it only
// guesses by them.
func TestPlanForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		rs := relabelled(streams(1, 10)).Draw(t, "stream")
		plan, err := NewPlan(l)
		if err != nil {
			t.Fatal(err)
		}
		p, rows := New(l), plan.NewRows()
		for range 2 { // the second time with all guesses and used memory
			p = New(l)
			rows.Reset()
			for i := range rs {
				rows.Add(&rs[i])
				p.Add(rows, i)
			}
		}
		equal(t, p, count(t, l, rs))
	})
}

// What an unknown field holds does not matter, but it is told.
func TestUnknownFields(t *testing.T) {
	l := typical(0)
	r := record.Record{}
	r.Append(record.Features, "f00", record.Num(1))
	r.Append(record.Features, "nobody", record.Num(2))
	r.Append(record.Metrics, "f00", record.Num(3))
	rows := mustPlan(l).NewRows()
	for range 2 {
		if n, first := rows.Add(&r); n != 2 || first != (record.Key{Group: record.Features, Name: "nobody"}) {
			t.Fatalf("%d unknown fields, first %s", n, first)
		}
	}
}

func TestFieldTypesAreAllHere(t *testing.T) {
	for _, ft := range model.FieldTypes {
		found := false
		for _, have := range fieldTypes {
			found = found || have == ft
		}
		if !found {
			t.Errorf("no field of these tests is %s", ft)
		}
	}
}
