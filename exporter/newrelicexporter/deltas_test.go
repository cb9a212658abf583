package newrelicexporter

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// values returns what was accepted, as lines "name type value".
func (f *fake) values() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, body := range f.taken[metricPath] {
		var blocks []struct {
			Metrics []struct {
				Name, Type string
				Value      any
				Interval   int64 `json:"interval.ms"`
			}
		}
		_ = json.Unmarshal([]byte(body), &blocks)
		for _, b := range blocks {
			for _, m := range b.Metrics {
				lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s %s %v %d", m.Name, m.Type, m.Value, m.Interval), " 0"))
			}
		}
	}
	return lines
}

// cumulatives returns what a process has counted n minutes after its start.
func cumulatives(minute int, requests int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	at := timestamp(window.Add(time.Duration(minute) * time.Minute))
	for _, host := range []string{"a", "b"} {
		m := ms.AppendEmpty()
		m.SetName("requests." + host)
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := m.Sum().DataPoints().AppendEmpty()
		p.SetTimestamp(at)
		p.SetIntValue(requests)
		if host == "b" {
			p.SetIntValue(requests * 2)
		}
	}
	h := ms.AppendEmpty()
	h.SetName("latency")
	h.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.Histogram().DataPoints().AppendEmpty()
	p.SetTimestamp(at)
	p.SetCount(uint64(requests))
	p.SetSum(float64(requests) / 2)
	p.SetMin(0.1)
	p.SetMax(0.9)

	x := ms.AppendEmpty()
	x.SetName("size")
	x.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	q := x.ExponentialHistogram().DataPoints().AppendEmpty()
	q.SetTimestamp(at)
	q.SetCount(uint64(requests))
	q.SetSum(float64(requests) * 3)

	s := ms.AppendEmpty()
	s.SetName("gc")
	r := s.SetEmptySummary().DataPoints().AppendEmpty()
	r.SetTimestamp(at)
	r.SetCount(uint64(requests))
	r.SetSum(float64(requests))
	for _, quantile := range []float64{0.5, 1} {
		v := r.QuantileValues().AppendEmpty()
		v.SetQuantile(quantile)
		v.SetValue(quantile * 10)
	}
	return md
}

