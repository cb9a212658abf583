package watch

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/query"
)

// alert puts a change into words.
func (w *Watch) alert(id string, c alert.Change, v monitor.Verdict, end int64, now time.Time) alert.Alert {
	m := w.Monitor
	a := alert.Alert{
		ID: id, State: c.State, Severity: c.Severity, Started: c.Started, Ended: c.Ended, At: now,
		Monitor: alert.Monitor{
			ID: m.ID, Name: m.Name, Type: string(m.Type), Method: string(m.Method), Owner: m.Owner, RunbookURL: m.RunbookURL, Mention: m.Mention,
		},
		Model: w.Model, Version: w.Version, Segment: w.Segment.Name, SegmentValue: w.Segment.Value, Output: w.Output,
		Metric: v.Metric, Value: v.Value, Threshold: v.Lower, ThresholdMax: v.Upper, Baseline: v.Baseline,
		WindowStart: time.Unix(0, end-int64(m.Focal)).UTC(), WindowEnd: time.Unix(0, end).UTC(), Reason: v.Says,
	}
	if w.Field.Name != "" {
		a.Field, a.FieldGroup = w.Field.Name, w.Field.Group.String()
	}
	for _, e := range v.Evidence[:min(len(v.Evidence), alert.MaxEvidence)] {
		a.Evidence = append(a.Evidence, alert.Evidence(e))
	}
	a.Text = w.sentence(v)
	return a
}

// sentence says what was found, where.
func (w *Watch) sentence(v monitor.Verdict) string {
	text := w.Monitor.Name + ": " + w.Model
	if w.Version != query.AllVersions {
		text += " " + w.Version
	}
	if w.Field.Name != "" {
		text += ", " + w.field()
	}
	if w.Segment.Name != "" {
		text += ", " + w.Segment.Name + " " + w.Segment.Value
	}
	return text + ": " + v.Says + "."
}
