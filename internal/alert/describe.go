package alert

import (
	"math"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// Describe writes the sentence that a person reads and what to look at, of an alert
// whose other parts are there: what changed, by how much, against what, in which
// version, segment and field, and since when. since is Change.Since. The monitor's
// own description, if it has one, takes the place of the sentence.
//
// Names and values that come from data are made plain (monitor.Plain): whoever sends
// a prediction cannot write markup into an alert, or call anybody.
func (a *Alert) Describe(m *model.Monitor, o monitor.Observation, v monitor.Verdict, since time.Time) {
	w := words{a: a, m: m, o: o, v: v, since: since}
	a.Recommendation = w.recommendation()
	switch {
	case m.Description != "":
		a.Text = model.Expand(m.Description, w.placeholder)
		if !a.Firing() {
			a.Text += " (In order again." + w.before() + ")"
		}
	case a.Firing():
		a.Text = w.subject() + " " + w.predicate() + "." + w.when() + w.mostly()
	default:
		a.Text = w.subject() + " " + w.again() + "." + w.when() + w.before()
	}
}

// words is a sentence under way.
type words struct {
	a     *Alert
	m     *model.Monitor
	o     monitor.Observation
	v     monitor.Verdict
	since time.Time
}

// place says whose and where: "loans v1 (region EU)", "loans (all versions)".
func (w *words) place() string {
	s := monitor.Plain(w.a.Model)
	var more []string
	if w.a.Version == "" {
		more = append(more, "all versions")
	} else {
		s += " " + monitor.Plain(w.a.Version)
	}
	if seg := segment(w.a.Segment, w.a.SegmentValue); seg != "" {
		more = append(more, seg)
	}
	if len(more) > 0 {
		s += " (" + strings.Join(more, ", ") + ")"
	}
	return s
}

func segment(name, value string) string {
	return strings.TrimSpace(monitor.Plain(name) + " " + monitor.Plain(value))
}

// field is the key of the field, or the output.
func (w *words) field() string {
	switch {
	case w.a.Field != "" && w.a.FieldGroup != "":
		return monitor.Plain(w.a.FieldGroup + "." + w.a.Field)
	case w.a.Field != "":
		return monitor.Plain(w.a.Field)
	}
	return monitor.Plain(w.a.Output)
}

// metric is what was measured, in words: estimated accuracy, f1 of class spam.
func (w *words) metric() string {
	s := strings.ReplaceAll(monitor.Short(w.v.Metric), ".", " ")
	if c := w.m.Metric.Class; c != "" {
		s += " of class " + monitor.Plain(c)
	}
	if average := w.m.Metric.Average; average != "" {
		s = average + " " + s
	}
	return s
}

// subject is what the sentence is about.
func (w *words) subject() string {
	switch w.m.Type {
	case model.ModelActivity:
		return "Model " + w.place()
	case model.DataDrift, model.PredictionDrift:
		return "The distribution of " + w.field() + " of " + w.place()
	case model.MetricChange:
		return "The " + w.metric() + " of " + w.field() + " of " + w.place()
	case model.PerformanceDegradation:
		if w.a.Output != "" {
			return "The " + w.metric() + " of output " + w.field() + " of " + w.place()
		}
		return "The " + w.metric() + " of " + w.place()
	case model.CustomMetric:
		return "The custom metric " + w.metric() + " of " + w.place()
	case model.ModelStaleness:
		return "Model " + w.place()
	default:
		return w.field() + " of " + w.place()
	}
}

// predicate says what is not in order.
func (w *words) predicate() string {
	switch w.m.Type {
	case model.ModelActivity:
		return "made " + w.predictions() + " in " + w.m.Focal.String() + ", " + w.passed(1, "") + w.compared(1, "", "fewer", "more")
	case model.DataDrift, model.PredictionDrift:
		return "has drifted from " + w.baseline() + ": " + w.v.Says
	case model.MissingValues:
		return "is missing in " + w.amount(100, " %") + " of the records, " + w.passed(100, " %") + w.compared(100, " %", "less", "more")
	case model.NewValues:
		return "has " + w.v.Says + " (not in " + w.baseline() + ")"
	case model.ValueRange:
		return "has values beyond the range: " + w.v.Says
	case model.ModelStaleness:
		return "is " + w.v.Says
	default:
		scale, unit := 1.0, ""
		if strings.HasSuffix(w.v.Metric, "_ratio") {
			scale, unit = 100, " %"
		}
		return "is " + w.amount(scale, unit) + ", " + w.passed(scale, unit) + w.compared(scale, unit, "less", "more")
	}
}

// again says what is in order.
func (w *words) again() string {
	s := "is in order again"
	if w.v.Says != "" && w.v.Outcome == monitor.OK {
		s += ": " + w.v.Says
	}
	return s
}

func (w *words) predictions() string {
	if w.v.Value == nil || *w.v.Value == 0 {
		return "no predictions"
	}
	return monitor.Plural(uint64(*w.v.Value), "prediction")
}

// amount is the value, with as many digits as tell it from its bound.
func (w *words) amount(scale float64, unit string) string {
	if w.v.Value == nil {
		return "unknown"
	}
	x := *w.v.Value * scale
	if _, bound := w.bound(); bound != nil {
		s, _ := monitor.Apart(x, *bound*scale)
		return s + unit
	}
	return monitor.Number(x) + unit
}

// bound returns the bound that was passed.
func (w *words) bound() (how string, bound *float64) {
	switch v := w.v; {
	case v.Value == nil:
		return "", nil
	case v.Lower != nil && *v.Value < *v.Lower:
		return "below", v.Lower
	case v.Upper != nil && *v.Value > *v.Upper:
		return "above", v.Upper
	}
	return "", nil
}

func (w *words) passed(scale float64, unit string) string {
	how, bound := w.bound()
	if bound == nil {
		return "beyond its bounds"
	}
	_, s := monitor.Apart(*w.v.Value*scale, *bound*scale)
	return how + " " + s + unit
}

// compared says by how much the value differs from the baseline: " (21 % less than
// the 100 on average in the 7d before)".
func (w *words) compared(scale float64, unit, less, more string) string {
	if w.v.Value == nil || w.v.Baseline == nil {
		return ""
	}
	x, b := *w.v.Value, *w.v.Baseline
	there := "the " + monitor.Number(b*scale) + unit + " " + w.usual()
	change := 100 * math.Abs(x-b) / math.Abs(b)
	switch {
	case b == 0 || math.IsInf(change, 0) || math.IsNaN(change) || change > 1000:
		return " (" + more + " than " + there + ")"
	case x < b:
		return " (" + monitor.Number(round(change)) + " % " + less + " than " + there + ")"
	default:
		return " (" + monitor.Number(round(change)) + " % " + more + " than " + there + ")"
	}
}

// round keeps two digits of a small change, and no fraction of a great one.
func round(percent float64) float64 {
	if percent >= 10 {
		return math.Round(percent)
	}
	return math.Round(percent*10) / 10
}

// usual says what the number of the baseline is.
func (w *words) usual() string {
	switch w.m.Method {
	case model.Anomaly:
		return "expected from " + w.baseline()
	case model.Percentage:
		return "on average in " + w.baseline()
	default:
		return "of " + w.baseline()
	}
}

// baseline names what it is compared with.
func (w *words) baseline() string {
	b := w.m.Baseline
	switch w.m.Method {
	case model.AgainstTraining:
		return "the " + b.Dataset + " set"
	case model.AgainstSegment:
		seg := segment(b.Segment.Name, b.Segment.Value)
		if b.Segment.Name != "" && b.Segment.Value == "" && b.Segment.Name == w.a.Segment {
			seg = segment(w.a.Segment, w.a.SegmentValue) // the same slice of another version
		}
		if seg == "" {
			seg = "the whole model"
		}
		switch b.Version {
		case "":
			return seg
		case model.AllVersions:
			return seg + " of all versions"
		case model.LatestVersion:
			return seg + " of the latest version"
		}
		return seg + " of version " + monitor.Plain(b.Version)
	default:
		return "the " + period(b.Period.Std()) + " before"
	}
}

// period writes a length of time in days where it is whole days.
func period(d time.Duration) string {
	if d%(24*time.Hour) == 0 && d > 24*time.Hour {
		return monitor.Plural(uint64(d/(24*time.Hour)), "day")
	}
	return model.Duration(d).String()
}

// mostly names the greatest contribution to a drift.
func (w *words) mostly() string {
	if w.m.Type != model.DataDrift && w.m.Type != model.PredictionDrift || len(w.v.Evidence) == 0 {
		return ""
	}
	e := w.v.Evidence[0]
	return " Most has changed “" + monitor.Plain(e.Name) + "”: " + monitor.Number(100*e.Value) + " %, was " + monitor.Number(100*e.Baseline) + " %."
}
