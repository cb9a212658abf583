package demo

import (
	"io"
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

// sparkline draws values between the lowest and the highest of them.
func sparkline(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	lo, hi := bounds(values)
	line := make([]rune, len(values))
	for i, v := range values {
		at := len(sparks) / 2
		if hi > lo {
			at = int((v - lo) / (hi - lo) * float64(len(sparks)))
		}
		line[i] = sparks[min(at, len(sparks)-1)]
	}
	return string(line)
}

func bounds(values []float64) (lo, hi float64) {
	lo, hi = values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}
