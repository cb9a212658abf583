package otelml

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/record"
)

// AlertEvent is the event of alerts: what modelmetrics emits on its log side.
const AlertEvent = "ml.alert"

// evidenceKey is the attribute with the rows of evidence, a list of maps.
const evidenceKey = "ml.alert.evidence"

// alertStrings are the attributes of an alert that are text, and where they stand.
func alertStrings(a *alert.Alert) []textAttribute {
	return []textAttribute{
		{"ml.alert.id", &a.ID},
		{"ml.alert.state", &a.State},
		{"ml.alert.severity", &a.Severity},
		{"ml.alert.reason", &a.Reason},
		{"ml.alert.recommendation", &a.Recommendation},
		{"ml.alert.metric", &a.Metric},
		{"ml.alert.dashboard_url", &a.DashboardURL},
		{"ml.monitor.id", &a.Monitor.ID},
		{"ml.monitor.name", &a.Monitor.Name},
		{"ml.monitor.type", &a.Monitor.Type},
		{"ml.monitor.method", &a.Monitor.Method},
		{"ml.monitor.owner", &a.Monitor.Owner},
		{"ml.monitor.runbook_url", &a.Monitor.RunbookURL},
		{"ml.monitor.mention", &a.Monitor.Mention},
		{attrModel, &a.Model},
		{attrVersion, &a.Version},
		{"ml.segment.name", &a.Segment},
		{"ml.segment.value", &a.SegmentValue},
		{"ml.field.name", &a.Field},
		{"ml.field.group", &a.FieldGroup},
		{"ml.output.name", &a.Output},
	}
}

type textAttribute struct {
	key string
	at  *string
}

func alertTimes(a *alert.Alert) []timeAttribute {
	return []timeAttribute{
		{"ml.alert.started_at", &a.Started},
		{"ml.alert.ended_at", &a.Ended},
		{"ml.alert.window.start", &a.WindowStart},
		{"ml.alert.window.end", &a.WindowEnd},
	}
}

type timeAttribute struct {
	key string
	at  *time.Time
}

func alertNumbers(a *alert.Alert) []numberAttribute {
	return []numberAttribute{
		{"ml.alert.value", &a.Value},
		{"ml.alert.threshold", &a.Threshold},
		{"ml.alert.threshold_max", &a.ThresholdMax},
		{"ml.alert.baseline_value", &a.Baseline},
		{"ml.field.importance", &a.Importance},
	}
}

type numberAttribute struct {
	key string
	at  **float64
}

// severities of log records, by the severity of alerts.
var severities = map[string]plog.SeverityNumber{
	alert.Low:    plog.SeverityNumberInfo2,
	alert.Medium: plog.SeverityNumberWarn,
	alert.High:   plog.SeverityNumberError,
}

// Alerts writes alerts as log records. Those of one environment in a row share a
// resource.
func Alerts(alerts []alert.Alert) plog.Logs {
	ld := plog.NewLogs()
	var records plog.LogRecordSlice
	for i := range alerts {
		a := alerts[i] // a copy, since the tables point into it
		if i == 0 || a.Environment != alerts[i-1].Environment {
			rl := ld.ResourceLogs().AppendEmpty()
			if a.Environment != "" {
				rl.Resource().Attributes().PutStr(environment, a.Environment)
			}
			sl := rl.ScopeLogs().AppendEmpty()
			sl.Scope().SetName(Scope)
			records = sl.LogRecords()
		}
		writeAlert(records.AppendEmpty(), &a)
	}
	return ld
}

func writeAlert(lr plog.LogRecord, a *alert.Alert) {
	lr.SetEventName(AlertEvent)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(a.At))
	lr.SetSeverityNumber(severities[a.Severity])
	lr.SetSeverityText(a.Severity)
	lr.Body().SetStr(a.Text)
	attrs := lr.Attributes()
	for _, s := range alertStrings(a) {
		if *s.at != "" {
			attrs.PutStr(s.key, *s.at)
		}
	}
	for _, t := range alertTimes(a) {
		if !t.at.IsZero() {
			attrs.PutStr(t.key, t.at.UTC().Format(time.RFC3339Nano))
		}
	}
	for _, n := range alertNumbers(a) {
		if *n.at != nil {
			attrs.PutDouble(n.key, **n.at)
		}
	}
	if len(a.Evidence) == 0 {
		return
	}
	rows := attrs.PutEmptySlice(evidenceKey)
	for _, e := range a.Evidence[:min(len(a.Evidence), alert.MaxEvidence)] {
		row := rows.AppendEmpty().SetEmptyMap()
		row.PutStr("name", e.Name)
		row.PutDouble("value", e.Value)
		row.PutDouble("baseline", e.Baseline)
	}
}

