// Package channel says an alert in the way each destination wants to hear it:
// Slack's blocks, JIRA's issues, New Relic's incidents, a signed webhook.
//
// A channel is an Alertmanager notifier. When it is called, for which alerts, and
// again after a failure is Alertmanager's business; a channel builds one request,
// sends it, and says whether another attempt would help. What else Alertmanager
// can deliver to (e-mail, PagerDuty, Teams, …) it does by itself.
package channel

import (
	"encoding/json"
	"strconv"
	"time"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// labelOf is one text of an alert, and the label or annotation that carries it.
type labelOf struct {
	name model.LabelName
	at   *string
}

// identity are the labels: what an alert is, by which it is recognised, grouped,
// routed and silenced. Nothing measured may be among them, or the alert would be
// another one each time it is looked at.
func identity(a *alert.Alert) []labelOf {
	return []labelOf{
		{model.AlertNameLabel, &a.Monitor.Name},
		{"alert_id", &a.ID},
		{"severity", &a.Severity},
		{"monitor", &a.Monitor.ID},
		{"monitor_type", &a.Monitor.Type},
		{"owner", &a.Monitor.Owner},
		{"environment", &a.Environment},
		{"model", &a.Model},
		{"version", &a.Version},
		{"segment", &a.Segment},
		{"segment_value", &a.SegmentValue},
		{"field", &a.Field},
		{"field_group", &a.FieldGroup},
		{"output", &a.Output},
	}
}

// texts are the annotations that are text.
func texts(a *alert.Alert) []labelOf {
	return []labelOf{
		{"summary", &a.Reason},
		{"description", &a.Text},
		{"recommendation", &a.Recommendation},
		{"metric", &a.Metric},
		{"monitor_method", &a.Monitor.Method},
		{"runbook_url", &a.Monitor.RunbookURL},
		{"dashboard_url", &a.DashboardURL},
		{"mention", &a.Monitor.Mention},
	}
}

type numberOf struct {
	name model.LabelName
	at   **float64
}

func numbers(a *alert.Alert) []numberOf {
	return []numberOf{
		{"value", &a.Value}, {"threshold", &a.Threshold}, {"threshold_max", &a.ThresholdMax}, {"baseline_value", &a.Baseline},
	}
}

type timeOf struct {
	name model.LabelName
	at   *time.Time
}

func times(a *alert.Alert) []timeOf {
	return []timeOf{
		{"started_at", &a.Started}, {"ended_at", &a.Ended}, {"said_at", &a.At},
		{"window_start", &a.WindowStart}, {"window_end", &a.WindowEnd},
	}
}

// evidence is the annotation with the rows of evidence, in JSON.
const evidence = "evidence"

// Labels returns the labels of an alert. Empty ones are left out, as
// Alertmanager has it.
func Labels(a *alert.Alert) model.LabelSet {
	ls := model.LabelSet{}
	for _, l := range identity(a) {
		if *l.at != "" {
			ls[l.name] = model.LabelValue(*l.at)
		}
	}
	if a.Monitor.Name == "" {
		ls[model.AlertNameLabel] = model.LabelValue(a.Monitor.ID)
	}
	return ls
}

// Annotations returns what else there is to say of an alert.
func Annotations(a *alert.Alert) model.LabelSet {
	ls := model.LabelSet{}
	for _, l := range texts(a) {
		if *l.at != "" {
			ls[l.name] = model.LabelValue(*l.at)
		}
	}
	for _, n := range numbers(a) {
		if *n.at != nil {
			ls[n.name] = model.LabelValue(strconv.FormatFloat(**n.at, 'g', -1, 64))
		}
	}
	for _, t := range times(a) {
		if !t.at.IsZero() {
			ls[t.name] = model.LabelValue(t.at.UTC().Format(time.RFC3339Nano))
		}
	}
	if len(a.Evidence) > 0 {
		if b, err := json.Marshal(a.Evidence); err == nil {
			ls[evidence] = model.LabelValue(b)
		}
	}
	return ls
}

// Read returns the alert that labels and annotations tell of: ours, or that of
// another program that posts to /api/v2/alerts.
func Read(x *am.Alert) alert.Alert {
	var a alert.Alert
	for _, l := range identity(&a) {
		*l.at = string(x.Labels[l.name])
	}
	for _, l := range texts(&a) {
		*l.at = string(x.Annotations[l.name])
	}
	for _, n := range numbers(&a) {
		if v, err := strconv.ParseFloat(string(x.Annotations[n.name]), 64); err == nil {
			*n.at = &v
		}
	}
	for _, t := range times(&a) {
		if at, err := time.Parse(time.RFC3339, string(x.Annotations[t.name])); err == nil {
			*t.at = at.UTC()
		}
	}
	a.Evidence = Evidence(string(x.Annotations[evidence]))
	if a.Monitor.Name == a.Monitor.ID && a.Monitor.ID != "" {
		a.Monitor.Name = ""
	}
	if a.ID == "" {
		a.ID = x.Labels.Fingerprint().String()
	}
	if a.Started.IsZero() {
		a.Started = x.StartsAt.UTC()
	}
	if a.DashboardURL == "" {
		a.DashboardURL = x.GeneratorURL
	}
	a.State = alert.Firing
	if x.Resolved() {
		a.State = alert.Resolved
		if a.Ended.IsZero() {
			a.Ended = x.EndsAt.UTC()
		}
	}
	a.Severity = severity(a.Severity)
	return a
}

// Evidence reads the annotation with the evidence; what cannot be read is none.
func Evidence(text string) []alert.Evidence {
	var rows []alert.Evidence
	if text == "" || json.Unmarshal([]byte(text), &rows) != nil {
		return nil
	}
	return rows
}

// severity reads the words of others as ours.
func severity(s string) string {
	switch s {
	case alert.Low, alert.Medium, alert.High:
		return s
	case "critical", "error", "page":
		return alert.High
	case "info", "none":
		return alert.Low
	default:
		return alert.Medium
	}
}
