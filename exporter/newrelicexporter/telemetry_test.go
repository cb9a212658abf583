package newrelicexporter

import (
	"errors"
	"math"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/exporter/newrelicexporter/internal/metadatatest"
)

// The exporter says what it has done: what New Relic took, what it did not, and
// what was left out or lost something on the way.
func TestSelfTelemetry(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { _ = tel.Shutdown(t.Context()) })
	f := newFake(t)
	set := metadatatest.NewSettings(tel)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	m, l := f.pushers(set, f.config())

	md := gauges("a", "b", "bad")
	points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	points.At(0).Gauge().DataPoints().At(0).Attributes().PutStr("a", "the metric's own name")
	points.At(2).Gauge().DataPoints().At(0).SetDoubleValue(math.NaN())
	long := points.At(1).Gauge().DataPoints().At(0).Attributes()
	long.PutStr("k k", "first")
	long.PutStr("k-k", "second")
	for range 2 { // the second is a repetition
		if err := m.push(t.Context(), md); err != nil {
			t.Fatal(err)
		}
	}
	f.script[logPath] = []answer{{status: 400}}
	ld := records("ml.prediction", "ml.profile", "ml.alert", "other", "other")
	if err := l.push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}

	point := func(v int64, key, value string) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: v, Attributes: attribute.NewSet(attribute.String(key, value))}
	}
	ignore := []metricdatatest.Option{metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars()}
	metadatatest.AssertEqualNewrelicSent(t, tel, []metricdata.DataPoint[int64]{point(2, "api", "metrics"), point(2, "api", "events"), point(0, "api", "logs")}, ignore...)
	metadatatest.AssertEqualNewrelicRequests(t, tel, []metricdata.DataPoint[int64]{point(1, "api", "metrics"), point(1, "api", "events")}, ignore...)
	metadatatest.AssertEqualNewrelicRepeats(t, tel, []metricdata.DataPoint[int64]{{Value: 2}}, ignore...)
	metadatatest.AssertEqualNewrelicRefused(t, tel, []metricdata.DataPoint[int64]{
		point(2, "reason", "not_finite"), point(1, "reason", "no_event_mode"), point(1, "reason", "profile"),
		point(1, "reason", "no_incident"), point(3, "reason", "rejected"),
	}, ignore...)
	for _, says := range []string{
		"Dropped 1 of a batch: New Relic takes no NaN and no infinity",
		"set event_modes to inference_data or aporia",
		"take this exporter out of the pipeline behind profile",
		"opens no incident",
		"answered 400 Bad Request",
	} {
		if !said(logs, says) {
			t.Errorf("not said: %s", says)
		}
	}
	if n := logs.FilterMessageSnippet("NaN").Len(); n != 1 {
		t.Errorf("the same was said %d times within a minute", n)
	}
}

// An alert that opens no incident is told once, however often its log has to be
// tried again.
func TestRefusedIncidentIsCountedOnce(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { _ = tel.Shutdown(t.Context()) })
	f := newFake(t)
	f.script[logPath] = []answer{{status: 503}, {status: 503}}
	_, l := f.pushers(metadatatest.NewSettings(tel), f.config())
	ld := records("ml.alert")
	for range 2 {
		left, ok := errors.AsType[consumererror.Logs](l.push(t.Context(), ld))
		if !ok || left.Data().LogRecordCount() != 1 {
			t.Fatal("the log is left")
		}
		ld = left.Data()
	}
	if err := l.push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	metadatatest.AssertEqualNewrelicRefused(t, tel, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(attribute.String("reason", "no_incident"))},
	}, metricdatatest.IgnoreTimestamp())
	if _, taken := f.count(logPath); taken != 1 || len(f.eventsTaken()) != 0 {
		t.Errorf("%d logs, %d events", taken, len(f.eventsTaken()))
	}
}

// pushers are both halves of the exporter, with settings of the test's.
func (f *fake) pushers(set exporter.Settings, c *Config) (*metricsPusher, *logsPusher) {
	f.t.Helper()
	s, err := newSender(set, c)
	if err != nil {
		f.t.Fatal(err)
	}
	s.now = func() time.Time { return window }
	if err := s.start(f.t.Context(), componenttest.NewNopHost()); err != nil {
		f.t.Fatal(err)
	}
	return newMetricsPusher(s, c), newLogsPusher(s, c)
}
