package newrelicexporter

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// percentile returns what is put after a metric's name: .p50, .p99_9.
func percentile(p float64) string {
	text := []byte(strconv.FormatFloat(math.Round(p*1e6)/1e6, 'f', -1, 64))
	for i, c := range text {
		if c == '.' {
			text[i] = '_'
		}
	}
	return ".p" + string(text)
}

// bucket holds n values in (low, high].
type bucket struct {
	low, high float64
	n         uint64
}

// explicit returns the buckets of a histogram. The outermost two end where the
// point says its minimum and maximum are, else at their finite bound.
func explicit(p pmetric.HistogramDataPoint) []bucket {
	bounds, counts := p.ExplicitBounds(), p.BucketCounts()
	if counts.Len() != bounds.Len()+1 || bounds.Len() == 0 {
		return nil
	}
	bs := make([]bucket, counts.Len())
	for i := range bs {
		b := bucket{math.Inf(-1), math.Inf(1), counts.At(i)}
		if i > 0 {
			b.low = bounds.At(i - 1)
		}
		if i < bounds.Len() {
			b.high = bounds.At(i)
		}
		bs[i] = b
	}
	first, last := &bs[0], &bs[len(bs)-1]
	first.low, last.high = first.high, last.low
	if p.HasMin() {
		first.low = math.Min(p.Min(), first.high)
	}
	if p.HasMax() {
		last.high = math.Max(p.Max(), last.low)
	}
	return bs
}

// exponential returns the buckets of an exponential histogram: bucket i lies
// between base^i and base^(i+1), base = 2^(2^-scale).
func exponential(p pmetric.ExponentialHistogramDataPoint) []bucket {
	var bs []bucket
	bound := func(i int64) float64 { return math.Exp2(math.Ldexp(float64(i), -int(p.Scale()))) }
	negative, positive := p.Negative(), p.Positive()
	for i := negative.BucketCounts().Len() - 1; i >= 0; i-- {
		at := int64(negative.Offset()) + int64(i)
		bs = append(bs, bucket{-bound(at + 1), -bound(at), negative.BucketCounts().At(i)})
	}
	bs = append(bs, bucket{0, 0, p.ZeroCount()})
	for i := range positive.BucketCounts().Len() {
		at := int64(positive.Offset()) + int64(i)
		bs = append(bs, bucket{bound(at), bound(at + 1), positive.BucketCounts().At(i)})
	}
	return bs
}

// quantile interpolates within the bucket in which the share q of all values is
// reached; ok is false without values.
func quantile(bs []bucket, q float64) (_ float64, ok bool) {
	var total uint64
	for _, b := range bs {
		total += b.n
	}
	if total == 0 {
		return 0, false
	}
	rank := q * float64(total)
	var below uint64
	for _, b := range bs {
		if b.n > 0 && float64(below+b.n) >= rank {
			v := b.low + (b.high-b.low)*(rank-float64(below))/float64(b.n)
			return v, !math.IsNaN(v) && !math.IsInf(v, 0)
		}
		below += b.n
	}
	return 0, false
}
