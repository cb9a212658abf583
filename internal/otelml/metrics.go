package otelml

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/query"
)

// Metrics writes measurements as gauges, one metric a name. A point spans its
// window. Measurements without a value are left out.
func Metrics(ms []query.Measurement) pmetric.Metrics {
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(Scope)
	points := map[string]pmetric.NumberDataPointSlice{}
	for i := range ms {
		m := &ms[i]
		if !m.OK() {
			continue
		}
		ps, ok := points[m.Metric]
		if !ok {
			d, _ := measure.Lookup(m.Metric)
			metric := sm.Metrics().AppendEmpty()
			metric.SetName(d.Name)
			metric.SetUnit(d.Unit)
			metric.SetDescription(d.Description)
			ps = metric.SetEmptyGauge().DataPoints()
			points[m.Metric] = ps
		}
		point(ps.AppendEmpty(), m)
	}
	if sm.Metrics().Len() == 0 {
		return pmetric.NewMetrics()
	}
	return md
}

func point(p pmetric.NumberDataPoint, m *query.Measurement) {
	p.SetStartTimestamp(pcommon.Timestamp(m.From))
	p.SetTimestamp(pcommon.Timestamp(m.To))
	p.SetDoubleValue(m.Value.Value)
	a := p.Attributes()
	a.PutStr(measure.AttrModel, m.Model)
	a.PutStr(measure.AttrVersion, m.Version)
	if m.Segment.Name != "" {
		a.PutStr(measure.AttrSegment, m.Segment.Name)
		a.PutStr(measure.AttrSegmentValue, m.Segment.Value)
	}
	if m.Field.Name != "" {
		a.PutStr(measure.AttrGroup, m.Field.Group.String())
		a.PutStr(measure.AttrField, m.Field.Name)
	}
	if b := m.Baseline.String(); b != "" {
		a.PutStr(measure.AttrBaseline, b)
	}
	if m.Metric == measure.MetricPValue {
		a.PutStr(measure.AttrTest, m.Measure.Name)
	}
	for _, kv := range [...]struct{ k, v string }{
		{measure.AttrOutput, m.Output}, {measure.AttrClass, m.Class}, {measure.AttrAverage, m.Average},
	} {
		if kv.v != "" {
			a.PutStr(kv.k, kv.v)
		}
	}
}
