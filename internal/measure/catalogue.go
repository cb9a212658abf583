package measure

import (
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Metric describes a metric that Driftmeter emits: the source of units on the
// wire and of docs/reference/metrics.md.
type Metric struct {
	Name        string
	Unit        string // UCUM
	Description string
	Attributes  []string // beside model, version and segment
}

// Names of metrics that are no measure of a field or an output.
const (
	MetricPredictions = "ml.model.predictions"
	MetricActuals     = "ml.model.actuals"
	MetricLabelled    = "ml.model.labelled_ratio"
	MetricOverflow    = "ml.model.segment_overflow"
	MetricDuplicates  = "ml.integrity.duplicates"
	MetricPValue      = "ml.drift.p_value"
	MetricDetected    = "ml.drift.detected"
	MetricShare       = "ml.drift.detected_ratio"
)

// Prefixes of the names of families of metrics.
const (
	PrefixDrift       = "ml.drift."
	PrefixPerformance = "ml.performance."
	PrefixCustom      = "ml.custom."
	// Families below it: without labels, by how much chance moves that, and by how
	// much it was wrong.
	PrefixEstimated       = "ml.performance.estimated."
	PrefixSamplingError   = "ml.performance.sampling_error."
	PrefixEstimationError = "ml.performance.estimation_error."
)

// Attributes of metrics.
const (
	AttrModel        = "ml.model.name"
	AttrVersion      = "ml.model.version"
	AttrSegment      = "ml.segment.name"
	AttrSegmentValue = "ml.segment.value"
	AttrField        = "ml.field.name"
	AttrGroup        = "ml.field.group"
	AttrBaseline     = "ml.baseline"
	AttrTest         = "ml.drift.test"
	AttrOutput       = "ml.output.name"
	AttrClass        = "ml.class"
	AttrAverage      = "ml.average"
)

// Catalogue returns every metric there is, in the order of its documentation.
func Catalogue() []Metric {
	field := []string{AttrGroup, AttrField}
	compared := []string{AttrGroup, AttrField, AttrBaseline}
	all := []Metric{
		{MetricPredictions, "{prediction}", "Predictions of the window.", nil},
		{MetricActuals, "{prediction}", "Predictions of the window whose ground truth has come.", nil},
		{MetricLabelled, "1", "Share of the predictions of the window whose ground truth has come; above 1 where labels were counted whose predictions were not.", nil},
		{MetricOverflow, "{prediction}", "Predictions of the window in slices named other, because their segment had limits.segment_values slices already; of models with segments.", nil},
	}
	for _, m := range drift.Measures() {
		all = append(all, Metric{PrefixDrift + m.Name, m.Unit, m.Description, compared})
	}
	all = append(all,
		Metric{MetricPValue, "{probability}", "p-value of a test of the same distribution; small values say different, and in large windows nearly everything is.", append([]string{AttrTest}, compared...)},
		Metric{MetricDetected, "{detection}", "1 if the first measure of the field that has a threshold is at least that threshold and more than chance reaches, else 0; absent while there are too few values to say.", compared},
		Metric{MetricShare, "1", "Share of the judged fields of the model in which drift is detected.", []string{AttrBaseline}},
	)
	for _, m := range score.Metrics() {
		all = append(all, Metric{PrefixPerformance + m.Name, m.Unit, m.Description, attributes(m)})
	}
	all = append(all, estimates()...)
	all = append(all, Metric{MetricDuplicates, "{prediction}", "Predictions dropped because their id had come before, in the window of the repetition; absent where there were none, since only groundtruth watches ids.", nil})
	for _, m := range integrity {
		all = append(all, Metric{"ml.integrity." + m.Name, m.Unit, m.Description, field})
	}
	for _, m := range fields {
		all = append(all, Metric{"ml.field." + m.Name, m.Unit, m.Description, field})
	}
	return append(all, customs(PrefixCustom+"<name>"))
}

// customs describes a custom metric.
func customs(name string) Metric {
	return Metric{name, "{number}", "A number of the user's own, by its expression in the definition of the model, in whatever unit that gives.", nil}
}

// attributes returns those of a metric of performance.
func attributes(m score.Metric) []string {
	attrs := []string{AttrOutput}
	for _, l := range m.Labels {
		attrs = append(attrs, string(l))
	}
	return attrs
}

// estimates describes the families about performance without labels.
func estimates() []Metric {
	var values, errs, differences []Metric
	for _, m := range score.EstimatedMetrics() {
		values = append(values, Metric{PrefixEstimated + m.Name, m.Unit,
			"What " + PrefixPerformance + m.Name + " of all predictions is expected to be by their calibrated scores, labelled or not.", attributes(m)})
		realised, _ := score.Lookup(m.Name) // ranks of labelled rows are not kept by class
		attrs := attributes(realised)
		errs = append(errs, Metric{PrefixSamplingError + m.Name, m.Unit,
			"By how much chance alone moves " + m.Name + " in a window of so many predictions, as one standard deviation; from the labels of the reference.", attrs})
		if compared(m.Name) {
			differences = append(differences, Metric{PrefixEstimationError + m.Name, m.Unit,
				"By how much " + m.Name + " was estimated too high, once 90 % of the predictions are labelled.", attrs})
		}
	}
	return slices.Concat(values, errs, differences)
}

var byName = func() map[string]Metric {
	m := map[string]Metric{}
	for _, d := range Catalogue() {
		m[d.Name] = d
	}
	return m
}()

// Lookup returns the metric of a name.
func Lookup(name string) (Metric, bool) {
	if m, ok := byName[name]; ok {
		return m, true
	}
	if strings.HasPrefix(name, PrefixCustom) && len(name) > len(PrefixCustom) {
		return customs(name), true // which there are, definitions know
	}
	return Metric{}, false
}
