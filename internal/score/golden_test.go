package score_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// golden is testdata/score.json, made by testdata/ref/score.py.
type golden struct {
	Binary []struct {
		Name      string
		Threshold hex
		Actual    []int
		Score     []hex
		Want      map[string]want
	}
	Multiclass []struct {
		Name      string
		Classes   []string
		Actual    []string
		Predicted []string
		Proba     [][]hex
		Want      map[string]want
	}
	Regression []struct {
		Name       string
		Actual     []hex
		Prediction []hex
		Want       map[string]want
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/score.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// exact is the tolerance of what sums and counts decide: both sides round some
// ten times at 1e-16.
const exact = 1e-12

// Sums of the scores of a bin are right to 2⁻³³ of its width, at most a tenth.
const calibrated = 2e-11

func TestBinaryAgainstScikitLearn(t *testing.T) {
	compared, exactRanks := 0, 0
	for _, c := range readGolden(t).Binary {
		scores, threshold := floats(c.Score), float64(c.Threshold)
		actual := func(i int) bool { return c.Actual[i] == 1 }
		fine := score.ScoreGrid(scores, threshold, score.PRBins)
		// Grids of other data, and of none: rough, and the bounds say so.
		coarse := score.ScoreGrid([]float64{.1, .2, .4, .45, .6, .62, .9}, threshold, 0)
		bare := score.ScoreGrid(nil, threshold, 0)
		for label, g := range map[string]*grid.Grid{"fine": fine, "coarse": coarse, "bare": bare} {
			t.Run(c.Name+"/"+label, func(t *testing.T) {
				b := scored(g, scores, actual, threshold)
				for name, w := range c.Want {
					v := ask(b, g, name)
					switch {
					case name == "pr_auc_trapezoid" && b.Metric("roc_auc", g).Bound > 0:
						continue // through the edges of bins, without a bound
					case name == "pr_auc_trapezoid" && (label != "fine" || len(scores) > 1000):
						continue
					case name == "ece" || name == "mce":
						w.check(t, v, calibrated, 0)
					default:
						w.check(t, v, exact, 0)
					}
					if name == "roc_auc" && label == "fine" && v.Bound == 0 && v.Err == nil {
						exactRanks++
					}
					if v.N != uint64(len(scores)) {
						t.Errorf("%s of %d rows, want %d", name, v.N, len(scores))
					}
					compared++
				}
			})
		}
	}
	if compared < 2350 || exactRanks < 18 {
		t.Errorf("compared %d values, %d exact areas: the golden file has shrunk", compared, exactRanks)
	}
}

// ask asks for a metric by its name in the golden file.
func ask(b *score.Binary, g *grid.Grid, name string) score.Value {
	switch base, arg, _ := strings.Cut(name, " "); base {
	case "f_beta":
		beta, _ := strconv.ParseFloat(arg, 64)
		return b.FBeta(beta)
	case "pr_auc_trapezoid":
		return b.PRTrapezoid(g)
	case "partial_auc":
		return b.PartialAUC(g, .1)
	}
	return b.Metric(name, g)
}

func TestMulticlassAgainstScikitLearn(t *testing.T) {
	compared := 0
	for _, c := range readGolden(t).Multiclass {
		t.Run(c.Name, func(t *testing.T) {
			list := score.ClassesOf(c.Classes)
			m := score.NewMulticlass(list.Len())
			for i := range c.Actual {
				actual := list.Index(c.Actual[i])
				m.AddClass(list.Index(c.Predicted[i]), actual)
				if c.Proba != nil {
					m.AddLogLoss(score.Probability(floats(c.Proba[i]), actual))
				}
			}
			for name, w := range c.Want {
				v := askClasses(m, list, name)
				w.check(t, v, exact, 0)
				if v.N != uint64(len(c.Actual)) {
					t.Errorf("%s of %d rows, want %d", name, v.N, len(c.Actual))
				}
				compared++
			}
			// All tells the same, and of nothing that does not occur.
			for _, v := range m.All(list.Names()) {
				w, ok := c.Want[name(v)]
				if !ok && v.Metric == "log_loss" && c.Proba == nil {
					w, ok = want{absent: score.NoScores}, true
				}
				if !ok {
					t.Errorf("All has %s, the golden file has not", name(v))
					continue
				}
				w.check(t, v, exact, 0)
			}
		})
	}
	if compared < 412 {
		t.Errorf("compared %d values: the golden file has shrunk", compared)
	}
}

func askClasses(m *score.Multiclass, list *score.Classes, name string) score.Value {
	if name == "kappa linear" || name == "kappa quadratic" {
		return m.WeightedKappa(name == "kappa quadratic")
	}
	if metric, class, ok := strings.Cut(name, "/"); ok {
		return m.ClassMetric(metric, list.Index(class), class)
	}
	metric, average, _ := strings.Cut(name, " ")
	return m.Metric(metric, average)
}

func TestRegressionAgainstScikitLearn(t *testing.T) {
	compared := 0
	for _, c := range readGolden(t).Regression {
		t.Run(c.Name, func(t *testing.T) {
			var r score.Regression
			for i := range c.Actual {
				r.Add(float64(c.Prediction[i]), float64(c.Actual[i]))
			}
			largest := 0.0
			for i := range c.Actual {
				largest = max(largest, math.Abs(float64(c.Actual[i])), math.Abs(float64(c.Prediction[i])))
			}
			values := r.All()
			if len(values) != len(c.Want) {
				t.Errorf("%d metrics, want %d", len(values), len(c.Want))
			}
			for _, v := range values {
				size := 0.0
				switch v.Metric {
				case "bias", "error_std", "mean_actual", "mean_prediction": // of numbers that cancel
					size = largest
				case "rmsle":
					size = math.Log1p(largest)
				case "msle":
					size = math.Pow(math.Log1p(largest), 2)
				}
				c.Want[v.Metric].check(t, v, exact, size)
				compared++
			}
		})
	}
	if compared < 384 {
		t.Errorf("compared %d values: the golden file has shrunk", compared)
	}
}
