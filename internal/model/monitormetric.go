package model

import (
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// FieldMetrics are the statistics of fields that a monitor may watch, by the names
// that it uses, each with the metric's. What is measured lies above this package: a
// test there holds the two lists together.
var FieldMetrics = []struct{ Name, Metric string }{
	{"mean", "ml.field.mean"}, {"stddev", "ml.field.stddev"}, {"variance", "ml.field.variance"}, {"min", "ml.field.min"}, {"max", "ml.field.max"}, {"sum", "ml.field.sum"},
	{"median", "ml.field.median"}, {"p05", "ml.field.p05"}, {"p25", "ml.field.p25"}, {"p75", "ml.field.p75"}, {"p95", "ml.field.p95"},
	{"unique", "ml.field.unique"}, {"missing_ratio", "ml.integrity.missing_ratio"}, {"missing", "ml.integrity.missing"}, {"invalid_ratio", "ml.integrity.invalid_ratio"},
	{"non_finite_ratio", "ml.integrity.non_finite_ratio"}, {"new_values", "ml.integrity.new_values"},
	{"new_values_ratio", "ml.integrity.new_values_ratio"}, {"overflow_ratio", "ml.integrity.overflow_ratio"},
	{"out_of_range_ratio", "ml.integrity.out_of_range_ratio"},
}

// The families of metrics on the wire.
const (
	fieldPrefix       = "ml.field."
	integrityPrefix   = "ml.integrity."
	driftPrefix       = "ml.drift."
	performancePrefix = "ml.performance."
	customPrefix      = "ml.custom."
	estimated         = "estimated." // of performance, by the scores
)

// metricAliases are other spellings of metrics, those of Aporia among them.
var metricAliases = map[string]string{
	"average": "mean", "minimum": "min", "maximum": "max", "std": "stddev", "missing_count": "missing", "unique_values": "unique", "unique_count": "unique",
	"f1_score": "f1", "precision_score": "precision", "recall_score": "recall", "auc_roc": "roc_auc", "logloss": "log_loss", "fp_rate": "fpr",
	"tp_count": "true_positives", "fp_count": "false_positives", "tn_count": "true_negatives", "fn_count": "false_negatives",
	"ks_distance": "ks", "js_distance": "js", "hellinger_distance": "hellinger",
}

// quantiles are those that are kept of numeric fields.
var quantiles = map[float64]string{0.05: "p05", 0.25: "p25", 0.5: "median", 0.75: "p75", 0.95: "p95"}

// base returns the metric's name without the family, in our spelling.
func (m *MonitorMetric) base() string {
	name := m.Name
	for _, prefix := range []string{fieldPrefix, integrityPrefix, driftPrefix, performancePrefix, customPrefix} {
		name = strings.TrimPrefix(name, prefix)
	}
	if name == "quantile" && m.Quantile != nil {
		return quantiles[*m.Quantile]
	}
	head, tail := "", name
	if strings.HasPrefix(name, estimated) {
		head, tail = estimated, name[len(estimated):]
	}
	if other, ok := metricAliases[tail]; ok {
		tail = other
	}
	return head + tail
}

// MetricName returns what m watches, as on the wire: ml.field.mean. It is "" for
// the kinds of drift, whose measure depends on the field: see DriftMeasure.
func (m *Monitor) MetricName() string {
	switch m.Type {
	case ModelActivity:
		return "ml.model.predictions"
	case MissingValues:
		return "ml.integrity.missing_ratio"
	case NewValues:
		return "ml.integrity.new_values"
	case ValueRange:
		return "ml.field.max"
	case ModelStaleness:
		return "ml.model.age"
	case MetricChange:
		for _, f := range FieldMetrics {
			if f.Name == m.Metric.base() {
				return f.Metric
			}
		}
	case PerformanceDegradation:
		return performancePrefix + m.Metric.base()
	case CustomMetric:
		return customPrefix + strings.TrimPrefix(m.Metric.Name, customPrefix) // users name them as they like
	default:
	}
	return ""
}

// DriftMeasure returns the measure of drift of a numeric field, or of a categorical
// or boolean one, with the level that m sets: its metric where that applies to such
// fields, else their drift score.
func (m *Monitor) DriftMeasure(numeric bool) Measure {
	out := Measure{Name: drift.CategoricalScore, Threshold: m.Drift.Categorical}
	if numeric {
		out = Measure{Name: drift.NumericScore, Threshold: m.Drift.Numeric}
	}
	if d, ok := drift.Lookup(m.Metric.base()); ok && (numeric && d.Numeric || !numeric && d.Categorical) {
		out.Name = d.Name
	}
	return out
}

// Worse returns which way the metric of m is bad: score.Higher or score.Lower is
// the better one of performance, score.Neither that both ways count.
func (m *Monitor) Worse() score.Direction {
	if m.Type != PerformanceDegradation {
		return score.Neither
	}
	d, _ := score.Lookup(strings.TrimPrefix(m.Metric.base(), estimated))
	return d.Better
}

// additive reports whether what m watches is a count or a sum, which grows with the
// number of rows. Of metrics of the user's own nobody knows.
func (m *Monitor) additive() bool {
	switch m.MetricName() {
	case "ml.model.predictions", "ml.field.sum", "ml.integrity.missing":
		return true
	}
	metric, ok := score.Lookup(strings.TrimPrefix(m.Metric.base(), estimated))
	return m.Type == PerformanceDegradation && ok && metric.Unit == "{prediction}"
}

// Takes reports whether m watches a field, by its fields or those of its type.
func (m *Monitor) Takes(k record.Key) bool {
	patterns := m.Fields
	if len(patterns) == 0 {
		patterns = kindOf(m.Type).fields
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == k.String() || p == k.Group.String()+".*"
	})
}

