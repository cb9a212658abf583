// Command anomaly measures how often the method anomaly finds something in a
// healthy series, and how often in a sick one. It prints the tables of
// docs/anomaly.md:
//
//	go run ./internal/tools/anomaly
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/driftmeter/driftmeter/internal/season"
)

func main() {
	histories := flag.Int("histories", 4000, "histories a cell of the tables; 24 hours are judged after each")
	flag.Parse()
	falseAlarms(os.Stdout, *histories)
	found(os.Stdout, *histories)
}

// lengths of history, in hours.
var lengths = []int{24, 72, 168, 336, 672}

// ahead is how many hours are judged by one model: a day, so that every hour
// of it is.
const ahead = 24

// falseAlarms prints the share of healthy values outside the band.
func falseAlarms(w io.Writer, histories int) {
	fmt.Fprintf(w, "| healthy series | sensitivity |")
	for _, n := range lengths {
		fmt.Fprintf(w, " %s |", days(n))
	}
	fmt.Fprintf(w, "\n| --- | --- |")
	for range lengths {
		fmt.Fprint(w, " ---: |")
	}
	fmt.Fprintln(w)
	for _, c := range worlds {
		shares := make([]map[float64]float64, len(lengths))
		for i, n := range lengths {
			if n >= c.least {
				shares[i] = outside(c, n, histories, 0)
			}
		}
		for _, s := range sensitivities {
			name := ""
			if s == sensitivities[0] {
				name = c.name
			}
			fmt.Fprintf(w, "| %s | %g |", name, s)
			for _, share := range shares {
				if share == nil {
					fmt.Fprint(w, " |")
					continue
				}
				fmt.Fprintf(w, " %s |", percent(share[s]))
			}
			fmt.Fprintln(w)
		}
	}
}

// found prints the share of values outside the band when all of them are
// shifted by some standard deviations of the noise.
func found(w io.Writer, histories int) {
	fmt.Fprintf(w, "\n| shift, at sensitivity 0.5 |")
	for _, n := range lengths {
		fmt.Fprintf(w, " %s |", days(n))
	}
	fmt.Fprintf(w, "\n| --- |")
	for range lengths {
		fmt.Fprint(w, " ---: |")
	}
	for _, shift := range []float64{3, 4, 5, 6, 8, 10} {
		fmt.Fprintf(w, "\n| %g sd |", shift)
		for _, n := range lengths {
			fmt.Fprintf(w, " %s |", percent(outside(worlds[0], n, max(1, histories/10), shift)[0.5]))
		}
	}
	fmt.Fprintln(w)
}

var sensitivities = []float64{0.5, 0.75, 1}

// outside returns, by sensitivity, the share of the next hours that lie
// outside the band of a history of n hours.
func outside(c world, n, histories int, shift float64) map[float64]float64 {
	rng := rand.New(rand.NewPCG(20260101, uint64(n)))
	hits := make(map[float64]float64)
	points := make([]season.Point, n)
	for range histories {
		at := c.make(rng)
		for h := range points {
			points[h] = at(h)
		}
		m, err := season.Fit(points, season.Options{Kind: c.kind, Bucket: hourNS})
		if err != nil {
			panic(err) // every history here is long enough
		}
		for h := n; h < n+ahead; h++ {
			p := at(h)
			for _, s := range sensitivities {
				if !m.Expect(p.At, p.N, s, false).Contains(p.Value + shift) {
					hits[s]++
				}
			}
		}
	}
	for s := range hits {
		hits[s] /= float64(histories * ahead)
	}
	return hits
}

func days(hours int) string {
	if hours == 24 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", hours/24)
}

func percent(share float64) string {
	switch {
	case share == 0:
		return "0"
	case share < 0.01:
		return fmt.Sprintf("%.3f %%", 100*share)
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}
