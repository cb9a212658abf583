package drift

import (
	"fmt"
	"math"
	"strings"
)

// Measure describes a distance or test that a question can name. The metric on
// the wire is ml.drift.<Name>.
type Measure struct {
	Name        string
	Unit        string // UCUM
	Description string // one sentence, for the documentation of the metric

	// Numeric and Categorical say which fields it applies to; boolean fields and
	// labels are categorical.
	Numeric, Categorical bool
	// Symmetric: exchanging the sides changes nothing. Metric: the triangle
	// inequality holds as well.
	Symmetric, Metric bool
	// Test: there is a p-value, and a verdict needs it.
	Test bool

	Binning  string   // the default binning of numeric fields; "" if it has none
	Binnings []string // the binnings it can be asked for
	Options  []string // the keys of Params that it has

	Lower, Upper float64 // the range of the value

	// Threshold and Warn are the default levels of a verdict: the value at a
	// drift of PSI .2 and .1. 0 means none: the value has no scale of its own,
	// and the verdict, if there is one, is taken on the Effect of the result.
	Threshold, Warn float64

	perBin uint64 // values a bin that both sides need, or small_sample
	least  uint64 // values that both sides need, or small_sample
	run    func(in input, out *Result) error
}

var registry = []Measure{
	psiMeasure, psiSmoothedMeasure, jsMeasure, jsDivergenceMeasure, hellingerMeasure, klMeasure,
	totalVariationMeasure, lInfinityMeasure, ksMeasure, chi2Measure, gMeasure, cramersVMeasure,
	wassersteinMeasure, wassersteinNormalisedMeasure, energyMeasure, cramerVonMisesMeasure,
	andersonDarlingMeasure, meanShiftMeasure,
}

// Measures returns all measures, in the order of their documentation.
func Measures() []Measure { return append([]Measure(nil), registry...) }

// Lookup returns the measure of that name.
func Lookup(name string) (Measure, bool) {
	for _, m := range registry {
		if m.Name == name {
			return m, true
		}
	}
	return Measure{}, false
}

// DefaultNumeric returns the measures of numeric fields where the user names none.
func DefaultNumeric() []string { return []string{"psi", "js", "ks", "wasserstein_normalised"} }

// DefaultCategorical returns the measures of categorical and boolean fields
// where the user names none.
func DefaultCategorical() []string { return []string{"psi", "js", "hellinger", "chi2"} }

// The drift score of a field is js_divergence if it is numeric and hellinger if
// it is categorical.
const (
	NumericScore     = "js_divergence"
	CategoricalScore = "hellinger"
)

func unknownMeasure(name string) error {
	known := make([]string, len(registry))
	for i, m := range registry {
		known[i] = m.Name
	}
	return fmt.Errorf("measure %q is unknown; known measures: %s", name, strings.Join(known, ", "))
}

// What the measures on shares have in common.
var (
	ordered      = []string{Deciles, Ventiles, Auto, Grid} // bins in the order of the values
	shareOptions = []string{optBins, optMissing, optNew, optSignificance}
	infinity     = math.Inf(1)
)

func options(more ...string) []string { return append(more, shareOptions...) }
