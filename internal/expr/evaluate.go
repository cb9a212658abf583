package expr

import (
	"errors"
	"math"
)

// ErrNotComputable is what Eval returns where arithmetic has no finite answer: a
// division by zero, a root of a negative number, a result beyond float64.
var ErrNotComputable = errors.New("not computable")

// Eval returns the result of the last line. value gives that of a resolved call;
// its first error is returned, in the order of the source.
func (b *Bound) Eval(value func(*Call) (float64, error)) (float64, error) {
	e := evaluation{bound: b, value: value, lines: map[string]float64{}}
	for _, l := range b.metric.lines {
		x, err := e.of(l.value)
		if err != nil {
			return 0, err
		}
		e.last = x
		e.lines[l.name] = x
	}
	return e.last, nil
}

type evaluation struct {
	bound *Bound
	value func(*Call) (float64, error)
	lines map[string]float64
	last  float64
}

func (e *evaluation) of(n Node) (x float64, err error) {
	switch n := n.(type) {
	case Constant:
		x = n.Value
	case Variable:
		x = e.lines[n.Name]
	case *Call:
		x, err = e.value(e.bound.calls[n.number])
	case Negative:
		x, err = e.of(n.Term)
		x = -x
	case Arithmetic:
		x, err = e.join(n)
	}
	if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		err = ErrNotComputable
	}
	return x, err
}

// join calculates; a division by zero comes out as infinite or NaN.
func (e *evaluation) join(n Arithmetic) (float64, error) {
	left, err := e.of(n.Left)
	if err != nil {
		return 0, err
	}
	right, err := e.of(n.Right)
	if err != nil {
		return 0, err
	}
	switch n.Op {
	case "+":
		return left + right, nil
	case "-":
		return left - right, nil
	case "*":
		return float64(left * right), nil // never fused with a sum: the same number on every processor
	case "/":
		return left / right, nil
	default:
		return math.Pow(left, right), nil
	}
}
