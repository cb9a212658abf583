package score_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
	"pgregory.net/rapid"
)

// A monoid is what the laws need to know of a kind of summary.
type monoid[S any, R any] struct {
	empty func() S
	row   *rapid.Generator[R]
	add   func(S, R)
	merge func(S, S) error
	sub   func(S, S) error
	same  func(S, S) bool
	// forgive copies to the first what Sub cannot know of the second: extremes.
	forgive func(got, want S)
}

func (m monoid[S, R]) of(rows []R) S {
	s := m.empty()
	for _, r := range rows {
		m.add(s, r)
	}
	return s
}

// laws checks that summaries of parts merge to the summary of the whole, however
// the rows were cut and in whatever order the parts arrive, and that merging
// leaves its argument alone.
func (m monoid[S, R]) laws(t *testing.T) {
	join := func(t *rapid.T, into, from S) {
		t.Helper()
		if err := m.merge(into, from); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(m.row, 0, 60).Draw(t, "rows")
		whole := m.of(rows)
		i := rapid.IntRange(0, len(rows)).Draw(t, "i")
		j := rapid.IntRange(i, len(rows)).Draw(t, "j")
		parts := [][]R{rows[:i], rows[i:j], rows[j:]}

		leftFirst := m.of(parts[0]) // (a + b) + c
		join(t, leftFirst, m.of(parts[1]))
		join(t, leftFirst, m.of(parts[2]))
		if !m.same(leftFirst, whole) {
			t.Fatalf("cut at %d and %d, the parts do not merge to the whole", i, j)
		}
		rightFirst, last := m.of(parts[0]), m.of(parts[1]) // a + (b + c)
		join(t, last, m.of(parts[2]))
		join(t, rightFirst, last)
		if !m.same(rightFirst, whole) {
			t.Fatal("not associative")
		}
		if !m.same(last, m.of(rows[i:])) {
			t.Fatal("merging changed its argument")
		}
		backwards := m.of(parts[2]) // c + b + a
		join(t, backwards, m.of(parts[1]))
		join(t, backwards, m.of(parts[0]))
		if !m.same(backwards, whole) {
			t.Fatal("not commutative")
		}
		zero := m.empty() // 0 + a = a + 0 = a
		join(t, zero, whole)
		join(t, whole, m.empty())
		if !m.same(zero, whole) || !m.same(whole, m.of(rows)) {
			t.Fatal("the empty summary is not the identity")
		}
		if m.sub != nil { // an estimate is never taken back
			m.takeBack(t, rows, i, j)
		}
		shuffled := slices.Clone(rows)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(0, seed)).Shuffle(len(rows), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		if !m.same(m.of(shuffled), whole) {
			t.Fatal("the order of the rows shows")
		}
	})
}

// takeBack checks that Sub undoes Merge, whichever part is taken back, leaves its
// argument alone, and refuses what was never counted without changing anything.
func (m monoid[S, R]) takeBack(t *rapid.T, rows []R, i, j int) {
	whole, part := m.of(rows), m.of(rows[i:j])
	if err := m.sub(whole, part); err != nil {
		t.Fatal(err)
	}
	if !m.same(part, m.of(rows[i:j])) {
		t.Fatal("taking back changed its argument")
	}
	want := m.of(slices.Concat(rows[:i], rows[j:]))
	if m.forgive != nil && len(rows) > j-i {
		m.forgive(whole, want)
	}
	if !m.same(whole, want) {
		t.Fatalf("without the rows from %d to %d, it is not what the others give", i, j)
	}
	more := m.of(slices.Concat(rows, rows[i:j]))
	if err := m.sub(m.of(rows), more); (err == nil) != (i == j) || err != nil && !errors.Is(err, num.ErrSub) {
		t.Fatalf("%d rows of %d were taken back: %v", len(rows)+j-i, len(rows), err)
	}
	less := m.of(rows[:i])
	if err := m.sub(less, m.of(rows[i:])); err != nil && !m.same(less, m.of(rows[:i])) {
		t.Fatal("a refusal has changed something")
	}
}

// any finite float64, and often one that is near others.
func finite() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64),
		rapid.Float64Range(0, 1),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, .1, .5, 1e300, -1e300, 5e-324, math.MaxFloat64, -math.MaxFloat64}),
	)
}

type decided struct {
	score               float64
	positive, predicted bool
	scoreless           bool
}

