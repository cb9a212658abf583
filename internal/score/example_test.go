package score_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/score"
)

// Two shards count their rows on the grid of the reference; merged, they answer
// as one.
func Example() {
	g := score.ScoreGrid([]float64{.1, .2, .3, .7, .8, .9}, .5, score.DefaultBins)
	first, second := score.NewBinary(g), score.NewBinary(g)
	count := func(b *score.Binary, s float64, positive bool) {
		bin := g.Find(s)
		b.AddScore(s, bin, g.Scaled(bin, s), positive, s >= .5)
	}
	count(first, .9, true)
	count(first, .2, false)
	count(second, .8, false)
	count(second, .3, true)
	if err := first.Merge(second); err != nil {
		fmt.Println(err)
	}
	for _, name := range []string{"accuracy", "roc_auc", "log_loss"} {
		v := first.Metric(name, g)
		fmt.Printf("%s %.3f of %d rows\n", v.Metric, v.Value, v.N)
	}
	fmt.Println(new(score.Binary).Metric("precision", nil).Err)
	// Output:
	// accuracy 0.500 of 4 rows
	// roc_auc 0.750 of 4 rows
	// log_loss 0.785 of 4 rows
	// not computable: no row has a label
}
