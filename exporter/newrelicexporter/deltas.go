package newrelicexporter

import (
	"encoding/hex"
	"math"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/cumulative"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// deltas turns what counts from some start into what was counted since the point
// before. New Relic's count and summary are of an interval.
//
// The first point of a series, and the first after it began anew, only set the
// mark. A retry must not come here again, so what is retried is what settle
// returned.
type deltas struct {
	calculator *cumulative.DeltaCalculator
}

// expireSeries is how long a series may be silent before it begins anew.
const expireSeries = 2 * time.Hour

func newDeltas() deltas {
	return deltas{cumulative.NewDeltaCalculator().SetExpirationAge(expireSeries)}
}

// settle returns metrics without cumulative sums and histograms and without
// summaries. It returns md itself when there are none, which is the rule: model
// metrics are gauges.
func (d deltas) settle(md pmetric.Metrics) pmetric.Metrics {
	if !eachMetric(md, isCumulative) {
		return md
	}
	own := pmetric.NewMetrics()
	md.CopyTo(own)
	for _, rm := range own.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			series := series{d, rm.Resource().Attributes(), sm.Scope().Name()}
			ms := sm.Metrics()
			for i, n := 0, ms.Len(); i < n; i++ { // what is appended needs no settling
				series.metric(ms, i)
			}
		}
	}
	return own
}

// eachMetric says whether f holds for one of the metrics.
func eachMetric(md pmetric.Metrics, f func(pmetric.Metric) bool) bool {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if f(m) {
					return true
				}
			}
		}
	}
	return false
}

func isCumulative(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().IsMonotonic() && m.Sum().AggregationTemporality() == pmetric.AggregationTemporalityCumulative
	case pmetric.MetricTypeHistogram:
		return m.Histogram().AggregationTemporality() == pmetric.AggregationTemporalityCumulative
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().AggregationTemporality() == pmetric.AggregationTemporalityCumulative
	case pmetric.MetricTypeSummary:
		return true
	default:
		return false
	}
}

// series are those of a resource and a scope.
type series struct {
	deltas
	resource pcommon.Map
	scope    string
}

func (s series) metric(ms pmetric.MetricSlice, i int) {
	m := ms.At(i)
	if !isCumulative(m) {
		return
	}
	switch m.Type() {
	case pmetric.MetricTypeSum:
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		m.Sum().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool {
			v, start, ok := s.delta(m.Name(), p.Attributes(), number(p), p.Timestamp())
			if ok {
				p.SetDoubleValue(v)
				p.SetStartTimestamp(start)
			}
			return !ok
		})
	case pmetric.MetricTypeHistogram:
		m.Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		m.Histogram().DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool {
			return !s.counted(m.Name(), p, p.Count(), p.Sum(), p.HasSum())
		})
	case pmetric.MetricTypeExponentialHistogram:
		from := pmetric.NewMetric()
		m.MoveTo(from)
		to := renamed(from, m, from.Name()).SetEmptyHistogram()
		to.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		for _, p := range from.ExponentialHistogram().DataPoints().All() {
			q := pmetric.NewHistogramDataPoint()
			q.SetTimestamp(p.Timestamp())
			p.Attributes().CopyTo(q.Attributes())
			if s.counted(from.Name(), q, p.Count(), p.Sum(), p.HasSum()) {
				q.MoveTo(to.DataPoints().AppendEmpty())
			}
		}
	default:
		s.summary(ms, i)
	}
}

// summary splits a summary into count and sum, which are of an interval, and its
// quantiles, which are gauges.
func (s series) summary(ms pmetric.MetricSlice, i int) {
	from := pmetric.NewMetric()
	ms.At(i).MoveTo(from)
	to := renamed(from, ms.At(i), from.Name()).SetEmptyHistogram()
	to.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	quantiles := map[float64]pmetric.NumberDataPointSlice{}
	for _, p := range from.Summary().DataPoints().All() {
		for _, q := range p.QuantileValues().All() {
			if math.IsNaN(q.Value()) {
				continue
			}
			points, ok := quantiles[q.Quantile()]
			if !ok {
				points = renamed(from, ms.AppendEmpty(), from.Name()+percentile(100*q.Quantile())).SetEmptyGauge().DataPoints()
				quantiles[q.Quantile()] = points
			}
			g := points.AppendEmpty()
			g.SetTimestamp(p.Timestamp())
			g.SetDoubleValue(q.Value())
			p.Attributes().CopyTo(g.Attributes())
		}
		h := pmetric.NewHistogramDataPoint()
		h.SetTimestamp(p.Timestamp())
		p.Attributes().CopyTo(h.Attributes())
		if s.counted(from.Name(), h, p.Count(), p.Sum(), true) {
			h.MoveTo(to.DataPoints().AppendEmpty())
		}
	}
}

func renamed(from, to pmetric.Metric, name string) pmetric.Metric {
	to.SetName(name)
	to.SetUnit(from.Unit())
	to.SetDescription(from.Description())
	return to
}

// counted makes a histogram's point one of an interval: count and sum are the
// differences, and what cannot be known of the interval is gone.
func (s series) counted(name string, p pmetric.HistogramDataPoint, count uint64, sum float64, hasSum bool) bool {
	n, start, ok := s.delta(name+"\x00count", p.Attributes(), float64(count), p.Timestamp())
	total, _, summed := s.delta(name+"\x00sum", p.Attributes(), sum, p.Timestamp())
	p.BucketCounts().FromRaw(nil)
	p.ExplicitBounds().FromRaw(nil)
	p.RemoveMin()
	p.RemoveMax()
	p.SetStartTimestamp(start)
	p.SetCount(uint64(n))
	p.RemoveSum()
	if hasSum && summed {
		p.SetSum(total)
	}
	return ok
}

// delta returns what a series has gained since its point before.
func (s series) delta(name string, attrs pcommon.Map, value float64, at pcommon.Timestamp) (float64, pcommon.Timestamp, bool) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, 0, false
	}
	id := identity("series", s.scope+"\x00"+name, s.resource.AsRaw(), attrs.AsRaw(), 0).Bytes()
	c, ok := s.calculator.CountMetric(hex.EncodeToString(id[:]), nil, value, at.AsTime())
	if !ok {
		return 0, 0, false
	}
	return c.Value, pcommon.NewTimestampFromTime(c.Timestamp), true
}

func number(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}
