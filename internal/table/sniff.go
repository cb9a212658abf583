package table

import (
	"math"
	"strconv"
	"strings"
)

// shape is what a CSV cell looks like.
type shape uint8

const (
	shapeMissing shape = iota
	shapeInteger       // fits an int64
	shapeLong          // an integer that does not
	shapeNumber        // with a fraction, an exponent, or infinite
	shapeBoolean
	shapeText
)

// evidence is which shapes a column has had.
type evidence [shapeText + 1]bool

func (e *evidence) add(text string) {
	_, s := parse(text)
	e[s] = true
}

// kind decides what a column holds, by the rules that Column tells.
func (e *evidence) kind() Kind {
	integers, numbers := e[shapeInteger] || e[shapeLong], e[shapeNumber]
	switch {
	case e[shapeText], e[shapeBoolean] && (integers || numbers):
		return Text
	case e[shapeBoolean]:
		return Boolean
	case numbers:
		return Number
	case e[shapeLong]:
		return Text // identifiers: as numbers they would lose digits
	case integers:
		return Integer
	}
	return Missing
}

// parseCell reads a cell of a column of kind k.
func parseCell(k Kind, text string) Cell {
	if k == Text {
		if missing(strings.TrimSpace(text)) {
			return Cell{}
		}
		return Cell{Kind: Text, Text: text}
	}
	c, s := parse(text)
	switch {
	case s == shapeMissing:
		return Cell{}
	case k == Missing && s != shapeLong, // a column without history takes what comes
		k == Integer && (s == shapeInteger || s == shapeNumber),
		k == Number && s == shapeNumber,
		k == Boolean && s == shapeBoolean:
		return c
	case k == Number && (s == shapeInteger || s == shapeLong):
		return Cell{Kind: Number, Num: c.Num}
	}
	return Cell{Kind: Text, Text: text}
}

// missing tells whether a cell without its blanks is empty or a NaN. Nan is a name.
func missing(s string) bool {
	return s == "" || len(s) == 3 && (s == "NaN" || s == "nan" || s == "NAN")
}

// parse reads a cell by itself. Blanks around it do not count, but for text.
// Num is set for all numbers.
func parse(text string) (Cell, shape) {
	s := strings.TrimSpace(text)
	if missing(s) {
		return Cell{}, shapeMissing
	}
	switch c := s[0]; {
	case '0' <= c && c <= '9', c == '-', c == '.':
		if cell, shape, ok := parseNumber(s); ok {
			return cell, shape
		}
	case c == 't', c == 'T':
		if strings.EqualFold(s, "true") {
			return Cell{Kind: Boolean, Int: 1}, shapeBoolean
		}
	case c == 'f', c == 'F':
		if strings.EqualFold(s, "false") {
			return Cell{Kind: Boolean}, shapeBoolean
		}
	}
	if sign, ok := infinite(s); ok {
		return Cell{Kind: Number, Num: math.Inf(sign)}, shapeNumber
	}
	return Cell{Kind: Text, Text: text}, shapeText
}

// parseNumber reads a decimal number. What has a plus or leading zeros is none,
// since telephone numbers and postal codes would lose them, and neither is what
// only Go takes for one, such as 0x1p-2 and 1_000.
func parseNumber(s string) (Cell, shape, bool) {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 1 && digits[0] == '0' && '0' <= digits[1] && digits[1] <= '9' {
		return Cell{}, 0, false
	}
	whole := true
	for _, c := range []byte(digits) {
		switch {
		case '0' <= c && c <= '9':
		case c == '.', c == 'e', c == 'E', c == '+', c == '-':
			whole = false
		default:
			return Cell{}, 0, false
		}
	}
	if whole {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return Cell{Kind: Integer, Int: i, Num: float64(i)}, shapeInteger, true
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil && !math.IsInf(x, 0): // too large is infinite; else it is no number
		return Cell{}, 0, false
	case whole:
		return Cell{Kind: Number, Num: x}, shapeLong, true
	}
	return Cell{Kind: Number, Num: x}, shapeNumber, true
}

// infinite reads the spellings of infinity that other programs write.
func infinite(s string) (sign int, ok bool) {
	sign = 1
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = -1, s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	return sign, strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")
}

// ParseCell reads a cell of CSV of whose column nothing is known.
func ParseCell(text string) Cell { return parseCell(Missing, text) }
