package newrelicexporter

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/newrelic"
	"github.com/driftmeter/driftmeter/internal/otelml"
)

// incident makes the event that opens or closes the incident of an alert.
func (b *logBatch) incident(resource pcommon.Map, lr plog.LogRecord) {
	if settledOf(lr.Attributes(), newrelic.Events) > 0 {
		return // its log alone is left
	}
	a, refusal := otelml.ReadAlert(resource, lr)
	if refusal != nil {
		b.refuse("no_incident", "an ml.alert opens no incident and is sent as a log only: "+refusal.Error())
		b.noIncident = append(b.noIncident, len(b.needs)-1)
		return
	}
	e := newrelic.Incident(&a, b.now)
	b.event(e.EventType, e.Timestamp.Truncate(time.Millisecond), e.Attributes)
}
