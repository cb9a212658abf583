package backends

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// Watch is a monitor in terms that a rule of another system can be written in, as
// far as there are any.
type Watch struct {
	Monitor model.Monitor // with its defaults filled in
	// Cannot says why no rule can say what the monitor says; empty if one can.
	Cannot string
	// Notes say in what a rule differs from the monitor.
	Notes []string

	Select []Match // of the model, the version and the slice
	Fields []FieldPattern
	By     []string // attributes that alerts are kept apart by
	// Any of the comparisons is enough.
	Any []Comparison
	// Needs is the least number of another metric of the same slice, under which
	// nothing is judged.
	Needs []Need
}

// FieldPattern chooses fields: one, or all of a group.
type FieldPattern struct {
	Group, Name string   // without a name all of the group,
	Except      []string // but for these
}

// Comparison holds a metric against a bound.
type Comparison struct {
	Metric  string
	Where   []Match // beside those of the Watch
	Windows int     // the metric is added up over so many windows; 1 for its value
	Op      Op
	Bound   float64   // a number,
	Against *Baseline // or what is measured elsewhere
	Fields  []FieldPattern
	// Drifted asks that the model's own verdict of the field is drift, too.
	Drifted bool
	// Signed metrics are compared by their size.
	Signed bool
	// Negative metrics may lie below 0: a percentage of them is one of their size.
	Negative bool
}

// Op is how a value is compared for an alert.
type Op string

// The comparisons.
const (
	Above   Op = ">"
	Below   Op = "<"
	AtLeast Op = ">="
	// Older compares the time since a metric was first there.
	Older Op = "older than"
)

// Baseline is a bound that is measured: the mean, or the range, of the time before,
// or of another slice at the same time.
type Baseline struct {
	Period, Skip time.Duration // the time before; 0 for another slice
	Select       []Match       // the other slice
	By           []string      // what both sides have in common
	// Room is how far the value may be away: Percent of the baseline, or Distance.
	// Of a range, per cent are those of its width.
	Percent, Distance float64
	Range             bool
}

// Need is a condition without which nothing is judged.
type Need struct {
	Metric string
	Least  float64
}

// Watches returns the monitors of a model that are switched on.
func Watches(m Model) []Watch {
	var all []Watch
	for _, mon := range m.Definition.Monitors {
		filled := mon.Filled(m.Window)
		if filled.Enabled == nil || *filled.Enabled {
			all = append(all, watch(m, filled))
		}
	}
	return all
}

// watch puts a monitor into terms of rules.
func watch(m Model, mon model.Monitor) Watch {
	w := Watch{Monitor: mon}
	w.selects(m)
	if w.Cannot == "" {
		w.fields()
		w.compare(m)
	}
	if w.Cannot != "" {
		return Watch{Monitor: mon, Cannot: w.Cannot}
	}
	w.attributes()
	w.preconditions()
	if mon.Schedule != "" {
		w.Notes = append(w.Notes, "it is always evaluated, not on the monitor's schedule")
	}
	return w
}

// selects chooses model, version and slice.
func (w *Watch) selects(m Model) {
	w.Select = []Match{{Attribute: measure.AttrModel, Value: m.Definition.Name}}
	switch v := w.Monitor.Version; v {
	case model.EachVersion:
	case model.AllVersions:
		if w.Monitor.Type != model.ModelActivity {
			w.Cannot = "version: all measures all versions as one, of which there is no metric"
		}
	case model.LatestVersion:
		w.Cannot = "version: latest is known to Driftmeter only"
	default:
		w.Select = append(w.Select, Match{Attribute: measure.AttrVersion, Value: v})
	}
	w.Select = append(w.Select, slice(w.Monitor.Segment)...)
}

// slice chooses one slice, the slices of a segment, or the whole.
func slice(s model.SegmentValue) []Match {
	all := []Match{{Attribute: measure.AttrSegment, Value: s.Name}}
	if s.Value != "" {
		all = append(all, Match{Attribute: measure.AttrSegmentValue, Value: s.Value})
	}
	return all
}