// ReadAlerts reads alerts. Records that are none are refused.
//
// What another program left out is filled in where it follows from the rest: an
// id from the parts that make one, a start from the time of the record.
func ReadAlerts(ld plog.Logs, refuse func(record.Refusal)) []alert.Alert {
	var alerts []alert.Alert
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				a, err := ReadAlert(rl.Resource().Attributes(), lr)
				if err != nil {
					refuse(*err)
					continue
				}
				alerts = append(alerts, a)
			}
		}
	}
	return alerts
}

// ReadAlert reads the alert of one record, as ReadAlerts does.
func ReadAlert(resource pcommon.Map, lr plog.LogRecord) (alert.Alert, *record.Refusal) {
	var a alert.Alert
	if v, ok := resource.Get(environment); ok {
		a.Environment = v.AsString()
	}
	err := readAlert(lr, &a)
	return a, err
}

func readAlert(lr plog.LogRecord, a *alert.Alert) *record.Refusal {
	attrs := lr.Attributes()
	name := lr.EventName()
	if v, ok := attrs.Get(eventName); ok && name == "" {
		name = v.AsString()
	}
	if name != AlertEvent {
		return &record.Refusal{Reason: record.NotAPrediction, Key: name, Detail: "the event is not ml.alert, which modelmetrics emits"}
	}
	a.At = lr.Timestamp().AsTime()
	if lr.Timestamp() == 0 {
		a.At = lr.ObservedTimestamp().AsTime()
	}
	a.Text = lr.Body().AsString()
	for _, s := range alertStrings(a) {
		if v, ok := attrs.Get(s.key); ok {
			*s.at = v.AsString()
		}
	}
	for _, t := range alertTimes(a) {
		v, ok := attrs.Get(t.key)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, v.AsString())
		if err != nil {
			return &record.Refusal{Reason: record.BadType, Key: t.key, Detail: "is not a time as RFC 3339 has it: " + v.AsString()}
		}
		*t.at = at.UTC()
	}
	for _, n := range alertNumbers(a) {
		if v, ok := attrs.Get(n.key); ok {
			*n.at = number(v)
		}
	}
	a.Evidence = readEvidence(attrs)
	if a.ID == "" {
		a.Identify()
	}
	if a.Started.IsZero() {
		a.Started = a.At
	}
	if a.State == alert.Resolved && a.Ended.IsZero() {
		a.Ended = a.At
	}
	if wrong := a.Check(); wrong != "" {
		return &record.Refusal{Reason: record.Corrupt, Key: a.Monitor.Name, Detail: "the alert cannot be used: " + wrong}
	}
	return nil
}

// number returns what v says, or nil if that is no finite number.
func number(v pcommon.Value) *float64 {
	var x float64
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		x = v.Double()
	case pcommon.ValueTypeInt:
		x = float64(v.Int())
	default:
		return nil
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func readEvidence(attrs pcommon.Map) []alert.Evidence {
	v, ok := attrs.Get(evidenceKey)
	if !ok || v.Type() != pcommon.ValueTypeSlice {
		return nil
	}
	var rows []alert.Evidence
	for _, row := range v.Slice().All() {
		if row.Type() != pcommon.ValueTypeMap || len(rows) == alert.MaxEvidence {
			continue
		}
		var e alert.Evidence
		for k, v := range row.Map().All() {
			switch x := number(v); {
			case k == "name":
				e.Name = v.AsString()
			case k == "value" && x != nil:
				e.Value = *x
			case k == "baseline" && x != nil:
				e.Baseline = *x
			}
		}
		rows = append(rows, e)
	}
	return rows
}
