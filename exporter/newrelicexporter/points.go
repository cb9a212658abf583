package newrelicexporter

import (
	"context"
	"math"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// expansion makes New Relic's metrics and events of the points of one batch.
// Points are numbered in their order, and so is what is made of each: a retry
// finds the same numbers again.
type expansion struct {
	*metricsPusher
	ctx context.Context
	now time.Time

	points  int
	needs   [][newrelic.NumAPIs]int // of each point: how many things must be settled
	metrics []thing
	blocks  []telemetryBlock // of metrics

	evaluations []*evaluation
	events      []thing // of evaluations; their unit is one of these

	versions map[modelVersion]bool
	refused  map[string]int

	resource map[string]any // of the points at hand
}

// Ages beyond which New Relic drops data without a word.
const (
	metricAge   = 48 * time.Hour
	eventAge    = 24 * time.Hour
	futureLimit = 24 * time.Hour
)

// Reasons why a point is never sent, and what to do.
var refusals = map[string]string{
	"too_old":    "New Relic drops metrics that are older than 48 h; send older ones by way of a file or another backend",
	"too_new":    "New Relic drops metrics that are more than 24 h ahead; look at the clock of the sender",
	"not_finite": "New Relic takes no NaN and no infinity",
	"no_sum":     "a histogram without a sum is no summary; send histograms by otlphttp (docs/newrelic.md)",
	"bad_name":   "the name of a metric has 1 to 254 bytes",
	"no_type":    "a metric without a type or temporality has no place in New Relic",
}

func (e *expansion) refuse(reason string) { e.refused[reason]++ }

func (e *expansion) sayRefused() {
	for reason, n := range e.refused {
		e.sender.refuse(e.ctx, reason, n, refusals[reason])
	}
}

func (e *expansion) expand(md pmetric.Metrics) {
	groups := map[groupKey]*evaluation{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			e.resource = e.common(newrelic.Metrics, rm.Resource().Attributes(), sm.Scope().Attributes(), sm.Scope().Name(), sm.Scope().Version())
			e.blocks = append(e.blocks, commonBlock(newrelic.Metrics, e.resource))
			for _, m := range sm.Metrics().All() {
				e.metric(m, groups, rm.Resource().Attributes())
			}
		}
	}
	e.evaluate()
}

// point is what all kinds of points have.
type point struct {
	name, unit string
	attrs      pcommon.Map
	start, at  pcommon.Timestamp
}