func rows() *rapid.Generator[decided] {
	return rapid.Custom(func(t *rapid.T) decided {
		return decided{
			score:     finite().Draw(t, "score"),
			positive:  rapid.Bool().Draw(t, "positive"),
			predicted: rapid.Bool().Draw(t, "predicted"),
			scoreless: rapid.IntRange(0, 4).Draw(t, "scoreless") == 0,
		}
	})
}

func TestBinaryLaws(t *testing.T) {
	g := score.ScoreGrid([]float64{.05, .2, .21, .4, .45, .6, .62, .9, .99, 2}, .5, 0)
	m := monoid[*score.Binary, decided]{
		empty: func() *score.Binary { return score.NewBinary(g) },
		row:   rows(),
		add: func(b *score.Binary, r decided) {
			if r.scoreless {
				b.AddDecision(r.predicted, r.positive)
				return
			}
			add(b, g, r.score, r.positive, r.predicted)
		},
		merge: (*score.Binary).Merge,
		sub:   (*score.Binary).Sub,
		same:  (*score.Binary).Equal,
	}
	t.Run("with histograms", m.laws)
	m.add = func(b *score.Binary, r decided) {
		if r.scoreless {
			b.AddDecision(r.predicted, r.positive)
			return
		}
		b.AddScore(r.score, 0, 0, r.positive, r.predicted)
	}
	m.empty = func() *score.Binary { return new(score.Binary) }
	t.Run("without histograms", m.laws)
}

// The zero value takes the shape of what it merges with.
func TestZeroValuesMerge(t *testing.T) {
	g := score.ScoreGrid([]float64{.1, .5, .9}, .5, 0)
	full := scored(g, []float64{.2, .7, .9}, func(i int) bool { return i > 0 }, .5)
	var b score.Binary
	b.AddDecision(true, true)
	if err := b.Merge(full); err != nil {
		t.Fatal(err)
	}
	if b.N() != 4 || b.Scored != 3 || b.Pos.Total() != 2 {
		t.Errorf("merged %d rows, %d scores, %d of positives; want 4, 3, 2", b.N(), b.Scored, b.Pos.Total())
	}
	add(&b, g, .4, true, false)
	if full.Pos.Total() != 2 {
		t.Error("the merged histogram is shared")
	}
	if err := full.Merge(new(score.Binary)); err != nil {
		t.Error(err)
	}

	m := score.NewMulticlass(3)
	m.AddClass(0, 1)
	var z score.Multiclass
	if err := z.Merge(m); err != nil || !z.Equal(m) {
		t.Errorf("merged into zero: %v, %v", z, err)
	}
	z.AddClass(1, 1)
	if m.N() != 1 {
		t.Error("the merged matrix is shared")
	}
}

type classified struct {
	pred, actual int
	p            float64
	same         bool
}

func TestMulticlassLaws(t *testing.T) {
	monoid[*score.Multiclass, classified]{
		empty: func() *score.Multiclass { return score.NewMulticlass(4) },
		row: rapid.Custom(func(t *rapid.T) classified {
			return classified{
				pred:   rapid.IntRange(0, 3).Draw(t, "pred"),
				actual: rapid.IntRange(0, 3).Draw(t, "actual"),
				p:      rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64()).Draw(t, "p"),
				same:   rapid.Bool().Draw(t, "same"),
			}
		}),
		add: func(m *score.Multiclass, r classified) {
			if r.pred == 3 && r.actual == 3 {
				m.AddOther(r.same)
			} else {
				m.AddClass(r.pred, r.actual)
			}
			m.AddLogLoss(r.p)
		},
		merge: (*score.Multiclass).Merge,
		sub:   (*score.Multiclass).Sub,
		same:  (*score.Multiclass).Equal,
	}.laws(t)
}

func TestRegressionLaws(t *testing.T) {
	monoid[*score.Regression, [2]float64]{
		empty: func() *score.Regression { return new(score.Regression) },
		row: rapid.Custom(func(t *rapid.T) [2]float64 {
			return [2]float64{finite().Draw(t, "prediction"), finite().Draw(t, "actual")}
		}),
		add:   func(r *score.Regression, x [2]float64) { r.Add(x[0], x[1]) },
		merge: func(r, o *score.Regression) error { r.Merge(o); return nil },
		sub:   (*score.Regression).Sub,
		same:  (*score.Regression).Equal,
		forgive: func(got, want *score.Regression) {
			got.Largest, got.Actual.Min, got.Actual.Max = want.Largest, want.Actual.Min, want.Actual.Max
		},
	}.laws(t)
}

