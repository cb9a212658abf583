package score

import (
	"math"
	"math/big"

	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/sketch/moments"
)

// All returns every metric of a regression output, in the order of Metrics.
func (r *Regression) All() []Value {
	var values []Value
	for _, m := range metrics {
		if m.Of(KindRegression) {
			values = append(values, r.Metric(m.Name))
		}
	}
	return values
}

// Metric returns the metric of that name, with ErrMetric if there is none.
func (r *Regression) Metric(name string) Value {
	f, ok := regressionMetrics[name]
	if !ok {
		return unknown(name, KindRegression)
	}
	if r.N == 0 {
		return absent(name, 0, NoLabels)
	}
	v := f(r)
	v.Metric = name
	if v.N == 0 {
		v.N = r.N
	}
	return v.finite()
}

// regressionMetrics compute metrics of at least one row. Metric fills in the
// name, and N if not all rows count.
var regressionMetrics = map[string]func(*Regression) Value{
	"mae":                func(r *Regression) Value { return Value{Value: r.Absolute.Mean(r.N)} },
	"bias":               func(r *Regression) Value { return Value{Value: r.Error.Mean(r.N)} },
	"max_error":          func(r *Regression) Value { return Value{Value: r.Largest} },
	"mean_prediction":    func(r *Regression) Value { return Value{Value: r.Prediction.Mean(r.N)} },
	"smape":              func(r *Regression) Value { return Value{Value: 100 * r.Symmetric.Mean(r.N)} },
	"mean_actual":        (*Regression).meanActual,
	"mse":                (*Regression).mse,
	"rmse":               (*Regression).rmse,
	"nrmse":              (*Regression).nrmse,
	"mape":               (*Regression).mape,
	"wape":               (*Regression).wape,
	"msle":               (*Regression).msle,
	"rmsle":              (*Regression).rmsle,
	"r2":                 (*Regression).r2,
	"explained_variance": (*Regression).explainedVariance,
	"error_std":          (*Regression).errorStd,
}

func (r *Regression) meanActual() Value {
	mean, _ := r.Actual.Mean(0)
	return Value{Value: mean}
}

func (r *Regression) mse() Value {
	if r.Huge > 0 {
		return absent("", r.N, NotFinite)
	}
	return Value{Value: r.Square.Mean(r.N)}
}

func (r *Regression) rmse() Value { return r.mse().sqrt() }

func (v Value) sqrt() Value {
	v.Value = math.Sqrt(v.Value)
	return v
}

// nrmse is rmse over the mean actual; it is negative if that is.
func (r *Regression) nrmse() Value {
	v, mean := r.rmse(), r.meanActual().Value
	switch {
	case v.Err != nil:
	case mean == 0:
		return absent("", r.N, ZeroTarget)
	default:
		v.Value /= mean
	}
	return v
}

// mape leaves out the rows whose actual is 0, and N says how many are left.
func (r *Regression) mape() Value {
	n := r.N - r.ZeroTargets
	switch {
	case n == 0:
		return absent("", r.N, ZeroTarget)
	case r.RelativeHuge > 0:
		return absent("", n, NotFinite)
	}
	return leftOut(Value{Value: r.Relative.Mean(n), N: n}, WarnZeroTarget, r.ZeroTargets)
}

func leftOut(v Value, why Word, rows uint64) Value {
	if rows > 0 {
		v.Warnings = []Warning{{Kind: why, Have: rows}}
	}
	return v
}

func (r *Regression) wape() Value {
	if r.Magnitude.IsZero() {
		return absent("", r.N, ZeroTarget)
	}
	return Value{Value: quotient(&r.Absolute, &r.Magnitude)}
}

// quotient returns a/b, right to the last place whatever the sizes of the sums.
func quotient(a, b *num.Sum) float64 {
	q, _ := new(big.Float).SetPrec(64).Quo(a.Big(), b.Big()).Float64()
	return q
}

// msle leaves out the rows with a number at or below −1.
func (r *Regression) msle() Value {
	n := r.N - r.OutOfDomain
	if n == 0 {
		return absent("", r.N, NotInDomain)
	}
	return leftOut(Value{Value: r.SquaredLog.Mean(n), N: n}, WarnOutOfDomain, r.OutOfDomain)
}

func (r *Regression) rmsle() Value { return r.msle().sqrt() }

// r2 is 1 − Σ e²/Σ (y − mean y)².
func (r *Regression) r2() Value {
	return r.explained(r.Square.Mean(r.N))
}

// explainedVariance is 1 − Var(e)/Var(y), both with divisor n.
func (r *Regression) explainedVariance() Value {
	v, _ := r.errors().Variance(0, 0)
	return r.explained(v)
}

// explained is 1 − unexplained/Var(y).
func (r *Regression) explained(unexplained float64) Value {
	if r.N < 2 {
		return absent("", r.N, InsufficientData)
	}
	if r.Actual.Min == r.Actual.Max {
		return absent("", r.N, ConstantTarget)
	}
	variance, ok := r.Actual.Variance(0, 0)
	if r.Huge > 0 || !ok || variance == 0 || math.IsInf(variance, 0) || math.IsInf(unexplained, 0) {
		return absent("", r.N, NotFinite) // 0: the squares are too small for float64
	}
	return Value{Value: 1 - unexplained/variance}
}

// errorStd is the standard deviation of e with divisor n.
func (r *Regression) errorStd() Value { return r.ErrorStd(0) }

// ErrorStd returns the standard deviation of e with divisor n − ddof; named
// error_std.
func (r *Regression) ErrorStd(ddof uint64) Value {
	v := Value{Metric: "error_std", N: r.N}
	switch variance, ok := r.errors().Variance(0, ddof); {
	case r.N <= ddof:
		return absent("error_std", r.N, InsufficientData)
	case !ok:
		return absent("error_std", r.N, NotFinite)
	default:
		v.Value = math.Sqrt(variance)
	}
	return v.finite()
}

// errors returns the moments of e around 0.
func (r *Regression) errors() *moments.Moments {
	return &moments.Moments{N: r.N, D: r.Error, D2: r.Square, Huge: r.Huge}
}
