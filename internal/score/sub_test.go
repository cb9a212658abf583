package score_test

import (
	"errors"
	"testing"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// What was never counted is refused, whichever number shows it, and what it was
// to be taken from stays as it is.
func TestSubRefuses(t *testing.T) {
	g := score.ScoreGrid([]float64{.1, .5, .9}, .5, 0)
	binary := func(scores ...float64) *score.Binary {
		return scored(g, scores, func(i int) bool { return i%2 == 0 }, .5)
	}
	decisions := func(scores uint64) *score.Binary {
		return &score.Binary{Confusion: score.Confusion{TP: 1}, Scored: scores}
	}
	for name, c := range map[string]struct{ of, take *score.Binary }{
		"another cell":              {binary(.9, .1), binary(.1)},
		"another score":             {binary(.9, .1), binary(.95)},
		"another bin":               {binary(.9, .1, .6, .3), binary(.9, .2)}, // of the positives it is there
		"another negative":          {binary(.9, .1), binary(.9, .2)},
		"a score, not a decision":   {decisions(0), decisions(1)},
		"out of range":              {binary(.9, .1), binary(2)},
		"what nothing was added to": {score.NewBinary(g), binary(.9)},
	} {
		before := score.NewBinary(g)
		if c.of.Pos == nil {
			before = new(score.Binary)
		}
		if err := before.Merge(c.of); err != nil {
			t.Fatal(err)
		}
		if err := c.of.Sub(c.take); !errors.Is(err, num.ErrSub) || !c.of.Equal(before) {
			t.Errorf("%s: %v, changed %v", name, err, !c.of.Equal(before))
		}
	}
	other := score.NewBinary(grid.Build([]float64{0, 1}, grid.Options{}))
	if err := other.Sub(score.NewBinary(g)); !errors.Is(err, score.ErrMerge) {
		t.Errorf("another grid: %v", err)
	}
	if err := new(score.Binary).Sub(binary(.9)); err == nil {
		t.Error("scores are taken from none")
	}
	if err := binary(.9).Sub(decisions(1)); err == nil {
		t.Errorf("scores without histograms: %v", err)
	}

	m, o := score.NewMulticlass(2), score.NewMulticlass(2)
	m.AddClass(0, 0)
	m.AddOther(true)
	m.AddLogLoss(.5)
	for name, spoil := range map[string]func(){
		"another cell":        func() { o.AddClass(1, 0) },
		"another error":       func() { o.AddOther(false) },
		"another probability": func() { o.AddLogLoss(.1) },
		"out of range":        func() { o.AddLogLoss(2) },
	} {
		*o = *score.NewMulticlass(2)
		spoil()
		if err := m.Sub(o); !errors.Is(err, num.ErrSub) || m.N() != 2 || m.LogLossN != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := m.Sub(score.NewMulticlass(3)); !errors.Is(err, score.ErrMerge) {
		t.Errorf("another list of classes: %v", err)
	}
	wrong, right := score.NewMulticlass(2), score.NewMulticlass(2)
	wrong.AddOther(false)
	right.AddOther(true)
	if err := wrong.Sub(right); !errors.Is(err, num.ErrSub) || wrong.N() != 1 {
		t.Errorf("no row is left, and one is wrong: %v", err)
	}
	if err := m.Sub(new(score.Multiclass)); err != nil || m.N() != 2 {
		t.Errorf("nothing: %v", err)
	}

	var r, s score.Regression
	r.Add(1, 2)
	s.Add(2, 1)
	if err := r.Sub(&s); !errors.Is(err, num.ErrSub) || r.N != 1 || r.Largest != 1 {
		t.Errorf("another row: %v", err)
	}
	if same := r; same.Sub(&r) != nil || !same.Equal(new(score.Regression)) {
		t.Errorf("of all rows %+v is left", same)
	}
	if err := new(score.Regression).Sub(&r); !errors.Is(err, num.ErrSub) {
		t.Errorf("a row of none: %v", err)
	}
}
