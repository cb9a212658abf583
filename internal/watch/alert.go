package watch

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// alert puts a change into words.
func (w *Watch) alert(id string, c alert.Change, o monitor.Observation, v monitor.Verdict, end int64, now time.Time) alert.Alert {
	m := w.Monitor
	a := alert.Alert{
		ID: id, State: c.State, Severity: c.Severity, Started: c.Started, Ended: c.Ended, At: now,
		Monitor: alert.Monitor{
			ID: m.ID, Name: m.Name, Type: string(m.Type), Method: string(m.Method), Owner: m.Owner, RunbookURL: m.RunbookURL, Mention: m.Mention,
		},
		Environment: w.Says.Environment, Importance: w.Says.Importance, Model: w.Model, Version: w.Version, Segment: w.Segment.Name, SegmentValue: w.Segment.Value, Output: w.Output,
		Metric: v.Metric, Value: v.Value, Threshold: v.Lower, ThresholdMax: v.Upper, Baseline: v.Baseline,
		WindowStart: time.Unix(0, end-int64(m.Focal)).UTC(), WindowEnd: time.Unix(0, end).UTC(), Reason: v.Says,
	}
	if w.Field.Name != "" {
		a.Field, a.FieldGroup = w.Field.Name, w.Field.Group.String()
	}
	for _, e := range v.Evidence[:min(len(v.Evidence), alert.MaxEvidence)] {
		a.Evidence = append(a.Evidence, alert.Evidence(e))
	}
	a.Describe(m, o, v, c.Since)
	return a
}
