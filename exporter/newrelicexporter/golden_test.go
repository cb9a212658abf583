package newrelicexporter

import (
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// What a window of a model becomes: metrics, and an event for each set of
// values.
func TestGoldenEvaluation(t *testing.T) {
	f := newFake(t)
	md := gauges("ml.model.predictions", "ml.model.actuals", "ml.drift.psi", "ml.drift.js", "ml.field.mean", "ml.integrity.missing_ratio")
	rm := md.ResourceMetrics().At(0)
	rm.Resource().Attributes().PutStr("service.name", "driftmeter")
	rm.Resource().Attributes().PutStr("k8s.pod-name", "driftmeter-0")
	rm.ScopeMetrics().At(0).Scope().SetName("github.com/driftmeter/driftmeter")
	ms := rm.ScopeMetrics().At(0).Metrics()
	for i := 2; i < 6; i++ {
		p := ms.At(i).Gauge().DataPoints().At(0)
		p.Attributes().PutStr("ml.field.group", "features")
		p.Attributes().PutStr("ml.field.name", "age")
		if i < 4 {
			ms.At(i).SetUnit("{score}")
			p.Attributes().PutStr("ml.baseline", "training")
		}
	}
	c := f.config()
	c.BYODMetrics = true
	if err := f.metricsPusher(c, window.Add(time.Minute)).push(t.Context(), md); err != nil {
		t.Fatal(err)
	}
	golden(t, "evaluation", f.taken)
}

// The other kinds of metrics, with attributes that have to give way.
func TestGoldenMetricKinds(t *testing.T) {
	f := newFake(t)
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	start, end := pcommon.NewTimestampFromTime(window.Add(-time.Minute)), pcommon.NewTimestampFromTime(window)
	number := func(name string, monotonic bool, temporality pmetric.AggregationTemporality, v int64) {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		s := m.SetEmptySum()
		s.SetIsMonotonic(monotonic)
		s.SetAggregationTemporality(temporality)
		p := s.DataPoints().AppendEmpty()
		p.SetStartTimestamp(start)
		p.SetTimestamp(end)
		p.SetIntValue(v)
	}
	number("requests", true, pmetric.AggregationTemporalityDelta, 12)
	number("queue", false, pmetric.AggregationTemporalityCumulative, 3)
	attrs := sm.Metrics().At(0).Sum().DataPoints().At(0).Attributes()
	attrs.PutStr("timestamp", "reserved")
	attrs.PutStr("requests", "the metric's own name")
	attrs.PutStr("a-b", "first")
	attrs.PutStr("a b", "second, lost")
	attrs.PutDouble("nan", math.NaN())
	attrs.PutBool("ok", true)
	attrs.PutEmptySlice("list").AppendEmpty().SetInt(7)
	attrs.PutStr("long", strings.Repeat("ä", 4000))

	h := sm.Metrics().AppendEmpty()
	h.SetName("latency")
	h.SetUnit("s")
	h.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := h.Histogram().DataPoints().AppendEmpty()
	p.SetStartTimestamp(start)
	p.SetTimestamp(end)
	p.SetCount(10)
	p.SetSum(25)
	p.SetMin(0.5)
	p.SetMax(8)
	p.ExplicitBounds().FromRaw([]float64{1, 2, 4})
	p.BucketCounts().FromRaw([]uint64{2, 3, 4, 1})

	x := sm.Metrics().AppendEmpty()
	x.SetName("size")
	x.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	q := x.ExponentialHistogram().DataPoints().AppendEmpty()
	q.SetStartTimestamp(start)
	q.SetTimestamp(end)
	q.SetCount(4)
	q.SetSum(6)
	q.SetZeroCount(1)
	q.Positive().BucketCounts().FromRaw([]uint64{1, 2}) // (1, 2], (2, 4]

	c := f.config()
	c.Percentiles = []float64{50, 99.9}
	if err := f.metricsPusher(c, window).push(t.Context(), md); err != nil {
		t.Fatal(err)
	}
	golden(t, "kinds", f.taken)
}

func prediction(lr plog.LogRecord) {
	a := lr.Attributes()
	a.PutStr("ml.prediction.id", "p-1")
	a.PutInt("ml.features.age", 41)
	a.PutStr("ml.features.region", "EU")
	a.PutStr("ml.features.none", "")
	a.PutEmptySlice("ml.features.embedding").AppendEmpty().SetDouble(0.5)
	a.PutStr("ml.raw_inputs.comment", "private")
	a.PutBool("ml.predictions.approved", true)
	a.PutDouble("ml.predictions.proba", 0.83)
}

func TestGoldenPredictions(t *testing.T) {
	f := newFake(t)
	ld := records("ml.prediction", "ml.labelled", "ml.reference")
	ld.ResourceLogs().At(0).Resource().Attributes().PutStr("deployment.environment.name", "prod")
	lrs := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	prediction(lrs.At(0))
	prediction(lrs.At(1))
	lrs.At(1).Attributes().PutBool("ml.actuals.approved", false)
	prediction(lrs.At(2))
	c := f.config()
	c.EventModes = []EventMode{InferenceData, Aporia}
	if err := f.logsPusher(c, window).push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	golden(t, "predictions", f.taken)
}

// Only the fields that were asked for leave the house.
func TestFields(t *testing.T) {
	f := newFake(t)
	ld := records("ml.prediction")
	prediction(ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))
	c := f.config()
	c.EventModes, c.Fields = []EventMode{InferenceData}, []string{"predictions.proba"}
	if err := f.logsPusher(c, window).push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.taken[eventPath], ""); strings.Count(got, "inference_id") != 1 || !strings.Contains(got, `"label_value":0.83`) {
		t.Error(got)
	}
}

func alert(lr plog.LogRecord, state string) {
	lr.Body().SetStr("PSI of age on churn is 0.41, above 0.2, since 11:00.")
	lr.SetSeverityNumber(plog.SeverityNumberError)
	a := lr.Attributes()
	for k, v := range map[string]string{
		"alert.id": "0d81dfc4c6a155b3", "alert.state": state, "alert.severity": "high", "alert.reason": "psi 0.41 above 0.2",
		"alert.recommendation": "Look at the source of age.", "monitor.id": "churn-psi", "monitor.name": "Drift of inputs",
		"monitor.runbook_url": "https://wiki/psi", "alert.dashboard_url": "https://driftmeter/churn", "field.name": "age",
		"segment.name": "region", "segment.value": "EU",
	} {
		a.PutStr("ml."+k, v)
	}
	a.PutDouble("ml.alert.value", 0.41)
	e := a.PutEmptySlice("ml.alert.evidence").AppendEmpty().SetEmptyMap()
	e.PutStr("name", "age")
	e.PutDouble("value", 0.41)
}

func TestGoldenAlertsAndLogs(t *testing.T) {
	f := newFake(t)
	ld := records("ml.alert", "ml.alert", "other")
	lrs := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	alert(lrs.At(0), "firing")
	alert(lrs.At(1), "resolved")
	lrs.At(2).Body().SetEmptyMap().PutStr("k", "v")
	lrs.At(2).SetSeverityText("warn")
	lrs.At(2).SetTraceID([16]byte{1})
	lrs.At(2).SetSpanID([8]byte{2})
	lrs.At(2).Attributes().PutStr("message", "reserved")
	if err := f.logsPusher(f.config(), window).push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	golden(t, "alerts", f.taken)
}