// What counts from the start of a process becomes what was counted in between,
// and a restart begins anew.
func TestCumulativeBecomesInterval(t *testing.T) {
	f := newFake(t)
	m := f.metricsPusher(f.config(), window)
	for i, requests := range []int64{100, 130, 130, 7, 9} {
		f.taken = map[string][]string{}
		if err := m.push(t.Context(), cumulatives(i, requests)); err != nil {
			t.Fatal(err)
		}
		quantiles := []string{"gc.p100 gauge 10", "gc.p50 gauge 5"}
		summary := func(name string, n, sum int) string {
			return fmt.Sprintf("%s summary map[count:%d max:<nil> min:<nil> sum:%d] 60000", name, n, sum)
		}
		want := map[int][]string{
			1: {summary("gc", 30, 30), "requests.a count 30 60000", "requests.b count 60 60000", summary("latency", 30, 15), summary("size", 30, 90)},
			2: {"requests.a count 0 60000", "requests.b count 0 60000"},
			4: {summary("gc", 2, 2), "requests.a count 2 60000", "requests.b count 4 60000", summary("latency", 2, 1), summary("size", 2, 6)},
		}[i]
		want = append(want, quantiles...)
		got := f.values()
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("minute %d:\n%s\nwant\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Intervals are taken once even when their request has to be tried again.
func TestRetriedIntervals(t *testing.T) {
	f := newFake(t)
	f.script[metricPath] = []answer{{status: 503}, {status: 500}}
	c := f.config()
	c.QueueConfig.Get().NumConsumers = 1 // in order
	e, _ := f.metricsExporter(c)
	set := func(minute int, n int64) pmetric.Metrics {
		md := cumulatives(minute, n)
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().RemoveIf(func(m pmetric.Metric) bool { return m.Name() != "requests.a" })
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).
			SetTimestamp(timestamp(time.Now().Add(time.Duration(minute) * time.Minute)))
		return md
	}
	if err := e.ConsumeMetrics(t.Context(), set(0, 10)); err != nil {
		t.Fatal(err)
	}
	if err := e.ConsumeMetrics(t.Context(), set(1, 25)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the interval", func() bool { return len(f.values()) > 0 })
	if got := fmt.Sprint(f.values()); !strings.HasPrefix(got, "[requests.a count 15 ") {
		t.Error(got)
	}
}

// A quantile lies in the bucket that holds it, and what is not known gives none.
func TestQuantiles(t *testing.T) {
	explicitPoint := func(set func(pmetric.HistogramDataPoint)) []bucket {
		p := pmetric.NewHistogramDataPoint()
		p.ExplicitBounds().FromRaw([]float64{1, 2, 4})
		set(p)
		return explicit(p)
	}
	exponentialPoint := func(set func(pmetric.ExponentialHistogramDataPoint)) []bucket {
		p := pmetric.NewExponentialHistogramDataPoint()
		set(p)
		return exponential(p)
	}
	for _, c := range []struct {
		name string
		bs   []bucket
		q    float64
		want float64 // NaN: none
	}{
		{"between bounds", explicitPoint(func(p pmetric.HistogramDataPoint) { p.BucketCounts().FromRaw([]uint64{0, 4, 4, 0}) }), 0.75, 3},
		{"first, no minimum", explicitPoint(func(p pmetric.HistogramDataPoint) { p.BucketCounts().FromRaw([]uint64{4, 0, 0, 0}) }), 0.5, 1},
		{"first, minimum", explicitPoint(func(p pmetric.HistogramDataPoint) {
			p.BucketCounts().FromRaw([]uint64{4, 0, 0, 0})
			p.SetMin(0)
		}), 0.5, 0.5},
		{"last, maximum", explicitPoint(func(p pmetric.HistogramDataPoint) {
			p.BucketCounts().FromRaw([]uint64{0, 0, 0, 4})
			p.SetMax(8)
		}), 0.5, 6},
		{"last, no maximum", explicitPoint(func(p pmetric.HistogramDataPoint) { p.BucketCounts().FromRaw([]uint64{0, 0, 0, 4}) }), 0.5, 4},
		{"without buckets", explicitPoint(func(pmetric.HistogramDataPoint) {}), 0.5, math.NaN()},
		{"without values", explicitPoint(func(p pmetric.HistogramDataPoint) { p.BucketCounts().FromRaw([]uint64{0, 0, 0, 0}) }), 0.5, math.NaN()},
		{"powers of two", exponentialPoint(func(p pmetric.ExponentialHistogramDataPoint) {
			p.Positive().SetOffset(2) // (4, 8]
			p.Positive().BucketCounts().FromRaw([]uint64{2})
		}), 0.5, 6},
		{"negative", exponentialPoint(func(p pmetric.ExponentialHistogramDataPoint) {
			p.Negative().SetOffset(2) // [-8, -4)
			p.Negative().BucketCounts().FromRaw([]uint64{2})
			p.SetZeroCount(2)
		}), 0.25, -6},
		{"zero", exponentialPoint(func(p pmetric.ExponentialHistogramDataPoint) { p.SetZeroCount(2) }), 0.5, 0},
		{"beyond all numbers", exponentialPoint(func(p pmetric.ExponentialHistogramDataPoint) {
			p.SetScale(-10)
			p.Positive().SetOffset(5)
			p.Positive().BucketCounts().FromRaw([]uint64{2})
		}), 0.5, math.NaN()},
	} {
		got, ok := quantile(c.bs, c.q)
		if ok == math.IsNaN(c.want) || ok && math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, %t, want %v", c.name, got, ok, c.want)
		}
	}
	for p, want := range map[float64]string{50: ".p50", 99.9: ".p99_9", 100 * 0.99: ".p99", 0.1: ".p0_1"} {
		if got := percentile(p); got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
	}
}

// What New Relic would drop without a word is dropped with one.
func TestRefusedPoints(t *testing.T) {
	for reason, spoil := range map[string]func(pmetric.Metric, pmetric.NumberDataPoint){
		"too_old": func(_ pmetric.Metric, p pmetric.NumberDataPoint) {
			p.SetTimestamp(timestamp(window.Add(-49 * time.Hour)))
		},
		"too_new": func(_ pmetric.Metric, p pmetric.NumberDataPoint) {
			p.SetTimestamp(timestamp(window.Add(25 * time.Hour)))
		},
		"not_finite": func(_ pmetric.Metric, p pmetric.NumberDataPoint) { p.SetDoubleValue(math.Inf(1)) },
		"bad_name":   func(m pmetric.Metric, _ pmetric.NumberDataPoint) { m.SetName(strings.Repeat("n", 255)) },
		"no_sum": func(m pmetric.Metric, _ pmetric.NumberDataPoint) {
			m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			p := m.Histogram().DataPoints().AppendEmpty()
			p.SetTimestamp(timestamp(window))
			p.SetCount(1)
		},
	} {
		f := newFake(t)
		md := gauges("good", "bad")
		m := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(1)
		spoil(m, m.Gauge().DataPoints().At(0))
		e := expansion{metricsPusher: f.metricsPusher(f.config(), window), ctx: t.Context(), now: window, refused: map[string]int{}}
		e.expand(md)
		if e.refused[reason] != 1 || len(e.refused) != 1 || refusals[reason] == "" || len(e.metrics) != 1 {
			t.Errorf("%s: refused %v, %d metrics", reason, e.refused, len(e.metrics))
		}
	}
	// A gap in the data is nothing to speak of.
	f := newFake(t)
	md := gauges("gap")
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	e := expansion{metricsPusher: f.metricsPusher(f.config(), window), ctx: t.Context(), now: window, refused: map[string]int{}}
	e.expand(md)
	if len(e.refused) != 0 || len(e.metrics) != 0 {
		t.Errorf("refused %v, %d metrics", e.refused, len(e.metrics))
	}
}
