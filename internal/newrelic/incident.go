package newrelic

import (
	"cmp"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// incidentEvent is the event type that opens and closes incidents from outside.
const incidentEvent = "NrAiIncidentExternal"

// eventAge is the age up to which the Event API keeps an event's own time: New
// Relic drops events older than a day, and a queue may have held this one long.
const eventAge = 23 * time.Hour

// priorities are New Relic's words for our severities: the highest of ours is
// worth its highest.
var priorities = map[string]string{alert.Low: "low", alert.Medium: "medium", alert.High: "critical"}

// Incident returns an alert as New Relic takes it from outside: an event that
// opens or closes an incident. The aggregation tags are the incident's identity
// and come back unchanged when it is closed; nothing measured is in them. They
// are those of the alert exporter's channel newrelic, so that an alert which goes
// both ways is one incident.
//
// An alert that waited too long is told with the time of now: late news is
// better than none.
func Incident(a *alert.Alert, now time.Time) telemetry.Event {
	attrs := Attributes{Rules: Rules{Attributes: RulesOf(Events).Attributes}}
	put := func(key, value string) {
		if value != "" {
			attrs.Put(key, value)
		}
	}
	if a.Firing() {
		put("state", "trigger")
	} else {
		put("state", "resolve")
	}
	put("aggregationTag.alertId", a.ID)
	put("aggregationTag.model", a.Model)
	title, _ := text(title(a), maxTitle)
	put("title", title)
	put("source", "driftmeter")
	put("priority", priorities[a.Severity])
	put("description", description(a))
	put("deepLinkUrl", a.DashboardURL)
	put("runbookUrl", a.Monitor.RunbookURL)
	put("externalId", a.ID)
	put("entityName", a.Model)
	put("tag.modelName", a.Model)
	put("tag.modelVersion", a.Version)
	put("tag.environment", a.Environment)
	put("tag.monitor", monitor(a))
	put("tag.monitorType", a.Monitor.Type)
	put("tag.owner", a.Monitor.Owner)
	put("tag.segment", a.Segment)
	put("tag.segmentValue", a.SegmentValue)
	put("tag.field", a.Field)
	put("tag.output", a.Output)
	put("tag.metric", a.Metric)
	put("tag.startedAt", stamp(a.Started))
	if !a.Firing() {
		put("tag.endedAt", stamp(a.Ended))
	}
	for key, x := range map[string]*float64{"tag.value": a.Value, "tag.threshold": a.Threshold, "tag.baselineValue": a.Baseline} {
		if x != nil {
			attrs.Put(key, *x)
		}
	}
	attrs.Put("version", 1)
	at := a.At
	if now.Sub(at) > eventAge {
		at = now
	}
	return telemetry.Event{EventType: incidentEvent, Timestamp: at, Attributes: attrs.Values}
}

// stamp writes a time as RFC 3339 has it, and no time as nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

const maxTitle = 255

// title is one line for lists of issues.
func title(a *alert.Alert) string {
	t := monitor(a)
	if a.Model != "" {
		t += " on " + a.Model
	}
	if a.Segment != "" {
		t += " (" + a.Segment + " " + a.SegmentValue + ")"
	}
	if a.Reason != "" {
		t += ": " + a.Reason
	}
	return t
}

func monitor(a *alert.Alert) string { return cmp.Or(a.Monitor.Name, a.Monitor.ID) }

func description(a *alert.Alert) string {
	if a.Recommendation == "" {
		return a.Text
	}
	return a.Text + "\n" + a.Recommendation
}
