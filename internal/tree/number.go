package tree

import (
	"math"
	"strconv"
)

// powers of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads the number that begins at i.
func (p *Parser) number(n *Node, i int) int {
	b, from := p.data, i
	negative := b[i] == '-'
	if negative {
		i++
	}
	var mantissa uint64
	first, fraction := i, 0
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		mantissa = mantissa*10 + uint64(b[i]-'0') // wraps, where there are too many digits to use it
	}
	digits := i - first
	if digits == 0 || digits > 1 && b[first] == '0' {
		return p.broken(min(i, first+min(digits, 1)), "in a number")
	}
	whole := true
	if i < len(b) && b[i] == '.' {
		whole = false
		first = i + 1
		for i++; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
			mantissa = mantissa*10 + uint64(b[i]-'0')
		}
		if fraction = i - first; fraction == 0 {
			return p.broken(i, "in a number")
		}
		digits += fraction
	}
	exponent := false
	if i < len(b) && b[i]|0x20 == 'e' {
		whole, exponent = false, true
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		if i == first {
			return p.broken(i, "in a number")
		}
	}
	if i == len(b) && !p.final {
		return p.fail(errShort)
	}
	switch {
	case whole && digits <= 18:
		n.Kind, n.Int = Integer, int64(mantissa)
		if negative {
			n.Int = -n.Int
		}
		return i
	case whole:
		if x, err := strconv.ParseInt(string(b[from:i]), 10, 64); err == nil {
			n.Kind, n.Int = Integer, x
			return i
		}
	case !exponent && digits <= 18 && mantissa < 1<<53 && fraction < len(powers):
		// Both are exact, so that their quotient is rounded once. [Clinger 1990]
		n.Kind, n.Num = Number, float64(mantissa)/powers[fraction]
		if negative {
			n.Num = -n.Num
		}
		return i
	}
	x, err := strconv.ParseFloat(string(b[from:i]), 64)
	if err != nil && !math.IsInf(x, 0) { // never, of such a text
		n.Kind = Unusable
		return i
	}
	n.Kind, n.Num = Number, x
	return i
}