func (e *expansion) metric(m pmetric.Metric, groups map[groupKey]*evaluation, resource pcommon.Map) {
	p := point{name: m.Name(), unit: m.Unit()}
	number := func(n pmetric.NumberDataPoint, make func(point, float64)) {
		p.attrs, p.start, p.at = n.Attributes(), n.StartTimestamp(), n.Timestamp()
		v := number(n)
		switch {
		case n.Flags().NoRecordedValue() || n.ValueType() == pmetric.NumberDataPointValueTypeEmpty:
			e.next()
		case math.IsNaN(v) || math.IsInf(v, 0):
			e.next()
			e.refuse("not_finite")
		case e.usable(&p):
			make(p, v)
		}
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, n := range m.Gauge().DataPoints().All() {
			number(n, func(p point, v float64) {
				e.gauge(p, v, true)
				e.evaluation(groups, resource, p, v)
			})
		}
	case pmetric.MetricTypeSum:
		count := m.Sum().IsMonotonic() && m.Sum().AggregationTemporality() == pmetric.AggregationTemporalityDelta
		for _, n := range m.Sum().DataPoints().All() {
			number(n, func(p point, v float64) {
				if count {
					e.count(p, v)
				} else {
					e.gauge(p, v, m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityDelta)
				}
			})
		}
	case pmetric.MetricTypeHistogram:
		for _, h := range m.Histogram().DataPoints().All() {
			p.attrs, p.start, p.at = h.Attributes(), h.StartTimestamp(), h.Timestamp()
			if h.Flags().NoRecordedValue() {
				e.next()
			} else if e.usable(&p) {
				e.summary(p, summarised{h.Count(), h.Sum(), h.HasSum(), h.Min(), h.HasMin(), h.Max(), h.HasMax()}, func() []bucket { return explicit(h) })
			}
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, h := range m.ExponentialHistogram().DataPoints().All() {
			p.attrs, p.start, p.at = h.Attributes(), h.StartTimestamp(), h.Timestamp()
			if h.Flags().NoRecordedValue() {
				e.next()
			} else if e.usable(&p) {
				e.summary(p, summarised{h.Count(), h.Sum(), h.HasSum(), h.Min(), h.HasMin(), h.Max(), h.HasMax()}, func() []bucket { return exponential(h) })
			}
		}
	default:
		e.refuse("no_type")
	}
}

// next numbers a point.
func (e *expansion) next() {
	e.points++
	e.needs = append(e.needs, [newrelic.NumAPIs]int{})
}

// usable numbers a point and says whether it can be sent at all.
func (e *expansion) usable(p *point) bool {
	e.next()
	if p.at == 0 {
		p.at = pcommon.NewTimestampFromTime(e.now)
	}
	switch age := e.now.Sub(p.at.AsTime()); {
	case p.name == "" || len(p.name) > newrelic.MaxName:
		e.refuse("bad_name")
	case age > metricAge:
		e.refuse("too_old")
	case age < -futureLimit:
		e.refuse("too_new")
	default:
		return true
	}
	return false
}

// add appends a metric of the current point, unless it is settled. n numbers the
// metrics of the point, from 1.
func (e *expansion) add(p point, n int, m telemetry.Metric, c *claim) {
	i := e.points - 1
	if n <= settledOf(p.attrs, newrelic.Metrics) {
		c.release()
		return
	}
	e.needs[i][newrelic.Metrics] = n
	e.metrics = append(e.metrics, thing{unit: i, n: n, common: len(e.blocks) - 1, claim: c, metric: m})
}

// attributes returns those of a metric of a point.
func (e *expansion) attributes(p point, name string) map[string]any {
	a := newrelic.Attributes{Rules: newrelic.RulesOf(newrelic.Metrics), Name: name, Room: len(e.resource), Altered: e.altered}
	if entity(&a, p.attrs) {
		a.Put(entityKind, "model_metric")
	}
	put(&a, p.attrs)
	putText(&a, "unit", p.unit)
	return a.Values
}

// gauge adds a gauge. A state that New Relic has is not sent again; a difference
// is no state.
func (e *expansion) gauge(p point, v float64, state bool) {
	if settledOf(p.attrs, newrelic.Metrics) > 0 {
		e.byod(p, v) // which may be left
		return
	}
	attrs := e.attributes(p, p.name)
	var c *claim
	if state {
		var ok bool
		if c, ok = e.memory.claim(identity("gauge", p.name, e.resource, attrs, int64(p.at)), math.Float64bits(v), e.now); !ok {
			e.tel.NewrelicRepeats.Add(e.ctx, 1)
			return
		}
	}
	e.add(p, 1, telemetry.Gauge{Name: p.name, Attributes: attrs, Value: v, Timestamp: p.at.AsTime()}, c)
	e.byod(p, v)
}

func (e *expansion) count(p point, v float64) {
	start, interval := p.interval()
	e.add(p, 1, telemetry.Count{Name: p.name, Attributes: e.attributes(p, p.name), Value: v, Timestamp: start, Interval: interval}, nil)
}

// summarised is what a summary holds of a histogram.
type summarised struct {
	count  uint64
	sum    float64
	hasSum bool
	min    float64
	hasMin bool
	max    float64
	hasMax bool
}

// summary adds a summary and, where they are asked for, percentiles.
func (e *expansion) summary(p point, s summarised, buckets func() []bucket) {
	switch {
	case s.count == 0:
		return
	case !s.hasSum:
		e.refuse("no_sum")
		return
	case math.IsNaN(s.sum) || math.IsInf(s.sum, 0):
		e.refuse("not_finite")
		return
	}
	if !s.hasMin || math.IsInf(s.min, 0) {
		s.min = math.NaN() // null
	}
	if !s.hasMax || math.IsInf(s.max, 0) {
		s.max = math.NaN()
	}
	start, interval := p.interval()
	e.add(p, 1, telemetry.Summary{Name: p.name, Attributes: e.attributes(p, p.name), Count: float64(s.count), Sum: s.sum,
		Min: s.min, Max: s.max, Timestamp: start, Interval: interval}, nil)
	if len(e.cfg.Percentiles) == 0 {
		return
	}
	bs := buckets()
	for i, q := range e.cfg.Percentiles {
		name := p.name + percentile(q)
		if v, ok := quantile(bs, q/100); ok && len(name) <= newrelic.MaxName {
			e.add(p, 2+i, telemetry.Gauge{Name: name, Attributes: e.attributes(p, name), Value: v, Timestamp: p.at.AsTime()}, nil)
		}
	}
}

// interval returns the start and length of what a point counts. New Relic needs
// a positive one.
func (p point) interval() (time.Time, time.Duration) {
	if p.start == 0 || p.start >= p.at {
		return p.at.AsTime(), time.Millisecond
	}
	return p.start.AsTime(), max(p.at.AsTime().Sub(p.start.AsTime()), time.Millisecond)
}

// byodNames are the names of New Relic's bring-your-own-data library.
var byodNames = map[string]string{
	"ml.field.mean": "mean", "ml.field.stddev": "std", "ml.field.min": "min", "ml.field.max": "max", "ml.field.median": "50%",
	"ml.field.unique": "uniques", "ml.integrity.missing_ratio": "missing_perc",
}

// byod adds a statistic of a field under the library's name.
func (e *expansion) byod(p point, v float64) {
	name, ok := byodNames[p.name]
	field, named := p.attrs.Get(measure.AttrField)
	_, sliced := p.attrs.Get(measure.AttrSegment)
	if !e.cfg.BYODMetrics || !ok || !named || sliced {
		return
	}
	a := newrelic.Attributes{Rules: newrelic.RulesOf(newrelic.Metrics), Name: name, Room: len(e.resource), Altered: e.altered}
	entity(&a, p.attrs)
	a.Put("name", field.AsString())
	a.Put(entityKind, "data_metric")
	e.add(p, 2, telemetry.Gauge{Name: name, Attributes: a.Values, Value: v, Timestamp: p.at.AsTime()}, nil)
}
