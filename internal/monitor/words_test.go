package monitor

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1: "1", -3: "-3", 0.41: "0.41", 0.123456: "0.1235", 20000.4: "20000", 1234567: "1234567", 1e6: "1000000",
		0.00012344: "0.0001234", 1.5e-7: "1.5e-07", 1.23456e20: "1.235e+20", math.Copysign(0, -1): "0",
	} {
		if got := Number(x); got != want {
			t.Errorf("%g is %s, want %s", x, got, want)
		}
	}
}

// A value that is beyond a bound is seen to be.
func TestCompareShowsTheDifference(t *testing.T) {
	if got := compare("psi", 0.20001, "above", 0.2); got != "psi 0.20001 above 0.2" {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-1e9, 1e9).Draw(t, "x")
		bound := math.Nextafter(x, math.Inf(-1))
		says := strings.Fields(compare("m", x, "above", bound))
		if says[1] == says[3] {
			t.Fatalf("%v", says)
		}
	})
}

// Nothing that a stranger sent is markup, or calls anybody.
func TestPlain(t *testing.T) {
	for s, want := range map[string]string{
		"EU":                        "EU",
		"days_since":                "days_since",
		"<!channel> <script>":       "‹!channel› ‹script›",
		"[x](http://evil)":          "［x］(http://evil)",
		"@everyone":                 "＠everyone",
		"a\nb\tc\x00\x1b[0m\u202ed": "a b c［0md",
		"**b** `c` ~~d~~ a|b & c":   "∗∗b∗∗ ˋcˋ ∼∼d∼∼ a¦b ＆ c",
		"\xff":                      "\uFFFD",
		strings.Repeat("ä", 65):     strings.Repeat("ä", 63) + "…",
		strings.Repeat("ä", 64):     strings.Repeat("ä", 64),
	} {
		if got := Plain(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		got := Plain(rapid.String().Draw(t, "text"))
		if strings.ContainsAny(got, "<>&*`~[]|@\\\n\r\t") || utf8.RuneCountInString(got) > MaxText || Plain(got) != got {
			t.Fatalf("%q", got)
		}
	})
}