// Whatever the grid, the metrics of ranks are within their bounds of what the
// scores themselves say. The oracle counts pairs.
func TestRanksWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, .25, .3, .5, .75, 1}))
		reference := rapid.SliceOfN(raw, 0, 30).Draw(t, "reference")
		scores := rapid.SliceOfN(raw, 2, 80).Draw(t, "scores")
		positives := rapid.SliceOfN(rapid.Bool(), len(scores), len(scores)).Draw(t, "positives")
		positives[0], positives[1] = true, false
		g := score.ScoreGrid(reference, .5, 0)
		b := scored(g, scores, func(i int) bool { return positives[i] }, .5)
		auc, ap, ks := ranks(scores, positives)
		for name, w := range map[string]float64{"roc_auc": auc, "gini": 2*auc - 1, "pr_auc": ap, "ks": ks} {
			v := b.Metric(name, g)
			if v.Err != nil || !(math.Abs(v.Value-w) <= v.Bound+1e-12) {
				t.Fatalf("%s = %v ± %v (%v), the scores say %v", name, v.Value, v.Bound, v.Err, w)
			}
		}
		whole := b.PartialAUC(g, 1)
		if whole.Err != nil || math.Abs(whole.Value-auc) > whole.Bound+1e-12 {
			t.Fatalf("partial_auc up to 1 = %v ± %v, want %v", whole.Value, whole.Bound, auc)
		}
		// Counted on a grid of its own scores, all is known.
		own := score.ScoreGrid(scores, .5, 0)
		for _, v := range scored(own, scores, func(i int) bool { return positives[i] }, .5).All(own) {
			if v.Bound != 0 {
				t.Fatalf("%s of atoms has the bound %v", v.Metric, v.Bound)
			}
		}
	})
}

// ranks computes the metrics of ranks by their definitions, in quadratic time.
func ranks(scores []float64, positive []bool) (auc, ap, ks float64) {
	var p, n float64
	for _, pos := range positive {
		if pos {
			p++
		} else {
			n++
		}
	}
	for i, s := range scores {
		var tp, fp, lower float64 // at the threshold s
		for j, other := range scores {
			switch {
			case other >= s && positive[j]:
				tp++
			case other >= s:
				fp++
			}
			if !positive[j] {
				if other < s {
					lower++
				} else if other == s {
					lower += .5
				}
			}
		}
		ks = max(ks, math.Abs(tp/p-fp/n))
		if positive[i] {
			ap += tp / (tp + fp) / p
			auc += lower / n / p
		}
	}
	return auc, ap, ks
}

// The sums of precisions agree with their terms where digamma takes over.
func TestAveragePrecisionOfFullBins(t *testing.T) {
	g, err := grid.FromParts([]float64{0, .5, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][4]uint64{{70, 100, 500, 20}, {65, 0, 65, 1}, {3, 1e6, 1e6, 10}, {1e6, 1e6, 1e6, 1e6}, {64, 9, 1, 9}} {
		b := score.NewBinary(g)
		b.Pos.Counts[1], b.Neg.Counts[1], b.Pos.Counts[2], b.Neg.Counts[2] = c[0], c[1], c[2], c[3]
		b.Scored = c[0] + c[1] + c[2] + c[3]
		p1, n1, p2, n2 := float64(c[0]), float64(c[1]), float64(c[2]), float64(c[3])
		want, lowest := 0.0, 0.0
		for j := 1.0; j <= p2; j++ {
			want += j / (j + j*n2/(p2+1))
			lowest += j / (j + n2)
		}
		for j := 1.0; j <= p1; j++ {
			want += (p2 + j) / (p2 + j + n2 + j*n1/(p1+1))
			lowest += (p2 + j) / (p2 + j + n2 + n1)
		}
		highest := p2 + p1*(p1+p2)/(p1+p2+n2)
		want, lowest, highest = want/(p1+p2), lowest/(p1+p2), highest/(p1+p2)
		v := b.Metric("pr_auc", g)
		if math.Abs(v.Value-want) > 1e-9 || math.Abs(v.Bound-max(want-lowest, highest-want)) > 1e-9 {
			t.Errorf("%v: %v ± %v, want %v ± %v", c, v.Value, v.Bound, want, max(want-lowest, highest-want))
		}
	}
}
