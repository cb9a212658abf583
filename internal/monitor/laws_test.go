package monitor

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
)

var (
	tame  = rapid.Map(rapid.IntRange(-1e9, 1e9), func(i int) float64 { return float64(i) / 1024 })
	wild  = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 0}))
	boxes = rapid.SliceOfN(tame, 1, 30)
)

// Wider bounds never make a violation of what was none.
func TestWiderBoundsViolateLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo, x := tame.Draw(t, "lower"), tame.Draw(t, "value")
		hi := lo + rapid.Float64Range(0, 1e6).Draw(t, "width")
		more := rapid.Float64Range(0, 1e6).Draw(t, "more")
		o := measured(average, focal(x, 100), nil)
		narrow := Judge(of(model.MetricChange, model.Absolute, metric("mean", within(&lo, &hi))), o)
		wide := Judge(of(model.MetricChange, model.Absolute, metric("mean", within(new(lo-more), new(hi+more)))), o)
		if narrow.Outcome == OK && wide.Outcome != OK {
			t.Fatalf("%g: %s, wider %s", x, narrow.Says, wide.Says)
		}
	})
}

// A greater percentage, a greater distance, a higher threshold or floor of drift:
// likewise. A greater sensitivity the other way.
func TestLevelsAreMonotone(t *testing.T) {
	history := steady(72, 1000, 50, 3)
	rapid.Check(t, func(t *rapid.T) {
		x, b := tame.Draw(t, "value"), boxes.Draw(t, "baseline")
		p := rapid.Float64Range(1, 500).Draw(t, "less")
		q := p + rapid.Float64Range(0, 500).Draw(t, "more")
		ratio := func(p float64) Outcome {
			return Judge(of(model.MetricChange, model.Percentage, percent(p, "mean")), measured(average, focal(x, 100), past(100, b...))).Outcome
		}
		reach := func(d float64) Outcome {
			return Judge(of(model.ValueRange, model.AgainstTraining, far(d)), measured(greatest, span(x, x+1, 100), spans(b[0], b[0]+10))).Outcome
		}
		drifts := func(threshold, floor float64) Outcome {
			return Judge(of(model.DataDrift, "", nil), scored(math.Abs(x), threshold, floor, "")).Outcome
		}
		strange := func(s float64) Outcome {
			m := of(model.MetricChange, model.Anomaly, metric("mean", nil))
			m.Sensitivity = &s
			return Judge(m, measured(average, focal(50+x/1e5, 1000), history)).Outcome
		}
		for name, pair := range map[string][2]Outcome{
			"percentage": {ratio(p), ratio(q)}, "distance": {reach(p), reach(q)}, "threshold": {drifts(p, 1), drifts(q, 1)},
			"floor": {drifts(1, p), drifts(1, q)}, "sensitivity": {strange(q / 1000), strange(p / 1000)},
		} {
			if pair[0] == OK && pair[1] != OK {
				t.Fatalf("%s: %s, then %s", name, pair[0], pair[1])
			}
		}
	})
}

// A ratio knows no unit: euros or cents, the verdict is the same.
func TestRatioIsScaleInvariant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, b := tame.Draw(t, "value"), boxes.Draw(t, "baseline")
		m := of(model.MetricChange, model.Percentage, percent(rapid.Float64Range(1, 200).Draw(t, "percentage"), "mean"))
		c := math.Ldexp(1, rapid.IntRange(-20, 20).Draw(t, "scale")) // exact
		scaled := make([]float64, len(b))
		for i := range b {
			scaled[i] = b[i] * c
		}
		plain, other := Judge(m, measured(average, focal(x, 100), past(100, b...))), Judge(m, measured(average, focal(x*c, 100), past(100, scaled...)))
		if plain.Outcome != other.Outcome || *plain.Upper*c != *other.Upper {
			t.Fatalf("%s, times %g: %s", plain.Says, c, other.Says)
		}
	})
}

// The order of the buckets, and how they are shared out, means nothing to a mean.
func TestRatioIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, b := tame.Draw(t, "value"), boxes.Draw(t, "baseline")
		m := of(model.MetricChange, model.Percentage, percent(20, "mean"))
		ordered := Judge(m, measured(average, focal(x, 100), past(100, b...)))
		mixed := Judge(m, measured(average, focal(x, 100), past(100, rapid.Permutation(b).Draw(t, "order")...)))
		if ordered.Outcome != mixed.Outcome || *ordered.Upper != *mixed.Upper {
			t.Fatalf("%s, then %s", ordered.Says, mixed.Says)
		}
	})
}

// Whatever is observed: a number that is none is never a violation and never in
// order, every verdict has a reason or a sentence, and every violation is beyond a
// bound that is told and is a number.
func TestNoNumberFiresOrPassesSilently(t *testing.T) {
	all := cells()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(all).Draw(t, "cell")
		o := c.bad
		o.Focal.Value, o.Focal.High = wild.Draw(t, "value"), wild.Draw(t, "high")
		if o.Focal.High < o.Focal.Value { // the least value is not the greater
			o.Focal.Value, o.Focal.High = o.Focal.High, o.Focal.Value
		}
		o.Baseline = nil
		for _, x := range rapid.SliceOfN(wild, 0, 20).Draw(t, "baseline") {
			o.Baseline = append(o.Baseline, Point{From: now - int64(len(o.Baseline)+1)*int64(window), Value: x, High: x, N: 100})
		}
		if c.m.Condition() == model.ConditionDrift {
			o.Drift = Drift{wild.Draw(t, "threshold"), wild.Draw(t, "floor"), ""}
		}
		v := Judge(c.m, o)
		wrong := func(x *float64) bool { return x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) }
		switch v.Outcome {
		case NotEvaluated:
			if v.Reason == "" {
				t.Fatalf("no reason")
			}
		case OK, Violated:
			if v.Says == "" || v.Reason != "" || wrong(v.Value) || wrong(v.Lower) || wrong(v.Upper) || wrong(v.Baseline) || v.Value == nil {
				t.Fatalf("%+v", v)
			}
			x := *v.Value
			if c.m.Condition() == model.ConditionDrift {
				x = math.Abs(x)
			}
			beyond := v.Lower != nil && x < *v.Lower || v.Upper != nil && x > *v.Upper
			if c.m.Condition() == model.ConditionDrift {
				beyond = x >= *v.Upper
			}
			if beyond != (v.Outcome == Violated) {
				t.Fatalf("%s: %g of %v to %v", v.Outcome, *v.Value, v.Lower, v.Upper)
			}
		default:
			t.Fatalf("outcome %q", v.Outcome)
		}
	})
}
