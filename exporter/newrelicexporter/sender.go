package newrelicexporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/exporter/newrelicexporter/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// sender delivers things and says what became of them. It is shared by the
// exporter's queue consumers.
type sender struct {
	cfg     *Config
	set     component.TelemetrySettings
	log     *zap.Logger
	tel     *metadata.TelemetryBuilder
	build   component.BuildInfo
	id      component.ID
	now     func() time.Time
	client  *newrelic.Client // from start
	http    *http.Client     // from start
	sayings sayings
	closed  [newrelic.NumAPIs]closure
}

// closure is that an interface wants no request for a while. What it says to one
// batch holds for all of them.
type closure struct {
	mu    sync.Mutex
	until time.Time
	why   newrelic.Fault
}

// left returns the fault that closed the interface, with the time that is left, or
// nil.
func (c *closure) left(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.until.After(now) {
		return nil
	}
	f := c.why
	f.RetryAfter = c.until.Sub(now)
	return &f
}

// note closes the interface if err says so.
func (c *closure) note(err error, now time.Time) {
	f, ok := errors.AsType[*newrelic.Fault](err)
	if !ok || f.RetryAfter <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := now.Add(f.RetryAfter); until.After(c.until) {
		c.until, c.why = until, *f
	}
}

func newSender(set exporter.Settings, cfg *Config) (*sender, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &sender{cfg: cfg, set: set.TelemetrySettings, log: set.Logger, tel: tel, build: set.BuildInfo, id: set.ID, now: time.Now}, nil
}

func (s *sender) start(ctx context.Context, host component.Host) error {
	e, err := s.cfg.endpoints()
	if err != nil {
		return err
	}
	var extensions map[component.ID]component.Component
	if host != nil {
		extensions = host.GetExtensions()
	}
	if s.http, err = s.cfg.ClientConfig.ToClient(ctx, extensions, s.set); err != nil {
		return err
	}
	s.client, err = newrelic.NewClient(s.http, string(s.cfg.APIKey), e, s.build.Command+"/"+s.build.Version, s.now)
	return err
}

// thing is a metric, an event or a log: one element of a request.
type thing struct {
	unit   int // the point or record that it was made of
	n      int // of the things made of that unit for the same interface, from 1
	common int // the block of attributes that it shares with others
	claim  *claim
	metric telemetry.Metric
	event  telemetry.Event
	log    telemetry.Log
}

// batches writes things as the SDK wants them, those with the same common block
// together.
func batches(api newrelic.API, things []thing, common []telemetry.MapEntry) []telemetry.Batch {
	var all []telemetry.Batch
	for len(things) > 0 {
		n := 1
		for n < len(things) && (things[n].common == things[0].common || api == newrelic.Events) {
			n++
		}
		var b telemetry.Batch
		switch api {
		case newrelic.Metrics:
			ms := make([]telemetry.Metric, n)
			for i := range ms {
				ms[i] = things[i].metric
			}
			b = telemetry.Batch{common[things[0].common], telemetry.NewMetricGroup(ms)}
		case newrelic.Logs:
			ls := make([]telemetry.Log, n)
			for i := range ls {
				ls[i] = things[i].log
			}
			b = telemetry.Batch{common[things[0].common], telemetry.NewLogGroup(ls)}
		default:
			es := make([]telemetry.Event, n)
			for i := range es {
				es[i] = things[i].event
			}
			b = telemetry.Batch{telemetry.NewEventGroup(es)}
		}
		all = append(all, b)
		things = things[n:]
	}
	return all
}

// deliver sends things through one interface, and counts and logs what was
// refused for good. settle is called for each thing that needs no further
// attempt.
func (s *sender) deliver(ctx context.Context, api newrelic.API, things []thing, common []telemetry.MapEntry, settle func(thing)) error {
	d := newrelic.Deliver(len(things), newrelic.MaxItems(api),
		func(from, to int) (*http.Request, error) {
			return s.client.Build(ctx, api, batches(api, things[from:to], common))
		},
		func(req *http.Request) error {
			if err := s.closed[api].left(s.now()); err != nil {
				return err
			}
			receipt, err := s.client.Send(api, req)
			s.closed[api].note(err, s.now())
			if err == nil {
				s.tel.NewrelicRequests.Add(ctx, 1, byAPI(api))
				s.log.Debug("New Relic accepted a request; what it makes of it shows in its NrIntegrationError events",
					zap.Stringer("api", api), zap.String("receipt", receipt))
			}
			return err
		})
	refused := 0
	for _, r := range d.Refused {
		refused += r.To - r.From
		s.refuse(ctx, "rejected", r.To-r.From, r.Err.Error(), zap.Stringer("api", api))
	}
	s.tel.NewrelicSent.Add(ctx, int64(d.Settled-refused), byAPI(api))
	for i := range things {
		if i < d.Settled {
			settle(things[i])
		} else {
			things[i].claim.release()
		}
	}
	return d.Err
}

func byAPI(api newrelic.API) metric.MeasurementOption {
	return metric.WithAttributes(attribute.Stringer("api", api))
}

// retryable joins the faults of several interfaces into one error, with the
// longest of the delays that they ask for.
func retryable(errs ...error) error {
	err := errors.Join(errs...)
	var wait time.Duration
	for _, e := range errs {
		if f, ok := errors.AsType[*newrelic.Fault](e); ok {
			wait = max(wait, f.RetryAfter)
		}
	}
	if wait > 0 {
		return exporterhelper.NewThrottleRetry(err, wait)
	}
	return err
}

// refuse counts things that are never sent, and logs the first of each kind in
// a minute.
func (s *sender) refuse(ctx context.Context, reason string, n int, why string, fields ...zap.Field) {
	if n == 0 {
		return
	}
	s.tel.NewrelicRefused.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", reason)))
	if s.sayings.may(reason, s.now()) {
		s.log.Error(fmt.Sprintf("Dropped %d of a batch: %s", n, why), append(fields, zap.String("reason", reason))...)
	}
}

// altered counts what attributes lost.
func (s *sender) altered(what newrelic.Alteration) {
	s.tel.NewrelicAttributesAltered.Add(context.Background(), 1, metric.WithAttributes(attribute.String("what", string(what))))
}

// sayings limits log lines to one a minute of each kind.
type sayings struct {
	mu   sync.Mutex
	said map[string]time.Time
}

func (s *sayings) may(kind string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.said[kind]; ok && now.Sub(at) < time.Minute {
		return false
	}
	if s.said == nil {
		s.said = map[string]time.Time{}
	}
	s.said[kind] = now // the kinds are few: all of them are words of this package
	return true
}