// attributes are what alerts are kept apart by: those of the metrics.
func (w *Watch) attributes() {
	w.By = w.Slice()
	for _, a := range []string{measure.AttrGroup, measure.AttrField, measure.AttrBaseline, measure.AttrOutput, measure.AttrClass, measure.AttrAverage} {
		if Has(w.Any[0].Metric, a) {
			w.By = append(w.By, a)
		}
	}
	for i := range w.Any {
		if b := w.Any[i].Against; b != nil && b.Period == 0 {
			b.By = slices.DeleteFunc(slices.Clone(w.By), func(a string) bool {
				return a == measure.AttrSegment || a == measure.AttrSegmentValue || a == measure.AttrVersion && w.Monitor.Baseline.Version != ""
			})
		}
	}
}

// Slice are the attributes that tell one slice from another, of those that the
// monitor looks at.
func (w *Watch) Slice() []string {
	all := []string{measure.AttrModel}
	if w.Monitor.Version != model.AllVersions {
		all = append(all, measure.AttrVersion)
	}
	if w.Monitor.Segment.Name != "" {
		all = append(all, measure.AttrSegment, measure.AttrSegmentValue)
	}
	return all
}

// preconditions become needs where there is a metric for them.
func (w *Watch) preconditions() {
	p := w.Monitor.Preconditions
	if p.MinFocal != nil && *p.MinFocal > 1 {
		least := float64(*p.MinFocal)
		switch w.Monitor.Type {
		case model.PerformanceDegradation:
			metric := measure.MetricActuals
			if Estimated(w.Any[0].Metric) {
				metric = measure.MetricPredictions
			}
			w.Needs = append(w.Needs, Need{metric, least})
		case model.ModelActivity:
			w.Notes = append(w.Notes, "preconditions.min_focal is not asked for")
		default:
			w.Needs = append(w.Needs, Need{measure.MetricPredictions, least})
		}
	}
	for _, other := range []struct {
		key string
		set bool
	}{
		{"baseline_range", len(p.BaselineRange) > 0}, {"trailing_zeros", p.TrailingZeros != nil},
		{"focal_range", len(p.FocalRange) > 0},
	} {
		if other.set {
			w.Notes = append(w.Notes, fmt.Sprintf("preconditions.%s is not asked for", other.key))
		}
	}
}

// Sentence is what the monitor watches and when that is an alert, in a sentence
// without values.
func (w *Watch) Sentence() string {
	c := w.Any[0]
	what := monitor.Short(c.Metric)
	if w.Monitor.Condition() == model.ConditionValues {
		what = "values"
	}
	m := w.Monitor
	switch m.Condition() {
	case model.ConditionRange, model.ConditionValues:
		return what + " should be " + monitor.Within(m.Threshold.Min, m.Threshold.Max)
	case model.ConditionRatio:
		how := map[Op]string{Above: "above", Below: "below"}[c.Op]
		if len(w.Any) > 1 {
			how = "away from"
		}
		return fmt.Sprintf("%s more than %s %% %s %s", what, monitor.Number(*m.Percentage), how, w.where())
	case model.ConditionDistance:
		if m.Distance != nil {
			return fmt.Sprintf("values more than %s beyond the range of %s", monitor.Number(*m.Distance), w.where())
		}
		return fmt.Sprintf("values more than %s %% of the range beyond that of %s", monitor.Number(*m.Percentage), w.where())
	case model.ConditionDrift:
		if c.Metric == measure.MetricDetected {
			return "drift against " + w.where()
		}
		return fmt.Sprintf("%s at least %s against %s", what, monitor.Number(c.Bound), w.where())
	case model.ConditionNew:
		return fmt.Sprintf("more than %s values that the reference does not have", monitor.Number(c.Bound))
	case model.ConditionMaxAge:
		return "version older than " + Duration(m.MaxAge.Std())
	default:
		return what
	}
}

// where names what the focal period is held against.
func (w *Watch) where() string {
	b := w.Monitor.Baseline
	switch w.Monitor.Method {
	case model.AgainstTraining:
		return b.Dataset
	case model.AgainstSegment:
		var parts []string
		if b.Version != "" {
			parts = append(parts, "version "+b.Version)
		}
		if b.Segment.Name != "" && b.Segment != w.Monitor.Segment {
			parts = append(parts, strings.TrimSpace(b.Segment.Name+" "+b.Segment.Value))
		}
		if len(parts) == 0 {
			return "the whole"
		}
		return strings.Join(parts, ", ")
	default:
		return "the " + Duration(b.Period.Std()) + " before"
	}
}
