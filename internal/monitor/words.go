package monitor

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// MaxText is how many letters of a name or value that comes from data are shown.
const MaxText = 64

// Number writes a number for people: four significant digits, whole numbers in
// full.
func Number(x float64) string { return digits(x, 4) }

// digits writes a number with so many significant digits, without an exponent
// where that is short enough to read.
func digits(x float64, n int) string {
	size := math.Abs(x)
	if x == math.Trunc(x) && size < 1e15 {
		return strconv.FormatFloat(x+0, 'f', -1, 64) // + 0: no -0
	}
	s := strconv.FormatFloat(x, 'g', n, 64)
	if size >= 1e-4 && size < 1e15 {
		if rounded, err := strconv.ParseFloat(s, 64); err == nil {
			return strconv.FormatFloat(rounded, 'f', -1, 64)
		}
	}
	return s
}

// compare says that a value is above or below a bound.
func compare(name string, x float64, how string, bound float64) string {
	a, b := Apart(x, bound)
	return name + " " + a + " " + how + " " + b
}

// Apart writes two numbers with as many digits as it takes to see which is the
// greater.
func Apart(x, y float64) (a, b string) {
	for n := 4; n < 17; n++ {
		if a, b = digits(x, n), digits(y, n); a != b || x == y {
			return a, b
		}
	}
	return digits(x, 17), digits(y, 17)
}

// Within says where a value should be: "between 1 and 2".
func Within(lower, upper *float64) string {
	switch {
	case lower != nil && upper != nil:
		return "between " + Number(*lower) + " and " + Number(*upper)
	case lower != nil:
		return "at least " + Number(*lower)
	case upper != nil:
		return "at most " + Number(*upper)
	}
	return ""
}

// Short returns a metric without its family, as sentences have it: psi of
// ml.drift.psi, estimated.accuracy of ml.performance.estimated.accuracy.
func Short(metric string) string {
	parts := strings.SplitN(metric, ".", 3)
	return parts[len(parts)-1]
}

// Plural counts things: 1 day, 2 days.
func Plural(n uint64, thing string) string {
	s := strconv.FormatUint(n, 10) + " " + thing
	if n != 1 {
		s += "s"
	}
	return s
}

// list names the first few of what is new.
func list(es []Evidence) string {
	const shown = 5
	var names []string
	for i, e := range es {
		if i == shown {
			names = append(names, "…")
			break
		}
		names = append(names, "“"+Plain(e.Name)+"”")
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// markup are the letters that mean something to HTML, Markdown or a chat, each
// with one that looks like it and means nothing.
var markup = strings.NewReplacer("<", "‹", ">", "›", "&", "＆", "*", "∗", "`", "ˋ", "~", "∼", "[", "［", "]", "］", "|", "¦", "@", "＠", "\\", "＼")

// Plain makes text that comes from data fit for a sentence: a value that a stranger
// sent can be no markup, call nobody, break no line, and not be the whole message.
func Plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1 // control letters, and those that turn the direction of text
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if letters := []rune(s); len(letters) > MaxText {
		s = string(letters[:MaxText-1]) + "…"
	}
	return markup.Replace(s)
}
