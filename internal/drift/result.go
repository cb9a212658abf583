package drift

// Result is the answer to one question, with its evidence.
type Result struct {
	Measure string
	Value   float64 // NaN when Reason is set
	// Reason says why there is no value; "" if there is one.
	Reason Reason

	N, M    uint64 // usable values of the reference and of the current side
	Binning string // the binning used; "" for moments
	Bins    int    // B, the bins that are not empty on both sides

	// Tests only.
	HasP    bool
	P       float64
	DF      int
	Clipped bool // P is only a bound

	// Threshold and Warn are the measure's default levels, 0 if it has none.
	Threshold, Warn float64
	// Floor is the noise floor of Value at the level Significance: what chance
	// alone exceeds in that share of windows. 0 if the measure has none.
	Floor        float64
	Significance float64
	// Bound is by how much the value can be off the value of the raw rows.
	Bound float64

	// Effect is what the verdict is taken on where that is not Value.
	Effect Effect

	Warnings []Warning
}

// Effect is the quantity of a verdict that is not taken on the value itself:
// the effect size behind a test statistic, or psi_smoothed in the place of psi
// and kl where bins hold too few values for those.
type Effect struct {
	Name            string // "" means that the value itself is judged
	Value           float64
	Threshold, Warn float64
	Floor           float64
	// Scale converts a level of Value, as a user sets it, to one of this
	// effect. 0 means that they have nothing to do with each other.
	Scale float64
}

func (r *Result) warn(w Warning) { r.Warnings = append(r.Warnings, w) }
