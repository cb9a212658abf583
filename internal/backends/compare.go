package backends

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Estimated reports whether a metric is one of performance without labels.
func Estimated(metric string) bool { return strings.HasPrefix(metric, measure.PrefixEstimated) }

// fields are those that the monitor is about, none of monitors without fields.
func (w *Watch) fields() {
	for _, f := range w.Monitor.Fields {
		group, name, _ := strings.Cut(f, ".")
		if name == "*" {
			name = ""
		}
		w.Fields = append(w.Fields, FieldPattern{Group: group, Name: name})
	}
}

// compare makes the comparisons of a monitor, or says why there are none.
func (w *Watch) compare(m Model) {
	mon := &w.Monitor
	windows := 1
	if focal := mon.Focal.Std(); focal != m.Window {
		windows = int(focal / m.Window)
		if mon.Type != model.ModelActivity {
			w.Cannot = fmt.Sprintf("focal: %s is measured as a whole, and there is a metric for each window of %s", mon.Focal, model.Duration(m.Window))
			return
		}
	}
	switch mon.Condition() {
	case model.ConditionRange:
		w.bounds(mon.MetricName(), mon.MetricName(), windows)
	case model.ConditionValues:
		w.bounds("ml.field.min", "ml.field.max", 1)
	case model.ConditionRatio:
		w.ratio(windows)
	case model.ConditionDistance:
		w.distance()
	case model.ConditionDrift:
		w.drift(m)
	case model.ConditionNew:
		w.fresh()
	case model.ConditionMaxAge:
		w.Any = []Comparison{{Metric: measure.MetricPredictions, Windows: 1, Op: Older, Bound: mon.MaxAge.Std().Seconds()}}
		w.Notes = append(w.Notes, "a version is as old as its metrics are in the system that evaluates this, which has to keep them that long")
	case model.ConditionAnomaly:
		w.Cannot = "method: anomaly follows trend and season of the series"
	default:
		w.Cannot = "its type has no such method"
	}
	if mon.StandardErrors != nil {
		w.Notes = append(w.Notes, "standard_errors: how far chance goes is not looked at")
	}
	if mon.Type == model.ModelActivity && slices.ContainsFunc(w.Any, func(c Comparison) bool { return c.Op == Below }) {
		w.Notes = append(w.Notes, "a window without any prediction has no metric, which is not seen here")
	}
	if len(w.Any) == 0 && w.Cannot == "" {
		w.Cannot = "it bounds nothing"
	}
	for i := range w.Any {
		w.Any[i].Where = append(w.Any[i].Where, w.parameters()...)
	}
}

// parameters are the output, class and average of a metric of performance.
func (w *Watch) parameters() []Match {
	if w.Monitor.Type != model.PerformanceDegradation {
		return nil
	}
	var all []Match
	for _, p := range []Match{
		{Attribute: measure.AttrOutput, Value: w.Monitor.Metric.Output}, {Attribute: measure.AttrClass, Value: w.Monitor.Metric.Class},
		{Attribute: measure.AttrAverage, Value: w.Monitor.Metric.Average},
	} {
		if p.Value != "" {
			all = append(all, p)
		}
	}
	return all
}

// bounds holds the least of a metric and the greatest against fixed bounds.
func (w *Watch) bounds(least, greatest string, windows int) {
	t := w.Monitor.Threshold
	if t.Min != nil {
		w.Any = append(w.Any, Comparison{Metric: least, Windows: windows, Op: Below, Bound: *t.Min})
	}
	if t.Max != nil {
		w.Any = append(w.Any, Comparison{Metric: greatest, Windows: windows, Op: Above, Bound: *t.Max})
	}
}

// ratio holds a metric against a percentage of the mean of the time before, or of
// another slice.
func (w *Watch) ratio(windows int) {
	mon := &w.Monitor
	b := w.baseline()
	if b == nil {
		return
	}
	if a := mon.Baseline.Aggregation; mon.Method == model.Percentage && a != mon.Focal {
		w.Notes = append(w.Notes, fmt.Sprintf("the mean is that of the windows, not of buckets of %s", a))
	}
	if mon.Version == model.AllVersions {
		w.Notes = append(w.Notes, "a version counts with its own mean, though it was there for a part of the time only")
	}
	b.Percent = *mon.Percentage
	worse := mon.Worse()
	for _, op := range []Op{Below, Above} {
		if op == Below && (mon.IncreaseOnly || worse == score.Lower) || op == Above && worse == score.Higher {
			continue
		}
		against := *b
		w.Any = append(w.Any, Comparison{Metric: mon.MetricName(), Windows: windows, Op: op, Against: &against, Negative: negative(mon.MetricName())})
	}
}

// negative reports whether a metric may be below 0, where a percentage of it is one
// of its size.
func negative(metric string) bool {
	if name, ok := strings.CutPrefix(strings.Replace(metric, measure.PrefixEstimated, measure.PrefixPerformance, 1), measure.PrefixPerformance); ok {
		m, known := score.Lookup(name)
		return !known || m.Low < 0
	}
	return !strings.HasPrefix(metric, "ml.model.") && !strings.HasPrefix(metric, "ml.integrity.")
}

// distance holds the range of a field against that of the time before, or of
// another slice.
func (w *Watch) distance() {
	b := w.baseline()
	if b == nil {
		return
	}
	b.Range = true
	if d := w.Monitor.Distance; d != nil {
		b.Distance = *d
	} else {
		b.Percent = *w.Monitor.Percentage
	}
	low, high := *b, *b
	w.Any = []Comparison{
		{Metric: "ml.field.min", Windows: 1, Op: Below, Against: &low},
		{Metric: "ml.field.max", Windows: 1, Op: Above, Against: &high},
	}
}

