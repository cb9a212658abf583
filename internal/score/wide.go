package score

import (
	"math"
	"math/bits"
)

// wide is an unsigned integer of 128 bits, which holds every product of two
// counts. Differences of such products decide kappa and mcc, and they cancel:
// in float64 they would lose their digits beyond 2⁵³, that is from windows of
// about a hundred million rows.
type wide struct{ hi, lo uint64 }

// addProduct adds a·b.
func (w *wide) addProduct(a, b uint64) {
	hi, lo := bits.Mul64(a, b)
	var carry uint64
	w.lo, carry = bits.Add64(w.lo, lo, 0)
	w.hi, _ = bits.Add64(w.hi, hi, carry)
}

// minus returns w − o, rounded to about one unit in the last place.
func (w wide) minus(o wide) float64 {
	lo, borrow := bits.Sub64(w.lo, o.lo, 0)
	hi, borrow := bits.Sub64(w.hi, o.hi, borrow)
	if borrow == 0 {
		return wide{hi, lo}.float()
	}
	lo, borrow = bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return -wide{hi, lo}.float()
}

func (w wide) float() float64 { return math.Ldexp(float64(w.hi), 64) + float64(w.lo) }

func product(a, b uint64) wide {
	var w wide
	w.addProduct(a, b)
	return w
}

// ratio returns a/b for counts, b > 0.
func ratio(a, b uint64) float64 { return float64(a) / float64(b) }
