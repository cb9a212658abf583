package measure

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// fieldMetric computes a statistic of one field; ok is false where the field's
// type does not keep it.
type fieldMetric struct {
	Name        string
	Unit        string
	Description string
	of          func(l *profile.FieldLayout, f *profile.Field) (v float64, ok bool)
}

// Integrity are the metrics ml.integrity.<name>, Fields those of
// ml.field.<name>.
var (
	integrity = []fieldMetric{
		{"missing_ratio", "1", "Share of records in which the field is absent, null, NaN or an empty string.", ratio(func(f *profile.Field) uint64 { return f.Missing })},
		{"missing", "{prediction}", "Number of records in which the field is absent, null, NaN or an empty string.", func(_ *profile.FieldLayout, f *profile.Field) (float64, bool) { return float64(f.Missing), true }},
		{"invalid_ratio", "1", "Share of records in which the field has a value of the wrong type.", ratio(func(f *profile.Field) uint64 { return f.Invalid })},
		{"non_finite_ratio", "1", "Share of records in which a numeric field is +Inf or -Inf.", nonFinite},
		{"new_values", "{value}", "Distinct values of a categorical field that the reference does not have.", newValues},
		{"new_values_ratio", "1", "Share of records whose value of a categorical field the reference does not have; missing values are not new.", newValuesRatio},
		{"overflow_ratio", "1", "Share of records whose new value is counted only in total, because the window had limits.new_categories new values already.", overflowRatio},
		{"out_of_range_ratio", "1", "Share of usable values of a numeric field outside min and max of the definition, else of the reference.", outOfRange},
	}
	fields = []fieldMetric{
		{"mean", "{value}", "Mean of a numeric field, in the field's unit.", func(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
			if f.Moments == nil {
				return 0, false
			}
			return f.Moments.Mean(0)
		}},
		{"stddev", "{value}", "Standard deviation of a numeric field (divisor N), in the field's unit.", func(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
			v, ok := variance(f)
			return math.Sqrt(v), ok
		}},
		{"variance", "{value}2", "Variance of a numeric field (divisor N), in the square of the field's unit.", func(_ *profile.FieldLayout, f *profile.Field) (float64, bool) { return variance(f) }},
		{"min", "{value}", "Smallest value of a numeric field; of an actual, one that was corrected may be it still.", extreme(func(f *profile.Field) float64 { return f.Moments.Min })},
		{"max", "{value}", "Largest value of a numeric field; of an actual, one that was corrected may be it still.", extreme(func(f *profile.Field) float64 { return f.Moments.Max })},
		{"sum", "{value}", "Sum of a numeric field.", extreme(func(f *profile.Field) float64 { return f.Moments.Sum(0) })},
		{"median", "{value}", "Median of a numeric field; linear inside a bin of the reference's grid, exact at edges and frequent values.", quantile(0.5)},
		{"p05", "{value}", "5th percentile of a numeric field, computed as the median is.", quantile(0.05)},
		{"p25", "{value}", "25th percentile of a numeric field.", quantile(0.25)},
		{"p75", "{value}", "75th percentile of a numeric field.", quantile(0.75)},
		{"p95", "{value}", "95th percentile of a numeric field.", quantile(0.95)},
		{"unique", "{value}", "Distinct values of a field; exact up to 256 beside the reference's categories, else within 1.6 % (HyperLogLog).", unique},
	}
)

func variance(f *profile.Field) (float64, bool) {
	if f.Moments == nil {
		return 0, false
	}
	return f.Moments.Variance(0, 0)
}

func quantile(q float64) func(*profile.FieldLayout, *profile.Field) (float64, bool) {
	return func(l *profile.FieldLayout, f *profile.Field) (float64, bool) { return Quantile(l, f, q) }
}

// Quantile returns a quantile of a numeric field, 0 ≤ q ≤ 1.
func Quantile(l *profile.FieldLayout, f *profile.Field, q float64) (float64, bool) {
	if f.Hist == nil || f.Count == 0 {
		return 0, false
	}
	return l.Grid.Quantile(f.Hist, q, f.Moments.Min, f.Moments.Max)
}

