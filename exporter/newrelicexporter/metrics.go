package newrelicexporter

import (
	"context"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// metricsPusher sends metrics, and the events that are made of them.
type metricsPusher struct {
	*sender
	deltas  deltas
	memory  *memory
	markers *markers // nil without change tracking
}

func newMetricsPusher(s *sender, cfg *Config) *metricsPusher {
	return &metricsPusher{sender: s, deltas: newDeltas(), memory: newMemory(cfg.RememberPoints)}
}

func (m *metricsPusher) start(ctx context.Context, host component.Host) error {
	if err := m.sender.start(ctx, host); err != nil {
		return err
	}
	if m.cfg.ChangeTracking.UserKey == "" {
		return nil
	}
	var err error
	m.markers, err = startMarkers(ctx, m.sender, host)
	return err
}

func (m *metricsPusher) shutdown(ctx context.Context) error {
	if m.markers == nil {
		return nil
	}
	return m.markers.stop(ctx)
}

// push sends a batch. What is retried of it is returned with the error: points
// without those that were delivered.
func (m *metricsPusher) push(ctx context.Context, md pmetric.Metrics) error {
	md = m.deltas.settle(md)
	e := expansion{metricsPusher: m, ctx: ctx, now: m.now(), refused: map[string]int{}}
	e.expand(md)
	e.sayRefused()
	if m.markers != nil {
		m.markers.saw(e.versions, e.now)
	}

	// settled counts, for each point, the things that an interface has taken.
	var settled [newrelic.NumAPIs][]int
	for api := range settled {
		settled[api] = make([]int, e.points)
	}
	errMetrics := m.deliver(ctx, newrelic.Metrics, e.metrics, e.blocks, func(t thing) {
		settled[newrelic.Metrics][t.unit] = t.n
	})
	errEvents := m.deliver(ctx, newrelic.Events, e.events, nil, func(t thing) {
		for _, p := range e.evaluations[t.unit].points {
			settled[newrelic.Events][p] = 1
		}
	})
	if errMetrics == nil && errEvents == nil {
		return nil
	}
	return consumererror.NewMetrics(retryable(errMetrics, errEvents), e.remaining(md, settled))
}

// remaining returns the points that are not wholly delivered, each with a note
// of what is.
func (e *expansion) remaining(md pmetric.Metrics, settled [newrelic.NumAPIs][]int) pmetric.Metrics {
	left := pmetric.NewMetrics()
	md.CopyTo(left)
	i := -1
	done := func(attrs pcommon.Map) bool {
		i++
		for api, need := range e.needs[i] {
			if need > settled[api][i] {
				for api, n := range settled {
					if n[i] > 0 {
						attrs.PutInt(settledKeys[api], int64(n[i]))
					}
				}
				return false
			}
		}
		return true
	}
	left.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			sm.Metrics().RemoveIf(func(metric pmetric.Metric) bool { return removePoints(metric, done) == 0 })
			return sm.Metrics().Len() == 0
		})
		return rm.ScopeMetrics().Len() == 0
	})
	return left
}

// removePoints removes points in their order and returns how many stay.
func removePoints(m pmetric.Metric, done func(pcommon.Map) bool) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return done(p.Attributes()) })
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return done(p.Attributes()) })
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool { return done(p.Attributes()) })
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(p pmetric.ExponentialHistogramDataPoint) bool { return done(p.Attributes()) })
		return m.ExponentialHistogram().DataPoints().Len()
	default:
		return 0
	}
}

// telemetryBlock is the SDK's form of a common block.
type telemetryBlock = telemetry.MapEntry
