package alert

import (
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// placeholder returns what stands for a word of a description; nothing where it does
// not apply.
func (w *words) placeholder(name string) string {
	b := w.m.Baseline
	inTime := w.m.Method == model.Percentage || w.m.Method == model.Anomaly || w.m.Method == model.AgainstSegment
	switch name {
	case "monitor":
		return monitor.Plain(w.m.Name)
	case "severity":
		return w.a.Severity
	case "model", "model_name", "model_id":
		return monitor.Plain(w.a.Model)
	case "model_version":
		if w.a.Version == "" {
			return "all versions"
		}
		return monitor.Plain(w.a.Version)
	case "environment":
		if w.a.Environment == "" { // profiles pool them
			return "all environments"
		}
		return monitor.Plain(w.a.Environment)
	case "field":
		return w.field()
	case "metric":
		return w.metric()
	case "focal_value":
		return number(w.v.Value)
	case "drift_score":
		return w.ofDrift(number(w.v.Value))
	case "drift_score_text":
		return w.ofDrift(w.v.Says)
	case "baseline_value":
		return number(w.v.Baseline)
	case "min_threshold":
		return number(w.m.Threshold.Min)
	case "max_threshold":
		return w.level()
	case "last_lower_bound":
		return number(w.v.Lower)
	case "last_upper_bound":
		return number(w.v.Upper)
	case "value_thresholds":
		return monitor.Within(w.v.Lower, w.v.Upper)
	case "focal_time_period":
		return w.m.Focal.String()
	case "focal_times":
		return span(w.a.WindowStart, w.a.WindowEnd)
	case "focal_segment":
		return segment(w.a.Segment, w.a.SegmentValue)
	case "baseline_time_period":
		if w.m.Method == model.AgainstTraining {
			return b.Dataset
		}
		return onlyIf(inTime, b.Period.String())
	case "baseline_times":
		end := w.a.WindowEnd.Add(-b.Skip.Std())
		return onlyIf(inTime, span(end.Add(-b.Period.Std()), end))
	case "baseline_segment":
		return segment(b.Segment.Name, b.Segment.Value)
	case "unexpected_values":
		return w.unexpected()
	case "last_deployment_time":
		return onlyIf(!w.o.Age.Since.IsZero(), moment(w.o.Age.Since))
	case "time_threshold":
		return onlyIf(w.m.MaxAge > 0, period(w.m.MaxAge.Std()))
	case "since":
		return onlyIf(!w.since.IsZero(), moment(w.since.Truncate(time.Minute)))
	case "reason":
		return w.v.Says
	case "importance":
		return number(w.a.Importance)
	default:
		return ""
	}
}

func number(x *float64) string {
	if x == nil {
		return ""
	}
	return monitor.Number(*x)
}

func onlyIf(there bool, s string) string {
	if there {
		return s
	}
	return ""
}

func (w *words) ofDrift(s string) string {
	return onlyIf(w.m.Condition() == model.ConditionDrift, s)
}

// level is the upper level that the definition sets, in the terms of its condition.
func (w *words) level() string {
	switch m := w.m; m.Condition() {
	case model.ConditionDrift:
		return number(w.v.Upper)
	case model.ConditionRange, model.ConditionValues:
		return number(m.Threshold.Max)
	case model.ConditionNew:
		return number(w.v.Upper)
	default:
		if m.Percentage != nil {
			return number(m.Percentage) + " %"
		}
		return number(m.Distance)
	}
}

// unexpected lists the new values, or the ends of the range that are beyond it.
func (w *words) unexpected() string {
	switch w.m.Type {
	case model.NewValues:
		var all []string
		for _, e := range w.v.Evidence[:min(len(w.v.Evidence), MaxEvidence)] {
			all = append(all, monitor.Plain(e.Name))
		}
		return strings.Join(all, ", ")
	case model.ValueRange:
		return number(w.v.Value)
	default:
		return ""
	}
}
