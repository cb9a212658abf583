package measure

import (
	"errors"
	"math"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Reasons of custom metrics.
const (
	// NotComputable: a division by zero, or a result that is no finite number.
	NotComputable = "not_computable"
	// DoesNotFit: the expression asks for fields that the version does not have, or
	// that are of another type there.
	DoesNotFit = "does_not_fit"
	// NoValues: no record has a value of the field.
	NoValues = "no_values"
	// NoClass: the output does not know the class.
	NoClass = "no_class"
)

// Custom is a custom metric, ready for slices of one layout.
type Custom struct {
	bound    *expr.Bound
	readings map[*expr.Call]*profile.Reading
}

// NewCustom binds an expression to a layout. The error tells what does not fit it.
func NewCustom(l *profile.Layout, expression string) (*Custom, error) {
	m, err := expr.ParseMetric(expression)
	if err != nil {
		return nil, err
	}
	b, readings, err := l.Bind(m)
	if err != nil {
		return nil, err
	}
	c := &Custom{bound: b, readings: map[*expr.Call]*profile.Reading{}}
	for i := range readings {
		c.readings[readings[i].Call] = &readings[i]
	}
	return c, nil
}

// absence is why a call has no answer.
type absence string

func (a absence) Error() string { return string(a) }

// Of answers for a slice of the layout that c was made for. Where a call has no
// answer there is none: the reason is that of the first in the expression.
//
// Cur is how many predictions the slice has, or labelled ones where a call is about
// labels.
func (c *Custom) Of(cur Side) Value {
	v := Value{Cur: cur.Slice.Predictions}
	labels := false
	for _, r := range c.readings {
		labels = labels || r.Labels
	}
	if labels {
		v.Cur = cur.Slice.Actuals
	}
	if cur.Slice.Predictions == 0 && cur.Slice.Actuals == 0 {
		return absent(NoData)
	}
	x, err := c.bound.Eval(func(call *expr.Call) (float64, error) {
		a := answer{side: cur, Reading: c.readings[call], value: &v}
		x, reason := a.of()
		if reason != "" {
			return 0, absence(reason)
		}
		return x, nil
	})
	switch why, ok := errors.AsType[absence](err); {
	case ok:
		v.Reason, v.Verdict = string(why), drift.VerdictNotComputable
	case err != nil:
		v.Reason, v.Verdict = NotComputable, drift.VerdictNotComputable
	default:
		v.Value = x
	}
	if labels {
		return labelled(cur, v)
	}
	return v
}

// answer finds the value of one call.
type answer struct {
	side Side
	*profile.Reading
	value *Value // takes warnings
}

func (a *answer) of() (x float64, reason string) {
	s := a.side.Slice
	var t, second *profile.Tally
	if a.Source == profile.FromTally {
		if t, reason = a.tally(a.Tally); reason != "" {
			return 0, reason
		}
		if a.Second.Kind != "" {
			if second, reason = a.tally(a.Second); reason != "" {
				return 0, reason
			}
		}
	}
	if a.Labels && s.Actuals == 0 {
		return 0, string(score.NoLabels)
	}
	switch a.Call.Function.Subject {
	case expr.OfRows:
		return a.rows(t, second)
	case expr.OfField:
		f := &s.Fields[a.Index]
		if t != nil {
			f = &t.Field
		}
		return a.field(f, t, second)
	default:
		if t != nil {
			return a.output(&t.Output)
		}
		return a.output(&s.Outputs[a.Index])
	}
}

// tally returns a tally of the slice, if all of it was counted with that.
func (a *answer) tally(l profile.TallyLayout) (*profile.Tally, string) {
	i, ok := a.side.Layout.Tally(l)
	if !ok || a.side.lacks(i) {
		return nil, NotKept
	}
	return &a.side.Slice.Tallies[i], ""
}

func (a *answer) rows(t, second *profile.Tally) (float64, string) {
	s := a.side.Slice
	counted, of := s.Actuals, s.Predictions
	if t != nil {
		counted = t.N
	}
	if second != nil {
		of = second.N
	}
	switch a.Call.Function.Name {
	case "prediction_count":
		if t == nil {
			return float64(s.Predictions), ""
		}
		return float64(t.N), ""
	case "actuals_ratio":
		return share(counted, of, 1)
	default:
		return float64(counted), ""
	}
}

// share returns part/whole.
func share(part, whole uint64, unit float64) (float64, string) {
	if whole == 0 {
		return 0, NotComputable
	}
	return unit * float64(part) / float64(whole), ""
}

func (a *answer) field(f *profile.Field, t, second *profile.Tally) (float64, string) {
	switch a.Call.Function.Name {
	case "missing_count":
		return float64(f.Missing), ""
	case "missing_ratio":
		return share(f.Missing, f.Rows(), 1)
	case "not_missing_count":
		return float64(f.Rows() - f.Missing), ""
	case "unique_count":
		n, _ := f.Unique()
		return float64(n), ""
	case "absolute_sum":
		return t.Absolute.Value(), ""
	case "value_count", "value_percentage":
		return a.values(f, t, second)
	}
	m := f.Moments
	switch name := a.Call.Function.Name; {
	case name == "sum":
		return m.Sum(0), ""
	case name == "squared_sum" && m.Huge > 0:
		return 0, string(score.NotFinite)
	case name == "squared_sum":
		return m.D2.Value(), ""
	case f.Count == 0:
		return 0, NoValues
	case name == "mean":
		x, _ := m.Mean(0)
		return x, ""
	case name == "min":
		return m.Min, ""
	case name == "max":
		return m.Max, ""
	case name == "median":
		x, ok := Quantile(&a.side.Layout.Fields[a.Index], f, 0.5)
		if !ok {
			return 0, NotKept
		}
		return x, ""
	case name == "squared_deviation_sum":
		return a.variance(f, 0, float64(m.N))
	case name == "variance":
		return a.variance(f, 1, 1)
	default:
		x, reason := a.variance(f, 0, 1)
		return math.Sqrt(x), reason
	}
}

// variance returns unit times the variance; ddof is that of the function, unless
// the call says otherwise.
func (a *answer) variance(f *profile.Field, ddof uint64, unit float64) (float64, string) {
	if a.Call.Ddof != nil {
		ddof = *a.Call.Ddof
	}
	x, ok := f.Moments.Variance(0, ddof)
	switch {
	case f.Moments.Huge > 0:
		return 0, string(score.NotFinite)
	case !ok:
		return 0, TooFew
	}
	return unit * x, ""
}

// values answers for how often a field has a value.
func (a *answer) values(f *profile.Field, t, second *profile.Tally) (float64, string) {
	var n uint64
	of := f.Rows()
	if t != nil {
		n = t.N
		if second != nil {
			of = second.Field.Rows()
		}
	} else {
		i, _ := a.side.Layout.Fields[a.Index].Categories.Index(a.Call.Category())
		n = f.Counts.Known[i]
	}
	if a.Call.Function.Name == "value_count" {
		return float64(n), ""
	}
	return share(n, of, 100)
}