// Field answers for a statistic of a field by its full name, such as
// ml.integrity.missing_ratio or ml.field.mean.
func Field(cur Side, k record.Key, name string) Value {
	l, f := cur.field(k)
	if l == nil {
		return absent(NoField)
	}
	m, ok := fieldMetrics[name]
	if !ok {
		return absent(NoMetric)
	}
	v := Value{Cur: f.Rows()}
	if v.Cur == 0 {
		return absent(NoData)
	}
	x, ok := m.of(l, f)
	switch {
	case !ok:
		v.Reason = NotKept
	case math.IsNaN(x) || math.IsInf(x, 0):
		v.Reason = "not_finite"
	default:
		v.Value = x
	}
	if f.Counts != nil && f.Counts.Other > 0 {
		v.warn("overflow")
	}
	return v
}

// fieldMetrics finds a metric by its full name.
var fieldMetrics = func() map[string]fieldMetric {
	m := map[string]fieldMetric{}
	for _, f := range integrity {
		m["ml.integrity."+f.Name] = f
	}
	for _, f := range fields {
		m["ml.field."+f.Name] = f
	}
	return m
}()

// FieldMetrics returns the full names of the statistics of fields, in the order
// of their documentation.
func FieldMetrics() []string {
	var names []string
	for _, f := range integrity {
		names = append(names, "ml.integrity."+f.Name)
	}
	for _, f := range fields {
		names = append(names, "ml.field."+f.Name)
	}
	return names
}

func ratio(part func(*profile.Field) uint64) func(*profile.FieldLayout, *profile.Field) (float64, bool) {
	return func(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
		return float64(part(f)) / float64(f.Rows()), true
	}
}

func nonFinite(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
	return float64(f.NonFinite) / float64(f.Rows()), f.Moments != nil
}

func newValues(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
	if f.Counts == nil {
		return 0, false
	}
	if f.Counts.Other == 0 {
		return float64(len(f.Counts.NewValues())), true
	}
	n, _ := f.Distinct.Estimate()
	return float64(n), true
}

func newValuesRatio(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
	if f.Counts == nil {
		return 0, false
	}
	return float64(f.Counts.NewTotal()) / float64(f.Rows()), true
}

func overflowRatio(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
	if f.Counts == nil {
		return 0, false
	}
	return float64(f.Counts.Other) / float64(f.Rows()), true
}

func outOfRange(l *profile.FieldLayout, f *profile.Field) (float64, bool) {
	if f.Moments == nil || f.Count == 0 || math.IsInf(l.Min, -1) && math.IsInf(l.Max, 1) {
		return 0, false
	}
	return float64(f.OutOfRange) / float64(f.Count), true
}

func extreme(of func(*profile.Field) float64) func(*profile.FieldLayout, *profile.Field) (float64, bool) {
	return func(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
		if f.Moments == nil || f.Moments.N == 0 {
			return 0, false
		}
		return of(f), true
	}
}

func unique(_ *profile.FieldLayout, f *profile.Field) (float64, bool) {
	if f.Distinct == nil {
		return 0, false
	}
	n, _ := f.Unique()
	return float64(n), true
}

// Keeps reports whether fields of a layout have a statistic at all, by its full
// name.
func Keeps(l *profile.FieldLayout, name string) bool {
	switch name {
	case "ml.integrity.missing_ratio", "ml.integrity.missing", "ml.integrity.invalid_ratio":
		return true
	case "ml.integrity.new_values", "ml.integrity.new_values_ratio", "ml.integrity.overflow_ratio":
		return l.Categories != nil && l.Type != model.Boolean
	case "ml.field.unique":
		return l.Type == model.Numeric || l.Categories != nil
	case "ml.field.median", "ml.field.p05", "ml.field.p25", "ml.field.p75", "ml.field.p95":
		return l.Grid != nil
	}
	return l.Type == model.Numeric
}
