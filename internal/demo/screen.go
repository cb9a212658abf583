package demo

import (
	"io"
	"math"
	"strconv"
	"time"
)

// Screen is where the demo shows itself.
type Screen struct {
	W        io.Writer
	Terminal bool           // draws progress bars
	Colour   bool           // marks what drifted
	Zone     *time.Location // of the times
}

// Codes of ANSI colours.
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
)

// paint colours a text. Pad it before: the codes have no width.
func (s *Screen) paint(code, text string) string {
	if !s.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// grouped writes a count with a space between thousands: 208 892.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// sparks are the heights of a sparkline.
var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws values between the lowest and the highest of them, and a gap
// for NaN.
func sparkline(values []float64) string {
	lo, hi := bounds(values)
	line := make([]rune, len(values))
	for i, v := range values {
		switch {
		case math.IsNaN(v):
			line[i] = ' '
		case hi > lo:
			line[i] = sparks[min(int((v-lo)/(hi-lo)*float64(len(sparks))), len(sparks)-1)]
		default:
			line[i] = sparks[len(sparks)/2]
		}
	}
	return string(line)
}

// bounds returns the lowest and highest value beside NaN; NaN if there is none.
func bounds(values []float64) (lo, hi float64) {
	lo, hi = math.NaN(), math.NaN()
	for _, v := range values {
		if math.IsNaN(lo) || v < lo {
			lo = v
		}
		if math.IsNaN(hi) || v > hi {
			hi = v
		}
	}
	return lo, hi
}
