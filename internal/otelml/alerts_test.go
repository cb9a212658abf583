package otelml

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/record"
)

// full returns an alert in which every field is set, to a value of its own.
func full(t *testing.T) alert.Alert {
	t.Helper()
	var a alert.Alert
	n := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch x := v.Addr().Interface().(type) {
		case *string:
			*x = "text " + strings.Repeat("x", n)
		case *time.Time:
			*x = time.Date(2026, 11, 1, 12, n, 0, 1000, time.UTC)
		case **float64:
			*x = new(float64(n) / 3)
		case *alert.Monitor:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case *[]alert.Evidence:
			*x = []alert.Evidence{{Name: "high", Value: 0.5, Baseline: 0.25}, {Name: "low", Value: 0.1, Baseline: 0.3}}
		default:
			t.Fatalf("a field of type %s is not written into log records", v.Type())
		}
	}
	for i := range reflect.TypeFor[alert.Alert]().NumField() {
		fill(reflect.ValueOf(&a).Elem().Field(i))
	}
	a.State, a.Severity = alert.Resolved, alert.High
	a.Ended = a.Started.Add(time.Hour)
	return a
}

// What is written is read: everything, and nothing where there is nothing.
func TestAlertsComeBack(t *testing.T) {
	sparse := alert.Alert{ID: "1", State: alert.Firing, Severity: alert.Low, Started: time.Unix(7, 0).UTC(), At: time.Unix(9, 0).UTC(),
		Monitor: alert.Monitor{ID: "m"}}
	zero := full(t)
	zero.Value, zero.Threshold = new(0.0), nil // measured as 0, which is not: not measured
	want := []alert.Alert{full(t), zero, sparse}
	ld := Alerts(want)
	got := ReadAlerts(ld, func(r record.Refusal) { t.Error(r) })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if ld.ResourceLogs().Len() != 2 {
		t.Errorf("%d resources for 2 environments", ld.ResourceLogs().Len())
	}
	lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	if lr.EventName() != "ml.alert" || lr.SeverityNumber() != plog.SeverityNumberError || lr.Body().Str() != want[0].Text {
		t.Errorf("%q %s %q", lr.EventName(), lr.SeverityNumber(), lr.Body().Str())
	}
}

// The names of the attributes are a contract with whoever reads the logs.
func TestAlertAttributes(t *testing.T) {
	ld := Alerts([]alert.Alert{full(t)})
	var got []string
	for k := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().All() {
		got = append(got, k)
	}
	want := `ml.alert.id ml.alert.state ml.alert.severity ml.alert.reason ml.alert.recommendation ml.alert.metric ml.alert.dashboard_url
		ml.monitor.id ml.monitor.name ml.monitor.type ml.monitor.method ml.monitor.owner ml.monitor.runbook_url ml.monitor.mention
		ml.model.name ml.model.version ml.segment.name ml.segment.value ml.field.name ml.field.group ml.output.name
		ml.alert.started_at ml.alert.ended_at ml.alert.window.start ml.alert.window.end
		ml.alert.value ml.alert.threshold ml.alert.threshold_max ml.alert.baseline_value ml.field.importance ml.alert.evidence`
	if !reflect.DeepEqual(got, strings.Fields(want)) {
		t.Errorf("got %q", got)
	}
}

// What others send is read as far as it goes, and refused with a word on what is
// missing.
func TestAlertsOfOthers(t *testing.T) {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	usable := records.AppendEmpty()
	usable.SetTimestamp(pcommon.Timestamp(time.Hour))
	for k, v := range map[string]any{"event.name": "ml.alert", "ml.alert.state": "resolved", "ml.alert.severity": "low", "ml.monitor.id": "m",
		"ml.alert.value": 3, "ml.alert.threshold": math.Inf(1), "ml.alert.evidence": []any{"no map", map[string]any{"name": 1, "value": "x", "baseline": 2}}} {
		v2, _ := usable.Attributes().GetOrPutEmpty(k)
		if err := v2.FromRaw(v); err != nil {
			t.Fatal(err)
		}
	}
	records.AppendEmpty().SetEventName("ml.prediction")
	records.AppendEmpty().SetEventName("ml.alert")
	when := records.AppendEmpty()
	when.SetEventName("ml.alert")
	when.Attributes().PutStr("ml.alert.started_at", "yesterday")

	var refused []string
	got := ReadAlerts(ld, func(r record.Refusal) { refused = append(refused, r.Error()) })
	at := time.Unix(3600, 0).UTC()
	want := alert.Alert{State: alert.Resolved, Severity: alert.Low, Monitor: alert.Monitor{ID: "m"}, At: at, Started: at, Ended: at,
		Value: new(3.0), Evidence: []alert.Evidence{{Name: "1", Baseline: 2}}}
	want.Identify()
	if !reflect.DeepEqual(got, []alert.Alert{want}) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(refused) != 3 || !strings.Contains(refused[0], "not ml.alert") || !strings.Contains(refused[1], "state") || !strings.Contains(refused[2], "yesterday") {
		t.Errorf("refused: %q", refused)
	}
}