// metric reports what is wrong with the key metric.
func (m *Monitor) metric(v *problems, at string, d *Definition) {
	k, name := kindOf(m.Type), m.Metric.base()
	switch {
	case m.Metric == (MonitorMetric{}) && !k.required, !k.metric:
		return // what is not taken is told with the other keys
	case m.Metric.Name == "":
		v.add(at+".metric", "", "must name a metric: type=%s watches one; known metrics: %s", m.Type, known(m.Type, d))
		return
	}
	switch m.Type {
	case MetricChange:
		if q := m.Metric.Quantile; m.Metric.Name == "quantile" {
			if q == nil || quantiles[*q] == "" {
				v.add(at+".metric.quantile", value(q), "must be one of 0.05, 0.25, 0.5, 0.75, 0.95")
			}
		} else if m.MetricName() == "" {
			v.add(at+".metric", m.Metric.Name, "is unknown; known metrics: %s", known(m.Type, d))
		}
	case DataDrift, PredictionDrift:
		if _, ok := drift.Lookup(name); !ok {
			v.add(at+".metric", m.Metric.Name, "is unknown; known metrics: %s", known(m.Type, d))
		}
	case PerformanceDegradation:
		m.performance(v, at, d)
	case CustomMetric:
		if _, ok := d.Metric(strings.TrimPrefix(m.Metric.Name, customPrefix)); !ok {
			v.add(at+".metric", m.Metric.Name, "is unknown; known metrics: %s", known(m.Type, d))
		}
	default:
	}
	for _, p := range []struct {
		key   string
		value any
		there bool
		taken bool
	}{
		{"output", m.Metric.Output, m.Metric.Output != "", m.Type == PerformanceDegradation},
		{"class", m.Metric.Class, m.Metric.Class != "", m.Type == PerformanceDegradation},
		{"average", m.Metric.Average, m.Metric.Average != "", m.Type == PerformanceDegradation},
		{"k", m.Metric.K, m.Metric.K != 0, false},
		{"quantile", value(m.Metric.Quantile), m.Metric.Quantile != nil, m.Type == MetricChange && m.Metric.Name == "quantile"},
	} {
		if p.there && !p.taken {
			v.add(at+".metric."+p.key, p.value, "is not for metric=%s of type=%s", m.Metric.Name, m.Type)
		}
	}
}

// performance reports what is wrong with a metric of an output.
func (m *Monitor) performance(v *problems, at string, d *Definition) {
	name := m.Metric.base()
	lookup := score.Lookup
	if strings.HasPrefix(name, estimated) {
		name, lookup = name[len(estimated):], score.LookupEstimated
	}
	metric, ok := lookup(name)
	if !ok {
		v.add(at+".metric", m.Metric.Name, "is unknown; known metrics: %s", known(m.Type, d))
		return
	}
	if kind := score.Kind(d.Type); d.Type != Infer && !metric.Of(kind) {
		v.add(at+".metric", m.Metric.Name, "is not for type=%s of the model; it is for %s", d.Type, join(metric.Kinds))
	}
	if len(d.Outputs) > 0 && m.Metric.Output != "" && !slices.ContainsFunc(d.Outputs, func(o Output) bool { return o.Prediction == m.Metric.Output }) {
		v.add(at+".metric.output", m.Metric.Output, "is no output of this model; its outputs: %s", names(d.Outputs, func(o Output) string { return o.Prediction }))
	}
	if m.StandardErrors != nil && !slices.Contains(score.Sampled(), name) {
		v.add(at+".standard_errors", *m.StandardErrors, "is for metrics whose sampling error is known: %s; not for %s", join(score.Sampled()), m.Metric.Name)
	}
	switch labels := len(metric.Labels) > 0 && (d.Type == Infer || d.Type == Multiclass); {
	case m.Metric.Class != "" && m.Metric.Average != "":
		v.add(at+".metric.average", m.Metric.Average, "cannot stand beside class; give one")
	case !labels && m.Metric.Class != "":
		v.add(at+".metric.class", m.Metric.Class, "is for precision, recall, f1 and specificity of type=multiclass")
	case !labels && m.Metric.Average != "":
		v.add(at+".metric.average", m.Metric.Average, "is for precision, recall, f1 and specificity of type=multiclass")
	case m.Metric.Average != "" && !slices.Contains(score.Averages, m.Metric.Average):
		v.add(at+".metric.average", m.Metric.Average, "is unknown; known averages: macro, micro, weighted")
	}
	for _, b := range []struct {
		key   string
		value *float64
	}{{"min", m.Threshold.Min}, {"max", m.Threshold.Max}} {
		if b.value != nil && (*b.value < metric.Low || *b.value > metric.High) {
			v.add(at+".threshold."+b.key, *b.value, "is never reached: %s lies between %g and %g", metric.Name, metric.Low, metric.High)
		}
	}
}

// known lists the metrics that a type can watch.
func known(t MonitorType, d *Definition) string {
	switch t {
	case DataDrift, PredictionDrift:
		return join(measureNames())
	case PerformanceDegradation:
		return names(score.Metrics(), func(m score.Metric) string { return m.Name }) + ", and estimated.accuracy, …"
	case MetricChange:
		return names(FieldMetrics, func(f struct{ Name, Metric string }) string { return f.Name }) + ", quantile"
	default:
		if len(d.Metrics) == 0 {
			return "none, define it under metrics"
		}
		return names(d.Metrics, func(m Metric) string { return m.Name })
	}
}

// names joins what is named.
func names[T any](all []T, name func(T) string) string {
	out := make([]string, len(all))
	for i, x := range all {
		out[i] = name(x)
	}
	return strings.Join(out, ", ")
}

// value writes a number that may be absent.
func value(x *float64) any {
	if x == nil {
		return ""
	}
	return *x
}
