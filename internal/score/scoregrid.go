package score

import (
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Bins of a ScoreGrid: enough for roc_auc to four digits, and enough for pr_auc
// to as many.
const (
	DefaultBins = 200
	PRBins      = 1000

	// mostBins keeps the grid of any reference below what a search of eleven
	// steps tells apart.
	mostBins = 1000
)

// ScoreGrid returns the grid on which the scores of a model are kept, from the
// scores of its reference:
//
//   - their quantiles: bins of equal mass, 0 for DefaultBins, halved while a bin
//     would hold fewer than ten scores (1000 goes by way of 500 to 200); at most
//     1000;
//   - every score that holds more than 1/bins of the mass as an atom, and all of
//     them when there are at most 200 different ones: then the metrics of ranks
//     are exact;
//   - the ends of the intervals of ece, [0, .1) … [.9, 1];
//   - the threshold, right-open: a score equal to it counts as positive.
//
// Scores and thresholds that are not finite are left out. Without any score the
// grid has the edges of the last two points.
func ScoreGrid(scores []float64, threshold float64, bins int) *grid.Grid {
	closed, open := []float64{1}, slices.Clone(calibrationEdges[:10])
	if !math.IsNaN(threshold) {
		open = append(open, threshold) // infinite ones are left out by Build
	}
	sorted := finite(scores)
	if bins <= 0 {
		bins = DefaultBins
	}
	bins = min(bins, mostBins)
	for bins > DefaultBins && len(sorted) < 10*bins {
		if bins /= 2; bins < 2*DefaultBins {
			bins = DefaultBins
		}
	}
	most := 1<<10 - 1 // a search of ten steps; room for both edges of 200 atoms
	if bins > DefaultBins {
		most = 1<<11 - 1
		closed = append(closed, fine(sorted, bins)...)
	}
	return grid.Build(sorted, grid.Options{
		Bins:         min(bins, DefaultBins),
		MaxEdges:     most,
		Closed:       closed,
		Open:         open,
		NoEqualWidth: true,
	})
}

// fine returns the edges by which more than DefaultBins of equal mass differ
// from the quantiles that grid.Build makes: the scores of rank i/bins between
// those, and both edges of the atoms.
func fine(sorted []float64, bins int) []float64 {
	var edges []float64
	for i := 1; i < bins; i++ {
		if i*DefaultBins%bins != 0 {
			edges = append(edges, sorted[i*len(sorted)/bins])
		}
	}
	for i := 0; i < len(sorted); {
		j := i
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		if (j-i)*bins > len(sorted) {
			edges = append(edges, sorted[i], math.Nextafter(sorted[i], math.Inf(-1)))
		}
		i = j
	}
	return edges
}

func finite(values []float64) []float64 {
	s := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			s = append(s, v+0) // −0 + 0 = 0
		}
	}
	slices.Sort(s)
	return s
}
