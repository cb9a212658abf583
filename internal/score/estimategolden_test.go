package score_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// goldenEstimates is testdata/estimate.json, made by testdata/ref/estimate.py.
type goldenEstimates struct {
	Isotonic []struct {
		Name                    string
		Score, Knots, Ask, Want []hex
		Label                   []int
	}
	Binary []struct {
		Name             string
		Threshold        hex
		Reference, Score []hex
		Truth            []int
		Want             map[string]hex
	}
	Multiclass []struct {
		Name             string
		Reference, Score [][]hex
		Truth, Predicted []int
		Want             map[string]hex
	}
}

func readEstimates(t *testing.T) (g goldenEstimates) {
	t.Helper()
	b, err := os.ReadFile("testdata/estimate.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// labelled pairs scores with truths, in ascending order of the scores.
func labelled(scores []hex, positive func(i int) bool) []score.Labelled {
	all := make([]score.Labelled, len(scores))
	for i, s := range scores {
		all[i] = score.Labelled{Score: float64(s), Positive: positive(i)}
	}
	slices.SortStableFunc(all, func(a, b score.Labelled) int {
		switch {
		case a.Score < b.Score:
			return -1
		case a.Score > b.Score:
			return 1
		}
		return 0
	})
	return all
}

func TestIsotonicAgainstScikitLearn(t *testing.T) {
	compared := 0
	for _, c := range readEstimates(t).Isotonic {
		fit := score.Isotonic(labelled(c.Score, func(i int) bool { return c.Label[i] == 1 }))
		knots, _ := fit.Knots()
		if len(knots) != len(c.Knots) {
			t.Errorf("%s: %d knots, want %d", c.Name, len(knots), len(c.Knots))
		} else {
			for i, k := range c.Knots {
				if math.Abs(knots[i]-float64(k)) > 1e-15*math.Abs(knots[i])+1e-15 {
					t.Errorf("%s: knot %d at %v, want %v", c.Name, i, knots[i], k)
				}
			}
		}
		for i, s := range floats(c.Ask) {
			want := float64(c.Want[i])
			if got := fit.Probability(s); math.Abs(got-want) > exact {
				t.Errorf("%s: %v for %v, want %v (%+.2g)", c.Name, got, s, want, got-want)
			}
			compared++
		}
	}
	if compared < 1100 {
		t.Errorf("compared %d values: the golden file has shrunk", compared)
	}
}

// estimate counts rows by a calibrator.
func estimate(c *score.Calibrator, g *grid.Grid, scores []float64, threshold float64) *score.Estimate {
	e := score.NewEstimate(g)
	for _, s := range scores {
		e.Rows++
		e.Classes[0].Add(s >= threshold, score.ChanceOf(c.Probability(s)), int32(g.Find(s)))
	}
	return e
}

func TestEstimatesAgainstNumPy(t *testing.T) {
	compared := 0
	for _, c := range readEstimates(t).Binary {
		fit := score.Isotonic(labelled(c.Reference, func(i int) bool { return c.Truth[i] == 1 }))
		threshold, scores := float64(c.Threshold), floats(c.Score)
		for label, g := range map[string]*grid.Grid{
			"fine":   score.ScoreGrid(scores, threshold, score.PRBins),
			"coarse": score.ScoreGrid([]float64{.02, .1, .2, .5, .6}, threshold, 0),
		} {
			e := estimate(fit, g, scores, threshold)
			for name, w := range c.Want {
				v := e.Binary(name, g)
				if name == "business_value" {
					v = e.BusinessValue(score.Worth{TP: 5, FP: -3, FN: -7.5, TN: .25}, score.OfAll)
				}
				ranked := name == "roc_auc" || name == "pr_auc"
				if !ranked && v.Bound != 0 || ranked && v.Bound > .25 && label == "fine" {
					t.Errorf("%s/%s: %s has the bound %v", c.Name, label, name, v.Bound)
				}
				tolerance := v.Bound + 1e-12*max(1, math.Abs(float64(w)))
				if ranked { // sums of bins are kept to 2⁻³³ a row
					tolerance += 1e-9
				}
				if v.Err != nil || v.N != uint64(len(scores)) || !(math.Abs(v.Value-float64(w)) <= tolerance) {
					t.Errorf("%s/%s: %s is %v ± %v of %d (%v), want %v", c.Name, label, name, v.Value, v.Bound, v.N, v.Err, w)
				}
				compared++
			}
		}
	}
	if compared < 100 {
		t.Errorf("compared %d values: the golden file has shrunk", compared)
	}
}

func TestMulticlassEstimatesAgainstNumPy(t *testing.T) {
	compared := 0
	for _, c := range readEstimates(t).Multiclass {
		k := len(c.Reference[0])
		fits, grids := make([]*score.Calibrator, k), make([]*grid.Grid, k)
		for i := range k {
			column := make([]hex, len(c.Reference))
			for row := range column {
				column[row] = c.Reference[row][i]
			}
			fits[i] = score.Isotonic(labelled(column, func(row int) bool { return c.Truth[row] == i }))
			grids[i] = score.ScoreGrid(floats(column), math.NaN(), 0)
		}
		e := score.NewEstimate(grids...)
		for row, raw := range c.Score {
			q := make([]float64, k)
			for i, s := range floats(raw) {
				q[i] = fits[i].Probability(s)
			}
			score.Normalise(q)
			e.Rows++
			for i, s := range floats(raw) {
				e.Classes[i].Add(c.Predicted[row] == i, score.ChanceOf(q[i]), int32(grids[i].Find(s)))
			}
		}
		for name, w := range c.Want {
			v := e.Multiclass(name, grids)
			if metric, class, ok := strings.Cut(name, "/"); ok {
				i, _ := strconv.Atoi(class)
				v = e.Class(metric, i, class, grids[i])
			}
			if v.Err != nil || !(math.Abs(v.Value-float64(w)) <= v.Bound+1e-9) || v.Bound > .05 {
				t.Errorf("%s: %s is %v ± %v (%v), want %v", c.Name, name, v.Value, v.Bound, v.Err, w)
			}
			compared++
		}
	}
	if compared < 68 {
		t.Errorf("compared %d values: the golden file has shrunk", compared)
	}
}
