package drift

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Params are the options of a measure, spelled as users write them:
// {name: js, bins: doane}. The zero Params are the measure's defaults.
//
// An option that a measure does not have is refused, not ignored.
type Params struct {
	// Bins is the binning of numeric fields, one of Binnings(). Categorical
	// fields have their categories.
	Bins string `mapstructure:"bins"`
	// Zero is floor (the default), smooth or none.
	Zero ZeroMode `mapstructure:"zero"`
	// Floor is the smallest share under zero: floor. 0 means 1e-4.
	Floor float64 `mapstructure:"floor"`
	// Alpha is the count added to every bin under zero: smooth. 0 means .5.
	Alpha float64 `mapstructure:"alpha"`
	// KeepEmpty smooths bins that are empty on both sides, too.
	KeepEmpty bool `mapstructure:"keep_empty"`
	// Missing set to bin adds a bin for missing values.
	Missing string `mapstructure:"missing"`
	// New is one (the default: one bin for all new categories) or each.
	New string `mapstructure:"new"`
	// Yates applies the continuity correction to 2 × 2 tables.
	Yates bool `mapstructure:"yates"`
	// MinExpected is the expected count that rare columns are merged for; nil
	// means Cochran's 5, 0 merges nothing.
	MinExpected *float64 `mapstructure:"min_expected"`
	// Corrected takes the bias out of Cramér's V.
	Corrected bool `mapstructure:"corrected"`
	// Direction of KL.
	Direction Direction `mapstructure:"direction"`
	// Noise set to robust makes the noise floor of l_infinity deequ's.
	Noise string `mapstructure:"noise"`
	// Significance is the level of tests and of the noise floors that theory
	// gives; those of wasserstein and energy have none. 0 means .001.
	Significance float64 `mapstructure:"significance"`
}

// The values of the options that are words.
const (
	MissingBin  = "bin"
	NewOne      = "one"
	NewEach     = "each"
	NoiseTheory = "theory"
	NoiseRobust = "robust"
)

// Names of the options, as in the tags above.
const (
	optBins         = "bins"
	optZero         = "zero"
	optFloor        = "floor"
	optAlpha        = "alpha"
	optKeepEmpty    = "keep_empty"
	optMissing      = "missing"
	optNew          = "new"
	optYates        = "yates"
	optMinExpected  = "min_expected"
	optCorrected    = "corrected"
	optDirection    = "direction"
	optNoise        = "noise"
	optSignificance = "significance"
)

// Validate reports everything that is wrong with the options for the measure of
// that name, each error under the key as the user wrote it.
func (p Params) Validate(measure string) error {
	m, ok := Lookup(measure)
	if !ok {
		return unknownMeasure(measure)
	}
	var errs []error
	for _, key := range p.set() {
		if !slices.Contains(m.Options, key) {
			errs = append(errs, fmt.Errorf("%s is not an option of %s; its options: %s", key, measure, list(m.Options)))
		}
	}
	errs = append(errs,
		oneOf(optBins, p.Bins, m.Binnings...),
		oneOf(optZero, string(p.Zero), string(ZeroFloor), string(ZeroSmooth), string(ZeroNone)),
		oneOf(optMissing, p.Missing, MissingBin),
		oneOf(optNew, p.New, NewOne, NewEach),
		oneOf(optDirection, string(p.Direction), string(CurrentReference), string(ReferenceCurrent)),
		oneOf(optNoise, p.Noise, NoiseTheory, NoiseRobust),
		inside(optFloor, p.Floor, 0, 0.5),
		inside(optAlpha, p.Alpha, 0, 1000),
		inside(optSignificance, p.Significance, 0, 1),
	)
	if p.MinExpected != nil {
		errs = append(errs, inside(optMinExpected, *p.MinExpected, 0, 1000))
	}
	if p.Floor != 0 && p.Zero != "" && p.Zero != ZeroFloor {
		errs = append(errs, fmt.Errorf("floor=%g needs zero=floor, not zero=%s", p.Floor, p.Zero))
	}
	if smoothing := p.Zero == ZeroSmooth || !slices.Contains(m.Options, optZero); !smoothing {
		if p.Alpha != 0 {
			errs = append(errs, fmt.Errorf("alpha=%g needs zero=smooth", p.Alpha))
		}
		if p.KeepEmpty {
			errs = append(errs, errors.New("keep_empty=true needs zero=smooth"))
		}
	}
	return errors.Join(errs...)
}

// set returns the keys whose value is not the default.
func (p Params) set() []string {
	var keys []string
	for _, o := range []struct {
		key string
		set bool
	}{
		{optBins, p.Bins != ""},
		{optZero, p.Zero != ""},
		{optFloor, p.Floor != 0},
		{optAlpha, p.Alpha != 0},
		{optKeepEmpty, p.KeepEmpty},
		{optMissing, p.Missing != ""},
		{optNew, p.New != ""},
		{optYates, p.Yates},
		{optMinExpected, p.MinExpected != nil},
		{optCorrected, p.Corrected},
		{optDirection, p.Direction != ""},
		{optNoise, p.Noise != ""},
		{optSignificance, p.Significance != 0},
	} {
		if o.set {
			keys = append(keys, o.key)
		}
	}
	return keys
}

func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func oneOf(key, value string, known ...string) error {
	if value == "" || len(known) == 0 || slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s=%q is unknown; known values: %s", key, value, strings.Join(known, ", "))
}

// inside refuses NaN as well. The ends are allowed where they mean something: 0
// is the default of every number.
func inside(key string, value, lo, hi float64) error {
	if value >= lo && value < hi {
		return nil
	}
	return fmt.Errorf("%s=%g must be at least %g and below %g", key, value, lo, hi)
}

func (p Params) zero() Zero {
	return Zero{Mode: p.Zero, Floor: p.Floor, Alpha: p.Alpha, KeepEmpty: p.KeepEmpty}
}

func (p Params) significance() float64 {
	if p.Significance == 0 {
		return DefaultSignificance
	}
	return p.Significance
}