// baseline is what the monitor is held against, or nil if it is not measured as a
// metric.
func (w *Watch) baseline() *Baseline {
	b := w.Monitor.Baseline
	switch w.Monitor.Method {
	case model.Percentage:
		return &Baseline{Period: b.Period.Std(), Skip: b.Skip.Std()}
	case model.AgainstSegment:
		if b.Period != w.Monitor.Focal || b.Skip != 0 {
			w.Cannot = "baseline: the other slice is looked at over another time"
			return nil
		}
		if b.Version == model.LatestVersion || b.Version == model.AllVersions {
			w.Cannot = "baseline.version: " + b.Version + " is known to Driftmeter only"
			return nil
		}
		if b.Segment.Name != "" && b.Segment.Value == "" && b.Segment != w.Monitor.Segment {
			w.Cannot = "baseline.segment: each slice would be held against each of another segment"
			return nil
		}
		other := []Match{w.Select[0]}
		if b.Version != "" {
			other = append(other, Match{Attribute: measure.AttrVersion, Value: b.Version})
		} else if len(w.Select) > 1 && w.Select[1].Attribute == measure.AttrVersion {
			other = append(other, w.Select[1])
		}
		return &Baseline{Select: append(other, slice(b.Segment)...)}
	default:
		w.Cannot = "method: " + string(w.Monitor.Method) + " compares with the metric of a dataset, which is not exported"
		return nil
	}
}

// fresh counts the values that the reference does not have.
func (w *Watch) fresh() {
	mon := &w.Monitor
	switch {
	case mon.Method != model.AgainstTraining || mon.Baseline.Dataset != model.Training:
		w.Cannot = "new values are exported of the reference only, not of another baseline"
	case mon.NewValuesRatio != nil:
		w.Cannot = "new_values_ratio: how many values the reference has is not exported"
	case len(mon.Allowed) > 0:
		w.Cannot = "allowed: which values are new is not exported"
	default:
		w.Any = []Comparison{{Metric: "ml.integrity.new_values", Windows: 1, Op: Above, Bound: float64(*mon.NewValues)}}
	}
}

// drift asks for the score of drift and for the verdict of the model, where both
// are exported for the baseline of the monitor.
func (w *Watch) drift(m Model) {
	mon := &w.Monitor
	var baseline string
	switch mon.Method {
	case model.AgainstTraining:
		baseline = mon.Baseline.Dataset
	case model.Anomaly:
		if mon.Baseline.Skip != mon.Focal {
			w.Cannot = "baseline.skip: drift is exported against the time right before the window"
			return
		}
		baseline = model.Baseline{Period: mon.Baseline.Period.Std()}.String()
	default:
		w.Cannot = "drift against another slice is not exported"
		return
	}
	exported := []string{model.Training}
	if len(m.Definition.Drift.Baselines) > 0 {
		exported = nil
		for _, b := range m.Definition.Drift.Baselines {
			exported = append(exported, b.String())
		}
	}
	if !slices.Contains(exported, baseline) {
		w.Cannot = fmt.Sprintf("drift against %s is not exported; it would be with drift.baselines", baseline)
		return
	}
	w.levels(m, Match{Attribute: measure.AttrBaseline, Value: baseline})
}

// levels compares the score of numeric fields and that of the others with their
// levels; where one of them is not exported, the model's own verdict has to do.
func (w *Watch) levels(m Model, baseline Match) {
	var missing []string
	for _, numeric := range []bool{true, false} {
		d := w.Monitor.DriftMeasure(numeric)
		fields := w.fieldsOf(m.Definition, numeric)
		if len(fields) == 0 {
			continue
		}
		known, _ := drift.Lookup(d.Name)
		c := Comparison{
			Metric: measure.PrefixDrift + d.Name, Windows: 1, Op: AtLeast, Bound: known.Threshold,
			Fields: fields, Drifted: true, Signed: known.Lower < 0, Where: []Match{baseline},
		}
		if d.Threshold != nil {
			c.Bound = *d.Threshold
		}
		if c.Bound == 0 || !slices.Contains(measures(m.Definition), c.Metric) {
			missing = append(missing, d.Name)
		}
		w.Any = append(w.Any, c)
	}
	if len(missing) > 0 {
		w.Any = []Comparison{{Metric: measure.MetricDetected, Windows: 1, Op: AtLeast, Bound: 1, Where: []Match{baseline}}}
		w.Notes = append(w.Notes, "drift is what the model's own first measure says, since "+strings.Join(missing, " and ")+
			" is not among its drift.measures, or has no level")
		return
	}
	if len(w.Any) == 2 && w.Any[0].Metric == w.Any[1].Metric && w.Any[0].Bound == w.Any[1].Bound {
		w.Any = w.Any[:1]
		w.Any[0].Fields = nil
	}
	w.Notes = append(w.Notes, "whether a score is more than chance is judged by the model's own first measure of drift")
}

// fieldsOf returns the fields of the monitor that are not defined to be of the
// other kind: numeric ones, or all others.
func (w *Watch) fieldsOf(def *model.Definition, numeric bool) []FieldPattern {
	var all []FieldPattern
	other := func(f model.Field) bool { return f.Type != "" && (f.Type == model.Numeric) != numeric }
	for _, f := range w.Fields {
		if f.Name != "" {
			if !other(def.Fields[f.Group+"."+f.Name]) {
				all = append(all, f)
			}
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(def.Fields)) {
			if group, name, _ := strings.Cut(key, "."); group == f.Group && other(def.Fields[key]) {
				f.Except = append(f.Except, name)
			}
		}
		all = append(all, f)
	}
	return all
}

// Day is the time within which a series that is old enough must have been seen.
const Day = 24 * time.Hour
