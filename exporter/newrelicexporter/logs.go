package newrelicexporter

import (
	"context"
	"sync"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/newrelic"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

// logsPusher sends log records: predictions as the events that were asked for,
// alerts as incidents and logs, all others as logs.
type logsPusher struct {
	*sender
	fields   map[string]bool // nil: all
	events   map[string]bool // names of events of predictions
	decoders sync.Pool
}

func newLogsPusher(s *sender, cfg *Config) *logsPusher {
	l := &logsPusher{sender: s, events: map[string]bool{}}
	for _, f := range cfg.Fields {
		if l.fields == nil {
			l.fields = map[string]bool{}
		}
		l.fields[f] = true
	}
	for e := record.Prediction; e <= record.Duplicate; e++ {
		l.events[e.String()] = true
	}
	for wire := range cfg.EventNames {
		l.events[wire] = true
	}
	l.decoders.New = func() any {
		return otelml.NewDecoder(otelml.Options{Prefix: cfg.AttributePrefix, Events: cfg.EventNames})
	}
	return l
}

// eventName returns the name of a record's event, or nothing.
func eventName(lr plog.LogRecord) string {
	if n := lr.EventName(); n != "" {
		return n
	}
	if v, ok := lr.Attributes().Get("event.name"); ok {
		return v.AsString()
	}
	return ""
}

// push sends a batch. What is retried of it is returned with the error.
func (l *logsPusher) push(ctx context.Context, ld plog.Logs) error {
	d := l.decoders.Get().(*otelml.Decoder)
	b := logBatch{logsPusher: l, decoder: d, now: l.now(), refusals: map[string]refusal{}}
	b.read(ld)
	l.decoders.Put(d)
	for reason, r := range b.refusals {
		l.sender.refuse(ctx, reason, r.n, r.why)
	}

	var settled [newrelic.NumAPIs][]int
	for _, api := range []newrelic.API{newrelic.Events, newrelic.Logs} {
		settled[api] = make([]int, len(b.needs))
	}
	for _, i := range b.noIncident {
		settled[newrelic.Events][i] = 1
	}
	var errs []error
	for _, api := range []newrelic.API{newrelic.Events, newrelic.Logs} {
		errs = append(errs, l.deliver(ctx, api, b.things[api], b.blocks, func(t thing) { settled[api][t.unit] = t.n }))
	}
	if errs[0] == nil && errs[1] == nil {
		return nil
	}
	return consumererror.NewLogs(retryable(errs...), b.remaining(ld, settled))
}

// refusal is how many records were not sent for a reason, and what to do.
type refusal struct {
	n   int
	why string
}

// logBatch is what is made of one batch. Records are numbered in their order.
type logBatch struct {
	*logsPusher
	decoder *otelml.Decoder
	now     time.Time

	needs  [][newrelic.NumAPIs]int
	things [newrelic.NumAPIs][]thing
	blocks []telemetryBlock // of logs

	refusals   map[string]refusal
	noIncident []int // records whose event was refused, though not their log

	current plog.LogRecord
	room    int // attributes of the current block, which count with those of its logs
}

// refuse notes a record that is not sent; the first of each reason is told.
func (b *logBatch) refuse(reason, why string) {
	r, ok := b.refusals[reason]
	if !ok {
		r.why = why
	}
	r.n++
	b.refusals[reason] = r
}

func (b *logBatch) read(ld plog.Logs) {
	var r record.Record
	for _, rl := range ld.ResourceLogs().All() {
		b.decoder.Resource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			common := b.common(newrelic.Logs, rl.Resource().Attributes(), sl.Scope().Attributes(), sl.Scope().Name(), sl.Scope().Version())
			b.blocks, b.room = append(b.blocks, commonBlock(newrelic.Logs, common)), len(common)
			for _, lr := range sl.LogRecords().All() {
				b.needs = append(b.needs, [newrelic.NumAPIs]int{})
				b.current = lr
				switch name := eventName(lr); {
				case name == otelml.ProfileEvent:
					b.refuse("profile", "a profile is for modelmetrics; take this exporter out of the pipeline behind profile")
				case b.events[name]:
					b.prediction(lr, &r)
				default:
					if name == otelml.AlertEvent && b.cfg.Incidents {
						b.incident(rl.Resource().Attributes(), lr)
					}
					b.log(lr)
				}
			}
		}
	}
}

// add appends a thing made of the current record, unless it is settled.
func (b *logBatch) add(api newrelic.API, t thing) {
	t.unit = len(b.needs) - 1
	b.needs[t.unit][api]++
	t.n = b.needs[t.unit][api]
	if t.n > settledOf(b.current.Attributes(), api) {
		t.common = len(b.blocks) - 1
		b.things[api] = append(b.things[api], t)
	}
}

func (b *logBatch) event(kind string, at time.Time, attrs map[string]any) {
	b.add(newrelic.Events, thing{event: telemetry.Event{EventType: kind, Timestamp: at, Attributes: attrs}})
}

// log sends a record as it is.
func (b *logBatch) log(lr plog.LogRecord) {
	a := newrelic.Attributes{Rules: newrelic.RulesOf(newrelic.Logs), Room: b.room, Altered: b.altered}
	if level := lr.SeverityText(); level != "" {
		a.Put("level", level)
	} else if lr.SeverityNumber() != plog.SeverityNumberUnspecified {
		a.Put("level", lr.SeverityNumber().String())
	}
	putText(&a, "event.name", lr.EventName())
	if id := lr.TraceID(); !id.IsEmpty() {
		a.Put("trace.id", id.String())
	}
	if id := lr.SpanID(); !id.IsEmpty() {
		a.Put("span.id", id.String())
	}
	entity(&a, lr.Attributes())
	put(&a, lr.Attributes())
	b.add(newrelic.Logs, thing{log: telemetry.Log{Message: lr.Body().AsString(), Timestamp: b.time(lr), Attributes: a.Values}})
}

// time returns when a record happened: its own time, or that of its observation.
func (b *logBatch) time(lr plog.LogRecord) time.Time {
	switch {
	case lr.Timestamp() != 0:
		return lr.Timestamp().AsTime()
	case lr.ObservedTimestamp() != 0:
		return lr.ObservedTimestamp().AsTime()
	}
	return b.now
}

// remaining returns the records that are not wholly delivered, each with a note
// of what is.
func (b *logBatch) remaining(ld plog.Logs, settled [newrelic.NumAPIs][]int) plog.Logs {
	left := plog.NewLogs()
	ld.CopyTo(left)
	i := -1
	left.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				i++
				return b.done(i, lr.Attributes(), settled)
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	return left
}

// done says whether nothing is left of a record, and notes in it what is settled.
func (b *logBatch) done(i int, attrs pcommon.Map, settled [newrelic.NumAPIs][]int) bool {
	left := false
	for _, api := range []newrelic.API{newrelic.Events, newrelic.Logs} {
		n := max(settled[api][i], settledOf(attrs, api))
		left = left || n < b.needs[i][api]
		if n > 0 {
			attrs.PutInt(settledKeys[api], int64(n))
		}
	}
	return !left
}
